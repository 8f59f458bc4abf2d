package mcpoauth

import (
	"context"
	"net/http"

	"github.com/mcpoauth/mcpoauth/token"
)

// An Identity says on whose behalf a request comes, and through which client.
type Identity = token.Identity

// IdentityFromContext returns who is calling the wrapped handler. ok is false outside it.
func IdentityFromContext(ctx context.Context) (identity Identity, ok bool) {
	return token.IdentityFromContext(ctx)
}

// RequireScopes lets only requests through to next whose token has all the scopes. It
// goes inside the wrapped handler, around a part of it; others get 403 with the
// challenge that makes an MCP client ask its person for more.
func RequireScopes(next http.Handler, scopes ...string) http.Handler {
	return token.RequireScopes(next, scopes...)
}
