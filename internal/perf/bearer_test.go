package perf_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	origin   = "https://example.com"
	resource = origin + "/mcp"
	scope    = "mcp:tools"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	// of the verifier, RFC 7636 appendix B
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// discard takes an answer and keeps its status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// served counts the requests that reach the wrapped handler with an identity: a fast
// check that lets nobody in, or anybody, must not win.
type served struct{ n int }

func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := mcpoauth.IdentityFromContext(r.Context()); ok && id.UserID == store.OwnerID {
		s.n++
	} else if token, ok := r.Context().Value(floorKey{}).(*floorToken); ok && token.user == store.OwnerID {
		s.n++
	}
	w.WriteHeader(http.StatusOK)
}

// A fixture is a Router with its store, and a floor that knows the same tokens.
type fixture struct {
	router  *mcpoauth.Router
	store   *store.Store
	floor   *floor
	reached *served
	tokens  []string
}

func newFixture(tb testing.TB, grants int) *fixture {
	tb.Helper()
	backend := memory.New(memory.Options{})
	tb.Cleanup(func() { backend.Close() })
	f := &fixture{store: store.New(backend, store.Lifetimes{}), reached: new(served)}
	f.floor = newFloor(resource, scope, f.reached)
	err := f.store.CreateOwner(tb.Context(), store.User{Name: "owner"})
	if err != nil {
		tb.Fatal(err)
	}
	f.router, err = mcpoauth.BuildOAuthRouter(f.reached, mcpoauth.Config{
		ServerURL: origin, Store: backend, Logger: slog.New(slog.DiscardHandler),
		RateLimits: mcpoauth.RateLimits{Auth: -1, Registration: -1, General: 1 << 30},
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.router.Close() })
	for range grants {
		token := f.connect(tb).Access
		f.floor.add(token)
		f.tokens = append(f.tokens, token)
	}
	return f
}

// connect is an approval and its redemption.
func (f *fixture) connect(tb testing.TB) store.Tokens {
	tb.Helper()
	code, err := f.store.Approve(context.Background(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "client", Preregistered: true},
		RedirectURI: "https://client.example/callback", Resource: resource, Scopes: []string{scope}, Challenge: challenge,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := f.store.ConsumeCode(context.Background(), store.Redemption{
		Code: code, ClientID: "client", Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}

// calls returns an op that sends requests with the tokens in turn, and requires each
// answer to have that status.
func (f *fixture) calls(tb testing.TB, h http.Handler, tokens []string, status int) op {
	tb.Helper()
	requests := make([]*http.Request, len(tokens))
	for i, token := range tokens {
		r, err := http.NewRequest(http.MethodPost, resource, nil)
		if err != nil {
			tb.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:1234"
		r.Header.Set("Authorization", "Bearer "+token)
		requests[i] = r
	}
	w := &discard{header: make(http.Header)}
	next := 0
	return func(n int) {
		before := f.reached.n
		for range n {
			clear(w.header)
			h.ServeHTTP(w, requests[next])
			if w.status != status {
				tb.Fatalf("got %d, want %d", w.status, status)
			}
			if next++; next == len(requests) {
				next = 0
			}
		}
		if status == http.StatusOK && f.reached.n-before != n {
			tb.Fatalf("%d of %d requests reached the handler", f.reached.n-before, n)
		}
	}
}

// spread are tokens all over the table.
func (f *fixture) spread(n int) []string {
	var tokens []string
	for i := range min(n, len(f.tokens)) {
		tokens = append(tokens, f.tokens[i*len(f.tokens)/min(n, len(f.tokens))])
	}
	return tokens
}

func BenchmarkBearerCheck(b *testing.B) {
	for _, grants := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("accepted/%d grants", grants), func(b *testing.B) {
			f := newFixture(b, grants)
			tokens := f.spread(1 << 16)
			against(b, 1.5, f.calls(b, f.floor, tokens, http.StatusOK), f.calls(b, f.router, tokens, http.StatusOK))
		})
	}
	f := newFixture(b, 1_000)
	unknown := []string{f.tokens[0][:len(f.tokens[0])-4] + "AAAA"}
	b.Run("unknown", func(b *testing.B) {
		against(b, 1.5, f.calls(b, f.floor, unknown, http.StatusUnauthorized), f.calls(b, f.router, unknown, http.StatusUnauthorized))
	})
}
