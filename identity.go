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

// HasScopes reports whether the token of a request to the wrapped handler has all the
// scopes, by name or because one that it has implies another. Outside it none has any.
func HasScopes(r *http.Request, scopes ...string) bool { return token.HasScopes(r, scopes...) }

// InsufficientScope answers a request to the wrapped handler with 403 and the challenge
// that makes an MCP client ask its person for more. It names the scopes and those that are
// needed to enter the resource; what else the token has, the client adds (SEP-2350). It is
// for handlers that learn only on the way what a request needs. Outside the wrapped handler
// the 403 has no challenge.
func InsufficientScope(w http.ResponseWriter, r *http.Request, scopes ...string) {
	token.InsufficientScope(w, r, scopes...)
}

// RequireScopes lets only requests through to next whose token has all the scopes. It
// goes inside the wrapped handler, around a part of it; others get 403 with the
// challenge that makes an MCP client ask its person for more. Outside the wrapped handler
// every request is refused.
func RequireScopes(next http.Handler, scopes ...string) http.Handler {
	return token.RequireScopes(next, scopes...)
}

// RequireToolScopes lets calls of the tools in needed through to next only if the token
// has the scopes that the tool needs; others get 403 with the challenge that makes
// an MCP client ask its person for more. Tools that are not in needed pass. It goes
// inside the wrapped handler.
//
// A POST it reads before it hands it on, and refuses what can be read in more than one way
// or not at all: with 415 what is not application/json, or is compressed; with 413 more than
// 4 MiB; with 400 what is no JSON, takes more than a minute to arrive, has more than 100
// messages or a member twice, or says something else in its headers. Other methods pass.
func RequireToolScopes(next http.Handler, needed map[string][]string) http.Handler {
	return token.RequireToolScopes(next, needed)
}

// ToolChallenge is the WWW-Authenticate value that a tool's result carries in
// _meta["mcp/www_authenticate"], beside isError, to make ChatGPT ask its person for
// scopes (SEP-1489). Other clients look at 403 only. It is empty outside the wrapped handler.
func ToolChallenge(ctx context.Context, scopes ...string) string {
	return token.ToolChallenge(ctx, scopes...)
}
