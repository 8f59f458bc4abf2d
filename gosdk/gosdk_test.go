package gosdk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/gosdk"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// seen is what a tool finds in its request.
type seen struct {
	identity mcpoauth.Identity
	info     *auth.TokenInfo
	header   http.Header
}

// newServer returns an MCP server with one tool, "look", that reports what it sees.
func newServer(reports chan<- seen, stateless bool) http.Handler {
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "look"}, func(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		identity, _ := mcpoauth.IdentityFromContext(ctx)
		reports <- seen{identity, req.Extra.TokenInfo, req.Extra.Header}
		return nil, nil, nil
	})
	return mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: stateless})
}

func TestToolsOfTheSDKSeeWhoCalls(t *testing.T) {
	for name, stateless := range map[string]bool{"in a stateless server": true, "in a server with sessions": false} {
		t.Run(name, func(t *testing.T) {
			reports := make(chan seen, 1)
			s := guarded(t, gosdk.TokenInfo(newServer(reports, stateless)))
			token := s.approve(t)
			session := s.connect(t, &token)
			got := look(t, session, reports)
			id, info := got.identity, got.info
			if id.UserID != "someone" || id.ClientID != s.clientID || id.GrantID == "" {
				t.Fatalf("the identity is %+v", id)
			}
			if info.UserID != id.UserID || !slices.Equal(info.Scopes, id.Scopes) || !info.Expiration.Equal(id.ExpiresAt) {
				t.Errorf("TokenInfo is %+v, want the identity %+v", info, id)
			}
			if info.Extra[gosdk.ClientID] != id.ClientID || info.Extra[gosdk.GrantID] != id.GrantID {
				t.Errorf("TokenInfo.Extra is %v, want client %s and grant %s", info.Extra, id.ClientID, id.GrantID)
			}
			if values, ok := got.header["Authorization"]; ok {
				t.Errorf("the tool sees the header Authorization: %q", values)
			}
		})
	}
}

func TestTokenInfoIsOfThePresentRequestAlsoInASession(t *testing.T) {
	reports := make(chan seen, 1)
	s := guarded(t, gosdk.TokenInfo(newServer(reports, false)))
	token := s.approve(t)
	session := s.connect(t, &token)
	first := look(t, session, reports).info.Extra[gosdk.GrantID]
	token = s.approve(t)
	if second := look(t, session, reports).info.Extra[gosdk.GrantID]; second == first {
		t.Error("TokenInfo has the grant of an earlier request")
	}
}

// look calls the tool and returns what it saw.
func look(t *testing.T, session *mcp.ClientSession, reports <-chan seen) seen {
	t.Helper()
	if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "look"}); err != nil {
		t.Fatal("calling the tool:", err)
	}
	got := <-reports
	if got.info == nil {
		t.Fatal("the tool has no TokenInfo")
	}
	return got
}

func TestARequestThatPassedNoRouterIsRefused(t *testing.T) {
	for name, header := range map[string]http.Header{
		"without a token": {},
		"with a token":    {"Authorization": {"Bearer anything"}},
		"without headers": nil,
	} {
		t.Run(name, func(t *testing.T) {
			handler := gosdk.TokenInfo(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("the request reached the handler")
			}))
			recorder := httptest.NewRecorder()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", nil)
			request.Header = header
			handler.ServeHTTP(recorder, request)
			if recorder.Code != http.StatusInternalServerError {
				t.Errorf("the status is %d, want 500", recorder.Code)
			}
		})
	}
}

// A middleware outside TokenInfo, such as a log, may still look at the request.
func TestTheCallersRequestIsNotChanged(t *testing.T) {
	var inner http.Handler
	s := guarded(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		before := r.Header.Clone()
		inner.ServeHTTP(w, r)
		if r.Header.Get("Authorization") != before.Get("Authorization") {
			t.Error("the Authorization header of the outer request was changed")
		}
	}))
	inner = gosdk.TokenInfo(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/mcp", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.approve(t))
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Errorf("the status is %d, want 204", resp.StatusCode)
	}
}

// A server is a handler behind a router, and the store below it.
type server struct {
	url, clientID string
	store         *store.Store
}

const redirectURI = "http://127.0.0.1/callback"

func guarded(t *testing.T, handler http.Handler) *server {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	var router *mcpoauth.Router
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { router.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	address, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{url: "http://localhost:" + address.Port(), clientID: "test-client", store: store.New(backend, store.Lifetimes{})}
	router, err = mcpoauth.BuildOAuthRouter(handler, mcpoauth.Config{
		ServerURL:  s.url,
		Store:      backend,
		SetupToken: "not-used-in-this-test",
		Clients:    []mcpoauth.Client{{ID: s.clientID, RedirectURIs: []string{redirectURI}}},
	})
	if err != nil {
		t.Fatal("building the router:", err)
	}
	t.Cleanup(func() { router.Close() })
	return s
}

// approve does what the approval page does, and redeems the code for a token.
func (s *server) approve(t *testing.T) (token string) {
	t.Helper()
	const verifier = "a-verifier-of-at-least-forty-three-characters"
	challenge := sha256.Sum256([]byte(verifier))
	if err := s.store.CreateUser(t.Context(), store.User{ID: "someone"}); err != nil && !errors.Is(err, store.ErrConflict) {
		t.Fatal("making the person:", err)
	}
	code, err := s.store.Approve(t.Context(), store.Approval{
		UserID:      "someone",
		Client:      &store.Client{ID: s.clientID, RedirectURIs: []string{redirectURI}, Preregistered: true},
		RedirectURI: redirectURI,
		Resource:    s.url + "/mcp",
		Scopes:      []string{"mcp:tools"},
		Challenge:   base64.RawURLEncoding.EncodeToString(challenge[:]),
	})
	if err != nil {
		t.Fatal("approving:", err)
	}
	resp, err := http.PostForm(s.url+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier},
		"client_id": {s.clientID}, "redirect_uri": {redirectURI},
	})
	if err != nil {
		t.Fatal("redeeming the code:", err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal("redeeming the code:", err)
	}
	if err := json.Unmarshal(body.Bytes(), &answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("redeeming the code: status %d, %s", resp.StatusCode, body.Bytes())
	}
	return answer.AccessToken
}

// connect connects the SDK's client, which presents the token of the moment.
func (s *server) connect(t *testing.T, token *string) *mcp.ClientSession {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint:             s.url + "/mcp",
		HTTPClient:           &http.Client{Transport: bearer{token}},
		DisableStandaloneSSE: true,
	}, nil)
	if err != nil {
		t.Fatal("connecting:", err)
	}
	t.Cleanup(func() { session.Close() })
	return session
}

// bearer is a transport that presents a token.
type bearer struct{ token *string }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+*b.token)
	return http.DefaultTransport.RoundTrip(r)
}
