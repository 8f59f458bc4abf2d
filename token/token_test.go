package token

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

func TestNarrowGivesWhatIsAskedForAndGranted(t *testing.T) {
	granted := []string{"mcp:tools", "notes:read", "offline_access"}
	tests := []struct{ name, asked, want string }{
		{"nothing asked for is all", "", "mcp:tools notes:read offline_access"},
		{"one", "notes:read", "notes:read"},
		{"in the order they were granted in", "offline_access mcp:tools", "mcp:tools offline_access"},
		{"what was not granted is left out", "admin notes:read", "notes:read"},
		{"repeats count once", "notes:read notes:read", "notes:read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := (&Handler{}).narrow(granted, test.asked)
			if err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
	if !slices.Equal(granted, []string{"mcp:tools", "notes:read", "offline_access"}) {
		t.Errorf("the grant's own scopes became %q", granted)
	}
	for _, asked := range []string{"admin", " ", "MCP:tools"} {
		_, err := (&Handler{}).narrow(granted, asked)
		if refusal, ok := errors.AsType[*oauth.Error](err); !ok || refusal.Code != oauth.InvalidScope {
			t.Errorf("%q is answered with %v", asked, err)
		}
	}
}
