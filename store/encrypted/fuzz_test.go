package encrypted_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Whatever somebody writes into the database: what opens is what was sealed.
func FuzzWhatOpensIsWhatWasSealed(f *testing.F) {
	const plain = `{"id": "a", "scopes": ["notes:read"]}`
	life := time.Date(2100, 7, 28, 12, 0, 0, 123456789, time.UTC)
	a, b := store.Key{Kind: store.KindGrant, ID: "a"}, store.Key{Kind: store.KindGrant, ID: "b"}
	in := inner(f)
	sealed := over(f, in, key(f, oneKey))
	create(f, sealed, a, plain, life)
	create(f, sealed, b, `{}`, time.Time{})
	for _, key := range []store.Key{a, b} {
		data, err := json.Marshal(envelopeOf(f, in, key))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)/2])
		f.Add([]byte(flip(string(data), len(data)-20)))
		f.Add(append([]byte(" [1]"), data...))
	}
	for _, data := range []string{
		"", "{}", "null", "[]", "1", `""`, plain,
		`{"format": 1}`, `{"format": -1, "sealed": null}`, `{"format": 1e9, "key": ""}`, `{"FORMAT": 1, "Key": "389e925dcde5", "sealed": "AAAA"}`,
		`{"format": 1, "key": "389e925dcde5", "sealed": ""}`, `{"format": 1, "key": "389e925dcde5", "sealed": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := inner(t)
		create(t, in, a, string(data), time.Time{})
		record, err := over(t, in, key(t, oneKey)).Get(t.Context(), a)
		if err == nil && (text(t, record) != plain || record.ExpiresAt != life || record.Key != a) {
			t.Errorf("%q opened to %s, which expires at %v", data, text(t, record), record.ExpiresAt)
		}
	})
}
