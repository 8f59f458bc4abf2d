package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"
)

// setUp opens the printed setup link and registers a passkey.
func (p *page) setUp(s *server) {
	p.t.Helper()
	if s.setupLink == "" {
		p.t.Fatal("the server printed no setup link")
	}
	p.open(s.setupLink)
	p.press("Create passkey")
	p.see("Passkey created")
}

// approve opens a client's authorization URL, and approves it.
func (p *page) approve(authorizationURL string) {
	p.t.Helper()
	p.open(authorizationURL)
	p.press("Approve with passkey")
}

// A callback is the listener of a client on this computer.
type callback struct {
	t       *testing.T
	url     string
	arrived chan url.Values
}

func listenForCallback(t *testing.T) *callback {
	c := &callback{t: t, arrived: make(chan url.Values, 1)}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>Connected</title><link rel="icon" href="data:,"><p>Back at the client`))
		if r.URL.Path == "/callback" {
			c.arrived <- r.URL.Query()
		}
	}))
	t.Cleanup(listener.Close)
	c.url = listener.URL + "/callback"
	return c
}

// wait returns the parameters with which the browser came.
func (c *callback) wait() url.Values {
	c.t.Helper()
	select {
	case query := <-c.arrived:
		return query
	case <-time.After(patience):
		c.t.Fatal("the browser did not come back to the client")
		return nil
	}
}

// nothing fails the test if the browser came.
func (c *callback) nothing() {
	c.t.Helper()
	select {
	case query := <-c.arrived:
		c.t.Fatal("the browser came back to the client with", query)
	default:
	}
}

// register registers a public client and returns its ID.
func register(t *testing.T, s *server, name string, redirectURIs ...string) (clientID string) {
	t.Helper()
	clientID, _ = registerAs(t, s, name, "none", redirectURIs...)
	return clientID
}

// registerAs registers a client that authenticates by a method.
func registerAs(t *testing.T, s *server, name, method string, redirectURIs ...string) (clientID, secret string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"client_name": name, "redirect_uris": redirectURIs, "token_endpoint_auth_method": method,
	})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(s.url+"/register", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal("registering a client:", err)
	}
	defer resp.Body.Close()
	var answer struct {
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("registering a client: status %d, %v", resp.StatusCode, err)
	}
	return answer.ClientID, answer.ClientSecret
}

const (
	state    = "state-of-the-client"
	verifier = "a-verifier-of-at-least-forty-three-characters"
)

// authorizationURL is where a client sends the browser.
func authorizationURL(s *server, clientID, redirectURI string) string {
	challenge := sha256.Sum256([]byte(verifier))
	return s.url + "/authorize?" + url.Values{
		"response_type":         {"code"},
		"client_id":             {clientID},
		"redirect_uri":          {redirectURI},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"},
		"resource":              {s.url + "/mcp"},
		"state":                 {state},
	}.Encode()
}

// clientOnThisComputer registers a client that listens, and returns where it sends the browser.
func clientOnThisComputer(t *testing.T, s *server) (*callback, string) {
	t.Helper()
	client := listenForCallback(t)
	return client, authorizationURL(s, register(t, s, "Test client", client.url), client.url)
}

// tokens are what a client gets for a code or a refresh token.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
}

// login connects a client on this computer.
func (p *page) login(s *server) (clientID string, got tokens) {
	p.t.Helper()
	client := listenForCallback(p.t)
	clientID = register(p.t, s, "Test client", client.url)
	p.approve(authorizationURL(s, clientID, client.url))
	got, status, err := requestTokens(s.url, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {clientID},
		"code": {client.wait().Get("code")}, "code_verifier": {verifier},
	})
	if err != nil || status != http.StatusOK {
		p.t.Fatalf("redeeming the code: status %d %s, %v", status, got.Error, err)
	}
	return clientID, got
}

// requestTokens asks the token endpoint.
func requestTokens(serverURL string, form url.Values) (got tokens, status int, err error) {
	resp, err := http.PostForm(serverURL+"/token", form)
	if err != nil {
		return tokens{}, 0, err
	}
	defer resp.Body.Close()
	err = json.NewDecoder(resp.Body).Decode(&got)
	return got, resp.StatusCode, err
}
