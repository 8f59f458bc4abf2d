package token_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/token"
)

const verifier = "a-verifier.of_the~tests-0123456789-0123456789"

var resource = oauth.Resource{URL: "https://example.com/mcp", Path: "/mcp", Scopes: []string{"mcp:tools"}}

// A guarded is a handler behind a guard, with access tokens for it.
type guarded struct {
	http.Handler
	tokens  []string
	reached int
}

// protect returns a guarded handler and n tokens of as many grants. The limit is on,
// as it is in a Router, but out of reach, and uses are remembered.
func protect(tb testing.TB, n int) *guarded {
	tb.Helper()
	backend := memory.New(memory.Options{})
	tb.Cleanup(func() { backend.Close() })
	st := store.New(backend, store.Lifetimes{})
	g := new(guarded)
	for range n {
		g.tokens = append(g.tokens, connect(tb, st, resource.URL, resource.Scopes))
	}
	uses := token.NewUses(st, ratelimit.Proxies(nil).Network, slog.New(slog.DiscardHandler))
	tb.Cleanup(uses.Close)
	g.Handler = token.Guard{
		Store:       st,
		Resource:    resource,
		MetadataURL: "https://example.com/.well-known/oauth-protected-resource/mcp",
		Limit:       ratelimit.NewTable[string](1<<40, 10_000),
		Uses:        uses,
		Log:         slog.New(slog.DiscardHandler),
	}.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { g.reached++ }))
	return g
}

// connect returns an access token of a new grant.
func connect(tb testing.TB, st *store.Store, resourceURL string, scopes []string) string {
	tb.Helper()
	client := &store.Client{ID: "client", RedirectURIs: []string{"https://client.example/"}}
	code, err := st.Approve(tb.Context(), store.Approval{
		UserID: store.OwnerID, Client: client, RedirectURI: client.RedirectURIs[0],
		Resource: resourceURL, Scopes: scopes, Challenge: secret.S256(verifier),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := st.ConsumeCode(tb.Context(), store.Redemption{
		Code: code, ClientID: client.ID, Verifier: verifier,
		Refresh: func([]string) bool { return true },
		Accept:  func(*store.Grant) error { return nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tokens.Access
}

// unknown has the form of an access token, so that it is looked up.
var unknown = "mcpoauth_at_" + strings.Repeat("A", secret.IDLen+secret.Len)

// request is made by hand: httptest's would be parsed anew each time.
func request(headers ...string) *http.Request {
	r := &http.Request{
		Method: "POST", URL: &url.URL{Path: "/mcp"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "example.com",
		Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1234",
	}
	if len(headers) > 0 {
		r.Header["Authorization"] = headers
	}
	return r
}

// A writer costs nothing by itself, but for the map of headers that net/http too
// makes for every answer.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}
func (w *writer) WriteHeader(status int)           { w.status = status }
func (w *writer) Write(p []byte) (int, error)      { return len(p), nil }
func (w *writer) SetReadDeadline(time.Time) error  { return nil } // as net/http has them
func (w *writer) SetWriteDeadline(time.Time) error { return nil }

func TestWhatTheGuardAllocates(t *testing.T) {
	g := protect(t, 1)
	tests := []struct {
		name          string
		request       *http.Request
		status        int
		allocs, bytes float64
	}{
		{"an accepted request", request("Bearer " + g.tokens[0]), 0, 3, 448},
		{"an unknown token", request("Bearer " + unknown), 401, 6, 512},
		{"a malformed token", request("Bearer x"), 401, 6, 512},
		{"no token", request(), 401, 6, 512},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const runs = 1000
			out := new(writer)
			serve := func() {
				*out = writer{}
				g.ServeHTTP(out, test.request)
			}
			g.reached = 0
			if got := testing.AllocsPerRun(runs, serve); got > test.allocs {
				t.Errorf("it costs %v allocations, want at most %v", got, test.allocs)
			}
			if got := bytesPerRun(runs, serve); got > test.bytes {
				t.Errorf("it costs %v bytes, want at most %v", got, test.bytes)
			}
			// A guard that does nothing would be fast.
			if want := map[bool]int{true: 2*runs + 2}[test.status == 0]; g.reached != want || out.status != test.status {
				t.Errorf("%d requests reached the handler, the last was answered with %d", g.reached, out.status)
			}
		})
	}
}

// bytesPerRun is testing.AllocsPerRun for bytes.
func bytesPerRun(runs int, f func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return float64((after.TotalAlloc - before.TotalAlloc) / uint64(runs))
}

func TestTheGuardsVerdict(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	st := store.New(backend, store.Lifetimes{})
	good := connect(t, st, resource.URL, []string{"other", "mcp:tools"})
	tests := []struct {
		name      string
		headers   []string
		store     tokenStore
		limit     limiter
		status    int
		code      string
		challenge string // its parameters before where the metadata is
	}{
		{name: "a good token", headers: []string{"Bearer " + good}, status: 200},
		{name: "the scheme in another case", headers: []string{"bEARER " + good}, status: 200},
		{name: "nothing", status: 401, code: "unauthorized"},
		{name: "another scheme", headers: []string{"Digest " + good}, status: 401, code: "unauthorized"},
		{name: "a scheme that only begins so", headers: []string{"Bearer2 " + good}, status: 401, code: "unauthorized"},
		{name: "the scheme alone", headers: []string{"Bearer"}, status: 401, code: "unauthorized"},
		{
			name: "an empty token", headers: []string{"Bearer "}, status: 401, code: "invalid_token",
			challenge: `error="invalid_token", error_description="the access token is unknown, expired or revoked", `,
		},
		{
			name: "an unknown token", headers: []string{"Bearer " + unknown}, status: 401, code: "invalid_token",
			challenge: `error="invalid_token", error_description="the access token is unknown, expired or revoked", `,
		},
		{
			name: "a token for another resource", headers: []string{"Bearer " + connect(t, st, "https://example.com/other", resource.Scopes)},
			status: 401, code: "invalid_token",
			challenge: `error="invalid_token", error_description="the access token is unknown, expired or revoked", `,
		},
		{
			name: "a token without the scope", headers: []string{"Bearer " + connect(t, st, resource.URL, []string{"other"})},
			status: 403, code: "insufficient_scope", challenge: `error="insufficient_scope", `,
		},
		{
			name: "two headers", headers: []string{"Bearer " + good, "Bearer " + good}, status: 400, code: "invalid_request",
			challenge: `error="invalid_request", `,
		},
		{name: "a store that fails", headers: []string{"Bearer " + good}, store: broken{}, status: 503, code: "temporarily_unavailable"},
		{name: "a grant that asks too often", headers: []string{"Bearer " + good}, limit: never{}, status: 429, code: "too_many_requests"},
		{name: "a bad token is not counted", headers: []string{"Bearer " + unknown}, limit: never{}, status: 401, code: "invalid_token", challenge: `error="invalid_token", error_description="the access token is unknown, expired or revoked", `},
	}
	const where = `resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp"`
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			guard := token.Guard{
				Store: st, Resource: resource, MetadataURL: "https://example.com/.well-known/oauth-protected-resource/mcp",
				Limit: (*ratelimit.Table[string])(nil), Log: slog.New(slog.DiscardHandler),
			}
			if test.store != nil {
				guard.Store = test.store
			}
			if test.limit != nil {
				guard.Limit = test.limit
			}
			reached := false
			out := httptest.NewRecorder()
			guard.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })).ServeHTTP(out, request(test.headers...))
			if out.Code != test.status || reached != (test.status == 200) {
				t.Fatalf("answered with %d, reached: %v", out.Code, reached)
			}
			if reached {
				return
			}
			want := ""
			switch test.status {
			case 401:
				want = "Bearer " + test.challenge + where + `, scope="mcp:tools"`
			case 403:
				want = "Bearer " + test.challenge + `scope="mcp:tools", ` + where
			case 400:
				want = "Bearer " + test.challenge + where
			}
			if got := out.Header().Get("WWW-Authenticate"); got != want {
				t.Errorf("the challenge is\n%s, want\n%s", got, want)
			}
			if body := out.Body.String(); !strings.HasPrefix(body, fmt.Sprintf(`{"error":%q,`, test.code)) || out.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("the answer is %s with %v", body, out.Header())
			}
			if retry := out.Header().Get("Retry-After"); (retry != "") != (test.status == 503 || test.status == 429) {
				t.Errorf("Retry-After is %q", retry)
			}
		})
	}
}

// The headers of a refusal are made once and given to every answer.
func TestARefusalIsTheSameAfterAHandlerInFrontChangedItsHeaders(t *testing.T) {
	g := protect(t, 0)
	for range 2 {
		out := httptest.NewRecorder()
		g.ServeHTTP(out, request())
		h := out.Header()
		if len(h["Www-Authenticate"]) != 1 || h.Get("Content-Type") != "application/json" {
			t.Fatalf("the headers are %v", h)
		}
		h.Add("Www-Authenticate", "Other")
		h.Set("Content-Type", "text/plain")
		h.Del("Cache-Control")
	}
}

type tokenStore interface {
	Access(ctx context.Context, token string, now time.Time) (*store.Grant, *store.AccessToken, error)
}

type broken struct{}

func (broken) Access(context.Context, string, time.Time) (*store.Grant, *store.AccessToken, error) {
	return nil, nil, errors.New("the disk is on fire")
}

type limiter interface {
	Allow(grantID string, now time.Time) bool
	RetryAfter() time.Duration
}

type never struct{}

func (never) Allow(string, time.Time) bool { return false }
func (never) RetryAfter() time.Duration    { return time.Minute }
