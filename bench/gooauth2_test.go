package bench_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	oauth2server "github.com/go-oauth2/oauth2/v4/server"
	oauth2store "github.com/go-oauth2/oauth2/v4/store"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

func newGoOAuth2(tb testing.TB) *server {
	const client = "client"
	clients := oauth2store.NewClientStore()
	must(clients.Set(client, &models.Client{ID: client, Domain: "https://client.example", Public: true}))
	tokens, err := oauth2store.NewMemoryTokenStore()
	must(err)
	manager := manage.NewDefaultManager()
	manager.MapClientStorage(clients)
	manager.MapTokenStorage(tokens)
	srv := oauth2server.NewDefaultServer(manager)
	srv.Config.ForcePKCE = true
	srv.Config.AllowedCodeChallengeMethods = []oauth2.CodeChallengeMethod{oauth2.CodeChallengeS256}
	srv.ClientInfoHandler = oauth2server.ClientFormHandler

	mux := make(routes)
	mux["/mcp"] = goOAuth2Check(srv, perf.Handler(perf.User, goOAuth2User))
	mux["/token"] = func(w http.ResponseWriter, r *http.Request) { must(srv.HandleTokenRequest(w, r)) }
	// Its own handler looks at the client only when it makes the code, after the page.
	mux["/authorize"] = func(w http.ResponseWriter, r *http.Request) {
		asked, err := srv.ValidationAuthorizeRequest(r)
		var known oauth2.ClientInfo
		if err == nil {
			known, err = manager.GetClient(r.Context(), asked.ClientID)
		}
		if err == nil {
			err = manage.DefaultValidateURI(known.GetDomain(), asked.RedirectURI)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		found(r.Context())
	}
	return &server{
		Handler: mux, client: client, audience: "resource",
		authorize: mux,
		approve: func() string {
			info, err := srv.GetAuthorizeToken(context.Background(), &oauth2server.AuthorizeRequest{
				ResponseType: oauth2.Code, ClientID: client, Scope: perf.Scope, RedirectURI: perf.RedirectURI, UserID: perf.User,
				CodeChallenge: perf.Challenge, CodeChallengeMethod: oauth2.CodeChallengeS256,
			})
			must(err)
			return info.GetCode()
		},
		add: func() string {
			token := secret.New()
			must(tokens.Create(context.Background(), &models.Token{
				ClientID: client, UserID: perf.User, Scope: perf.Scope, Access: token, AccessCreateAt: time.Now(), AccessExpiresIn: time.Hour,
			}))
			return token
		},
	}
}

type goOAuth2Key struct{}

func goOAuth2Check(srv *oauth2server.Server, next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		info, err := srv.ValidationBearerToken(r)
		if err != nil || !slices.Contains(strings.Fields(info.GetScope()), perf.Scope) {
			unauthorized(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), goOAuth2Key{}, info)))
	}
}

func goOAuth2User(ctx context.Context) string {
	info, ok := ctx.Value(goOAuth2Key{}).(oauth2.TokenInfo)
	if !ok {
		return ""
	}
	return info.GetUserID()
}
