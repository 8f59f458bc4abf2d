package main

import (
	"io"
	"net/url"
	"strings"
	"text/template"
)

var greeting = template.Must(template.New("").Parse(`
The MCP server is at  {{.MCP}}
{{if .SetupLink}}
It has no owner yet. Open this link in your browser and create a passkey:

    {{.SetupLink}}
{{else if .SetupPage}}
It has no owner yet. Open {{.SetupPage}} in your browser,
enter your setup token and create a passkey.
{{end}}
Connect a client:

    Claude Code   claude mcp add --transport http notes {{.MCP}}
    VS Code       code --add-mcp '{"name":"notes","type":"http","url":"{{.MCP}}"}'
{{- if .Public}}
    Claude.ai     Settings > Connectors > Add custom connector > {{.MCP}}
{{- else}}
    Claude.ai     needs a public https address, which a tunnel gives, for example one of
                      cloudflared tunnel --url {{.Server}}
                      tailscale funnel {{.Port}}
                  Then start this server with that address, and a new -data directory, because
                  a passkey belongs to the address it was made for:
                      go run ./example -url https://ADDRESS -data data/public
{{- end}}

Stop with Ctrl-C.
`))

// greet says how to set the server up, and how to connect to it.
func greet(out io.Writer, serverURL string, notice *setupNotice) {
	server := strings.TrimSuffix(serverURL, "/")
	parsed, err := url.Parse(server)
	if err != nil {
		return // the library has refused it already
	}
	// A terminal that is gone is no reason to stop serving.
	_ = greeting.Execute(out, map[string]any{
		"Server":    server,
		"MCP":       server + "/mcp",
		"Port":      parsed.Port(),
		"Public":    parsed.Scheme == "https",
		"SetupLink": notice.link,
		"SetupPage": notice.page,
	})
}
