package token

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What clients that encode (RFC 6749 §2.3.1) and clients that do not mean arrives as they
// meant it; and a header is Basic credentials to us and to net/http alike.
func FuzzBasicHeader(f *testing.F) {
	encode := base64.StdEncoding.EncodeToString
	for _, pair := range []string{"id:password", "id:", "id:pass:word", "%69d:%70", "i%d:p", ":", "", "id", "a+b:c d", "\xff:\x00", "id:%zz%41"} {
		id, password, _ := strings.Cut(pair, ":")
		f.Add("Basic "+encode([]byte(pair)), id, password)
		f.Add("bAsIc   "+encode([]byte(pair))+" ", id, password)
	}
	for _, header := range []string{"", "Basic", "Basic ", "Basic id:password", "Bearer aWQ6cA==", "Basic aWQ6cA", "Basic aWQ6cB==", "Basic aWQ6\ncA==", "Basic\taWQ6cA=="} {
		f.Add(header, "", "")
	}
	f.Fuzz(func(t *testing.T, header, id, password string) {
		gotID, gotPassword, ok := parseBasic(header)
		// Spare spaces are forgiven.
		scheme, credentials, _ := strings.Cut(header, " ")

		r := &http.Request{Header: http.Header{"Authorization": {scheme + " " + strings.TrimSpace(credentials)}}}
		wantID, wantPassword, wantOK := r.BasicAuth()
		if ok != wantOK || ok && (gotPassword != wantPassword || gotID != unescape(wantID)) {
			t.Errorf("%q is %q, %q, %v, and to net/http %q, %q, %v", header, gotID, gotPassword, ok, wantID, wantPassword, wantOK)
		}

		encoded := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(password)))
		if gotID, gotPassword, ok = parseBasic(encoded); !ok || gotID != id || unescape(gotPassword) != password {
			t.Errorf("%q and %q, encoded, are %q and %q, %v", id, password, gotID, gotPassword, ok)
		}
		if strings.ContainsAny(id, ":%+") {
			return // no ID of ours
		}
		plain := "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))
		if gotID, gotPassword, ok = parseBasic(plain); !ok || gotID != id || gotPassword != password {
			t.Errorf("%q and %q, as they are, are %q and %q, %v", id, password, gotID, gotPassword, ok)
		}
	})
}
