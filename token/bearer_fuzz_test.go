package token_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// Whatever the header is: it lets in if it is the scheme, spaces and a live token, and
// never else; and a refusal is one of those that there are, without a word of the header.
func FuzzBearerHeader(f *testing.F) {
	// LIVE stands for the token, and its parts for parts of it.
	const whole, id, own = "LIVE", "PREFIXID", "SECRET"
	for _, header := range []string{
		"Bearer " + whole, "bEARER   " + whole, "Bearer " + whole + " ", "Bearer\t" + whole, "Bearer" + whole, " Bearer " + whole, whole, "Basic " + whole,
		"Bearer " + whole + whole, "Bearer " + whole + ", Bearer " + whole, "Bearer \"" + whole + "\"", "Bearer " + id + own, "Bearer " + id + own + "=",
		"Bearer " + own, "Bearer " + id, "Bearer " + own + id, "Bearer", "", "Bearer ", "Bearer mcpoauth_ak_" + own, "Bearer x",
		"Bearer " + whole + "\x00", "Bearer\u00a0" + whole, "Bearer \u00a0" + whole, "DPoP " + whole, "Bearer token=" + whole,
	} {
		f.Add(header, 0, "")
		f.Add(header, 20, "A")
	}
	g := protect(f, 1)
	token := g.tokens[0]
	letsIn := regexp.MustCompile(`\A(?:[Bb][Ee][Aa][Rr][Ee][Rr]) +` + regexp.QuoteMeta(token) + `\z`)
	f.Fuzz(func(t *testing.T, header string, at int, with string) {
		half := len(token) - 43
		header = strings.NewReplacer(whole, token, id, token[:half], own, token[half:]).Replace(header)
		if at > 0 && at+len(with) <= len(header) {
			header = header[:at] + with + header[at+len(with):]
		}
		before, w := g.reached, httptest.NewRecorder()
		g.ServeHTTP(w, request(header))
		if in := g.reached > before; in != letsIn.MatchString(header) {
			t.Fatalf("%q lets in: %v", header, in)
		} else if in {
			return
		}
		challenge := w.Header().Get("WWW-Authenticate")
		if w.Code != http.StatusUnauthorized || !strings.HasPrefix(challenge, "Bearer ") || w.Header().Get("Cache-Control") == "" {
			t.Errorf("%q: %d, %v", header, w.Code, w.Header())
		}
		if said := w.Body.String() + challenge; len(header) > 30 && strings.Contains(said, header[len(header)-20:]) {
			t.Errorf("%q is repeated: %s", header, said)
		}

		// Beside a good one any other header is one too many.
		before, w = g.reached, httptest.NewRecorder()
		g.ServeHTTP(w, request("Bearer "+token, header))
		if g.reached > before || w.Code != http.StatusBadRequest {
			t.Errorf("beside %q: %d", header, w.Code)
		}
	})
}
