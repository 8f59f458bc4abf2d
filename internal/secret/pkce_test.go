package secret_test

import (
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func TestS256IsThatOfAppendixB(t *testing.T) {
	if got := secret.S256(verifier); got != challenge {
		t.Errorf("S256 = %q", got)
	}
	if !secret.ValidVerifier(verifier) || !secret.ValidChallenge(challenge) {
		t.Error("the RFC's own example is not valid")
	}
}

func TestVerifyS256TakesTheVerifierOfTheChallengeOnly(t *testing.T) {
	for _, c := range []struct {
		challenge, verifier string
		want                bool
	}{
		{challenge, verifier, true},
		{challenge, verifier + "A", false},
		{challenge, strings.ToLower(verifier), false},
		{challenge, "", false},
		{challenge, challenge, false}, // the method "plain"
		{verifier, verifier, false},
		{"", "", false},
		{"", verifier, false},
		{challenge + "=", verifier, false},
	} {
		if got := secret.VerifyS256(c.challenge, c.verifier); got != c.want {
			t.Errorf("VerifyS256(%q, %q) = %v", c.challenge, c.verifier, got)
		}
	}
}

func TestAVerifierHas43To128UnreservedCharacters(t *testing.T) {
	for _, c := range []struct {
		verifier string
		want     bool
	}{
		{strings.Repeat("a", 43), true},
		{strings.Repeat("a", 128), true},
		{strings.Repeat("azAZ09-._~", 5), true},
		{"", false},
		{strings.Repeat("a", 42), false},
		{strings.Repeat("a", 129), false},
		{strings.Repeat("a", 43) + " ", false},
		{strings.Repeat("a", 43) + "+", false},
		{strings.Repeat("a", 43) + "=", false},
		{strings.Repeat("a", 43) + "%", false},
		{strings.Repeat("a", 43) + "\n", false},
		{strings.Repeat("a", 43) + "\x00", false},
		{strings.Repeat("é", 43), false},
	} {
		if got := secret.ValidVerifier(c.verifier); got != c.want {
			t.Errorf("ValidVerifier(%q) = %v", c.verifier, got)
		}
	}
}

func TestAChallengeIsASHA256InBase64URL(t *testing.T) {
	for _, c := range []struct {
		challenge string
		want      bool
	}{
		{challenge, true},
		{"", false},
		{challenge[1:], false},
		{challenge + "A", false},
		{challenge + "=", false},
		{"+" + challenge[1:], false},
		{challenge[:42] + "N", false}, // bits beyond the 32nd byte
		{"\n" + challenge[1:], false},
		{challenge[:40] + "\n\n\n", false},
		{challenge[:36] + "\r\n\r\n\r\n\n", false},
	} {
		if got := secret.ValidChallenge(c.challenge); got != c.want {
			t.Errorf("ValidChallenge(%q) = %v", c.challenge, got)
		}
	}
}
