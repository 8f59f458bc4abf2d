package oauth

import (
	"slices"
	"strings"
)

// A Scope is a scope that this server grants, and what it lets a client do.
type Scope struct {
	Name        string
	Description string
	Implies     []string // narrower scopes that who has this one has too
}

// Scopes are all scopes of a server.
type Scopes []Scope

// Find returns the scope of that name, or nil.
func (ss Scopes) Find(name string) *Scope {
	for i := range ss {
		if ss[i].Name == name {
			return &ss[i]
		}
	}
	return nil
}

// Expand returns names with all that they imply.
func (ss Scopes) Expand(names []string) []string {
	all := slices.Clone(names)
	for i := 0; i < len(all); i++ { // all grows on the way
		scope := ss.Find(all[i])
		if scope == nil {
			continue
		}
		for _, implied := range scope.Implies {
			if !slices.Contains(all, implied) {
				all = append(all, implied)
			}
		}
	}
	return all
}

// Cover reports whether who has the scopes have has all of want, by name or because
// one implies another.
func (ss Scopes) Cover(have, want []string) bool {
	return ContainsAll(have, want) || ContainsAll(ss.Expand(have), want)
}

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
