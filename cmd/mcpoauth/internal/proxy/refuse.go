package proxy

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// methods are what MCP is spoken with, and HEAD. The upstream's answer to TRACE would be
// the request, with its credentials in it. OPTIONS is the router's.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete}

// refused answers a request that is not for the upstream, and reports whether it was one.
func refused(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !slices.Contains(methods, r.Method):
		w.Header().Set("Allow", "GET, HEAD, POST, DELETE, OPTIONS")
		write(w, http.StatusMethodNotAllowed, invalidRequest, "this method is not passed on to the MCP server; use GET, HEAD, POST or DELETE")
	case strings.ContainsFunc(r.URL.Path, isAmbiguous):
		write(w, http.StatusBadRequest, invalidRequest, "the path has a backslash or a control character")
	default:
		return false
	}
	return true
}

// isAmbiguous reports whether c makes a path another one at some servers: to those on
// Windows a backslash is a slash, others end the path at a NUL or leave a tab out.
func isAmbiguous(c rune) bool { return c == '\\' || unicode.IsControl(c) }
