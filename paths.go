package mcpoauth

import (
	"slices"
	"strings"
)

// covers reports whether path belongs to the resource. One that is not clean belongs
// to none: what lies behind us might clean it, and take /mcp//admin for /mcp/admin,
// which can be another resource with other scopes.
func (g *guarded) covers(path string) bool {
	if g.path == "/" {
		return !isReserved(path) && isClean(path)
	}
	rest, ok := strings.CutPrefix(path, g.path)
	return ok && (rest == "" || rest[0] == '/' && isClean(rest))
}

// isClean reports whether an absolute path has no empty, "." or ".." segment, but
// for a slash at its end. A ";" ends a segment here: Tomcat and Jetty cut off what follows
// it before they resolve dots, and take /mcp/..;/x for /x.
func isClean(path string) bool {
	for i := range len(path) {
		if path[i] != '/' {
			continue
		}
		segment, _, more := strings.Cut(path[i+1:], "/")
		name, _, _ := strings.Cut(segment, ";")
		if name == "." || name == ".." || name == "" && more {
			return false
		}
	}
	return true
}

// reserved are the paths that are this package's own, with all that is below them.
var reserved = []string{"/.well-known", "/account", "/authorize", "/health", "/passkey", "/register", "/revoke", "/token"}

func isReserved(path string) bool {
	return slices.ContainsFunc(reserved, func(own string) bool {
		rest, ok := strings.CutPrefix(path, own)
		return ok && (rest == "" || rest[0] == '/')
	})
}

func isPlainPath(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !isUnreserved(c) && c != '/' })
}

func isUnreserved(c rune) bool {
	return isHostRune(c) || 'A' <= c && c <= 'Z' || c == '_' || c == '~'
}
