package token

import (
	"errors"
	"slices"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// A refresh never gives a scope that was not granted, nor one that was not asked for.
func FuzzNarrow(f *testing.F) {
	for _, asked := range []string{"", " ", "notes:read", "offline_access mcp:tools", "admin notes:read", "notes:write", "MCP:tools", "notes:read\x00", "admin\u00a0notes:read"} {
		f.Add("mcp:tools notes:read offline_access", asked)
		f.Add("notes:write", asked)
		f.Add("", asked)
	}
	h := &Handler{Scopes: oauth.Scopes{
		{Name: "mcp:tools"}, {Name: "notes:read"}, {Name: "notes:write", Implies: []string{"notes:read"}}, {Name: "admin", Implies: []string{"notes:write"}},
	}}
	f.Fuzz(func(t *testing.T, grantedScope, asked string) {
		granted := oauth.ParseScope(grantedScope)
		before := slices.Clone(granted)
		got, err := h.narrow(granted, asked)
		if !slices.Equal(granted, before) {
			t.Errorf("the grant's own scopes became %q", granted)
		}
		if err != nil {
			if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidScope || len(got) != 0 {
				t.Errorf("%q of %q: %q, %v", asked, granted, got, err)
			}
			return
		}
		for _, name := range got {
			if !h.Scopes.Cover(granted, []string{name}) || asked != "" && !slices.Contains(oauth.ParseScope(asked), name) {
				t.Errorf("%q of %q: got %q", asked, granted, got)
			}
		}
		if asked == "" && !slices.Equal(got, granted) {
			t.Errorf("all of %q: got %q", granted, got)
		}
	})
}
