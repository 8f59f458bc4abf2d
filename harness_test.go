package mcpoauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	serverURL  = "https://example.com"
	mcpURL     = serverURL + "/mcp"
	setupToken = "a-setup-token-for-the-tests"
	webClient  = "https://client.example/callback"
	loopback   = "http://127.0.0.1:4711/callback"
)

// A server is a Router on a TLS listener that answers for https://example.com, with
// a browser (cookies, no redirects followed) and an authenticator in front of it.
type server struct {
	t             *testing.T
	url           string
	http          *http.Client // the browser
	logs          *safeBuffer
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

// start serves a Router in pure memory, unless cfg says where to keep things, around
// a handler that answers with the caller's identity.
func start(t *testing.T, cfg mcpoauth.Config) *server {
	t.Helper()
	return startWith(t, cfg, http.HandlerFunc(showIdentity))
}

func startWith(t *testing.T, cfg mcpoauth.Config, mcp http.Handler) *server {
	t.Helper()
	s := &server{t: t, url: cfg.ServerURL, logs: new(safeBuffer)}
	if s.url == "" {
		s.url, cfg.ServerURL = serverURL, serverURL
	}
	if cfg.SetupToken == "" {
		cfg.SetupToken = setupToken
	}
	if cfg.Store == nil && cfg.StateFile == "" {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		cfg.Store = backend
	}
	cfg.Logger = slog.New(slog.NewJSONHandler(s.logs, nil))
	router, err := mcpoauth.BuildOAuthRouter(mcp, cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewTLSServer(router)
	t.Cleanup(func() {
		listener.Close()
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	})
	s.http = s.browser(listener)
	s.credential = newCredential()
	return s
}

// browser returns a client that finds the server under its public name.
func (s *server) browser(listener *httptest.Server) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := listener.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Listener.Addr().String())
	}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// showIdentity is the wrapped handler: it answers with what it sees of the caller.
func showIdentity(w http.ResponseWriter, r *http.Request) {
	identity, ok := mcpoauth.IdentityFromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ok": ok, "identity": identity, "path": r.URL.Path, "method": r.Method})
}

// An answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

// json returns a member of the body, or nil.
func (a answer) json(t *testing.T, member string) any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(a.body), &object); err != nil {
		t.Fatalf("the body of the %d is not a JSON object: %v\n%s", a.StatusCode, err, a.body)
	}
	return object[member]
}

func (a answer) text(t *testing.T, member string) string {
	t.Helper()
	s, _ := a.json(t, member).(string)
	return s
}

// wantError fails unless the answer is the OAuth error with that status and code.
func (a answer) wantError(t *testing.T, status int, code string) {
	t.Helper()
	if a.StatusCode != status || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") || a.text(t, "error") != code {
		t.Errorf("got %d %s %s, want %d with error %q", a.StatusCode, a.Header.Get("Content-Type"), a.body, status, code)
	}
}

// do sends a request with headers given as name, value, name, value...
func (s *server) do(method, target string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = s.url + target
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, target, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(text)}
}

func (s *server) get(target string, headers ...string) answer {
	s.t.Helper()
	return s.do("GET", target, nil, headers...)
}

// form posts a form, as clients do to /token.
func (s *server) form(target string, values url.Values, headers ...string) answer {
	s.t.Helper()
	return s.do("POST", target, strings.NewReader(values.Encode()), append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

// json posts v as JSON.
func (s *server) json(target string, v any, headers ...string) answer {
	s.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do("POST", target, bytes.NewReader(body), append(headers, "Content-Type", "application/json")...)
}

// fetch posts v as the pages' own scripts do.
func (s *server) fetch(target string, v any) answer {
	s.t.Helper()
	return s.json(target, v, "Sec-Fetch-Site", "same-origin", "Origin", s.url)
}

func (s *server) relyingParty() virtualwebauthn.RelyingParty {
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	return virtualwebauthn.RelyingParty{Name: "MCP server", ID: u.Hostname(), Origin: s.url}
}

// setUp makes the owner's passkey.
func (s *server) setUp() {
	s.t.Helper()
	s.setUpWith(setupToken)
}

func (s *server) setUpWith(token string) {
	s.t.Helper()
	began := s.fetch("/passkey/register/start", map[string]string{"token": token})
	if began.StatusCode != http.StatusOK {
		s.t.Fatalf("starting the setup: %d %s", began.StatusCode, began.body)
	}
	options, err := virtualwebauthn.ParseAttestationOptions(rawMember(s.t, began.body, "options"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.authenticator = virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})
	credential := virtualwebauthn.CreateAttestationResponse(s.relyingParty(), s.authenticator, s.credential, *options)
	s.authenticator.AddCredential(s.credential)
	done := s.fetch("/passkey/register/finish", map[string]any{"ceremony": began.text(s.t, "ceremony"), "credential": json.RawMessage(credential)})
	if done.StatusCode != http.StatusOK {
		s.t.Fatalf("finishing the setup: %d %s", done.StatusCode, done.body)
	}
}

func rawMember(t *testing.T, body, member string) string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &object); err != nil {
		t.Fatal(err)
	}
	return string(object[member])
}

// register registers a client and returns its ID and secret.
func (s *server) register(metadata map[string]any) (id, clientSecret string) {
	s.t.Helper()
	res := s.json("/register", metadata)
	if res.StatusCode != http.StatusCreated {
		s.t.Fatalf("registering: %d %s", res.StatusCode, res.body)
	}
	return res.text(s.t, "client_id"), res.text(s.t, "client_secret")
}

var installations atomic.Int64

// public registers a public client with one redirect URI, which is none of those that
// were registered before.
func (s *server) public(redirectURI string) (id string) {
	s.t.Helper()
	id, _ = s.register(map[string]any{
		"client_name":                "Test client",
		"redirect_uris":              []string{redirectURI},
		"grant_types":                []string{"authorization_code", "refresh_token"},
		"response_types":             []string{"code"},
		"token_endpoint_auth_method": "none",
		"software_version":           strconv.FormatInt(installations.Add(1), 10),
	})
	return id
}

const verifier = "a-verifier.of_the~tests-0123456789-0123456789"

// authorizationRequest returns the parameters of a good request.
func authorizationRequest(clientID, redirectURI string) url.Values {
	return url.Values{
		"response_type":         {"code"},
		"client_id":             {clientID},
		"redirect_uri":          {redirectURI},
		"state":                 {"the-state"},
		"code_challenge":        {secret.S256(verifier)},
		"code_challenge_method": {"S256"},
		"resource":              {mcpURL},
		"scope":                 {"mcp:tools"},
	}
}

var digestAttribute = regexp.MustCompile(`data-digest="([^"]+)"`)

// touch answers the passkey prompt of a consent page, and returns the ceremony.
func (s *server) touch(page answer) (ceremony string) {
	s.t.Helper()
	found := digestAttribute.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || found == nil {
		s.t.Fatalf("no approval page: %d %s %s", page.StatusCode, page.Header.Get("Location"), page.body)
	}
	began := s.fetch("/passkey/auth/start", map[string]string{"digest": found[1]})
	if began.StatusCode != http.StatusOK {
		s.t.Fatalf("starting the ceremony: %d %s", began.StatusCode, began.body)
	}
	options, err := virtualwebauthn.ParseAssertionOptions(rawMember(s.t, began.body, "options"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.credential.Counter++
	assertion := virtualwebauthn.CreateAssertionResponse(s.relyingParty(), s.authenticator, s.credential, *options)
	ceremony = began.text(s.t, "ceremony")
	done := s.fetch("/passkey/auth/finish", map[string]any{"ceremony": ceremony, "credential": json.RawMessage(assertion)})
	if done.StatusCode != http.StatusOK {
		s.t.Fatalf("finishing the ceremony: %d %s", done.StatusCode, done.body)
	}
	return ceremony
}

// decide submits the form of the approval page for a request.
func (s *server) decide(request url.Values, decision, ceremony string) answer {
	s.t.Helper()
	return s.form("/authorize?"+request.Encode(), url.Values{"decision": {decision}, "ceremony": {ceremony}},
		"Sec-Fetch-Site", "same-origin", "Origin", s.url)
}

// approve walks a request through the page and the passkey, and returns the answer
// that sends the browser back.
func (s *server) approve(request url.Values) answer {
	s.t.Helper()
	return s.decide(request, "approve", s.touch(s.get("/authorize?"+request.Encode())))
}

// location returns the parameters that an answer carries to the client.
func (a answer) location(t *testing.T) url.Values {
	t.Helper()
	u, err := url.Parse(a.target())
	if err != nil || u.Scheme == "" {
		t.Fatalf("nobody is sent anywhere: %d %q %s", a.StatusCode, a.target(), a.body)
	}
	return u.Query()
}

// target is where an answer leads: by a redirect or, of an error to a website that
// nobody vouched for, by the link of a page. It is "" if it leads nowhere.
func (a answer) target() string {
	if a.StatusCode == http.StatusSeeOther {
		return a.Header.Get("Location")
	}
	if found := returnLink.FindStringSubmatch(a.body); found != nil && a.StatusCode == http.StatusBadRequest {
		return html.UnescapeString(found[1])
	}
	return ""
}

// code approves a request and returns the authorization code.
func (s *server) code(request url.Values) string {
	s.t.Helper()
	code := s.approve(request).location(s.t).Get("code")
	if code == "" {
		s.t.Fatal("the redirect has no code")
	}
	return code
}

// redeem exchanges a code of a public client.
func (s *server) redeem(clientID, redirectURI, code string) answer {
	s.t.Helper()
	return s.form("/token", url.Values{
		"grant_type":    {"authorization_code"},
		"client_id":     {clientID},
		"code":          {code},
		"redirect_uri":  {redirectURI},
		"code_verifier": {verifier},
	})
}

func (s *server) refresh(clientID, token string, more ...string) answer {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {token}}
	for i := 0; i < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return s.form("/token", form)
}

func (s *server) revoke(clientID, token string) answer {
	s.t.Helper()
	return s.form("/revoke", url.Values{"client_id": {clientID}, "token": {token}})
}

// A login is a client that got its tokens.
type login struct{ clientID, access, refresh string }

// login connects a new public client.
func (s *server) login() login {
	s.t.Helper()
	id := s.public(webClient)
	res := s.redeem(id, webClient, s.code(authorizationRequest(id, webClient)))
	if res.StatusCode != http.StatusOK {
		s.t.Fatalf("redeeming: %d %s", res.StatusCode, res.body)
	}
	return login{id, res.text(s.t, "access_token"), res.text(s.t, "refresh_token")}
}

// call sends a request to the guarded handler.
func (s *server) call(accessToken string) answer {
	s.t.Helper()
	return s.do("POST", "/mcp", strings.NewReader(`{}`), "Authorization", "Bearer "+accessToken)
}

func basic(id, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))
}

// A safeBuffer is a log that a test reads while the server still writes it.
type safeBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
