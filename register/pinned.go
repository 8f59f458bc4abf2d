package register

import (
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// pinned are the documents of well-known clients, without what is never used, as they
// were served in September and October 2026. They count only while the server of the
// document cannot be reached: claude.ai and grok.com answer many cloud providers with a
// bot check in place of the document, and have had outages. That an entry is old does
// no harm: a redirect URI that is not in it is refused, and a person still approves.
var pinned = map[string]string{
	// Claude on the web, desktop and phone, and Cowork.
	"https://claude.ai/oauth/mcp-oauth-client-metadata": `{
		"client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata",
		"client_name": "Claude",
		"client_uri": "https://claude.ai",
		"redirect_uris": ["https://claude.ai/api/mcp/auth_callback"],
		"grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none"
	}`,
	"https://claude.ai/oauth/claude-code-client-metadata": `{
		"client_id": "https://claude.ai/oauth/claude-code-client-metadata",
		"client_name": "Claude Code",
		"client_uri": "https://claude.ai",
		"redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none"
	}`,
	// ChatGPT and Codex, at a server that sends iss (RFC 9207), as this one does.
	// Elsewhere they use a document for each connection.
	"https://chatgpt.com/oauth/client.json": `{
		"client_id": "https://chatgpt.com/oauth/client.json",
		"client_name": "ChatGPT",
		"client_uri": "https://chatgpt.com/",
		"redirect_uris": ["https://chatgpt.com/connector_platform_oauth_redirect"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "private_key_jwt",
		"token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
		"token_endpoint_auth_signing_alg": "RS256",
		"jwks_uri": "https://chatgpt.com/oauth/jwks.json"
	}`,
	"https://chatgpt.com/oauth/codex/client.json": `{
		"client_id": "https://chatgpt.com/oauth/codex/client.json",
		"client_name": "Codex",
		"client_uri": "https://chatgpt.com/codex",
		"redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none",
		"token_endpoint_auth_methods_supported": ["none"],
		"application_type": "native"
	}`,
	"https://vscode.dev/oauth/client-metadata.json": `{
		"client_id": "https://vscode.dev/oauth/client-metadata.json",
		"client_name": "Visual Studio Code",
		"client_uri": "https://vscode.dev/product",
		"redirect_uris": ["http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
		"grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none",
		"application_type": "native"
	}`,
	"https://zed.dev/oauth/client-metadata.json": `{
		"client_id": "https://zed.dev/oauth/client-metadata.json",
		"client_name": "Zed",
		"client_uri": "https://zed.dev",
		"redirect_uris": ["http://127.0.0.1/callback"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none"
	}`,
	"https://goose-docs.ai/oauth/client-metadata.json": `{
		"client_id": "https://goose-docs.ai/oauth/client-metadata.json",
		"client_name": "goose",
		"redirect_uris": ["http://127.0.0.1/oauth_callback", "http://[::1]/oauth_callback"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none"
	}`,
	"https://grok.com/oauth/mcp-client.json": `{
		"client_id": "https://grok.com/oauth/mcp-client.json",
		"client_name": "Grok",
		"client_uri": "https://grok.com",
		"redirect_uris": ["https://grok.com/connectors-oauth-exchange-code/", "https://console.x.ai/connectors-oauth-exchange-code/"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none"
	}`,
	"https://opencode.ai/oauth/opencode/client.json": `{
		"client_id": "https://opencode.ai/oauth/opencode/client.json",
		"client_name": "opencode",
		"client_uri": "https://opencode.ai",
		"redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
		"grant_types": ["authorization_code", "refresh_token"],
		"response_types": ["code"],
		"token_endpoint_auth_method": "none",
		"token_endpoint_auth_methods_supported": ["none"],
		"application_type": "native"
	}`,
}

// pinned returns a well-known client, or nil: also if the operator's rules leave it
// nothing.
func (d *Documents) pinned(url string) *store.Client {
	body, ok := pinned[url]
	if !ok {
		return nil
	}
	client, err := d.read(url, []byte(body))
	if err != nil {
		return nil
	}
	client.CreatedAt = time.Now().UTC().Truncate(time.Second)
	return client
}
