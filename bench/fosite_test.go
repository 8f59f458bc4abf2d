package bench_test

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

// newFosite has opaque tokens with an HMAC, fosite's fastest strategy.
func newFosite() *server {
	config := &fosite.Config{
		GlobalSecret: []byte("thirty-two bytes for the HMAC ..."), EnforcePKCE: true,
		AudienceMatchingStrategy: fosite.ExactAudienceMatchingStrategy, ScopeStrategy: fosite.ExactScopeStrategy,
		RefreshTokenScopes: []string{}, // each grant has a refresh token
	}
	memory := storage.NewMemoryStore()
	client := &fosite.DefaultClient{
		ID: "client", Public: true, RedirectURIs: []string{perf.RedirectURI}, ResponseTypes: []string{"code"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{perf.Scope, perf.OtherScope}, Audience: []string{perf.Resource},
	}
	memory.Clients[client.ID] = client
	strategy := compose.NewOAuth2HMACStrategy(config)
	provider := compose.Compose(config, memory, strategy, compose.OAuth2AuthorizeExplicitFactory,
		compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2TokenIntrospectionFactory, compose.OAuth2PKCEFactory)
	mux := make(routes)
	mux["/mcp"] = fositeCheck(provider, perf.Handler(perf.User, fositeUser))
	mux["/token"] = func(w http.ResponseWriter, r *http.Request) {
		var answer fosite.AccessResponder
		asked, err := provider.NewAccessRequest(r.Context(), r, new(fosite.DefaultSession))
		if err == nil {
			answer, err = provider.NewAccessResponse(r.Context(), asked)
		}
		if err != nil {
			provider.WriteAccessError(r.Context(), w, asked, err)
			return
		}
		provider.WriteAccessResponse(r.Context(), w, asked, answer)
	}
	mux["/authorize"] = func(w http.ResponseWriter, r *http.Request) {
		asked, err := provider.NewAuthorizeRequest(r.Context(), r)
		if err != nil {
			provider.WriteAuthorizeError(r.Context(), w, asked, err)
			return
		}
		found(r.Context())
	}
	s := &server{Handler: mux, client: client.ID, audience: "audience", authorize: mux}
	s.approve = func() string {
		ctx := context.Background()
		asked, err := provider.NewAuthorizeRequest(ctx, perf.Request(http.MethodGet, s.authorization(perf.RedirectURI)))
		must(err)
		asked.GrantScope(perf.Scope)
		asked.GrantAudience(perf.Resource)
		answer, err := provider.NewAuthorizeResponse(ctx, asked, &fosite.DefaultSession{Subject: perf.User})
		must(err)
		return answer.GetCode()
	}
	s.add = func() string {
		session := &fosite.DefaultSession{Subject: perf.User}
		session.SetExpiresAt(fosite.AccessToken, time.Now().Add(time.Hour))
		asked := fosite.NewAccessRequest(session)
		asked.Client, asked.Form = client, url.Values{}
		asked.GrantScope(perf.Scope)
		asked.GrantAudience(perf.Resource)
		token, signature, err := strategy.GenerateAccessToken(context.Background(), asked)
		must(err)
		must(memory.CreateAccessTokenSession(context.Background(), signature, asked.Sanitize(nil)))
		return token
	}
	return s
}

type fositeKey struct{}

func fositeCheck(provider fosite.OAuth2Provider, next http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, asked, err := provider.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, new(fosite.DefaultSession), perf.Scope)
		if err != nil || !asked.GetGrantedAudience().Has(perf.Resource) {
			unauthorized(w)
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), fositeKey{}, asked)))
	}
}

func fositeUser(ctx context.Context) string {
	asked, ok := ctx.Value(fositeKey{}).(fosite.AccessRequester)
	if !ok {
		return ""
	}
	return asked.GetSession().GetSubject()
}

// unauthorized is for those that leave the challenge to who uses them.
func unauthorized(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", challenge)
	http.Error(w, "invalid token", http.StatusUnauthorized)
}

const (
	metadataURL = perf.Origin + "/.well-known/oauth-protected-resource/mcp"
	challenge   = `Bearer error="invalid_token", resource_metadata="` + metadataURL + `", scope="` + perf.Scope + `"`
)
