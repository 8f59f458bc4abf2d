package mcpoauth_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A fuzzed server has an owner and clients whose IDs are the same in every process, and
// takes requests that no HTTP client would send.
type fuzzed struct {
	router *mcpoauth.Router
	store  *store.Store
}

// Clients of a fuzzed server, with where each can be sent. What a port may be is NNN.
var fuzzedClients = []mcpoauth.Client{
	{ID: "web", RedirectURIs: []string{webClient}},
	{ID: "desktop", RedirectURIs: []string{loopback, "http://localhost/cb?x=1"}},
	{ID: "native", RedirectURIs: []string{"cursor://anysphere.cursor-mcp/oauth/callback"}},
	{ID: "confidential", Secret: confidentialSecret, RedirectURIs: []string{webClient + "/confidential"}},
}

// confidentialSecret means something else when it is decoded.
const confidentialSecret = "a:secret+of%20the%41tests"

func newFuzzed(f *testing.F, cfg mcpoauth.Config) *fuzzed {
	f.Helper()
	backend := memory.New(memory.Options{})
	s := &fuzzed{store: store.New(backend, store.Lifetimes{})}
	owner := store.User{Name: "owner", Handle: store.NewUserHandle(store.OwnerID), Passkeys: []store.Passkey{{ID: []byte("passkey"), PublicKey: []byte{1}}}}
	if err := s.store.CreateOwner(f.Context(), owner); err != nil {
		f.Fatal(err)
	}
	cfg.ServerURL, cfg.Store, cfg.Clients, cfg.RateLimits = serverURL, backend, fuzzedClients, unlimited
	cfg.DisableMetadataDocuments = true // or it would ask the internet
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.router, err = mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), cfg); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		s.router.Close()
		backend.Close()
	})
	return s
}

// connected makes a grant of a client, and returns its code if it is not to be redeemed.
func (s *fuzzed) connected(t testing.TB, clientID string, redeem bool) (code string, tokens store.Tokens) {
	t.Helper()
	code, err := s.store.Approve(t.Context(), store.Approval{
		UserID: store.OwnerID, UserName: "owner", Client: &store.Client{ID: clientID, Preregistered: true}, RedirectURI: webClient, Resource: mcpURL,
		Scopes: []string{"mcp:tools"}, Challenge: secret.S256(verifier), Browser: secret.Sum(fuzzedBrowser),
	})
	if err != nil {
		t.Fatal(err)
	}
	if !redeem {
		return code, store.Tokens{}
	}
	tokens, err = s.store.ConsumeCode(t.Context(), store.Redemption{
		Code: code, ClientID: clientID, Verifier: verifier, Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return code, tokens
}

// fuzzedBrowser is the browser cookie of who approved what is connected.
const fuzzedBrowser = "a-browser-of-the-tests-abcdefghijklmnopqrst"

// ask sends a request as it is, with headers given as name, value, name, value...
func (s *fuzzed) ask(ctx context.Context, method, path, query, body string, headers ...string) answer {
	r := (&http.Request{
		Method: method, URL: &url.URL{Path: path, RawQuery: query}, RequestURI: path + "?" + query, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: "example.com", RemoteAddr: "10.0.0.1:1234", Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)),
	}).WithContext(ctx)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		name := http.CanonicalHeaderKey(headers[i])
		r.Header[name] = append(r.Header[name], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.router.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return answer{res, w.Body.String()}
}

// wantSound fails unless an answer is one that any request may get: no trouble of ours, and
// nothing that breaks out of a header.
func (a answer) wantSound(t *testing.T) {
	t.Helper()
	if a.StatusCode >= 500 || a.StatusCode < 200 {
		t.Fatalf("%s %s: %d %s", a.Request.Method, a.Request.URL, a.StatusCode, a.body)
	}
	for name, values := range a.Header {
		if strings.ContainsFunc(name+strings.Join(values, ""), func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Errorf("the header %q has %q", name, values)
		}
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") &&
		(!strings.Contains(a.Header.Get("Content-Security-Policy"), "script-src 'self'") || a.Header.Get("X-Frame-Options") != "DENY") {
		t.Errorf("a page without its policy: %v", a.Header)
	}
}

// markup counts what could be markup.
func (a answer) markup() [4]int {
	return [...]int{strings.Count(a.body, "<"), strings.Count(a.body, ">"), strings.Count(a.body, `"`), strings.Count(a.body, "'")}
}

// unmarked returns an encoded query or form with nothing in it that could be markup.
func unmarked(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return query
	}
	clean := make(url.Values)
	for name, list := range values {
		for _, value := range list {
			clean.Add(withoutMarkup(name), withoutMarkup(value))
		}
	}
	return clean.Encode()
}

// hasMarkup reports whether anything in an encoded query or form could be markup.
func hasMarkup(encoded string) bool {
	decoded, err := url.QueryUnescape(encoded)
	return err != nil || withoutMarkup(decoded) != decoded
}

// withoutMarkup leaves all else as it is, bytes that are no text among it. What it puts there
// is no digit: of page=1" must not become page 10.
func withoutMarkup(s string) string { return withoutMarkupIn.Replace(s) }

var withoutMarkupIn = strings.NewReplacer("<", "~", ">", "~", `"`, "~", "'", "~")

// action returns where the form of an approval page leads.
func (a answer) action() string {
	found := formAction.FindStringSubmatch(a.body)
	if found == nil {
		return ""
	}
	return html.UnescapeString(found[1])
}
