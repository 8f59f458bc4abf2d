package mcpoauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	sessionCookie = "__Host-mcpoauth_session"
	noticeCookie  = "__Host-mcpoauth_notice"
)

// another is another browser in front of the same server, with an authenticator that has
// no passkey yet.
func (s *server) another() *server {
	other := *s
	browser := *s.http
	browser.Jar = newJar(s.t)
	other.http, other.credential = &browser, newCredential()
	return &other
}

// elsewhere is another browser of the same person.
func (s *server) elsewhere() *server {
	other := s.another()
	other.credential = s.credential
	// The counters of the two must not run apart.
	other.credential.Counter += 1000
	return other
}

// post submits a form of a page, with fields given as name, value, name, value...
func (s *server) post(path string, fields ...string) answer {
	s.t.Helper()
	values := make(url.Values)
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return s.form(path, values, "Sec-Fetch-Site", "same-origin", "Origin", s.url)
}

// touched submits a form, touches the passkey for the page that answers, and submits that.
func (s *server) touched(path string, fields ...string) answer {
	s.t.Helper()
	return s.post(path, append(fields, "ceremony", s.touch(s.post(path, fields...)))...)
}

// sure submits a form and says yes to the page that answers.
func (s *server) sure(path string, fields ...string) answer {
	s.t.Helper()
	page := s.post(path, fields...)
	if page.StatusCode != http.StatusOK || !strings.Contains(page.body, `name="confirmed"`) {
		s.t.Fatalf("%s asks for no yes: %d %s", path, page.StatusCode, page.body)
	}
	return s.post(path, append(fields, "confirmed", "yes")...)
}

func (s *server) enter() answer {
	s.t.Helper()
	return s.post("/account/sign-in", "ceremony", s.touch(s.get("/account/sign-in")))
}

// signedIn is a server whose owner is signed in.
func signedIn(t *testing.T) *server {
	t.Helper()
	s := owned(t)
	s.enter().wantRedirect(t, "/account")
	return s
}

func (a answer) wantRedirect(t *testing.T, want string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusSeeOther || got != want {
		t.Fatalf("%s answers %d %q, want a redirect to %s\n%s", a.Request.URL.Path, a.StatusCode, got, want, a.words())
	}
}

// wantDone fails unless the answer redirects to a page that says so, once.
func (s *server) wantDone(a answer, path string, says ...string) {
	s.t.Helper()
	a.wantRedirect(s.t, path)
	s.get(path).wantPage(s.t, http.StatusOK, says...)
	again := s.get(path)
	if strings.Contains(again.body, "status notice") {
		s.t.Errorf("%s says it again:\n%s", path, again.words())
	}
}

func (a answer) wantNot(t *testing.T, says ...string) {
	t.Helper()
	for _, text := range says {
		if strings.Contains(a.words(), text) {
			t.Errorf("%s says %q:\n%s", a.Request.URL.Path, text, a.words())
		}
	}
}

// plant puts a cookie into the browser.
func (s *server) plant(name, value string) {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	s.http.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true, Quoted: true}})
}

// cookie is the value of the browser's session cookie, or "".
func (s *server) cookie() string {
	s.t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range s.http.Jar.Cookies(u) {
		if c.Name == sessionCookie {
			return c.Value
		}
	}
	return ""
}

var (
	enrolToken = regexp.MustCompile(`/passkey/enrol\?for=invitation#token=(mcpoauth_et_[A-Za-z0-9_-]+)`)
	keyPattern = regexp.MustCompile(`mcpoauth_ak_[A-Za-z0-9_-]+`)
)

// invitation is the token of a new link, which the owner makes.
func (s *server) invitation(name string) (token string) {
	s.t.Helper()
	page := s.touched("/account/people/invite", "name", name)
	found := enrolToken.FindStringSubmatch(page.body)
	if found == nil {
		s.t.Fatalf("no link: %d %s", page.StatusCode, page.words())
	}
	return found[1]
}

// invite brings in another person, who is signed in in a browser of their own.
func (s *server) invite(name string) *server {
	s.t.Helper()
	other := s.another()
	other.setUpWith(s.invitation(name))
	other.enter().wantRedirect(s.t, "/account")
	return other
}

// key makes an API key for the default resource.
func (s *server) key(name string) string {
	s.t.Helper()
	page := s.touched("/account/keys/create", "name", name, "resource", mcpURL, "scope.mcp:tools", "yes", "life", "30")
	key := keyPattern.FindString(page.body)
	if key == "" {
		s.t.Fatalf("no key: %d %s", page.StatusCode, page.words())
	}
	return key
}

// field returns the values of the fields or buttons of that name on a page.
func (a answer) field(name string) []string {
	var values []string
	for _, found := range regexp.MustCompile(`name="`+regexp.QuoteMeta(name)+`" value="([^"]*)"`).FindAllStringSubmatch(a.body, -1) {
		values = append(values, found[1])
	}
	return values
}

// only is the one value of a field.
func (a answer) only(t *testing.T, name string) string {
	t.Helper()
	values := a.field(name)
	if len(values) != 1 {
		t.Fatalf("%s has %d fields %s, want 1:\n%s", a.Request.URL.Path, len(values), name, a.body)
	}
	return values[0]
}

// wantDead fails unless a token is refused by the guarded handler.
func (s *server) wantDead(t *testing.T, what, token string) {
	t.Helper()
	if got := s.call(token); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s still works: %d", what, got.StatusCode)
	}
}

func (s *server) wantAlive(t *testing.T, what, token string) {
	t.Helper()
	if got := s.call(token); got.StatusCode != http.StatusOK {
		t.Errorf("%s does not work: %d %s", what, got.StatusCode, got.body)
	}
}

// connect stores a connection of a client, as if it had been approved and redeemed.
func connect(t *testing.T, st *store.Store, userID, name, redirectURI string) (clientID string) {
	t.Helper()
	client := &store.Client{ID: fmt.Sprintf("%022d", installations.Add(1)), Name: name, RedirectURIs: []string{redirectURI}, TokenEndpointAuthMethod: "none"}
	code, err := st.Approve(t.Context(), store.Approval{
		UserID: userID, Client: client, RedirectURI: redirectURI, Resource: mcpURL, Scopes: []string{"mcp:tools"}, Challenge: secret.S256(verifier),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = st.ConsumeCode(t.Context(), store.Redemption{
		Code: code, ClientID: client.ID, Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return client.ID
}
