package mcpotel_test

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// A caller sends requests into a handler by itself, without a network.
type caller struct {
	access string
}

// plain returns a router that nothing measures but what was passed in, and a caller with
// a good token.
func plain(t testing.TB, backend store.Backend, mcp http.HandlerFunc) (*caller, *mcpoauth.Router) {
	t.Helper()
	router, err := mcpoauth.BuildOAuthRouter(mcp, mcpoauth.Config{
		ServerURL: "https://example.com", Store: backend, SetupToken: "not-used-in-this-test", Logger: slog.New(slog.DiscardHandler), RateLimits: unlimited,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	st := store.New(backend, store.Lifetimes{})
	st.CreateUser(context.Background(), store.User{ID: "somebody"}) // by whoever is first
	key, _, err := st.CreateKey(context.Background(), store.NewKey{UserID: "somebody", Name: "key", Resource: "https://example.com/mcp", Scopes: []string{"mcp:tools"}, Life: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return &caller{key}, router
}

func (c *caller) request(header http.Header) *http.Request {
	r := httptest.NewRequest("POST", "https://example.com/mcp", http.NoBody)
	maps.Copy(r.Header, header)
	r.Header.Set("Authorization", "Bearer "+c.access)
	return r
}

func (c *caller) serve(h http.Handler, header http.Header) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	h.ServeHTTP(out, c.request(header))
	return out
}
