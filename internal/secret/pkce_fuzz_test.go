package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
)

var (
	rfc7636Verifier = regexp.MustCompile(`\A[A-Za-z0-9\-._~]{43,128}\z`)
	s256Challenge   = regexp.MustCompile(`\A[A-Za-z0-9\-_]{43}\z`)
)

// Of all challenges one belongs to a verifier, in one spelling; and what is taken for either
// is what RFC 7636 says.
func FuzzPKCE(f *testing.F) {
	for _, verifier := range []string{
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", // RFC 7636, appendix B
		strings.Repeat("a", 42), strings.Repeat("a", 43), strings.Repeat("~", 128), strings.Repeat("~", 129),
		"", strings.Repeat("a", 42) + "+", strings.Repeat("a", 42) + "=", strings.Repeat("a", 42) + "\n", strings.Repeat("é", 30),
	} {
		f.Add(verifier, S256(verifier))
		f.Add(verifier, verifier)
		f.Add(verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN") // the last bits of the RFC's are others
	}
	f.Fuzz(func(t *testing.T, verifier, challenge string) {
		if got, want := ValidVerifier(verifier), rfc7636Verifier.MatchString(verifier); got != want {
			t.Errorf("the verifier %q: %v, want %v", verifier, got, want)
		}
		sum := sha256.Sum256([]byte(verifier))
		its := base64.RawURLEncoding.EncodeToString(sum[:])
		if got := VerifyS256(challenge, verifier); got != (challenge == its) {
			t.Errorf("%q for the verifier %q: %v, and its challenge is %q", challenge, verifier, got, its)
		}
		if S256(verifier) != its || !ValidChallenge(its) {
			t.Errorf("the challenge of %q is %q, want %q", verifier, S256(verifier), its)
		}
		if !ValidChallenge(challenge) {
			return
		}
		raw, err := base64.RawURLEncoding.DecodeString(challenge)
		if err != nil || len(raw) != sha256.Size || base64.RawURLEncoding.EncodeToString(raw) != challenge || !s256Challenge.MatchString(challenge) {
			t.Errorf("%q is taken for a challenge", challenge)
		}
	})
}
