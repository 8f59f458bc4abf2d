package register

import (
	"net/http"
	"slices"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// wellKnown is what each client sends in its authorization request, and what it is.
var wellKnown = map[string]struct {
	name, redirect string
	refresh        bool
}{
	"https://claude.ai/oauth/mcp-oauth-client-metadata":   {"Claude", "https://claude.ai/api/mcp/auth_callback", true},
	"https://claude.ai/oauth/claude-code-client-metadata": {"Claude Code", "http://localhost:53682/callback", true},
	"https://chatgpt.com/oauth/client.json":               {"ChatGPT", "https://chatgpt.com/connector_platform_oauth_redirect", true},
	"https://chatgpt.com/oauth/codex/client.json":         {"Codex", "http://127.0.0.1:41733/callback", true},
	"https://vscode.dev/oauth/client-metadata.json":       {"Visual Studio Code", "http://127.0.0.1:49731/", true},
	"https://zed.dev/oauth/client-metadata.json":          {"Zed", "http://127.0.0.1:49152/callback", true},
	"https://goose-docs.ai/oauth/client-metadata.json":    {"goose", "http://127.0.0.1:50000/oauth_callback", true},
	"https://grok.com/oauth/mcp-client.json":              {"Grok", "https://grok.com/connectors-oauth-exchange-code/", true},
	"https://opencode.ai/oauth/opencode/client.json":      {"opencode", "http://127.0.0.1:51675/callback", true},
}

func TestR21_WellKnownClientsAreKnownWhileTheirServersCannotBeReached(t *testing.T) {
	for url := range pinned {
		if _, ok := wellKnown[url]; !ok {
			t.Errorf("%s is in no row of this test", url)
		}
	}
	for url, want := range wellKnown {
		t.Run(want.name, func(t *testing.T) {
			d := newDocuments(t, unreachable["a bot check"])
			got := d.mustClient(t, url)
			if got.ID != url || got.Name != want.name || got.TokenEndpointAuthMethod != oauth.AuthNone || got.CreatedAt.IsZero() {
				t.Errorf("the client is %+v", got)
			}
			if !oauth.MatchRedirectURI(got.RedirectURIs, want.redirect) {
				t.Errorf("it may not come back to %s, but only to %v", want.redirect, got.RedirectURIs)
			}
			if slices.Contains(got.GrantTypes, oauth.GrantRefresh) != want.refresh {
				t.Errorf("its grants are %v", got.GrantTypes)
			}
			d.mustLog(t, url, "the copy that came with this server")
		})
	}
}

func TestWhatTheServerOfAWellKnownClientSaysGoesFirst(t *testing.T) {
	const url = "https://claude.ai/oauth/mcp-oauth-client-metadata"
	d := newDocuments(t, serve(with(url, map[string]any{"redirect_uris": []string{"https://claude.ai/new"}})))
	if got := d.mustClient(t, url).RedirectURIs; !slices.Equal(got, []string{"https://claude.ai/new"}) {
		t.Errorf("redirect URIs %v", got)
	}
	d.mustLogFetched(t)
}

func TestAWellKnownClientThatNoRuleOfTheOperatorLeavesARedirectURIIsRefused(t *testing.T) {
	d := newDocuments(t, unreachable["an outage"])
	d.RedirectURIs = []string{"https://claude.ai/api/mcp/auth_callback"}
	d.mustClient(t, "https://claude.ai/oauth/mcp-oauth-client-metadata")
	d.mustRefuse(t, "https://grok.com/oauth/mcp-client.json", http.StatusServiceUnavailable, "503")
}

func TestNothingNearAWellKnownURLIsWellKnown(t *testing.T) {
	for _, url := range []string{
		"https://claude.ai/oauth/mcp-oauth-client-metadata/",
		"https://claude.ai/oauth/MCP-oauth-client-metadata",
		"https://claude.ai/oauth//mcp-oauth-client-metadata",
		"https://claude.ai.evil.example/oauth/mcp-oauth-client-metadata",
		"https://chatgpt.com/oauth/other/client.json",
	} {
		newDocuments(t, unreachable["an outage"]).mustRefuse(t, url, http.StatusServiceUnavailable, "503")
	}
}
