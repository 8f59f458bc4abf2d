package doctor

import "slices"

// A Client is an MCP client by the name that people know it under.
type Client string

// The clients whose demands on a server are known, from their sources and from
// measurements.
const (
	Claude     Client = "Claude"
	ClaudeCode Client = "Claude Code"
	ChatGPT    Client = "ChatGPT"
	Codex      Client = "Codex"
	VSCode     Client = "VS Code"
	Cursor     Client = "Cursor"
	Zed        Client = "Zed"
	Goose      Client = "Goose"
	Gemini     Client = "Gemini CLI"
	Inspector  Client = "MCP Inspector"
	Browser    Client = "clients in a browser"
	MCPRemote  Client = "mcp-remote"
	TypeScript Client = "TypeScript SDK"
	Python     Client = "Python SDK"
	GoSDK      Client = "Go SDK"
	MCPGo      Client = "mcp-go"
	CSharp     Client = "C# SDK"
	Strict     Client = "oauth4webapi"
)

var everyone = []Client{
	Claude, ClaudeCode, ChatGPT, Codex, VSCode, Cursor, Zed, Goose, Gemini, Inspector, Browser,
	MCPRemote, TypeScript, Python, GoSDK, MCPGo, CSharp, Strict,
}

var (
	// hosted call from their makers' clouds.
	hosted = []Client{Claude, ChatGPT}

	// registering have no metadata document of their own, so they need POST /register.
	registering = []Client{Cursor, Gemini, Inspector, MCPRemote, MCPGo}

	// onTypeScript are built on the TypeScript SDK, and share what it insists on.
	onTypeScript = []Client{ClaudeCode, Inspector, Browser, MCPRemote, TypeScript}

	// onRust are built on rmcp, which stops at any 5xx of discovery.
	onRust = []Client{Codex, Goose}

	inBrowser = []Client{Inspector, Browser}
)

func all(groups ...[]Client) []Client {
	joined := slices.Concat(groups...)
	return slices.DeleteFunc(slices.Clone(everyone), func(c Client) bool { return !slices.Contains(joined, c) })
}

func without(group []Client, but ...Client) []Client {
	return slices.DeleteFunc(slices.Clone(group), func(c Client) bool { return slices.Contains(but, c) })
}

// A Verdict says what becomes of a client.
type Verdict struct {
	Client  Client  `json:"client"`
	Outcome Outcome `json:"outcome"`
	Because []Cause `json:"because,omitempty"`
}

// A Cause is a finding that a Verdict goes back to, by its ID and its check.
type Cause struct {
	ID    string `json:"id"`
	Check string `json:"check"`
}

// An Outcome is what becomes of a client.
type Outcome string

// Hampered connects, and meets trouble then or later. OutOfReach is no fault: the
// server is on a machine or network that the client's maker cannot see.
const (
	Connects   Outcome = "connects"
	Hampered   Outcome = "hampered"
	Fails      Outcome = "fails"
	OutOfReach Outcome = "out of reach"
)

// verdicts is the table of clients that follows from the findings.
func verdicts(findings []Finding, private bool) []Verdict {
	var table []Verdict
	for _, client := range everyone {
		v := Verdict{Client: client, Outcome: Connects}
		if private && slices.Contains(hosted, client) {
			v.Outcome = OutOfReach
		}
		for _, f := range findings {
			if !slices.Contains(f.Clients, client) {
				continue
			}
			v.Because = append(v.Because, Cause{f.ID, f.Check})
			switch {
			case f.Severity == Fail:
				v.Outcome = Fails
			case f.Severity == Warning && v.Outcome == Connects:
				v.Outcome = Hampered
			}
		}
		table = append(table, v)
	}
	return table
}
