package register

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var scopes = []oauth.Scope{{Name: "read"}, {Name: "write"}}

// A setup is a Handler on a real store.
type setup struct {
	*Handler
	store *store.Store
	logs  *bytes.Buffer
}

func newSetup(t testing.TB) setup {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s, logs := store.New(backend, store.Lifetimes{}), new(bytes.Buffer)
	return setup{&Handler{Store: s, Scopes: scopes, Log: slog.New(slog.NewJSONHandler(logs, nil))}, s, logs}
}

// register posts a body and returns the status and the members of the answer.
func (s setup) register(t testing.TB, body, contentType string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	r := httptest.NewRequest("POST", "/register", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var members map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &members); err != nil {
		t.Fatalf("the answer to %q is no JSON object: %v\n%s", body, err, w.Body)
	}
	return w, members
}

func (s setup) registerJSON(t testing.TB, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	return s.register(t, body, "application/json")
}

func TestR24_ARegistrationIsAnsweredWithWhatWasStored(t *testing.T) {
	const redirects = `"redirect_uris":["https://c.example/cb"]`
	for name, test := range map[string]struct {
		asked string // members beside the redirect URIs
		want  map[string]any
	}{
		"nothing else: a confidential client with all grants": {
			``,
			map[string]any{
				"client_name": "MCP Client", "token_endpoint_auth_method": "client_secret_basic",
				"grant_types": list("authorization_code", "refresh_token"), "response_types": list("code"), "scope": nil,
			},
		},
		"a public client": {
			`"token_endpoint_auth_method":"none"`,
			map[string]any{"token_endpoint_auth_method": "none", "client_secret": nil, "client_secret_expires_at": nil},
		},
		"one that posts its secret": {
			`"token_endpoint_auth_method":"client_secret_post"`,
			map[string]any{"token_endpoint_auth_method": "client_secret_post", "client_secret_expires_at": 0.0},
		},
		"ChatGPT: the best method is not ours, another one is": {
			`"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"]`,
			map[string]any{"token_endpoint_auth_method": "none"},
		},
		"VS Code: a grant that is not ours is left out": {
			`"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"application_type":"native"`,
			map[string]any{"grant_types": list("authorization_code", "refresh_token"), "application_type": "native"},
		},
		"no refresh token asked for": {
			`"grant_types":["authorization_code"]`,
			map[string]any{"grant_types": list("authorization_code")},
		},
		"a response type that is not ours is left out": {
			`"response_types":["code","id_token"]`,
			map[string]any{"response_types": list("code")},
		},
		"Inspector: an empty scope": {
			`"scope":""`,
			map[string]any{"scope": nil},
		},
		"scopes that are not ours are left out": {
			`"scope":"read openid  write read offline_access"`,
			map[string]any{"scope": "read write offline_access"},
		},
		"null stands for nothing": {
			`"client_name":null,"scope":null,"grant_types":null,"contacts":null,"logo_uri":null,"token_endpoint_auth_method":null`,
			map[string]any{"client_name": "MCP Client", "grant_types": list("authorization_code", "refresh_token"), "contacts": nil},
		},
		"unknown members are ignored": {
			`"resource":"https://a.example/mcp","jwks":{"keys":[]},"dpop_bound_access_tokens":true,"client_id":"mine","client_secret":"mine"`,
			map[string]any{"resource": nil, "jwks": nil},
		},
		"what it says of itself": {
			`"client_name":" Claude Code (notes) ","client_uri":"https://c.example","logo_uri":"https://c.example/logo.png","tos_uri":"http://c.example/tos",` +
				`"policy_uri":"https://c.example/policy","contacts":["a@c.example"],"software_id":"2e6dc280","software_version":"1.2.3"`,
			map[string]any{
				"client_name": "Claude Code (notes)", "client_uri": "https://c.example", "logo_uri": "https://c.example/logo.png",
				"tos_uri": "http://c.example/tos", "policy_uri": "https://c.example/policy", "contacts": list("a@c.example"),
				"software_id": "2e6dc280", "software_version": "1.2.3",
			},
		},
		"links that are none are left out": {
			`"client_uri":"javascript:alert(1)","logo_uri":"data:image/png;base64,AA","tos_uri":"/tos","policy_uri":"https://"`,
			map[string]any{"client_uri": nil, "logo_uri": nil, "tos_uri": nil, "policy_uri": nil},
		},
		"text beyond measure is left out": {
			`"client_uri":"https://c.example/` + strings.Repeat("x", MaxText) + `","software_id":"` + strings.Repeat("x", MaxText+1) + `","application_type":"weird"`,
			map[string]any{"client_uri": nil, "software_id": nil, "application_type": nil},
		},
		"contacts beyond measure are left out": {
			`"contacts":["",` + strings.Repeat(`"a@c.example",`, 20) + `"z"]`,
			map[string]any{"contacts": list(slices.Repeat([]string{"a@c.example"}, maxContacts-1)...)},
		},
		"the longest name": {
			`"client_name":"` + strings.Repeat("ü", MaxName) + `"`,
			map[string]any{"client_name": strings.Repeat("ü", MaxName)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			body := "{" + redirects + "}"
			if test.asked != "" {
				body = "{" + redirects + "," + test.asked + "}"
			}
			w, got := s.registerJSON(t, body)
			if w.Code != http.StatusCreated {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			for member, want := range test.want {
				if !same(got[member], want) {
					t.Errorf("%s is %v, want %v", member, got[member], want)
				}
			}
			checkRegistration(t, s, w, got)
		})
	}
}

func list(names ...string) []any {
	var all []any
	for _, name := range names {
		all = append(all, name)
	}
	return all
}

func same(got, want any) bool {
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(want)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// checkRegistration checks what holds for every registration that succeeds.
func checkRegistration(t testing.TB, s setup, w *httptest.ResponseRecorder, got map[string]any) {
	t.Helper()
	if w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the header is %v", w.Header())
	}
	wantNoNull(t, w.Body.Bytes())
	for _, member := range []string{"registration_client_uri", "registration_access_token"} {
		if _, there := got[member]; there {
			t.Errorf("%s promises RFC 7592, which is not there", member)
		}
	}
	for _, member := range []string{"redirect_uris", "grant_types", "response_types"} {
		if values, ok := got[member].([]any); !ok || len(values) == 0 {
			t.Errorf("%s is %v", member, got[member])
		}
	}
	if at, ok := got["client_id_issued_at"].(float64); !ok || at != float64(int64(at)) || at < 1e9 {
		t.Errorf("client_id_issued_at is %v", got["client_id_issued_at"])
	}
	id, _ := got["client_id"].(string)
	clientSecret, confidential := got["client_secret"].(string)
	expires, hasExpiry := got["client_secret_expires_at"].(float64)
	if confidential != (got["token_endpoint_auth_method"] != oauth.AuthNone) || confidential != hasExpiry || expires != 0 {
		t.Errorf("the secret of a %v client is %q, expiring %v", got["token_endpoint_auth_method"], clientSecret, got["client_secret_expires_at"])
	}
	// Half of the clients form-encode these for Basic and half do not: in these
	// characters it makes no difference.
	if !plainID.MatchString(id) || confidential && !plainID.MatchString(clientSecret) {
		t.Errorf("client_id %q or client_secret %q needs encoding", id, clientSecret)
	}

	client, err := s.store.Client(t.Context(), id)
	if err != nil {
		t.Fatalf("the client is not in the store: %v", err)
	}
	if client.Public() == confidential || confidential && !client.SecretHash.Matches(clientSecret) {
		t.Error("the secret that was stored is another")
	}
	stored, err := client.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if confidential && (bytes.Contains(stored, []byte(clientSecret)) || strings.Contains(s.logs.String(), clientSecret)) {
		t.Error("the secret itself is kept or logged")
	}
	if !strings.Contains(s.logs.String(), id) {
		t.Error("the registration is not in the log")
	}
}

// wantNoNull fails if a member is null, at any depth.
func wantNoNull(t testing.TB, body []byte) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := dec.Token()
		if err != nil {
			return
		}
		if token == nil {
			t.Errorf("there is a null in %s", body)
			return
		}
	}
}

func TestR24_ABrokenRegistrationIsRefusedWithItsReason(t *testing.T) {
	const good = `{"redirect_uris":["https://c.example/cb"]}`
	uris := func(n int) string {
		return `"https://c.example/` + strings.Repeat(`x","https://c.example/`, n-1) + `x"`
	}
	for name, test := range map[string]struct {
		contentType string // empty: application/json
		body        string
		status      int // zero: 400
		code        string
		says        string
	}{
		"a form":                         {"application/x-www-form-urlencoded", "redirect_uris=x", 0, oauth.InvalidClientMetadata, "application/json"},
		"text":                           {"text/plain", good, 0, oauth.InvalidClientMetadata, "application/json"},
		"a content type of nothing":      {";", good, 0, oauth.InvalidClientMetadata, "application/json"},
		"nothing":                        {"", "", 0, oauth.InvalidClientMetadata, "JSON object"},
		"broken JSON":                    {"", `{"redirect_uris":[`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"JSON and more":                  {"", good + "x", 0, oauth.InvalidClientMetadata, "JSON object"},
		"a list":                         {"", `[` + good + `]`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"a text":                         {"", `"redirect_uris"`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"one redirect URI as text":       {"", `{"redirect_uris":"https://c.example/cb"}`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"redirect URIs as numbers":       {"", `{"redirect_uris":[1]}`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"a name that is a number":        {"", `{"redirect_uris":["https://c.example/cb"],"client_name":1}`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"grants as text":                 {"", `{"redirect_uris":["https://c.example/cb"],"grant_types":"authorization_code"}`, 0, oauth.InvalidClientMetadata, "JSON object"},
		"a body that is too large":       {"", `{"client_name":"` + strings.Repeat("x", oauth.MaxBody) + `"}`, 413, oauth.InvalidRequest, "64 KiB"},
		"null":                           {"", `null`, 0, oauth.InvalidRedirectURI, "missing"},
		"no redirect URIs":               {"", `{}`, 0, oauth.InvalidRedirectURI, "missing"},
		"null for redirect URIs":         {"", `{"redirect_uris":null}`, 0, oauth.InvalidRedirectURI, "missing"},
		"an empty list of them":          {"", `{"redirect_uris":[]}`, 0, oauth.InvalidRedirectURI, "missing"},
		"null among them":                {"", `{"redirect_uris":["https://c.example/cb",null]}`, 0, oauth.InvalidRedirectURI, "empty"},
		"too many":                       {"", `{"redirect_uris":[` + uris(MaxRedirectURIs+1) + `]}`, 0, oauth.InvalidRedirectURI, "20"},
		"more than is worth keeping":     {"", `{"redirect_uris":["https://c.example/` + strings.Repeat("a", 1900) + `","https://c.example/` + strings.Repeat("b", 1900) + `","https://c.example/` + strings.Repeat("c", 1900) + `","https://c.example/` + strings.Repeat("d", 1900) + `","https://c.example/` + strings.Repeat("e", 1900) + `"]}`, 0, oauth.InvalidClientMetadata, "8 KiB"},
		"a dangerous one among good":     {"", `{"redirect_uris":["https://c.example/cb","javascript:alert(1)"]}`, 0, oauth.InvalidRedirectURI, "javascript"},
		"plain http elsewhere":           {"", `{"redirect_uris":["http://c.example/cb"]}`, 0, oauth.InvalidRedirectURI, "loopback"},
		"a fragment":                     {"", `{"redirect_uris":["https://c.example/cb#x"]}`, 0, oauth.InvalidRedirectURI, "fragment"},
		"a long name":                    {"", `{"redirect_uris":["https://c.example/cb"],"client_name":"` + strings.Repeat("ü", MaxName+1) + `"}`, 0, oauth.InvalidClientMetadata, "200"},
		"an unknown authentication":      {"", `{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"private_key_jwt"}`, 0, oauth.InvalidClientMetadata, "client_secret_basic"},
		"only unknown authentications":   {"", `{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_methods_supported":["tls_client_auth"]}`, 0, oauth.InvalidClientMetadata, "none"},
		"a grant that needs no approval": {"", `{"redirect_uris":["https://c.example/cb"],"grant_types":["client_credentials"]}`, 0, oauth.InvalidClientMetadata, "authorization_code"},
		"a refresh token out of nothing": {"", `{"redirect_uris":["https://c.example/cb"],"grant_types":["refresh_token"]}`, 0, oauth.InvalidClientMetadata, "authorization_code"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			w, got := s.register(t, test.body, cmp.Or(test.contentType, "application/json"))
			description, _ := got["error_description"].(string)
			if w.Code != cmp.Or(test.status, 400) || got["error"] != test.code || !strings.Contains(description, test.says) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w.Header().Get("Cache-Control") != "no-store" || got["client_id"] != nil {
				t.Errorf("got %v %s", w.Header(), w.Body)
			}
		})
	}
}

func TestR24_TheMostRedirectURIsAreKeptInOrderAndOnce(t *testing.T) {
	s := newSetup(t)
	var uris []string
	for i := range MaxRedirectURIs - 1 {
		uris = append(uris, "https://c.example/"+string(rune('a'+i)))
	}
	body, err := json.Marshal(map[string]any{"redirect_uris": append(uris, uris[0])})
	if err != nil {
		t.Fatal(err)
	}
	w, got := s.registerJSON(t, string(body))
	if w.Code != http.StatusCreated || !same(got["redirect_uris"], uris) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestR25_OnlyRedirectURIsThatTheOperatorAllowsAreKept(t *testing.T) {
	allowed := []string{"https://claude.ai/api/mcp/auth_callback", "http://localhost/callback", "cursor://anysphere.cursor-mcp/oauth/callback"}
	for name, test := range map[string]struct {
		asked, want []string
	}{
		"an allowed one":             {[]string{"https://claude.ai/api/mcp/auth_callback"}, []string{"https://claude.ai/api/mcp/auth_callback"}},
		"loopback on another port":   {[]string{"http://localhost:50000/callback"}, []string{"http://localhost:50000/callback"}},
		"Cursor: one of several":     {[]string{"https://www.cursor.com/agents/mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback"}, []string{"cursor://anysphere.cursor-mcp/oauth/callback", "http://localhost:8787/callback"}},
		"none of them":               {[]string{"https://evil.example/cb"}, nil},
		"a longer path":              {[]string{"https://claude.ai/api/mcp/auth_callback/x"}, nil},
		"another loopback address":   {[]string{"http://127.0.0.1/callback"}, nil},
		"a dangerous beside allowed": {[]string{"https://claude.ai/api/mcp/auth_callback", "data:,x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t)
			s.RedirectURIs = allowed
			body, err := json.Marshal(map[string]any{"redirect_uris": test.asked})
			if err != nil {
				t.Fatal(err)
			}
			w, got := s.registerJSON(t, string(body))
			switch {
			case test.want == nil && (w.Code != http.StatusBadRequest || got["error"] != oauth.InvalidRedirectURI):
				t.Errorf("got %d %s, want it refused", w.Code, w.Body)
			case test.want != nil && (w.Code != http.StatusCreated || !same(got["redirect_uris"], test.want)):
				t.Errorf("got %d %s, want %q", w.Code, w.Body, test.want)
			}
		})
	}
}

func TestR24_IdenticalRegistrationsOfAPublicClientShareOneRecord(t *testing.T) {
	s := newSetup(t)
	const metadata = `{"client_name":"A","redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"none"`
	_, first := s.registerJSON(t, metadata+`}`)
	for same, body := range map[string]string{
		"the same again":               metadata + `}`,
		"with a member nobody knows":   metadata + `,"unknown":1}`,
		"with an empty scope":          metadata + `,"scope":""}`,
		"with the grant types spelled": metadata + `,"grant_types":["authorization_code","refresh_token"]}`,
	} {
		w, got := s.registerJSON(t, body)
		if w.Code != http.StatusCreated || got["client_id"] != first["client_id"] {
			t.Errorf("%s: got %d %v, want %v", same, w.Code, got, first["client_id"])
		}
	}
	for other, body := range map[string]string{
		"another name":         `{"client_name":"B","redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"none"}`,
		"another redirect URI": `{"client_name":"A","redirect_uris":["https://c.example/cb2"],"token_endpoint_auth_method":"none"}`,
		"fewer grant types":    metadata + `,"grant_types":["authorization_code"]}`,
	} {
		if _, got := s.registerJSON(t, body); got["client_id"] == first["client_id"] {
			t.Errorf("%s is the same client", other)
		}
	}
}

func TestR24_EachConfidentialRegistrationIsAClientOfItsOwn(t *testing.T) {
	s := newSetup(t)
	seen := make(map[any]bool)
	for range 50 {
		_, got := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"]}`)
		if seen[got["client_id"]] || seen[got["client_secret"]] {
			t.Fatalf("%v was there before", got)
		}
		seen[got["client_id"]], seen[got["client_secret"]] = true, true
	}
}

// full is a store that takes nothing.
type full struct{}

func (full) RegisterClient(context.Context, *store.Client) error {
	return errors.New("the disk is full")
}

func (full) Client(context.Context, string) (*store.Client, error) {
	return nil, errors.New("the disk is full")
}

func TestR49_ARegistrationThatCannotBeStoredMayBeTriedAgain(t *testing.T) {
	s := newSetup(t)
	s.Store = full{}
	w, got := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"]}`)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || got["client_id"] != nil || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("got %d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestR28_AClientIsFoundWhicheverWayItCameIn(t *testing.T) {
	s := newSetup(t)
	_, got := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"]}`)
	id, _ := got["client_id"].(string)
	known := &store.Client{ID: "known.beforehand~1", Preregistered: true}
	asked := &askedStore{Store: s.store}
	clients := &Clients{Preregistered: map[string]*store.Client{known.ID: known}, Store: asked}

	if client, err := clients.Client(t.Context(), known.ID); err != nil || client != known || asked.times != 0 {
		t.Errorf("got %v, %v, and asked the store %d times", client, err, asked.times)
	}
	if client, err := clients.Client(t.Context(), id); err != nil || client.ID != id {
		t.Errorf("got %v, %v", client, err)
	}
	if _, err := clients.Client(t.Context(), secret.NewID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
	asked.times = 0
	for _, id := range []string{"", "a b", "../users/owner", "client\x00", "é", strings.Repeat("x", 65)} {
		if _, err := clients.Client(t.Context(), id); !errors.Is(err, store.ErrNotFound) || asked.times != 0 {
			t.Errorf("%q: %v, and asked the store %d times", id, err, asked.times)
		}
	}
}

func TestTheOperatorsRuleForHostsHoldsAlsoWhereNoDocumentIsRead(t *testing.T) {
	d := documentsOver(t, nil)
	for _, host := range []string{"app.example", "other.example"} {
		d.approve(t, &store.Client{ID: "https://" + host + "/client.json", RedirectURIs: []string{"https://" + host + "/cb"}})
	}
	var asked []string
	clients := &Clients{Store: d.store, AllowHost: func(host string) bool {
		asked = append(asked, host)
		return host == "app.example"
	}}
	if client, err := clients.Client(t.Context(), "https://app.example/client.json"); err != nil || client.ID != "https://app.example/client.json" {
		t.Errorf("of a host that is allowed: %+v, %v", client, err)
	}
	if client, err := clients.Client(t.Context(), "https://other.example/client.json"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of one that is not: %+v, %v", client, err)
	}
	if !slices.Equal(asked, []string{"app.example", "other.example"}) {
		t.Errorf("the rule was asked of %v", asked)
	}
	clients.AllowHost = nil
	if _, err := clients.Client(t.Context(), "https://other.example/client.json"); err != nil {
		t.Errorf("without a rule: %v", err)
	}
}

// askedStore counts how often it is asked.
type askedStore struct {
	*store.Store
	times int
}

func (s *askedStore) Client(ctx context.Context, id string) (*store.Client, error) {
	s.times++
	return s.Store.Client(ctx, id)
}

// Whatever is sent: the answer is JSON without a null, and what is registered can be
// used as it was told.
func FuzzRegister(f *testing.F) {
	for _, body := range []string{
		`{"redirect_uris":["https://c.example/cb"]}`,
		`{"redirect_uris":["http://localhost/callback","cursor://x/cb"],"token_endpoint_auth_method":"none","scope":"read","grant_types":["authorization_code"]}`,
		`{"redirect_uris":["https://c.example/cb"],"client_name":null,"contacts":[null,""],"response_types":[],"grant_types":[],"scope":null}`,
		`{"redirect_uris":["https://c.example/cb"],"client_name":"\ud800\u202e","logo_uri":"https://a/%zz","software_id":"` + strings.Repeat("x", 600) + `"}`,
		`{"redirect_uris":[null]}`, `{"redirect_uris":{}}`, `null`, `[]`, `"`, ``, `{"redirect_uris":["javascript:alert(1)"]}`,
	} {
		f.Add(body)
	}
	s := newSetup(f)
	f.Fuzz(func(t *testing.T, body string) {
		s.logs.Reset()
		w, got := s.registerJSON(t, body)
		if w.Code == http.StatusCreated {
			checkRegistration(t, s, w, got)
			for _, uri := range got["redirect_uris"].([]any) {
				if problem := oauth.CheckRedirectURI(uri.(string)); problem != "" {
					t.Errorf("%q was registered, and %s", uri, problem)
				}
			}
			return
		}
		wantNoNull(t, w.Body.Bytes())
		if code, _ := got["error"].(string); code == "" || w.Code != http.StatusBadRequest && w.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("%q: got %d %s", body, w.Code, w.Body)
		}
	})
}

// Whatever is nested in a set of keys would be written to the disk, each level of it
// further in: 8 KB became 30 MB.
func TestOfASetOfKeysOnlyTheKeysAreKept(t *testing.T) {
	s := newSetup(t)
	nested := strings.Repeat("[", 20) + strings.Repeat("]", 20)
	_, got := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"private_key_jwt",`+
		`"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","kid":"k","more":`+nested+`,"n":["no text"]}],"x":`+nested+`}}`)
	id, _ := got["client_id"].(string)
	client, err := s.store.Client(t.Context(), id)
	if err != nil {
		t.Fatalf("%v: %v", got, err)
	}
	if want := `{"keys":[{"crv":"P-256","kid":"k","kty":"EC","x":"a","y":"b"}]}`; string(client.JWKS) != want {
		t.Errorf("kept %.200s, want %s", client.JWKS, want)
	}
	w, _ := s.registerJSON(t, `{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]}}`)
	if w.Code != http.StatusBadRequest {
		t.Errorf("a set without keys: %d", w.Code)
	}
}
