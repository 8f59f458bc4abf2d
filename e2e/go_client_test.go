package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
)

// A goClient is the official Go SDK's client, whose owner approves in a browser.
type goClient struct {
	t         *testing.T
	server    *server
	session   *mcp.ClientSession
	approvals int
	refuse    bool // to ask for another approval

	config *oauth2.Config // what the SDK made of the registration
	tokens *expirable
}

func goSDK(t *testing.T) string {
	return goModule(t, "Go SDK", "github.com/modelcontextprotocol/go-sdk")
}

var errAskedAgain = errors.New("the client asks for an approval again")

func connectGoClient(t *testing.T, s *server, p *page) *goClient {
	t.Helper()
	c := &goClient{t: t, server: s}
	back := listenForCallback(t)
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{
			Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName:              "Go SDK",
				RedirectURIs:            []string{back.url},
				GrantTypes:              []string{"authorization_code", "refresh_token"},
				ResponseTypes:           []string{"code"},
				TokenEndpointAuthMethod: "none",
			},
		},
		RequestRefreshToken: true,
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			if c.refuse {
				return nil, errAskedAgain
			}
			c.approvals++
			p.approve(args.URL)
			query := back.wait()
			return &auth.AuthorizationResult{Code: query.Get("code"), State: query.Get("state"), Iss: query.Get("iss")}, nil
		},
		NewTokenSource: func(ctx context.Context, config *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
			c.config = config
			c.tokens = &expirable{ctx: ctx, config: config, token: token}
			return c.tokens, nil
		},
	})
	if err != nil {
		t.Fatal("making the Go SDK's OAuth handler:", err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "go-e2e", Version: "1.0.0"}, nil)
	c.session, err = client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: s.url + "/mcp", OAuthHandler: handler}, nil)
	if err != nil {
		t.Fatal("connecting the Go SDK's client:", err)
	}
	t.Cleanup(func() { _ = c.session.Close() }) // its grant may be revoked by now
	return c
}

// expirable is the SDK's own token source, which a test can make believe that its
// access token has expired.
type expirable struct {
	ctx    context.Context
	config *oauth2.Config
	token  *oauth2.Token
}

func (e *expirable) Token() (*oauth2.Token, error) {
	token, err := e.config.TokenSource(e.ctx, e.token).Token()
	if err == nil {
		e.token = token
	}
	return token, err
}

func (e *expirable) expire() {
	old := *e.token
	old.Expiry = time.Now().Add(-time.Minute)
	e.token = &old
}

// call calls a tool and decodes its answer.
func (c *goClient) call(name string, args, answer any) error {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	result, err := c.session.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		return err
	}
	data, err := json.Marshal(result.StructuredContent)
	if err != nil {
		return err
	}
	if result.IsError {
		return errors.New("the tool answered with an error")
	}
	return json.Unmarshal(data, answer)
}

func (c *goClient) mustCall(name string, args, answer any) {
	c.t.Helper()
	if err := c.call(name, args, answer); err != nil {
		c.t.Fatalf("calling %s: %v", name, err)
	}
}

type (
	noteAnswer  struct{ ID int }
	notesAnswer struct{ Notes []struct{ Text string } }
	whoAnswer   struct {
		UserID    string   `json:"user_id"`
		ClientID  string   `json:"client_id"`
		GrantID   string   `json:"grant_id"`
		Resource  string   `json:"resource"`
		Scopes    []string `json:"scopes"`
		TokenInfo struct {
			UserID string         `json:"user_id"`
			Scopes []string       `json:"scopes"`
			Extra  map[string]any `json:"extra"`
		} `json:"token_info"`
	}
)

func (c *goClient) expectNotes(want ...string) {
	c.t.Helper()
	var list notesAnswer
	c.mustCall("list_notes", struct{}{}, &list)
	var got []string
	for _, note := range list.Notes {
		got = append(got, note.Text)
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		c.t.Errorf("the notes are %q, want %q", got, want)
	}
}

func (c *goClient) expectWhoami() {
	c.t.Helper()
	var who whoAnswer
	c.mustCall("whoami", struct{}{}, &who)
	if who.UserID != "owner" || who.ClientID != c.config.ClientID || who.Resource != c.server.url+"/mcp" || who.GrantID == "" {
		c.t.Errorf("whoami is %+v, want the owner through client %s", who, c.config.ClientID)
	}
	info := who.TokenInfo
	if info.UserID != who.UserID || strings.Join(info.Scopes, " ") != strings.Join(who.Scopes, " ") ||
		info.Extra["client_id"] != who.ClientID || info.Extra["grant_id"] != who.GrantID {
		c.t.Errorf("the SDK's TokenInfo is %+v, want the identity %+v", info, who)
	}
}

func TestGoSDKClient(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	c := connectGoClient(t, s, p)

	tools, err := c.session.ListTools(t.Context(), nil)
	if err != nil || len(tools.Tools) != 4 {
		t.Fatalf("tools/list: %d tools, %v; want 4", len(tools.Tools), err)
	}
	c.mustCall("add_note", map[string]string{"text": "buy milk"}, new(noteAnswer))
	c.expectWhoami()

	before := *c.tokens.token
	c.tokens.expire()
	c.expectNotes("buy milk")
	if after := c.tokens.token; after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken {
		t.Error("refresh gave the same tokens again")
	}

	s.stop()
	s.restart()
	if s.setupLink != "" {
		t.Error("a server that is set up prints a setup link again")
	}
	c.mustCall("add_note", map[string]string{"text": "after a restart"}, new(noteAnswer))
	c.expectNotes("buy milk", "after a restart")
	c.tokens.expire()
	c.expectNotes("buy milk", "after a restart")
	if c.approvals != 1 {
		t.Errorf("the owner was asked %d times, want once", c.approvals)
	}

	secrets := []string{before.AccessToken, before.RefreshToken, c.tokens.token.AccessToken, c.tokens.token.RefreshToken}
	revoke(t, s, c.config.ClientID, c.tokens.token.RefreshToken)
	if status := probe(t, s, c.tokens.token.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("after the revocation a call is answered with %d, want 401", status)
	}
	c.refuse = true
	if err := c.call("whoami", struct{}{}, new(whoAnswer)); !errors.Is(err, errAskedAgain) {
		t.Errorf("after the revocation the client says %v, want it to ask for an approval", err)
	}
	for _, secret := range secrets {
		if strings.Contains(s.output.String(), secret) {
			t.Error("a token is in the log")
		}
	}
	exercised(t, goSDK(t), "login, tools/list, tools/call, refresh, restart of the server, revoke")
}

func TestAConnectedClientSurvivesAPowerCut(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	c := connectGoClient(t, s, p)
	c.mustCall("add_note", map[string]string{"text": "before"}, new(noteAnswer))

	for range 3 {
		s.kill()
		s.restart()
		c.expectNotes("before")
		c.tokens.expire()
		s.kill()
		s.restart()
		c.expectNotes("before") // by a refresh, as the first thing after a start
	}
	if c.approvals != 1 {
		t.Errorf("the owner was asked %d times, want once", c.approvals)
	}
	exercised(t, goSDK(t), "kill -9 of the server between two calls and before a refresh")
}

// Approvals in the middle of which the server dies can be repeated.
func TestAnApprovalSurvivesARestart(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)
	p.open(request)
	p.see("Approve with passkey")
	s.waitKept(t, request)
	s.kill()
	s.restart()
	p.press("Approve with passkey")
	if query := client.wait(); query.Get("code") == "" {
		t.Errorf("the client got %v, want a code", query)
	}
}

// waitKept waits until the client of a request is on the disk, where a registration
// is soon, and not at once.
func (s *server) waitKept(t *testing.T, request string) {
	t.Helper()
	if len(s.addrs) > 1 {
		return // a database has it at once
	}
	parsed, err := url.Parse(request)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the registration to be on the disk", func() bool {
		data, err := os.ReadFile(filepath.Join(s.dir, "state.unapproved.json"))
		return err == nil && strings.Contains(string(data), parsed.Query().Get("client_id"))
	})
}

// revoke ends a grant as a client that logs out does (RFC 7009).
func revoke(t *testing.T, s *server, clientID, token string) {
	t.Helper()
	revokeAs(t, s, clientID, "", token)
}

// revokeAs is revoke for a client that may have a secret.
func revokeAs(t *testing.T, s *server, clientID, secret, token string) {
	t.Helper()
	form := url.Values{"token": {token}, "client_id": {clientID}}
	if secret != "" {
		form.Set("client_secret", secret)
	}
	resp, err := http.PostForm(s.url+"/revoke", form)
	if err != nil {
		t.Fatal("revoking:", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("revoking: status %d", resp.StatusCode)
	}
}

// probe returns the status of a request with an access token.
func probe(t *testing.T, s *server, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/mcp", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal("calling the server:", err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}
