package secret_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

func TestWhatAMasterSealedOpensUnderItsLabelOnly(t *testing.T) {
	m, other := secret.NewMaster(secret.NewMasterKey()), secret.NewMaster(secret.NewMasterKey())
	for _, plain := range []string{"", "a", strings.Repeat("a secret ", 10_000)} {
		sealed := m.Seal("grant/a", []byte(plain))
		if got, ok := m.Open("grant/a", sealed); !ok || string(got) != plain {
			t.Errorf("Open = %.20q, %v", got, ok)
		}
		for _, label := range []string{"", "grant/b", "grant/a ", "grant/"} {
			if _, ok := m.Open(label, sealed); ok {
				t.Errorf("it opened under the label %q", label)
			}
		}
		if _, ok := other.Open("grant/a", sealed); ok {
			t.Error("it opened with another key")
		}
		if len(plain) > 0 && bytes.Contains(sealed, []byte(plain[:1]+"secret")) {
			t.Error("it can be read")
		}
	}
}

func TestWhatAMasterSealedDoesNotOpenWhenItWasChanged(t *testing.T) {
	m := secret.NewMaster(secret.NewMasterKey())
	sealed := m.Seal("a", []byte("plain"))
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		if _, ok := m.Open("a", changed); ok {
			t.Fatalf("it opened with byte %d changed", i)
		}
		if _, ok := m.Open("a", sealed[:i]); ok {
			t.Fatalf("it opened with %d bytes", i)
		}
		if _, ok := m.Open("a", sealed[i+1:]); ok {
			t.Fatalf("it opened without the first %d bytes", i+1)
		}
	}
	if _, ok := m.Open("a", append(sealed, 0)); ok {
		t.Error("it opened with a byte more")
	}
}

func TestTwoSealsOfAMasterDiffer(t *testing.T) {
	m := secret.NewMaster(secret.NewMasterKey())
	if bytes.Equal(m.Seal("a", []byte("plain")), m.Seal("a", []byte("plain"))) {
		t.Error("the nonce is the same")
	}
}

func TestTheNameOfAMasterBelongsToItsKey(t *testing.T) {
	key := secret.NewMasterKey()
	name := secret.NewMaster(key).Name()
	if len(name) != 12 || name != secret.NewMaster(key).Name() {
		t.Errorf("the name is %q, or another one each time", name)
	}
	if name == secret.NewMaster(secret.NewMasterKey()).Name() {
		t.Error("another key has the same name")
	}
}

// What lies in somebody's database has to open with the next version too.
func TestWhatAMasterSealedLongAgoOpens(t *testing.T) {
	m := secret.NewMaster([secret.MasterLen]byte([]byte("0123456789abcdef0123456789abcdef")))
	sealed, err := hex.DecodeString("2fc7a75a09f1a0ee4e81aa548c2cf764ab15864a54fffb69318514fe7380d87604")
	if err != nil {
		t.Fatal(err)
	}
	if plain, ok := m.Open("1:5:grant/a", sealed); !ok || string(plain) != "plain" || m.Name() != "389e925dcde5" {
		t.Errorf("Open = %q, %v with the key %s", plain, ok, m.Name())
	}
}
