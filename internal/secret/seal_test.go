package secret_test

import (
	"bytes"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

func TestAPairOpensWithItsKeyOnly(t *testing.T) {
	key, first, second := secret.New(), secret.New(), secret.New()
	sealed := secret.Seal(key, first, second)
	if f, s, ok := sealed.Open(key); !ok || f != first || s != second {
		t.Errorf("Open = %q, %q, %v", f, s, ok)
	}
	for _, wrong := range []string{"", key[1:], key + "A", first, second, secret.New()} {
		if f, s, ok := sealed.Open(wrong); ok || f != "" || s != "" {
			t.Errorf("it opened with %q", wrong)
		}
	}
	var zero secret.Sealed
	if _, _, ok := zero.Open(key); ok {
		t.Error("the zero value opened")
	}
}

func TestAPairThatWasChangedDoesNotOpen(t *testing.T) {
	key := secret.New()
	sealed := secret.Seal(key, secret.New(), secret.New())
	for i := range sealed {
		changed := sealed
		changed[i] ^= 1
		if _, _, ok := changed.Open(key); ok {
			t.Fatalf("it opened with byte %d changed", i)
		}
	}
}

func TestASealedPairShowsNeitherSecret(t *testing.T) {
	first, second := secret.New(), secret.New()
	text, err := secret.Seal(secret.New(), first, second).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(first[:8])) || bytes.Contains(text, []byte(second[:8])) {
		t.Error("a secret can be read")
	}
}

func TestASealedPairComesBackFromItsText(t *testing.T) {
	key, first, second := secret.New(), secret.New(), secret.New()
	text, err := secret.Seal(key, first, second).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back secret.Sealed
	if err := back.UnmarshalText(text); err != nil {
		t.Fatal(err)
	}
	if f, s, ok := back.Open(key); !ok || f != first || s != second {
		t.Error("it does not open any more")
	}
	for _, bad := range [][]byte{nil, text[1:], append(text, 'A')} {
		if err := back.UnmarshalText(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestSealTakesSecretsOnly(t *testing.T) {
	for _, bad := range []string{"", "short", secret.New() + "A", secret.NewID()} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("it sealed %q", bad)
				}
			}()
			secret.Seal(secret.New(), bad, secret.New())
		}()
	}
}

func TestADerivedSecretBelongsToItsKeyAndPurpose(t *testing.T) {
	key := secret.New()
	derived := secret.Derive(key, "family")
	if len(derived) != secret.Len || derived != secret.Derive(key, "family") {
		t.Errorf("%q is no secret, or another one each time", derived)
	}
	for _, other := range []string{secret.Derive(key, "other"), secret.Derive(secret.New(), "family"), key} {
		if other == derived {
			t.Error("another key or purpose has the same")
		}
	}
}

// Two answers may be sealed under one key when two requests race.
func TestTwoSealsOfOnePairDiffer(t *testing.T) {
	key, first, second := secret.New(), secret.New(), secret.New()
	one, other := secret.Seal(key, first, second), secret.Seal(key, first, second)
	if one == other {
		t.Error("the nonce is the same")
	}
}
