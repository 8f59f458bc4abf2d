package passkey_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth/passkey"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/templates"
)

const (
	serverURL  = "https://mcp.example"
	setupToken = "mcpoauth_st_the-token-of-the-tests"
)

// A site is a handler with its routes on a real store.
type site struct {
	*passkey.Handler
	store *store.Store
	mux   *http.ServeMux
	log   *bytes.Buffer
}

func newSite(t *testing.T) *site { return newSiteAt(t, serverURL) }

func newSiteAt(t *testing.T, url string) *site {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	pages, err := templates.Parse(templates.App{Name: "Notes"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rp, err := passkey.RelyingParty(url, "Notes")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: store.New(backend, store.Lifetimes{}), mux: http.NewServeMux(), log: new(bytes.Buffer)}
	s.Handler = &passkey.Handler{
		Store:        s.store,
		Pages:        pages,
		RelyingParty: rp,
		Log:          slog.New(slog.NewTextHandler(s.log, nil)),
		ServerURL:    url,
		AppName:      "Notes",
		ResourceURLs: []string{url + "/mcp"},
		SetupToken:   setupToken,
	}
	s.mux.HandleFunc("GET /passkey/register", s.RegisterPage)
	s.mux.HandleFunc("POST /passkey/register/start", s.RegisterStart)
	s.mux.HandleFunc("POST /passkey/register/finish", s.RegisterFinish)
	s.mux.HandleFunc("POST /passkey/auth/start", s.AuthStart)
	s.mux.HandleFunc("POST /passkey/auth/finish", s.AuthFinish)
	return s
}

// owned returns a site that is set up, and the device with its passkey.
func owned(t *testing.T) (*site, *device) {
	t.Helper()
	s, d := newSite(t), newDevice()
	wantOK(t, s.browser().register(t, d))
	return s, d
}

func (s *site) owner(t *testing.T) *store.User {
	t.Helper()
	user, err := s.store.User(t.Context(), store.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// A browser keeps its cookies, as the handler set them.
type browser struct {
	site    *site
	cookies []*http.Cookie
}

func (s *site) browser() *browser { return &browser{site: s} }

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.site.mux.ServeHTTP(w, b.withCookies(r))
	b.cookies = append(b.cookies, w.Result().Cookies()...)
	return w
}

func (b *browser) withCookies(r *http.Request) *http.Request {
	for _, cookie := range b.cookies {
		r.AddCookie(cookie)
	}
	return r
}

func (b *browser) get(target string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, target, nil))
}

func (b *browser) post(path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return b.do(r)
}

// A challenge is the answer to a start.
type challenge struct {
	Ceremony string          `json:"ceremony"`
	Options  json.RawMessage `json:"options"`
}

func (b *browser) start(t *testing.T, path, body string) challenge {
	t.Helper()
	w := b.post(path, body)
	wantStatus(t, w, http.StatusOK)
	var c challenge
	if err := json.Unmarshal(w.Body.Bytes(), &c); err != nil || c.Ceremony == "" {
		t.Fatalf("%s answered %s (%v)", path, w.Body, err)
	}
	return c
}

func (b *browser) startSetup(t *testing.T) challenge {
	t.Helper()
	return b.start(t, "/passkey/register/start", `{"token":"`+setupToken+`"}`)
}

func (b *browser) startApproval(t *testing.T, digest store.Hash) challenge {
	t.Helper()
	body, err := json.Marshal(map[string]any{"digest": digest})
	if err != nil {
		t.Fatal(err)
	}
	return b.start(t, "/passkey/auth/start", string(body))
}

func (b *browser) finish(path, ceremony, credential string) *httptest.ResponseRecorder {
	return b.post(path, `{"ceremony":"`+ceremony+`","credential":`+credential+`}`)
}

// register goes through the whole setup.
func (b *browser) register(t *testing.T, d *device) *httptest.ResponseRecorder {
	t.Helper()
	c := b.startSetup(t)
	return b.finish("/passkey/register/finish", c.Ceremony, d.create(t, c))
}

// prove goes through both steps of an approval.
func (b *browser) prove(t *testing.T, d *device, digest store.Hash) (ceremony string, finished *httptest.ResponseRecorder) {
	t.Helper()
	c := b.startApproval(t, digest)
	return c.Ceremony, b.finish("/passkey/auth/finish", c.Ceremony, d.sign(t, c))
}

// approved asks the handler as the authorize endpoint does.
func (b *browser) approved(ceremony string, digest store.Hash) (*store.User, error) {
	return b.site.Approved(b.withCookies(httptest.NewRequest(http.MethodPost, "/authorize", nil)), ceremony, digest)
}

// A device is an authenticator with one passkey.
type device struct {
	rp         virtualwebauthn.RelyingParty
	auth       virtualwebauthn.Authenticator
	credential virtualwebauthn.Credential
	transports []string
}

func newDevice() *device {
	d := &device{
		rp:         virtualwebauthn.RelyingParty{ID: "mcp.example", Name: "Notes", Origin: serverURL},
		auth:       virtualwebauthn.NewAuthenticator(),
		credential: newCredential(),
	}
	d.credential.Counter = 1
	return d
}

// newCredential makes keys until neither coordinate begins with a zero byte, which
// virtualwebauthn leaves out: one key in 128 would be refused as malformed.
func newCredential() virtualwebauthn.Credential {
	const whole = 77 // bytes of a P-256 key in COSE
	for {
		credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(credential.Key.AttestationData()) == whole {
			return credential
		}
	}
}

func (d *device) create(t *testing.T, c challenge) string {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(string(c.Options))
	if err != nil {
		t.Fatal(err)
	}
	d.auth.Options.UserHandle = []byte(options.UserID)
	made := virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.credential, *options)
	return edit(t, made, func(response map[string]any) { response["transports"] = d.transports })
}

func (d *device) sign(t *testing.T, c challenge) string {
	t.Helper()
	options, err := virtualwebauthn.ParseAssertionOptions(string(c.Options))
	if err != nil {
		t.Fatal(err)
	}
	if d.credential.Counter > 0 {
		d.credential.Counter++
	}
	return virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.credential, *options)
}

// edit changes the response inside a credential.
func edit(t *testing.T, credential string, change func(response map[string]any)) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(credential), &fields); err != nil {
		t.Fatal(err)
	}
	change(fields["response"].(map[string]any))
	edited, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(edited)
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status = %d, want %d; body: %s", w.Code, status, w.Body)
	}
}

func wantOK(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	wantStatus(t, w, http.StatusOK)
	if got := w.Body.String(); got != `{"ok":true}` {
		t.Fatalf("body = %s", got)
	}
}

// wantRefusal checks a refusal in JSON.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	wantStatus(t, w, status)
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q is not JSON: %v", w.Body, err)
	}
	if body.Error != code || body.Description == "" {
		t.Errorf("refusal = %+v, want the code %s and a description", body, code)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
}
