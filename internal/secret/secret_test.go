package secret_test

import (
	"crypto/sha256"
	"encoding/json"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

func TestSecretsAreDistinctAndOfTheirLength(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		for s, want := range map[string]int{secret.New(): secret.Len, secret.NewID(): secret.IDLen} {
			if len(s) != want || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
				t.Fatalf("%q is not %d characters of base64url", s, want)
			}
			if seen[s] {
				t.Fatal("a secret came twice")
			}
			seen[s] = true
		}
	}
}

func TestAHashMatchesItsSecretAndNothingElse(t *testing.T) {
	s := secret.New()
	h := secret.Sum(s)
	if !h.Matches(s) || !h.Equal(secret.Sum(s)) {
		t.Error("it does not match its secret")
	}
	for _, other := range []string{"", s[1:], s + "A", strings.ToLower(s), secret.New()} {
		if h.Matches(other) || h.Equal(secret.Sum(other)) {
			t.Errorf("it matches %q", other)
		}
	}
}

func TestSumIsSHA256OfAnyLength(t *testing.T) {
	for _, n := range []int{0, 1, 43, 127, 128, 129, 1000} {
		s := strings.Repeat("x", n)
		if secret.Sum(s) != secret.Hash(sha256.Sum256([]byte(s))) {
			t.Errorf("not of %d bytes", n)
		}
	}
}

func TestTheZeroHashMatchesNothing(t *testing.T) {
	var zero secret.Hash
	if zero.Equal(zero) {
		t.Error("it equals itself")
	}
	for _, s := range []string{"", "a", secret.New()} {
		if zero.Matches(s) || zero.Equal(secret.Sum(s)) || secret.Sum(s).Equal(zero) {
			t.Errorf("it matches %q", s)
		}
	}
}

func TestAHashComesBackFromItsText(t *testing.T) {
	type record struct {
		Hash  secret.Hash `json:"hash,omitzero"`
		Unset secret.Hash `json:"unset,omitzero"`
	}
	want := record{Hash: secret.Sum("a")}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != `{"hash":"ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs"}` {
		t.Errorf("it was written as %s", data)
	}
	var got record
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Errorf("it came back as %v, %v", got, err)
	}
}

func TestTextThatIsNoHashIsRefused(t *testing.T) {
	good, err := secret.Sum("a").MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":                        "",
		"too short":                    string(good[1:]),
		"too long":                     string(good) + "A",
		"padded":                       string(good) + "=",
		"the other alphabet":           "+" + string(good[1:]),
		"a line end in it":             "\n" + string(good[1:]),
		"three line ends in it":        string(good[:40]) + "\r\n\n",
		"bits beyond the last byte":    string(good[:len(good)-1]) + "t",
		"as long as a hash, not of it": strings.Repeat("é", 21) + "A",
	} {
		var h secret.Hash
		if err := h.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s: %q was read", name, text)
		}
	}
}

func TestEqualComparesWhole(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"", "", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "", false},
		{"a", "aa", false},
		{strings.Repeat("x", 1000), strings.Repeat("x", 1000), true},
		{strings.Repeat("x", 1000), strings.Repeat("x", 999) + "y", false},
	} {
		if got := secret.Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%.5q, %.5q) = %v", c.a, c.b, got)
		}
	}
}

func TestHashingDoesNotAllocate(t *testing.T) {
	s := secret.New()
	h := secret.Sum(s)
	if n := testing.AllocsPerRun(1000, func() {
		if !h.Matches(s) {
			t.Fatal("no match")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnIDHasTheFormThatNewIDGivesIt(t *testing.T) {
	good := secret.NewID()
	for s, want := range map[string]bool{
		good: true, "azAZ09-_azAZ09-_azAZ09": true,
		"": false, good[1:]: false, good + "A": false, good[1:] + "/": false, good[1:] + "\x00": false, good[2:] + "é": false,
	} {
		if got := secret.ValidID(s); got != want {
			t.Errorf("ValidID(%q) = %v", s, got)
		}
	}
}
