package token

import (
	"encoding/base64"
	"testing"
)

func TestParseBasic(t *testing.T) {
	encode := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	tests := []struct {
		name, header string
		id, password string
		ok           bool
	}{
		{"the ID and the password", encode("id:password"), "id", "password", true},
		{"a public client of x/oauth2 has an empty password", encode("id:"), "id", "", true},
		{"the password may have colons", encode("id:pass:word"), "id", "pass:word", true},
		{"the ID is decoded, the password is left for who knows whether it was encoded", encode("%69d:%70"), "id", "%70", true},
		{"an ID that cannot be decoded is taken as it is", encode("i%d:p"), "i%d", "p", true},
		{"the scheme in another case", "bAsIc " + base64.StdEncoding.EncodeToString([]byte("id:p")), "id", "p", true},
		{"spare spaces", "Basic   " + base64.StdEncoding.EncodeToString([]byte("id:p")) + " ", "id", "p", true},
		{"no colon", encode("id"), "", "", false},
		{"not base64", "Basic id:password", "", "", false},
		{"nothing", "Basic ", "", "", false},
		{"another scheme", "Bearer aWQ6cA==", "", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			id, password, ok := parseBasic(test.header)
			if ok != test.ok || ok && (id != test.id || password != test.password) {
				t.Errorf("got %q, %q, %v", id, password, ok)
			}
		})
	}
}
