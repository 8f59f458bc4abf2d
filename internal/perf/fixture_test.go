package perf_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A fixture is a Router on a store in pure memory, and a floor that knows the same.
type fixture struct {
	tb      testing.TB
	backend *memory.Backend
	store   *store.Store
	router  *mcpoauth.Router
	floor   *perf.Floor
	client  string // that registered itself
	known   *store.Client
	tokens  []string // that both let in
}

const called = "Somebody"

var quiet = slog.New(slog.DiscardHandler)

func user(ctx context.Context) string {
	identity, _ := mcpoauth.IdentityFromContext(ctx)
	return identity.UserID
}

// setUp returns a fixture whose Router has no limits by address, and that of each grant if
// limited is set.
func setUp(tb testing.TB, limited bool, change ...func(*mcpoauth.Config)) *fixture {
	tb.Helper()
	f := &fixture{tb: tb, backend: memory.New(memory.Options{})}
	tb.Cleanup(func() { f.backend.Close() })
	f.store = store.New(f.backend, store.Lifetimes{})
	if err := f.store.CreateOwner(tb.Context(), store.User{Name: called}); err != nil {
		tb.Fatal(err)
	}
	cfg := mcpoauth.Config{
		ServerURL: perf.Origin, Store: f.backend, Logger: quiet,
		Scopes:     []mcpoauth.Scope{{Name: perf.Scope, Description: "Use the tools"}, {Name: perf.OtherScope, Description: "Do other things"}},
		Resources:  []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{perf.Scope}}},
		RateLimits: mcpoauth.RateLimits{Auth: -1, Registration: -1, General: -1},
	}
	if limited {
		cfg.RateLimits.General = perf.PerMinute
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if f.router, err = mcpoauth.BuildOAuthRouter(perf.Handler(store.OwnerID, user), cfg); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.router.Close() })
	f.client, f.known = f.registered("A client")
	f.floor = perf.NewFloor(perf.Handler(perf.User, perf.FloorUser), f.client)
	if limited {
		f.floor.Limit = perf.ByAddress
	}
	return f
}

// registered is a client that registered itself.
func (f *fixture) registered(name string) (id string, known *store.Client) {
	w := new(perf.Writer)
	f.router.ServeHTTP(w, perf.Post("/register", "application/json", registration(name, "none")))
	var answer struct {
		ID string `json:"client_id"`
	}
	err := json.Unmarshal(w.Body, &answer)
	if err != nil || w.Status != http.StatusCreated {
		f.tb.Fatalf("registering: %d %s", w.Status, w.Body)
	}
	if known, err = f.store.Client(context.Background(), answer.ID); err != nil {
		f.tb.Fatal(err)
	}
	return answer.ID, known
}

func registration(name, method string) string {
	return `{"client_name":"` + name + `","redirect_uris":["` + perf.RedirectURI + `"],"grant_types":["authorization_code","refresh_token"],` +
		`"response_types":["code"],"token_endpoint_auth_method":"` + method + `","scope":"` + perf.Scope + `"}`
}

// approve returns the code of a new grant.
func (f *fixture) approve(userID string, scopes ...string) string {
	if scopes == nil {
		scopes = []string{perf.Scope}
	}
	code, err := f.store.Approve(context.Background(), store.Approval{
		UserID: userID, UserName: called, Client: f.known, RedirectURI: perf.RedirectURI, Resource: perf.Resource, Scopes: scopes, Challenge: perf.Challenge,
	})
	if err != nil {
		f.tb.Fatal(err)
	}
	return code
}

// redeem exchanges a code in a store, which says how long the tokens live.
func (f *fixture) redeem(s *store.Store, code string) store.Tokens {
	tokens, err := s.ConsumeCode(context.Background(), store.Redemption{
		Code: code, ClientID: f.client, Verifier: perf.Verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		f.tb.Fatal(err)
	}
	return tokens
}

// rotate exchanges a refresh token in a store.
func (f *fixture) rotate(s *store.Store, refresh string) store.Tokens {
	tokens, err := s.RotateRefresh(context.Background(), refresh, f.client, func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
	if err != nil {
		f.tb.Fatal(err)
	}
	return tokens
}

// connect is an approval by the owner and its redemption.
func (f *fixture) connect() store.Tokens { return f.redeem(f.store, f.approve(store.OwnerID)) }

// grow makes grants until both know as many tokens.
func (f *fixture) grow(grants int) {
	expires := time.Now().Add(time.Hour)
	for len(f.tokens) < grants {
		token := f.connect().Access
		f.floor.Add(token, perf.Scope, expires)
		f.tokens = append(f.tokens, token)
	}
}

// expired returns a token that has run out, and scoped one of another scope.
func (f *fixture) expired() string {
	token := f.redeem(store.New(f.backend, store.Lifetimes{Access: time.Nanosecond}), f.approve(store.OwnerID)).Access
	f.floor.Add(token, perf.Scope, time.Now())
	return token
}

func (f *fixture) scoped() string {
	token := f.redeem(f.store, f.approve(store.OwnerID, perf.OtherScope)).Access
	f.floor.Add(token, perf.OtherScope, time.Now().Add(time.Hour))
	return token
}
