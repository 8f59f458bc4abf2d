package mcpoauth

import (
	"net/http"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// Browser clients, such as the web Inspector, call from an origin of their own. Any
// may: nothing here goes by cookies, and a token is as good from one origin as
// from another (WHATWG Fetch, CORS protocol).
var (
	anyOrigin    = []string{"*"}
	exposed      = []string{"WWW-Authenticate, Mcp-Session-Id, Retry-After"}
	preflightAge = []string{"7200"}
	corsHeaders  = "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, Last-Event-ID"
)

// maxAskedHeaders is how much of a preflight's list of headers is looked at, in bytes.
const maxAskedHeaders = 1024

// A corsHandler is for any origin; its preflights are for the mux.
type corsHandler struct{ http.Handler }

func cors(next http.Handler) corsHandler {
	return corsHandler{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowOrigin(w.Header())
		next.ServeHTTP(w, r)
	})}
}

// corsGuarded is cors for a guarded handler: OPTIONS needs no token, because a
// browser sends none with a preflight, and a request from no browser pays nothing.
func corsGuarded(next http.Handler) http.Handler {
	options := preflight("GET", "HEAD", "POST", "DELETE", "OPTIONS")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions {
			options(w, r)
			return
		}
		if len(r.Header["Origin"]) > 0 {
			// Of its own, because the handler may edit what it finds.
			w.Header()["Access-Control-Allow-Origin"] = slices.Clone(anyOrigin)
			w.Header()["Access-Control-Expose-Headers"] = slices.Clone(exposed)
		}
		next.ServeHTTP(w, r)
	})
}

func allowOrigin(h http.Header) {
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = exposed
}

// preflight answers OPTIONS where these methods are, from any origin.
func preflight(methods ...string) http.HandlerFunc {
	list := []string{strings.Join(methods, ", ")}
	return func(w http.ResponseWriter, r *http.Request) {
		oauth.SetDeadlines(w, r)
		h := w.Header()
		allowOrigin(h)
		h["Allow"] = list
		h["Access-Control-Allow-Methods"] = list
		h["Access-Control-Allow-Headers"] = []string{corsHeaders + parameterHeaders(r)}
		h["Access-Control-Max-Age"] = preflightAge
		h.Add("Vary", "Access-Control-Request-Headers")
		w.WriteHeader(http.StatusNoContent)
	}
}

// parameterHeaders returns the Mcp-Param-... headers that a preflight asks for.
// Each tool has its own (MCP 2026-07-28), so that no list could name them, and a
// wildcard does not cover requests with Authorization.
func parameterHeaders(r *http.Request) string {
	asked := r.Header.Get("Access-Control-Request-Headers")
	if len(asked) > maxAskedHeaders {
		return ""
	}
	var extra strings.Builder
	for name := range strings.SplitSeq(strings.ToLower(asked), ",") {
		name = strings.TrimSpace(name)
		if strings.HasPrefix(name, "mcp-param-") && !strings.ContainsFunc(name, func(c rune) bool { return !isUnreserved(c) }) {
			extra.WriteString(", " + name)
		}
	}
	return extra.String()
}
