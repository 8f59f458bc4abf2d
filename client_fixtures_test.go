package mcpoauth_test

import (
	"time"

	"github.com/mcpoauth/mcpoauth"
)

// A recording is how one client connects: what it sends, as its source has it or as it
// was seen on the wire. Adding a client is adding one to recordings.
type recording struct {
	client  string // its name in the README
	assumed string // what is not known of it, and so is as with most

	version   string // the MCP-Protocol-Version of its discovery, if it sends one
	origin    string // of the web page that it runs in, if it does
	discovery []probe

	// How this server comes to know it: one of the three.
	document  string           // the URL of its metadata document
	registers string           // the body of its registration
	entry     *mcpoauth.Client // what the owner puts in Config.Clients

	redirect string // where it asks to be sent back

	// What its requests have beside what all have, or in its place, as name, value,
	// name, value. A name that comes twice is sent twice, one without value is left out.
	asks, redeems, refreshes []string

	proof       proving // how it authenticates; nil: by its ID alone
	contentType string  // of its token requests; empty: the plain form

	early  time.Duration // how long before the access token ends it refreshes; zero: when it is refused
	atOnce int           // how many of its processes refresh with one token at once; zero: one
}

// A probe is a request of a client's discovery, with the status that lets it go on.
type probe struct {
	method, path string
	status       int
}

var (
	posts          = probe{"POST", "/mcp", 401}
	gets           = probe{"GET", "/mcp", 401}
	heads          = probe{"HEAD", "/mcp", 401}
	readsResource  = probe{"GET", prmMetadata + "/mcp", 200}
	readsIssuer    = probe{"GET", asMetadata, 200}
	triesIssuer    = probe{"GET", asMetadata + "/mcp", 404}
	triesOpenIDMCP = probe{"GET", "/.well-known/openid-configuration/mcp", 404}
)

// asSpecified is what the specification asks of a client (MCP authorization 2026-07-28).
var asSpecified = []probe{posts, readsResource, readsIssuer}

const (
	ownSecret = "a-secret.of~the_owner-0123456789"

	claudeDocument     = "https://claude.ai/oauth/mcp-oauth-client-metadata"
	claudeCodeDocument = "https://claude.ai/oauth/claude-code-client-metadata"
	chatGPTDocument    = "https://chatgpt.com/oauth/client.json"
	chatGPTKeys        = "https://chatgpt.com/oauth/jwks.json"
	codexDocument      = "https://chatgpt.com/oauth/codex/client.json"
	vsCodeDocument     = "https://vscode.dev/oauth/client-metadata.json"
	zedDocument        = "https://zed.dev/oauth/client-metadata.json"
	gooseDocument      = "https://goose-docs.ai/oauth/client-metadata.json"
	grokDocument       = "https://grok.com/oauth/mcp-client.json"
	openCodeDocument   = "https://opencode.ai/oauth/opencode/client.json"
)

// publishedDocuments are the metadata documents of clients, as they were served in
// September and October 2026.
var publishedDocuments = map[string]string{
	claudeDocument:     `{"client_id":"https://claude.ai/oauth/mcp-oauth-client-metadata","client_name":"Claude","client_uri":"https://claude.ai","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:jwt-bearer"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	claudeCodeDocument: `{"client_id":"https://claude.ai/oauth/claude-code-client-metadata","client_name":"Claude Code","client_uri":"https://claude.ai","redirect_uris":["http://localhost/callback","http://127.0.0.1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	chatGPTDocument:    `{"client_id":"https://chatgpt.com/oauth/client.json","client_name":"ChatGPT","client_uri":"https://chatgpt.com/","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"],"token_endpoint_auth_signing_alg":"RS256","jwks_uri":"https://chatgpt.com/oauth/jwks.json"}`,
	codexDocument:      `{"client_id":"https://chatgpt.com/oauth/codex/client.json","client_name":"Codex","client_uri":"https://chatgpt.com/codex","redirect_uris":["http://127.0.0.1/callback","http://localhost/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","token_endpoint_auth_methods_supported":["none"],"application_type":"native"}`,
	vsCodeDocument:     `{"client_id":"https://vscode.dev/oauth/client-metadata.json","client_name":"Visual Studio Code","client_uri":"https://vscode.dev/product","redirect_uris":["http://127.0.0.1:33418/","https://vscode.dev/redirect"],"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`,
	zedDocument:        `{"client_id":"https://zed.dev/oauth/client-metadata.json","client_name":"Zed","client_uri":"https://zed.dev","redirect_uris":["http://127.0.0.1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	gooseDocument:      `{"client_id":"https://goose-docs.ai/oauth/client-metadata.json","client_name":"goose","redirect_uris":["http://127.0.0.1/oauth_callback","http://[::1]/oauth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	grokDocument:       `{"client_id":"https://grok.com/oauth/mcp-client.json","client_name":"Grok","client_uri":"https://grok.com","redirect_uris":["https://grok.com/connectors-oauth-exchange-code/","https://console.x.ai/connectors-oauth-exchange-code/"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
	openCodeDocument:   `{"client_id":"https://opencode.ai/oauth/opencode/client.json","client_name":"opencode","client_uri":"https://opencode.ai","redirect_uris":["http://127.0.0.1/callback","http://localhost/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","token_endpoint_auth_methods_supported":["none"],"application_type":"native"}`,
}

const offline = "mcp:tools offline_access"

var recordings = []recording{
	{
		client:    "Claude",
		discovery: asSpecified,
		document:  claudeDocument,
		redirect:  "https://claude.ai/api/mcp/auth_callback",
		asks:      []string{"scope", offline},
		early:     5 * time.Minute,
	},
	{
		client:    "Claude", // "register automatically", and before it knew of metadata documents
		discovery: asSpecified,
		registers: `{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:tools offline_access"}`,
		redirect:  "https://claude.ai/api/mcp/auth_callback",
		asks:      []string{"scope", offline},
	},
	{
		client:    "Claude", // an OAuth client of one's own, in the advanced settings
		discovery: asSpecified,
		entry:     new(mcpoauth.ClaudeClient("own-claude", ownSecret)),
		redirect:  "https://claude.com/api/mcp/auth_callback",
		asks:      []string{"scope", offline},
		proof:     byPost,
	},
	{
		client:    "Claude Code",
		version:   "2025-11-25",
		discovery: asSpecified,
		document:  claudeCodeDocument,
		redirect:  "http://127.0.0.1:51789/callback", // its document has no port
		asks:      []string{"scope", offline, "prompt", "consent"},
		early:     5 * time.Minute,
		atOnce:    4, // windows, whose lock does not always hold
	},
	{
		client:    "Claude Code",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"client_name":"Claude Code (notes)","redirect_uris":["http://localhost:51001/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`,
		redirect:  "http://localhost:51999/callback", // the port of this sign-in, not of the registration
		asks:      []string{"scope", offline, "prompt", "consent"},
	},
	{
		client:    "Claude Code", // --client-id and --client-secret
		version:   "2025-11-25",
		discovery: asSpecified,
		entry:     &mcpoauth.Client{ID: "own-claude-code", Secret: ownSecret, RedirectURIs: []string{"http://localhost:8765/callback"}},
		redirect:  "http://localhost:8765/callback",
		proof:     byPost,
	},
	{
		client:    "ChatGPT",
		discovery: asSpecified, // never the document at the root
		document:  chatGPTDocument,
		redirect:  "https://chatgpt.com/connector_platform_oauth_redirect",
		asks:      []string{"scope", offline},
		proof:     bySignature(chatGPTDocument),
		atOnce:    2,
		assumed:   "that it refreshes in two places at once, as other hosted clients do",
	},
	{
		client:    "ChatGPT",
		discovery: asSpecified,
		registers: `{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector/oauth/Ab3dE_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"],"jwks_uri":"https://chatgpt.com/oauth/jwks.json"}`,
		redirect:  "https://chatgpt.com/connector/oauth/Ab3dE_callback",
		asks:      []string{"scope", offline, "resource", mcpURL + "?kb_name=notes"},
		redeems:   []string{"resource", mcpURL + "?kb_name=notes"},
	},
	{
		client:    "ChatGPT", // an OAuth client of one's own
		discovery: asSpecified,
		entry:     new(mcpoauth.ChatGPTClient("own-chatgpt", ownSecret)),
		redirect:  "https://chatgpt.com/connector_platform_oauth_redirect",
		asks:      []string{"scope", offline},
		proof:     byPost,
		assumed:   "that it puts the secret in the form",
	},
	{
		client:    "Codex",
		version:   "2024-11-05",
		discovery: []probe{gets, readsResource, readsIssuer},
		document:  codexDocument,
		redirect:  "http://127.0.0.1:40123/callback",
		asks:      []string{"scope", offline},
		refreshes: []string{"scope", offline},
		early:     30 * time.Second,
		atOnce:    3, // sessions share one file of credentials
	},
	{
		client:    "Codex",
		version:   "2024-11-05",
		discovery: []probe{gets, readsResource, readsIssuer},
		registers: `{"client_name":"Codex","redirect_uris":["http://127.0.0.1:40123/callback/aBcDeFgHiJkL"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","response_types":["code"],"application_type":"native"}`,
		redirect:  "http://127.0.0.1:40123/callback/aBcDeFgHiJkL",
		asks:      []string{"scope", offline, "resource", mcpURL, "resource", mcpURL + "/"}, // its own and that of oauth_resource
		refreshes: []string{"scope", offline, "resource", ""},
	},
	{
		client:    "VS Code",
		version:   "2025-11-25",
		discovery: asSpecified,
		document:  vsCodeDocument,
		redirect:  "http://127.0.0.1:33420/", // 33418 was taken
		early:     time.Minute,
		assumed:   "how early it refreshes",
	},
	{
		client:    "VS Code",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com","redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:tools","application_type":"native"}`,
		redirect:  "https://vscode.dev/redirect",
	},
	{
		client:    "VS Code", // which asks for an ID where nobody may register
		version:   "2025-11-25",
		discovery: asSpecified,
		entry:     new(mcpoauth.VSCodeClient("own-vscode", "")),
		redirect:  "http://127.0.0.1:33418/",
	},
	{
		client:    "Cursor",
		discovery: asSpecified,
		registers: `{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback","https://www.cursor.com/bot/mcp/oauth/callback","grokbot://mcp/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "cursor://anysphere.cursor-mcp/oauth/callback",
		asks:      []string{"scope", offline},
		assumed:   "its discovery, and that it names the resource of the metadata",
	},
	{
		client:    "Cursor", // auth.CLIENT_ID in mcp.json
		discovery: asSpecified,
		entry:     new(mcpoauth.CursorClient("own-cursor", "")),
		redirect:  "https://www.cursor.com/agents/mcp/oauth/callback",
		asks:      []string{"scope", offline},
		assumed:   "its discovery, and that it names the resource of the metadata",
	},
	{
		client:    "Zed",
		discovery: asSpecified,
		document:  zedDocument,
		redirect:  "http://127.0.0.1:45671/callback",
		early:     30 * time.Second,
	},
	{
		client:    "Zed",
		discovery: asSpecified,
		registers: `{"client_name":"Zed","redirect_uris":["http://127.0.0.1:45672/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:tools"}`,
		redirect:  "http://127.0.0.1:45672/callback",
	},
	{
		client:    "Goose",
		version:   "2024-11-05",
		discovery: []probe{gets, readsResource, readsIssuer},
		document:  gooseDocument,
		redirect:  "http://127.0.0.1:40002/oauth_callback",
		asks:      []string{"scope", offline},
		refreshes: []string{"scope", offline},
		early:     lifetime - time.Minute, // at each start
	},
	{
		client:    "Goose",
		version:   "2024-11-05",
		discovery: []probe{gets, readsResource, readsIssuer},
		registers: `{"client_name":"goose","redirect_uris":["http://127.0.0.1:40001/oauth_callback"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","response_types":["code"],"application_type":"native"}`,
		redirect:  "http://127.0.0.1:40001/oauth_callback",
		asks:      []string{"scope", offline},
		refreshes: []string{"scope", offline},
		early:     lifetime - time.Minute,
	},
	{
		client:    "Gemini CLI",
		discovery: []probe{heads, readsResource, readsIssuer},
		registers: `{"client_name":"Gemini CLI MCP Client","redirect_uris":["http://localhost:7777/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":""}`,
		redirect:  "http://localhost:7777/oauth/callback",
		asks:      []string{"scope", offline}, // all that the metadata list
		refreshes: []string{"scope", offline},
		early:     5 * time.Minute,
	},
	{
		client:    "Antigravity",
		discovery: asSpecified,
		registers: `{"client_name":"antigravity-client","redirect_uris":["https://antigravity.google/oauth-callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "https://antigravity.google/oauth-callback",
		assumed:   "its discovery and what its requests have",
	},
	{
		client:    "Windsurf",
		discovery: asSpecified,
		registers: `{"client_name":"Windsurf","redirect_uris":["windsurf://codeium.windsurf/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "windsurf://codeium.windsurf/callback",
		assumed:   "all but the redirect URI, which is from the tests of other servers",
	},
	{
		client:    "Devin",
		discovery: asSpecified,
		registers: `{"client_name":"Devin","redirect_uris":["https://api.devin.ai/mcp/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "https://api.devin.ai/mcp/oauth/callback",
		assumed:   "all but the redirect URI",
	},
	{
		client:    "Grok",
		discovery: asSpecified,
		document:  grokDocument,
		redirect:  "https://grok.com/connectors-oauth-exchange-code/",
		assumed:   "its discovery and what its requests have",
	},
	{
		client:    "Grok", // on phones, where it asks for an ID
		discovery: asSpecified,
		entry:     new(mcpoauth.GrokClient("own-grok", "")),
		redirect:  "https://console.x.ai/connectors-oauth-exchange-code/",
		assumed:   "its discovery and what its requests have",
	},
	{
		client:    "Mistral Le Chat",
		discovery: asSpecified,
		registers: `{"client_name":"mistral-mcp-client","redirect_uris":["https://callback.mistral.ai/v1/integrations_auth/oauth2_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "https://callback.mistral.ai/v1/integrations_auth/oauth2_callback",
		assumed:   "its discovery, what its requests have, and that it has no secret",
	},
	{
		client:    "Mistral Le Chat",
		discovery: asSpecified,
		entry:     new(mcpoauth.MistralClient("own-mistral", ownSecret)),
		redirect:  "https://callback.mistral.ai/v1/integrations_auth/oauth2_callback",
		proof:     byBasic,
		assumed:   "its discovery, what its requests have, and that it sends the secret by Basic",
	},
	{
		client:    "Perplexity",
		discovery: asSpecified,
		registers: `{"client_name":"Perplexity","redirect_uris":["https://www.perplexity.ai/rest/connections/oauth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "https://www.perplexity.ai/rest/connections/oauth_callback",
		assumed:   "all but the redirect URI",
	},
	{
		client:    "Perplexity",
		discovery: asSpecified,
		entry:     new(mcpoauth.PerplexityClient("own-perplexity", ownSecret)),
		redirect:  "https://enterprise.perplexity.ai/rest/connections/oauth_callback",
		proof:     byPost,
		assumed:   "all but the redirect URI",
	},
	{
		client:    "Copilot Studio",
		discovery: asSpecified,
		entry:     new(mcpoauth.CopilotStudioClient("own-copilot", ownSecret, "crf88-5fnotes-5f123")),
		redirect:  "https://global.consent.azure-apim.net/redirect/crf88-5fnotes-5f123",
		asks:      []string{"resource", ""},
		redeems:   []string{"resource", ""},
		refreshes: []string{"resource", ""},
		proof:     byPost,
		assumed:   "that it names no resource, and has what it needs from a form that the owner filled in",
	},
	{
		client:    "Microsoft Teams",
		discovery: asSpecified,
		entry:     &mcpoauth.Client{ID: "own-teams", Secret: ownSecret, Name: "Teams", RedirectURIs: []string{"https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect"}},
		redirect:  "https://teams.microsoft.com/api/platform/v1.0/oAuthRedirect",
		asks:      []string{"resource", ""},
		redeems:   []string{"resource", ""},
		refreshes: []string{"resource", ""},
		proof:     byPost,
		assumed:   "as with Copilot Studio",
	},
	{
		client:    "Cline",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"redirect_uris":["http://127.0.0.1:1456/mcp/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"Cline"}`,
		redirect:  "http://127.0.0.1:1458/mcp/oauth/callback", // the first port that is free
	},
	{
		client:    "OpenCode",
		version:   "2025-11-25",
		discovery: asSpecified,
		document:  openCodeDocument,
		redirect:  "http://127.0.0.1:19876/callback",
	},
	{
		client:    "OpenCode",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"redirect_uris":["http://127.0.0.1:19876/mcp/oauth/callback"],"client_name":"OpenCode","client_uri":"https://opencode.ai","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "http://127.0.0.1:19876/mcp/oauth/callback",
	},
	{
		client:    "Continue",
		discovery: asSpecified,
		registers: `{"client_name":"Continue Dev, Inc","redirect_uris":["http://localhost:3000?state=abc%20d"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		redirect:  "http://localhost:3000?state=abc%20d", // its own state is part of it
	},
	{
		client:    "LibreChat",
		discovery: asSpecified,
		registers: `{"client_name":"LibreChat MCP Client","redirect_uris":["https://chat.example/api/mcp/notes/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic","scope":"mcp:tools"}`,
		redirect:  "https://chat.example/api/mcp/notes/oauth/callback",
		proof:     byBasic,
		assumed:   "that of the methods that are offered it takes the one that it asks for by default",
	},
	{
		client:      "Open WebUI",
		discovery:   asSpecified,
		registers:   `{"client_name":"Open WebUI","redirect_uris":["https://chat.example/oauth/clients/mcp:1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post","scope":"mcp:tools offline_access"}`,
		redirect:    "https://chat.example/oauth/clients/mcp:1/callback",
		asks:        []string{"scope", offline},
		refreshes:   []string{"scope", offline, "resource", ""}, // as Authlib does
		proof:       byPost,
		contentType: "application/x-www-form-urlencoded;charset=UTF-8",
	},
	{
		client:    "LobeHub",
		discovery: asSpecified,
		registers: `{"client_name":"LobeHub","redirect_uris":["https://lobehub.example/oauth/callback"]}`, // confidential by default (RFC 7591)
		redirect:  "https://lobehub.example/oauth/callback",
		proof:     byBasic,
		assumed:   "its redirect URI, and that it asks for no method and so gets Basic",
	},
	{
		client:      "MCP Inspector",
		version:     "2025-11-25",
		origin:      "http://localhost:6274",
		discovery:   []probe{posts, readsResource, triesIssuer, triesOpenIDMCP, readsIssuer},
		registers:   `{"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","redirect_uris":["http://localhost:6274/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"","application_type":"native"}`,
		redirect:    "http://localhost:6274/oauth/callback",
		asks:        []string{"scope", offline, "prompt", "consent"},
		early:       lifetime - time.Minute, // on every run
		atOnce:      2,                      // runs
		contentType: "application/x-www-form-urlencoded;charset=UTF-8",
	},
	{
		client:    "MCP Inspector", // --client-metadata-url
		version:   "2026-07-28",
		discovery: asSpecified,
		document:  appDocument,
		redirect:  appRedirect,
		assumed:   "the document, which is the user's own",
	},
	{
		client:    "mcp-remote",
		version:   "2025-11-25",
		discovery: []probe{gets, readsIssuer, posts, readsResource, readsIssuer},
		registers: `{"client_name":"MCP CLI Proxy","client_uri":"https://github.com/geelen/mcp-remote","redirect_uris":["http://localhost:3335/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"openid email profile","software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d","software_version":"0.1.38"}`,
		redirect:  "http://localhost:3335/oauth/callback",
		asks:      []string{"scope", "openid email profile"}, // if it finds no scopes anywhere else
		refreshes: []string{"scope", "openid email profile mcp:tools"},
		atOnce:    5, // processes, one for each window of the client in front
	},
	{
		client:    "TypeScript SDK",
		version:   "2026-07-28",
		discovery: asSpecified,
		registers: `{"client_name":"an app","redirect_uris":["http://localhost:8090/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic","scope":"mcp:tools","application_type":"native"}`,
		redirect:  "http://localhost:8090/callback",
		asks:      []string{"scope", offline, "prompt", "consent"},
		proof:     byBasic,
	},
	{
		client:    "Python SDK",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"client_name":"an app","redirect_uris":["http://localhost:3030/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_basic","scope":"mcp:tools offline_access","application_type":"native"}`,
		redirect:  "http://localhost:3030/callback",
		asks:      []string{"scope", offline, "prompt", "consent"},
		proof:     byEncodedBasic,
	},
	{
		client:    "Python SDK",
		version:   "2025-11-25",
		discovery: asSpecified,
		document:  appDocument,
		redirect:  appRedirect,
		asks:      []string{"scope", offline, "prompt", "consent"},
		assumed:   "the document, which is the app's own",
	},
	{
		client:    "Go SDK",
		discovery: asSpecified,
		registers: `{"client_name":"an app","redirect_uris":["http://127.0.0.1:8091/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post","application_type":"native"}`,
		redirect:  "http://127.0.0.1:8091/callback",
		refreshes: []string{"resource", ""},
		proof:     byPost,
	},
	{
		client:    "Go SDK",
		discovery: asSpecified,
		document:  appDocument,
		redirect:  appRedirect,
		refreshes: []string{"resource", ""},
		proof:     byBasicWithoutSecret, // x/oauth2, when nobody told it how
		assumed:   "the document, which is the app's own",
	},
	{
		client:    "mcp-go",
		version:   "2025-11-25",
		discovery: asSpecified,
		registers: `{"client_name":"an app","redirect_uris":["http://[::1]:8085/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scope":"","resource":"https://example.com/mcp"}`,
		redirect:  "http://[::1]:8085/oauth/callback",
		asks:      []string{"scope", ""},
	},
	{
		client:    "Rust SDK",
		version:   "2024-11-05",
		discovery: []probe{gets, readsResource, readsIssuer},
		registers: `{"client_name":"an app","redirect_uris":["http://127.0.0.1:8092/callback"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","response_types":["code"],"scope":"mcp:tools","application_type":"native"}`,
		redirect:  "http://127.0.0.1:8092/callback",
		asks:      []string{"scope", offline},
		refreshes: []string{"scope", offline},
		early:     30 * time.Second,
	},
	{
		client:    "C# SDK",
		discovery: asSpecified,
		registers: `{"redirect_uris":["http://localhost:1179/callback"],"token_endpoint_auth_method":"client_secret_post","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"client_name":"an app","scope":"mcp:tools"}`,
		redirect:  "http://localhost:1179/callback",
		asks:      []string{"state", ""},
		proof:     byPost,
	},
	{
		client:    "C# SDK",
		discovery: asSpecified,
		document:  appDocument,
		redirect:  appRedirect,
		asks:      []string{"state", ""},
		proof:     byPost, // with a secret that is empty
		assumed:   "the document, which is the app's own",
	},
	{
		client:    "Clients of 2025-03-26", // which know nothing of resources
		version:   "2025-03-26",
		discovery: []probe{posts, readsIssuer},
		registers: `{"client_name":"an old app","redirect_uris":["http://localhost:9000/callback"]}`,
		redirect:  "http://localhost:9000/callback",
		asks:      []string{"resource", "", "scope", ""},
		redeems:   []string{"resource", ""},
		refreshes: []string{"resource", ""},
		proof:     byPost, // though it was given Basic
	},
}
