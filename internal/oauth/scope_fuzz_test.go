package oauth

import (
	"slices"
	"strings"
	"testing"
)

// What a scope parameter says does not depend on how it is spaced or on who reads it again;
// and nobody has a scope that no rule gives them.
func FuzzScopes(f *testing.F) {
	for _, s := range []string{
		"", "   ", "mcp:tools", "b a", "  a  b a ", "a\tb\na", "notes:write offline_access", "admin", "a\u00a0b\u2028c", "\xff \x00", "notes", "x y z",
	} {
		f.Add(s, "notes:read")
		f.Add("notes:write", s)
	}
	all := Scopes{
		{Name: "admin", Implies: []string{"notes:write", "admin"}},
		{Name: "notes:write", Implies: []string{"notes:read", "gone"}},
		{Name: "notes:read", Implies: []string{"admin:no", "circle"}},
		{Name: "circle", Implies: []string{"notes:read"}},
	}
	implies := map[string][]string{}
	for _, scope := range all {
		implies[scope.Name] = scope.Implies
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		names := ParseScope(s)
		if again := ParseScope(FormatScope(names)); !slices.Equal(again, names) {
			t.Errorf("%q is %q, and then %q", s, names, again)
		}
		for i, name := range names {
			if name == "" || slices.Contains(names[:i], name) || strings.ContainsAny(name, " \t\r\n") || !strings.Contains(s, name) {
				t.Errorf("%q has the name %q", s, name)
			}
		}
		if len(names) > maxScopes || len(names) < maxScopes && !ContainsAll(names, strings.Fields(s)) {
			t.Errorf("%q has %d names", s, len(names))
		}

		have, want := names, ParseScope(other)
		if !all.Cover(have, have) || !all.Cover(all.Expand(have), have) {
			t.Errorf("who has %q does not have it", have)
		}
		for _, name := range want {
			if got, rule := all.Cover(have, []string{name}), reaches(implies, have, name); got != rule {
				t.Errorf("who has %q has %q: %v, want %v", have, name, got, rule)
			}
		}
	})
}

// reaches reports whether a way of implications leads from names to want.
func reaches(implies map[string][]string, names []string, want string) bool {
	seen := map[string]bool{}
	var walk func(names []string) bool
	walk = func(names []string) bool {
		for _, name := range names {
			if name == want || !seen[name] && func() bool { seen[name] = true; return walk(implies[name]) }() {
				return true
			}
		}
		return false
	}
	return walk(names)
}
