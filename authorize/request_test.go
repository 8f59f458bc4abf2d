package authorize

import (
	"errors"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestTheDigestStandsForExactlyOneRequest(t *testing.T) {
	base := func() *request {
		return &request{
			client: &store.Client{ID: "a"}, redirectURI: "https://b/", resource: &oauth.Resource{URL: "https://c/"},
			scopes: []string{"d", "e"}, challenge: "f", state: "g",
		}
	}
	if one, same := base(), base(); one.digest() != same.digest() {
		t.Fatal("the same request has two digests")
	}
	changes := map[string]func(*request){
		"the client":       func(r *request) { r.client = &store.Client{ID: "b"} },
		"the redirect URI": func(r *request) { r.redirectURI = "https://b/2" },
		"the resource":     func(r *request) { r.resource = &oauth.Resource{URL: "https://c/2"} },
		"one scope less":   func(r *request) { r.scopes = []string{"d"} },
		"one scope more":   func(r *request) { r.scopes = []string{"d", "e", "f"} },
		"scopes that look like these when joined": func(r *request) { r.scopes = []string{"d e"} },
		"the challenge":                  func(r *request) { r.challenge = "F" },
		"the state":                      func(r *request) { r.state = "G" },
		"no state":                       func(r *request) { r.state = "" },
		"a part moved to its neighbour":  func(r *request) { r.challenge, r.state = "fg", "" },
		"bytes that are not UTF-8":       func(r *request) { r.state = "\xff" },
		"other bytes that are not UTF-8": func(r *request) { r.state = "\xfe" },
		"what stands for such bytes":     func(r *request) { r.state = "\ufffd" },
	}
	seen := map[store.Hash]string{base().digest(): "nothing"}
	for name, change := range changes {
		changed := base()
		change(changed)
		if twin, ok := seen[changed.digest()]; ok {
			t.Errorf("changing %s gives the digest of changing %s", name, twin)
		}
		seen[changed.digest()] = name
	}
}

func TestScopes(t *testing.T) {
	resource := &oauth.Resource{Scopes: []string{"mcp:tools"}}
	withEmail := []oauth.Scope{{Name: "mcp:tools"}, {Name: "email"}}
	plain := []oauth.Scope{{Name: "mcp:tools"}, {Name: "notes:read"}}
	tests := []struct {
		name  string
		known []oauth.Scope
		asked string
		want  string // "" is invalid_scope
	}{
		{"nothing is what the resource needs", plain, "", "mcp:tools"},
		{"known ones, in the order asked for", plain, "notes:read mcp:tools", "notes:read mcp:tools"},
		{"unknown ones are left out", plain, "admin notes:read", "notes:read"},
		{"nothing that is left is refused", plain, "admin", ""},
		{"OpenID Connect alone is nothing", plain, "openid email profile", "mcp:tools"},
		{"OpenID Connect does not make an unknown one right", plain, "openid admin", ""},
		{"a scope called email is one where it is known", withEmail, "openid email", "email"},
		{"offline_access alone adds to what the resource needs", plain, "offline_access", "mcp:tools offline_access"},
		{"offline_access beside an unknown one too", plain, "offline_access admin", "mcp:tools offline_access"},
		{"offline_access beside a known one adds nothing else", plain, "offline_access notes:read", "offline_access notes:read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := (&Handler{Scopes: test.known}).scopes(test.asked, resource)
			if refusal, ok := errors.AsType[*oauth.Error](err); test.want == "" && (!ok || refusal.Code != oauth.InvalidScope) {
				t.Errorf("got %v", err)
			}
			if test.want != "" && err != nil || strings.Join(got, " ") != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
	if len(resource.Scopes) != 1 {
		t.Errorf("the resource's own scopes became %q", resource.Scopes)
	}
}

func TestARedirectURIMustBeRegisteredAndAllowed(t *testing.T) {
	const website, program = "https://client.example/callback", "http://127.0.0.1/callback"
	one := &store.Client{RedirectURIs: []string{website}}
	both := &store.Client{RedirectURIs: []string{website, program}}
	preregistered := &store.Client{RedirectURIs: []string{website}, Preregistered: true}
	unsafe := &store.Client{RedirectURIs: []string{"javascript:alert(1)"}}
	tests := []struct {
		name    string
		client  *store.Client
		allowed []string
		asked   string
		want    string // "" is a page
	}{
		{"the one registered", one, nil, website, website},
		{"none is the only one", one, nil, "", website},
		{"none of two", both, nil, "", ""},
		{"another one", one, nil, program, ""},
		{"loopback on any port", both, nil, "http://127.0.0.1:54321/callback", "http://127.0.0.1:54321/callback"},
		{"one that the operator does not allow any more", both, []string{website}, program, ""},
		{"none, and the only one is not allowed any more", one, []string{program}, "", ""},
		{"one that the operator allows", both, []string{program}, "http://127.0.0.1:1/callback", "http://127.0.0.1:1/callback"},
		{"one of a client of the configuration", preregistered, []string{program}, website, website},
		{"an unsafe one that got into the store", unsafe, nil, "javascript:alert(1)", ""},
		{"none, and the only one is unsafe", unsafe, nil, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := (&Handler{RedirectURIs: test.allowed}).redirectURI(test.client, test.asked)
			if _, isStray := errors.AsType[*stray](err); got != test.want || isStray != (test.want == "") {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
		})
	}
}
