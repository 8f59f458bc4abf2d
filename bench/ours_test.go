package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/authorize"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func newFloor() *server {
	f := perf.NewFloor(perf.Handler(perf.User, perf.FloorUser), "client")
	f.Limit = perf.ByAddress
	f.Page = func(_ http.ResponseWriter, r *http.Request, _ url.Values) { found(r.Context()) }
	return &server{
		Handler: f, client: "client", audience: "resource", documented: true,
		add: func() string {
			token := secret.New()
			f.Add(token, perf.Scope, time.Now().Add(time.Hour))
			return token
		},
		approve:   func() string { return f.Approve("client") },
		authorize: f,
	}
}

var quiet = slog.New(slog.DiscardHandler)

func newOurs(tb testing.TB) *server {
	backend := memory.New(memory.Options{})
	tb.Cleanup(func() { backend.Close() })
	s := store.New(backend, store.Lifetimes{})
	must(s.CreateOwner(tb.Context(), store.User{Name: "Somebody"}))
	router, err := mcpoauth.BuildOAuthRouter(perf.Handler(store.OwnerID, func(ctx context.Context) string {
		identity, _ := mcpoauth.IdentityFromContext(ctx)
		return identity.UserID
	}), mcpoauth.Config{
		ServerURL: perf.Origin, Store: backend, Logger: quiet,
		Scopes:       []mcpoauth.Scope{{Name: perf.Scope, Description: "Use the tools"}, {Name: perf.OtherScope, Description: "Do other things"}},
		Resources:    []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{perf.Scope}}},
		RateLimits:   mcpoauth.RateLimits{Auth: -1, Registration: -1, General: perf.PerMinute},
		RefreshGrace: time.Nanosecond, // a client does not come twice in the grace
	})
	must(err)
	tb.Cleanup(func() { router.Close() })
	client := register(router, s)
	return &server{
		Handler: router, client: client.ID, audience: "resource", documented: true,
		add: func() string {
			token, _, err := s.CreateKey(context.Background(), store.NewKey{
				UserID: store.OwnerID, Name: "a key", Resource: perf.Resource, Scopes: []string{perf.Scope}, Life: time.Hour,
			})
			must(err)
			return token
		},
		approve: func() string {
			code, err := s.Approve(context.Background(), store.Approval{
				UserID: store.OwnerID, UserName: "Somebody", Client: client, RedirectURI: perf.RedirectURI, Resource: perf.Resource,
				Scopes: []string{perf.Scope}, Challenge: perf.Challenge,
			})
			must(err)
			return code
		},
		authorize: http.HandlerFunc((&authorize.Handler{
			Clients: oneClient{client}, People: nobody{}, Issuer: perf.Origin,
			Resources: oauth.Resources{{URL: perf.Resource, Path: "/mcp", Name: "A server", Scopes: []string{perf.Scope}}},
			Scopes:    oauth.Scopes{{Name: perf.Scope}, {Name: perf.OtherScope}}, Log: quiet,
		}).Get),
	}
}

// register has a client register itself.
func register(h http.Handler, s *store.Store) *store.Client {
	w := new(perf.Writer)
	h.ServeHTTP(w, perf.Post("/register", "application/json", `{"client_name":"A client","redirect_uris":["`+perf.RedirectURI+
		`"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","scope":"`+perf.Scope+`"}`))
	var answer struct {
		ID string `json:"client_id"`
	}
	must(json.Unmarshal(w.Body, &answer))
	client, err := s.Client(context.Background(), answer.ID)
	must(err)
	return client
}

type oneClient struct{ client *store.Client }

func (c oneClient) Client(_ context.Context, id string) (*store.Client, error) {
	if id != c.client.ID {
		return nil, store.ErrNotFound
	}
	return c.client, nil
}

// nobody is asked once a request was found good, and before there is a page.
type nobody struct{ authorize.Authenticator }

var errHungUp = errors.New("who asked has hung up")

func (nobody) SetUp(ctx context.Context) (bool, error) {
	found(ctx)
	return false, errHungUp
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
