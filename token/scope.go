package token

import (
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
		in, ok := r.Context().Value(admittedKey{}).(*admitted)
		if !ok {
			newRefusal(http.StatusForbidden, oauth.InsufficientScope, "nobody was let in by a guard here", "").write(w)
			return
		}
		if !oauth.ContainsAll(in.access.Scopes, scopes) {
			needed := oauth.ParseScope(oauth.FormatScope(in.guard.Resource.Scopes) + " " + oauth.FormatScope(scopes))
			in.guard.insufficient(needed).write(w)
			return
		}
		next.ServeHTTP(w, r)
	})
}
