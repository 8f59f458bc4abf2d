package store

import (
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// A token has one reading, one kind and one spelling.
func FuzzATokenIsReadInOneWay(f *testing.F) {
	id, one, two := strings.Repeat("i", secret.IDLen), strings.Repeat("s", secret.Len), strings.Repeat("t", secret.Len)
	for _, prefix := range []string{accessPrefix, keyPrefix, refreshPrefix, codePrefix, enrolmentPrefix, sessionPrefix, clientPrefix, "", "mcpoauth_at", "MCPOAUTH_AT_"} {
		for _, rest := range []string{"", id, id + one, id + one + two, id + one + "s", id[1:] + one + ".", id + one + "\x00", one + id, "é" + id[2:] + one, id[1:] + "\n" + one} {
			f.Add(prefix + rest)
		}
	}
	f.Fuzz(func(t *testing.T, token string) {
		kinds := 0
		for _, prefix := range []string{accessPrefix, keyPrefix, codePrefix, enrolmentPrefix, sessionPrefix} {
			id, own, ok := parseSingle(prefix, token)
			if !ok {
				continue
			}
			kinds++
			if prefix+id+own != token || !secret.ValidID(id) || len(own) != secret.Len {
				t.Errorf("%q is read as %q, %q", token, id, own)
			}
		}
		id, own, isKey, ok := parseAccess(token)
		if prefix := map[bool]string{true: keyPrefix, false: accessPrefix}[isKey]; ok && prefix+id+own != token {
			t.Errorf("%q opens the grant %q with %q, as a key: %v", token, id, own, isKey)
		}
		if ok && formatAccess(id, own) != token && !isKey {
			t.Errorf("%q is not how it would be written", token)
		}
		if l, ok := parseRefresh(token); ok {
			kinds++
			if l.refresh() != token || !secret.ValidID(l.grantID) || len(l.family) != secret.Len || len(l.own) != secret.Len {
				t.Errorf("%q is read as %+v", token, l)
			}
		}
		if kinds > 1 {
			t.Errorf("%q is of %d kinds", token, kinds)
		}
	})
}
