package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"github.com/mark3labs/mcp-go/client/transport"
	"github.com/mark3labs/mcp-go/mcp"
)

// An mcpGoClient is a program that uses mcp-go, in the way of its oauth_client
// example.
type mcpGoClient struct {
	*client.Client
	t        *testing.T
	oauth    *transport.OAuthHandler
	tokens   client.TokenStore
	protocol string
}

func connectMCPGoClient(t *testing.T, s *server, p *page) *mcpGoClient {
	t.Helper()
	back := listenForCallback(t)
	c := &mcpGoClient{t: t, tokens: client.NewMemoryTokenStore()}
	var err error
	c.Client, err = client.NewOAuthStreamableHttpClient(s.url+"/mcp", client.OAuthConfig{
		RedirectURI: back.url, PKCEEnabled: true, TokenStore: c.tokens,
	})
	if err != nil {
		t.Fatal("making an mcp-go client:", err)
	}
	t.Cleanup(func() { _ = c.Close() }) // its grant may be revoked by now
	err = c.initialize()
	if !client.IsOAuthAuthorizationRequiredError(err) {
		t.Fatalf("without a token the client ends with %v, want its wish for an approval", err)
	}
	c.oauth = client.GetOAuthHandler(err)
	c.authorize(p, back)
	if err := c.initialize(); err != nil {
		t.Fatal("connecting with a token:", err)
	}
	return c
}

func (c *mcpGoClient) initialize() error {
	if err := c.Start(c.t.Context()); err != nil {
		return err
	}
	var request mcp.InitializeRequest
	request.Params.ProtocolVersion = mcp.LATEST_PROTOCOL_VERSION
	request.Params.ClientInfo = mcp.Implementation{Name: "mcp-go-e2e", Version: "1.0.0"}
	result, err := c.Initialize(c.t.Context(), request)
	if err == nil {
		c.protocol = result.ProtocolVersion
	}
	return err
}

func (c *mcpGoClient) authorize(p *page, back *callback) {
	c.t.Helper()
	verifier, err := client.GenerateCodeVerifier()
	if err != nil {
		c.t.Fatal(err)
	}
	wanted, err := client.GenerateState()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.oauth.RegisterClient(c.t.Context(), "mcp-go"); err != nil {
		c.t.Fatal("registering:", err)
	}
	url, err := c.oauth.GetAuthorizationURL(c.t.Context(), wanted, client.GenerateCodeChallenge(verifier))
	if err != nil {
		c.t.Fatal("making the authorization URL:", err)
	}
	p.approve(url)
	query := back.wait()
	if err := c.oauth.ProcessAuthorizationResponse(c.t.Context(), query.Get("code"), query.Get("state"), verifier); err != nil {
		c.t.Fatal("redeeming the code:", err)
	}
}

func (c *mcpGoClient) call(name string, args, answer any) error {
	c.t.Helper()
	var request mcp.CallToolRequest
	request.Params.Name, request.Params.Arguments = name, args
	result, err := c.CallTool(c.t.Context(), request)
	if err != nil {
		return err
	}
	data, err := json.Marshal(result.StructuredContent)
	if err != nil || result.IsError {
		c.t.Fatalf("%s answers with %+v, %v", name, result.Content, err)
	}
	return json.Unmarshal(data, answer)
}

func (c *mcpGoClient) token() client.Token {
	c.t.Helper()
	token, err := c.tokens.GetToken(c.t.Context())
	if err != nil {
		c.t.Fatal("the client has no token:", err)
	}
	return *token
}

func (c *mcpGoClient) expire() {
	c.t.Helper()
	token := c.token()
	token.ExpiresAt = time.Now().Add(-time.Minute)
	if err := c.tokens.SaveToken(c.t.Context(), &token); err != nil {
		c.t.Fatal(err)
	}
}

func TestMCPGoClient(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	c := connectMCPGoClient(t, s, p)

	tools, err := c.ListTools(t.Context(), mcp.ListToolsRequest{})
	if err != nil || len(tools.Tools) != 4 {
		t.Fatalf("tools/list: %+v, %v; want 4 tools", tools, err)
	}
	if err := c.call("add_note", map[string]string{"text": "from mcp-go"}, new(noteAnswer)); err != nil {
		t.Fatal("tools/call:", err)
	}
	var who whoAnswer
	if err := c.call("whoami", nil, &who); err != nil || who.UserID != "owner" || who.ClientID != c.oauth.GetClientID() {
		t.Errorf("whoami is %+v, %v", who, err)
	}

	before := c.token()
	c.expire()
	var notes notesAnswer
	if err := c.call("list_notes", nil, &notes); err != nil || len(notes.Notes) != 1 || notes.Notes[0].Text != "from mcp-go" {
		t.Errorf("after a refresh the notes are %+v, %v", notes, err)
	}
	after := c.token()
	if after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken {
		t.Error("refresh gave the same tokens again")
	}

	revoke(t, s, c.oauth.GetClientID(), after.RefreshToken)
	if status := probe(t, s, after.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("after the revocation a call is answered with %d, want 401", status)
	}
	if err := c.call("whoami", nil, &who); !client.IsOAuthAuthorizationRequiredError(err) {
		t.Errorf("after the revocation the client says %v, want its wish for an approval", err)
	}
	c.expire()
	if err := c.call("whoami", nil, &who); !client.IsOAuthAuthorizationRequiredError(err) {
		t.Errorf("after a refused refresh the client says %v, want its wish for an approval", err)
	}
	if strings.Contains(s.output.String(), after.AccessToken) || strings.Contains(s.output.String(), after.RefreshToken) {
		t.Error("a token is in the log")
	}
	exercised(t, goModule(t, "mcp-go", "github.com/mark3labs/mcp-go"), "login, tools/list, tools/call, refresh, revoke; MCP "+c.protocol)
}
