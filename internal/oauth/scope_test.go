package oauth

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestR35_AScopeParameterIsASetOfNames(t *testing.T) {
	for s, want := range map[string][]string{
		"":                          nil,
		"   ":                       nil,
		"mcp:tools":                 {"mcp:tools"},
		"b a":                       {"b", "a"},
		"  a  b a ":                 {"a", "b"},
		"a\tb\na":                   {"a", "b"},
		"mcp:tools offline_access ": {"mcp:tools", "offline_access"},
	} {
		if got := ParseScope(s); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", s, got, want)
		}
	}
}

func TestR35_AnEndlessScopeIsCutOff(t *testing.T) {
	var s strings.Builder
	for i := range 10 * maxScopes {
		fmt.Fprint(&s, "scope", i, " ")
	}
	if got := ParseScope(s.String()); len(got) != maxScopes || got[maxScopes-1] != fmt.Sprint("scope", maxScopes-1) {
		t.Errorf("got %d names", len(got))
	}
}

func TestR35_AScopeNameIsPrintableASCII(t *testing.T) {
	for s, want := range map[string]bool{
		"mcp:tools": true, "a": true, "https://a.example/scope": true, "!#[]~": true,
		"": false, "a b": false, `a"b`: false, `a\b`: false, "é": false, "a\n": false, "a\x7f": false,
	} {
		if got := ValidScope(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestR16_AllScopesAreNeededNotSome(t *testing.T) {
	for name, test := range map[string]struct {
		have, want []string
		all        bool
	}{
		"nothing needed":      {nil, nil, true},
		"more than needed":    {[]string{"a", "b"}, []string{"b"}, true},
		"one of two":          {[]string{"a"}, []string{"a", "b"}, false},
		"nothing had":         {nil, []string{"a"}, false},
		"a prefix is no name": {[]string{"mcp"}, []string{"mcp:tools"}, false},
		"case matters":        {[]string{"A"}, []string{"a"}, false},
	} {
		if got := ContainsAll(test.have, test.want); got != test.all {
			t.Errorf("%s: got %v, want %v", name, got, test.all)
		}
	}
}
