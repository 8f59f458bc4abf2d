package bench_test

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// newSDK has the fastest verifier there is: a map of tokens that are kept as they are.
func newSDK() *server {
	var mu sync.RWMutex
	live := make(map[string]*auth.TokenInfo)
	verify := func(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
		mu.RLock()
		defer mu.RUnlock()
		if info := live[token]; info != nil {
			return info, nil
		}
		return nil, auth.ErrInvalidToken
	}
	mux := make(routes)
	mux["/mcp"] = auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{
		ResourceMetadataURL: metadataURL, Scopes: []string{perf.Scope},
	})(perf.Handler(perf.User, func(ctx context.Context) string { return auth.TokenInfoFromContext(ctx).UserID })).ServeHTTP
	mux["/.well-known/oauth-protected-resource/mcp"] = auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource: perf.Resource, AuthorizationServers: []string{perf.Origin}, ScopesSupported: []string{perf.Scope}, BearerMethodsSupported: []string{"header"},
	}).ServeHTTP
	return &server{Handler: mux, documented: true, add: func() string {
		token := secret.New()
		mu.Lock()
		defer mu.Unlock()
		live[token] = &auth.TokenInfo{UserID: perf.User, Scopes: []string{perf.Scope}, Expiration: time.Now().Add(time.Hour)}
		return token
	}}
}
