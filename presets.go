package mcpoauth

// Pre-registered clients for products whose settings ask for a client ID and secret,
// or for servers that let nobody register. Each comes back to exactly the redirect
// URIs that its makers publish or that it was seen to use. An empty secret makes a
// public client.

// ClaudeClient is Claude.ai on the web, the desktop and phones: its "advanced
// settings" take the ID and secret.
func ClaudeClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Claude", RedirectURIs: []string{
		"https://claude.ai/api/mcp/auth_callback",
		"https://claude.com/api/mcp/auth_callback",
	}}
}

// ChatGPTClient is ChatGPT's connectors. The redirect URI is the one for servers that
// send iss, as this one does (RFC 9207).
func ChatGPTClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "ChatGPT", RedirectURIs: []string{
		"https://chatgpt.com/connector_platform_oauth_redirect",
	}}
}

// VSCodeClient is Visual Studio Code, stable and Insiders. Its port may differ.
func VSCodeClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Visual Studio Code", RedirectURIs: []string{
		"http://127.0.0.1:33418/",
		"http://127.0.0.1/",
		"https://vscode.dev/redirect",
		"https://insiders.vscode.dev/redirect",
	}}
}

// CursorClient is Cursor: the editor, its web agents and its local callback.
func CursorClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Cursor", RedirectURIs: []string{
		"cursor://anysphere.cursor-mcp/oauth/callback",
		"https://www.cursor.com/agents/mcp/oauth/callback",
		"https://www.cursor.com/bot/mcp/oauth/callback",
		"http://localhost:8787/callback",
	}}
}

// CopilotStudioClient is Microsoft Copilot Studio and what shares its connectors. The
// last part of its redirect URI belongs to the tenant and connector: Copilot Studio
// shows it once the connector is made. It needs a secret.
func CopilotStudioClient(id, secret, connector string) Client {
	return Client{ID: id, Secret: secret, Name: "Copilot Studio", RedirectURIs: []string{
		"https://global.consent.azure-apim.net/redirect/" + connector,
	}}
}

// MistralClient is Mistral's Le Chat.
func MistralClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Le Chat", RedirectURIs: []string{
		"https://callback.mistral.ai/v1/integrations_auth/oauth2_callback",
	}}
}

// PerplexityClient is Perplexity, its enterprise site included.
func PerplexityClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Perplexity", RedirectURIs: []string{
		"https://www.perplexity.ai/rest/connections/oauth_callback",
		"https://enterprise.perplexity.ai/rest/connections/oauth_callback",
	}}
}

// GrokClient is Grok on the web, on phones and in xAI's console.
func GrokClient(id, secret string) Client {
	return Client{ID: id, Secret: secret, Name: "Grok", RedirectURIs: []string{
		"https://grok.com/connectors-oauth-exchange-code/",
		"https://console.x.ai/connectors-oauth-exchange-code/",
	}}
}
