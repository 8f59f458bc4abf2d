package account

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestAPasskeySaysWhereItLives(t *testing.T) {
	for name, tc := range map[string]struct {
		passkey store.Passkey
		want    string
	}{
		"synced":           {store.Passkey{BackupEligible: true, BackedUp: true}, "Synced between devices"},
		"not synced yet":   {store.Passkey{BackupEligible: true}, "Can be synced between devices, but is on one so far"},
		"a security key":   {store.Passkey{Transports: []string{"usb", "nfc"}}, "On a security key or another device, and nowhere else"},
		"this device":      {store.Passkey{Transports: []string{"internal"}}, "On one device, and nowhere else"},
		"it does not tell": {store.Passkey{}, "On one device, and nowhere else"},
	} {
		if got := kind(tc.passkey); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAPasskeyWithoutANameIsCalledByWhoKeepsIt(t *testing.T) {
	for name, tc := range map[string]struct {
		passkey store.Passkey
		want    string
	}{
		"named":           {store.Passkey{Name: "Phone", AAGUID: []byte("ProtonPassProton")}, "Phone"},
		"a known keeper":  {store.Passkey{AAGUID: []byte("ProtonPassProton")}, "Proton Pass"},
		"an unknown one":  {store.Passkey{AAGUID: make([]byte, 16)}, "Passkey 3"},
		"none, or broken": {store.Passkey{AAGUID: []byte("x")}, "Passkey 3"},
	} {
		if got := passkeyName(tc.passkey, 2); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	for id := range makers {
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) {
			t.Errorf("%q is no AAGUID", id)
		}
	}
}

// A code that is none would say nothing where something was done.
func TestEveryCodeThatIsReportedHasItsNotice(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, entry := range entries {
		source, err := os.ReadFile(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`h\.report\(v, "([a-z-]+)"|page, "(revoked-[a-z]+)"|notices\["(passkey-added)"\]`).FindAllStringSubmatch(string(source), -1) {
			used[found[1]+found[2]+found[3]] = true
		}
	}
	for code := range used {
		if notices[code].text == "" {
			t.Errorf("%s has no notice", code)
		}
	}
	for code := range notices {
		if !used[code] {
			t.Errorf("nothing says %s", code)
		}
	}
}

func TestTwoActionsNeverHaveTheSameDigest(t *testing.T) {
	seen := make(map[store.Hash]string)
	for _, action := range [][]string{
		{"sign-in"},
		{"invite", "owner", "a"},
		{"invite", "ownera"},
		{"invite", "owner", "a", ""},
		{"invite", "owner", "a\x00b"},
		{"invite", "owner", "a", "b"},
		{"inviteowner", "a"},
		{"create key", "a", `b","c`},
		{"create key", "a", "b", "c"},
	} {
		d := digest(action[0], action[1:]...)
		if before, ok := seen[d]; ok {
			t.Errorf("%q and %q have the same digest", before, action)
		}
		seen[d] = strings.Join(action, "|")
	}
}
