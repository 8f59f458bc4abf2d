// Package gosdk tells the official Go MCP SDK who is calling.
//
// It is a module of its own, so that mcpoauth itself does not depend on the SDK.
package gosdk

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/mcpoauth/mcpoauth"
	"github.com/modelcontextprotocol/go-sdk/auth"
)

// Keys of [auth.TokenInfo.Extra].
const (
	ClientID = "client_id"
	GrantID  = "grant_id"
)

// TokenInfo wraps a handler of the SDK, so that its tools find the caller in
// req.Extra.TokenInfo and the SDK keeps a session to the user who opened it:
//
//	router, err := mcpoauth.BuildOAuthRouter(gosdk.TokenInfo(mcpHandler), config)
//
// In a stateful server this is the caller of the present request, while
// [mcpoauth.IdentityFromContext] answers for the request that opened the session.
// A request that did not pass an mcpoauth router gets a 500.
func TokenInfo(next http.Handler) http.Handler {
	return withoutToken(auth.RequireBearerToken(verify, nil)(dropHeader(next)))
}

// placeholder stands where RequireBearerToken insists on a token. The router has
// verified the real one.
const placeholder = "Bearer verified"

// withoutToken keeps the access token from the tools, which see every header of
// the request in req.Extra.Header: one that forwards them to another server would
// hand the token out (MCP, token passthrough).
func withoutToken(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := *r
		clean.Header = maps.Clone(r.Header)
		if clean.Header == nil {
			clean.Header = make(http.Header)
		}
		clean.Header.Set("Authorization", placeholder)
		next.ServeHTTP(w, &clean)
	})
}

// dropHeader removes the placeholder, from the header that withoutToken made.
func dropHeader(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Authorization")
		next.ServeHTTP(w, r)
	})
}

// errUnguarded is not auth.ErrInvalidToken: a 401 would send the client to log in
// again and again, and no login can cure it.
var errUnguarded = errors.New("gosdk: no identity: this handler is not behind an mcpoauth router")

func verify(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
	id, ok := mcpoauth.IdentityFromContext(ctx)
	if !ok {
		return nil, errUnguarded
	}
	return &auth.TokenInfo{
		UserID:     id.UserID,
		Scopes:     id.Scopes,
		Expiration: id.ExpiresAt,
		Extra:      map[string]any{ClientID: id.ClientID, GrantID: id.GrantID},
	}, nil
}
