package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	origin     = "https://mcp.example.com"
	setupToken = "a-setup-token-for-the-tests"
	verifier   = "a-verifier.of_the~tests-0123456789-0123456789"
)

// A site is a store with a server on it that can be stopped.
type site struct {
	t     *testing.T
	store string // as --store has it
	keys  string // of the environment

	backend store.Backend
	router  *mcpoauth.Router
	close   func() error
}

// start starts the server.
func (s *site) start() {
	s.t.Helper()
	p, err := parsePlace(s.store, "")
	if err != nil {
		s.t.Fatal(err)
	}
	keys, err := parseKeys(s.keys)
	if err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if s.backend, s.close, err = openForServer(s.t.Context(), p, keys, log); err != nil {
		s.t.Fatal(err)
	}
	whoAmI := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, _ := mcpoauth.IdentityFromContext(r.Context())
		io.WriteString(w, identity.UserID)
	})
	s.router, err = mcpoauth.BuildOAuthRouter(whoAmI, mcpoauth.Config{ServerURL: origin, Store: s.backend, SetupToken: setupToken, Logger: log})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) stop() {
	s.t.Helper()
	if s.router == nil {
		return
	}
	if err := s.router.Close(); err != nil {
		s.t.Error(err)
	}
	if err := s.close(); err != nil {
		s.t.Error(err)
	}
	s.router = nil
}

func (s *site) files() bool { return strings.HasPrefix(s.store, filesStore) }

// pause stops a server that has to be stopped for the command, and returns what starts
// it again.
func (s *site) pause() (goOn func()) {
	s.t.Helper()
	if !s.files() {
		return func() {}
	}
	s.stop()
	return s.start
}

// on is the store of the running server.
func (s *site) on() *store.Store { return store.New(s.backend, store.Lifetimes{}) }

// command runs a verb on the store of a server that runs on, if it can.
func (s *site) command(verb string, args ...string) (*screen, int) {
	s.t.Helper()
	defer s.pause()()
	return s.commandAt(verb, args...)
}

// commandAt runs a verb on the store, whether a server runs or not.
func (s *site) commandAt(verb string, args ...string) (*screen, int) {
	s.t.Helper()
	screen := newScreen(map[string]string{envStore: s.store, envKeys: s.keys})
	code := run(s.t.Context(), append([]string{verb}, args...), screen.terminal)
	if strings.Contains(screen.err.String(), "panic") {
		s.t.Errorf("%s %q: %s", verb, args, screen.err.String())
	}
	return screen, code
}

// good runs a verb that has to succeed, and returns what it says.
func (s *site) good(verb string, args ...string) string {
	s.t.Helper()
	screen, code := s.command(verb, args...)
	if code != exitGood || screen.err.String() != "" {
		s.t.Fatalf("%s %q exits with %d: %s%s", verb, args, code, screen.out.String(), screen.err.String())
	}
	return screen.out.String()
}

// refused runs a verb that has to exit with code and say why, and nothing else.
func (s *site) refused(code int, why, verb string, args ...string) {
	s.t.Helper()
	screen, got := s.command(verb, args...)
	if got != code || !strings.Contains(screen.err.String(), why) || screen.out.String() != "" {
		s.t.Errorf("%s %q exits with %d and says %q and %q, want %d and %q", verb, args, got, screen.out.String(), screen.err.String(), code, why)
	}
}

// decoded runs a verb with --json that has to succeed.
func decoded[T any](s *site, verb string, args ...string) (v T) {
	s.t.Helper()
	out := s.good(verb, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		s.t.Fatalf("%s writes %s: %v", verb, out, err)
	}
	return v
}

// connect stores a connection, as if it had been approved and redeemed. It may enter, and
// has more scopes if there are.
func (s *site) connect(userID, clientID, name, redirectURI string, more ...string) (access string, grant *store.Grant) {
	s.t.Helper()
	scopes := append([]string{"mcp:tools"}, more...)
	user, err := s.on().User(s.t.Context(), userID)
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := s.on().Approve(s.t.Context(), store.Approval{
		UserID: userID, UserName: user.Name, RedirectURI: redirectURI, Resource: origin + "/mcp", Scopes: scopes, Challenge: secret.S256(verifier),
		Client: &store.Client{ID: clientID, Name: name, RedirectURIs: []string{redirectURI}, TokenEndpointAuthMethod: "none"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	tokens, err := s.on().ConsumeCode(s.t.Context(), store.Redemption{
		Code: code, ClientID: clientID, Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return tokens.Access, tokens.Grant
}

func (s *site) key(userID, name string) (token string, grant *store.Grant) {
	s.t.Helper()
	token, grant, err := s.on().CreateKey(s.t.Context(), store.NewKey{
		UserID: userID, Name: name, Resource: origin + "/mcp", Scopes: []string{"mcp:tools"}, Life: 30 * 24 * time.Hour,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return token, grant
}

// wantToken fails unless the server comes to take a token, or to refuse it.
func (s *site) wantToken(token string, works bool) {
	s.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		r := httptest.NewRequestWithContext(s.t.Context(), http.MethodPost, origin+"/mcp", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.router.ServeHTTP(w, r)
		if (w.Code == http.StatusOK) == works {
			return
		}
		if time.Since(began) > patience {
			s.t.Fatalf("a token is answered with %d, want that it works: %v", w.Code, works)
		}
	}
}

// A device is a person's browser and authenticator.
type device struct {
	*site

	http          *http.Client
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

// direct brings requests to the site's server without a network.
type direct struct{ *site }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), r.Body)
	in.Header = r.Header.Clone()
	w := httptest.NewRecorder()
	d.router.ServeHTTP(w, in)
	return w.Result(), nil
}

func (s *site) device() *device {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &device{site: s, http: &http.Client{Transport: direct{s}, Jar: jar}, credential: newCredential()}
}

// newCredential returns a credential whose public key has coordinates of 32 bytes.
// virtualwebauthn drops leading zeros, which 1 key in 128 has and WebAuthn forbids.
func newCredential() virtualwebauthn.Credential {
	const cosePublicKey = 77 // bytes of one of P-256
	for {
		credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(credential.Key.AttestationData()) == cosePublicKey {
			return credential
		}
	}
}

var relyingParty = virtualwebauthn.RelyingParty{Name: "MCP server", ID: "mcp.example.com", Origin: origin}

// post sends JSON as the pages' scripts do, and returns the status and the members of the
// answer.
func (d *device) post(path string, v any) (int, map[string]json.RawMessage) {
	d.t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, origin+path, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := d.http.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	answer := make(map[string]json.RawMessage)
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, answer
}

// begin asks for a new passkey with a link's token, and returns what finishes it. The
// status is that of the refusal, if there is one.
func (d *device) begin(token string) (status int, finish func() int) {
	d.t.Helper()
	status, began := d.post("/passkey/register/start", map[string]string{"token": token})
	if status != http.StatusOK {
		return status, nil
	}
	options, err := virtualwebauthn.ParseAttestationOptions(string(began["options"]))
	if err != nil {
		d.t.Fatal(err)
	}
	d.authenticator = virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})
	credential := virtualwebauthn.CreateAttestationResponse(relyingParty, d.authenticator, d.credential, *options)
	d.authenticator.AddCredential(d.credential)
	return status, func() int {
		status, _ := d.post("/passkey/register/finish", map[string]any{"ceremony": began["ceremony"], "credential": json.RawMessage(credential)})
		return status
	}
}

// enrol makes a passkey with a link's token, and returns the status that ends it.
func (d *device) enrol(token string) int {
	d.t.Helper()
	status, finish := d.begin(token)
	if finish == nil {
		return status
	}
	return finish()
}

// touch answers a prompt with the device's passkey, and reports whether it is good.
func (d *device) touch() bool {
	d.t.Helper()
	status, began := d.post("/passkey/auth/start", map[string]string{"digest": strings.Repeat("A", 42) + "E"})
	if status != http.StatusOK {
		d.t.Fatalf("no prompt: %d %s", status, began)
	}
	options, err := virtualwebauthn.ParseAssertionOptions(string(began["options"]))
	if err != nil {
		d.t.Fatal(err)
	}
	d.credential.Counter++
	assertion := virtualwebauthn.CreateAssertionResponse(relyingParty, d.authenticator, d.credential, *options)
	status, _ = d.post("/passkey/auth/finish", map[string]any{"ceremony": began["ceremony"], "credential": json.RawMessage(assertion)})
	return status == http.StatusOK
}

// owner makes the owner, with a passkey on the device.
func (s *site) owner() *device {
	s.t.Helper()
	d := s.device()
	if status := d.enrol(setupToken); status != http.StatusOK {
		s.t.Fatalf("the setup ends with %d", status)
	}
	return d
}

// join brings another person in, and returns their ID.
func (s *site) join(name string) (d *device, userID string) {
	s.t.Helper()
	token, err := s.on().Enrol(s.t.Context(), store.ForInvitation, "", name)
	if err != nil {
		s.t.Fatal(err)
	}
	e, err := s.on().Enrolment(s.t.Context(), token)
	if err != nil {
		s.t.Fatal(err)
	}
	d = s.device()
	if status := d.enrol(token); status != http.StatusOK {
		s.t.Fatalf("the invitation ends with %d", status)
	}
	return d, e.UserID
}

// newSite is a site on new files in a directory of the test's own.
func newSite(t *testing.T) *site {
	return startSite(t, filesStore+":"+filepath.Join(t.TempDir(), "data"))
}

func startSite(t *testing.T, name string) *site {
	t.Helper()
	s := &site{t: t, store: name}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// onEachStore runs scenarios, each on a site of its own, on all stores that there are.
func onEachStore(t *testing.T, scenarios map[string]func(*testing.T, *site)) {
	all := func(t *testing.T, name func(t *testing.T) string) {
		for scenario, play := range scenarios {
			t.Run(scenario, func(t *testing.T) { play(t, startSite(t, name(t))) })
		}
	}
	t.Run("files", func(t *testing.T) {
		all(t, func(t *testing.T) string { return filesStore + ":" + t.TempDir() })
	})
	t.Run("redis", func(t *testing.T) {
		next := redisDatabases(t)
		all(t, func(*testing.T) string { return next() })
	})
	t.Run("postgres", func(t *testing.T) {
		next := postgresDatabases(t)
		all(t, func(*testing.T) string { return next() })
	})
}

// redisDatabases starts a server, and returns what names its databases one after the
// other.
func redisDatabases(t *testing.T) (next func() string) {
	server := realserver.Redis(t)
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("redis://%s/%d", server.Addr, n)
	}
}

func postgresDatabases(t *testing.T) (next func() string) {
	server := realserver.Postgres(t)
	n := 0
	return func() string {
		n++
		server.SQL(fmt.Sprint("CREATE DATABASE d", n))
		return strings.Replace(server.URL, "/postgres?", fmt.Sprintf("/d%d?", n), 1)
	}
}

// A content is what a record holds.
type content struct {
	value   string
	expires time.Time
}

// equal lets backends round a time, each in its way.
func (c content) equal(other content) bool {
	return c.value == other.value && c.expires.Sub(other.expires).Abs() < time.Millisecond
}

// everything is what a store holds of what Copy takes.
func everything(t *testing.T, backend store.Backend) map[store.Key]content {
	t.Helper()
	found := make(map[store.Key]content)
	for _, kind := range store.Kinds() {
		if kind == store.KindCeremony || kind == store.KindApproval {
			continue
		}
		records, err := backend.List(t.Context(), kind, "", "", 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			data, err := r.Value.Encode()
			if err != nil {
				t.Fatal(err)
			}
			var value any
			if err := json.Unmarshal(data, &value); err != nil {
				t.Fatal(err)
			}
			found[r.Key] = content{fmt.Sprint(value), r.ExpiresAt}
		}
	}
	return found
}

// answers is a terminal at which somebody types.
func answers(s *site, typed string) *screen {
	screen := newScreen(map[string]string{envStore: s.store, envKeys: s.keys})
	screen.in, screen.asked = strings.NewReader(typed), true
	return screen
}

// typed runs a verb at a terminal at which somebody types an answer.
func (s *site) typed(ctx context.Context, answer, verb string, args ...string) (*screen, int) {
	s.t.Helper()
	defer s.pause()()
	screen := answers(s, answer)
	return screen, run(ctx, append([]string{verb}, args...), screen.terminal)
}
