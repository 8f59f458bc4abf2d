package oauth

import (
	"slices"
	"strings"
)

// OfflineAccess is the scope by which OpenID Connect clients ask for a refresh
// token. It is granted when asked for and changes nothing else.
const OfflineAccess = "offline_access"

// maxScopes is how many names of a scope parameter are looked at. No server has as
// many scopes, and comparing tens of thousands with one another takes seconds.
const maxScopes = 100

// ParseScope splits a scope parameter into its names, without repeats and in order
// (RFC 6749 §3.3). Spare spaces are forgiven, and what is beyond maxScopes is dropped.
func ParseScope(s string) []string {
	var names []string
	for name := range strings.FieldsSeq(s) {
		if len(names) == maxScopes {
			break
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// FormatScope joins names into a scope parameter.
func FormatScope(names []string) string { return strings.Join(names, " ") }

// ValidScope reports whether s can be a scope's name: printable ASCII without
// space, quote and backslash (RFC 6749 §3.3).
func ValidScope(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

// ContainsAll reports whether every name of want is in have.
func ContainsAll(have, want []string) bool {
	for _, name := range want {
		if !slices.Contains(have, name) {
			return false
		}
	}
	return true
}
