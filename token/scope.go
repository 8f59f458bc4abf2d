package token

import (
	"context"
	"net/http"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// RequireScopes lets through to next only requests whose token has all the scopes.
// It goes inside the handler that the router guards, around the part that needs
// more than entering does. Other requests get 403 with the challenge that makes an
// MCP client ask its person for more (MCP authorization, scope challenge handling).
// Outside a guarded handler every request is refused.
func RequireScopes(next http.Handler, scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !HasScopes(r, scopes...) {
			InsufficientScope(w, r, scopes...)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// HasScopes reports whether the token of r has all the scopes, by name or because one
// that it has implies another. Outside a guarded handler no request has any.
func HasScopes(r *http.Request, scopes ...string) bool {
	in, ok := r.Context().Value(admittedKey{}).(*admitted)
	return ok && in.guard.Scopes.Cover(in.access.Scopes, scopes)
}

// InsufficientScope answers r with 403 and the challenge of RFC 6750 §3.1. Its scope is
// everything that the request needs: the scopes and those of the resource. What the
// token has beside that is for the client to add (SEP-2350).
func InsufficientScope(w http.ResponseWriter, r *http.Request, scopes ...string) {
	in, ok := r.Context().Value(admittedKey{}).(*admitted)
	if !ok {
		newRefusal(http.StatusForbidden, oauth.InsufficientScope, "nobody was let in by a guard here", "").write(w, r)
		return
	}
	in.guard.insufficient(in.needed(scopes)).write(w, r)
}

// ToolChallenge returns the challenge of InsufficientScope for the result of a tool,
// with the description that ChatGPT wants there (SEP-1489), or "" outside a guarded handler.
func ToolChallenge(ctx context.Context, scopes ...string) string {
	in, ok := ctx.Value(admittedKey{}).(*admitted)
	if !ok {
		return ""
	}
	return in.guard.challenge(`error_description="`+lacksScope+`", `, in.needed(scopes))
}

// needed returns all that a request needs that needs scopes.
func (in *admitted) needed(scopes []string) []string {
	return oauth.ParseScope(oauth.FormatScope(in.guard.Resource.Scopes) + " " + oauth.FormatScope(scopes))
}
