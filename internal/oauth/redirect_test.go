package oauth

import (
	"net/url"
	"strings"
	"testing"
)

// realRedirectURIs are what clients that people use register.
var realRedirectURIs = []string{
	"https://claude.ai/api/mcp/auth_callback",
	"https://claude.com/api/mcp/auth_callback",
	"http://localhost/callback",
	"http://127.0.0.1/callback",
	"http://localhost:49152/callback",
	"https://chatgpt.com/connector_platform_oauth_redirect",
	"https://chatgpt.com/connector/oauth/abc123",
	"http://127.0.0.1:1455/callback/aBcDeFgHiJkL",
	"http://127.0.0.1:33418/",
	"http://127.0.0.1/",
	"https://vscode.dev/redirect",
	"https://insiders.vscode.dev/redirect",
	"cursor://anysphere.cursor-mcp/oauth/callback",
	"grokbot://mcp/oauth/callback",
	"https://www.cursor.com/agents/mcp/oauth/callback",
	"windsurf://codeium.windsurf/callback",
	"https://grok.com/connectors-oauth-exchange-code/",
	"https://global.consent.azure-apim.net/redirect/tenant-1",
	"http://localhost:3000",
	"http://localhost:3000?state=abc",
	"http://[::1]:8090/oauth/callback",
	"com.example.app:/oauth2redirect",
	"com.example.app:callback",
	"https://host.example:8443/oauth/clients/mcp:1/callback?tenant=a%20b",
}

// badRedirectURIs are refused, each for the reason behind it.
var badRedirectURIs = []struct{ uri, problem string }{
	{"", "is empty"},
	{"https://a.example/" + strings.Repeat("x", MaxRedirectURI), "longer"},
	{"https://a.example/#fragment", "fragment"},
	{"https://a.example/cb#", "fragment"},
	{"/callback", "not an absolute URI"},
	{"//a.example/callback", "not an absolute URI"},
	{"a.example/callback", "not an absolute URI"},
	{"https://a.example/%zz", "not an absolute URI"},
	{"https://", "no host"},
	{"https:///callback", "no host"},
	{"https://:8443/callback", "no host"},
	{"https:callback", "no host"},
	{"https://user@a.example/", "user name"},
	{"https://user:password@a.example/", "user name"},
	{"http://127.0.0.1@evil.example/", "user name"},
	{"cursor://user@host/", "user name"},
	{"http://a.example/callback", "not loopback"},
	{"http:callback", "not loopback"},
	{"http://10.0.0.1/callback", "not loopback"},
	{"https://127.1/callback", "browsers read in another way"},
	{"https://0x7f.1/callback", "browsers read in another way"},
	{"https://2130706433/callback", "browsers read in another way"},
	{"http://0.0.0.0/callback", "not loopback"},
	{"http://127.1/callback", "not loopback"},
	{"http://2130706433/callback", "not loopback"},
	{"http://localhost.evil.example/callback", "not loopback"},
	{"http://localhost./callback", "not loopback"},
	{"http://127.0.0.1.evil.example/callback", "not loopback"},
	{"http://[::1%25lo]/callback", "not loopback"},
	{"http://[fe80::1]/callback", "not loopback"},
	{"javascript:alert(1)", "not an app's"},
	{"JavaScript:alert(1)", "not an app's"},
	{"data:text/html,hello", "not an app's"},
	{"vbscript:x", "not an app's"},
	{"file:///etc/passwd", "not an app's"},
	{"blob:https://a.example/1", "not an app's"},
	{"about:blank", "not an app's"},
	{"filesystem:https://a.example/temporary/x", "not an app's"},
	{"view-source:https://a.example/", "not an app's"},
	{"intent://scan/#Intent;scheme=x;end", "fragment"},
	{"intent://scan/", "not an app's"},
	{"ws://a.example/", "not an app's"},
	{"ms-msdt:/id", "not an app's"},
	{"MS-Settings:privacy", "not an app's"},
	{"googlechrome://evil.example/", "not an app's"},
	{"smb://evil.example/share", "not an app's"},
	{"afp://evil.example/share", "not an app's"},
	{"cifs://evil.example/share", "not an app's"},
	{"content://com.example.provider/1", "not an app's"},
	{"edge://settings", "not an app's"},
	{"firefox-focus://open-url?url=https://evil.example/", "not an app's"},
	{"googlechrome-x-callback://x-callback-url/open/?url=https://evil.example/", "not an app's"},
	{"irc://evil.example/", "not an app's"},
	{"ircs://evil.example/", "not an app's"},
	{"microsoft-edge-https://evil.example/", "not an app's"},
	{"mms://evil.example/", "not an app's"},
	{"opera-https://evil.example/", "not an app's"},
	{"sip:a@evil.example", "not an app's"},
	{"sips:a@evil.example", "not an app's"},
	{"touch-http://evil.example/", "not an app's"},
	{"touch-https://evil.example/", "not an app's"},
	{"web+mcp://evil.example/", "not an app's"},
	{"WEB+Notes:x", "not an app's"},
	{"X-Safari-HTTPS://evil.example/", "not an app's"},
	{"xmpp:a@evil.example", "not an app's"},
	{"myapp:https://evil.example/", "another address"},
	{"mailto:a@b.example", "not an app's"},
	{"https://a.example\\@evil.example/", "character"},
	{"https://a.example/ callback", "character"},
	{" https://a.example/", "character"},
	{"https://a.example/\n", "character"},
	{"java\tscript:alert(1)", "character"},
	{"https://a.example/\x00", "character"},
	{"https://é.example/", "character"},
	{`https://a.example/"onload="x`, "character"},
	{"https://a.example/<script>", "character"},
}

func TestR25_RealClientsRedirectURIsAreTaken(t *testing.T) {
	for _, uri := range realRedirectURIs {
		if problem := CheckRedirectURI(uri); problem != "" {
			t.Errorf("%s %s", uri, problem)
		}
	}
}

// What is refused by how it begins or ends must not take an app along.
func TestTheSchemeOfAnAppIsTaken(t *testing.T) {
	for _, scheme := range []string{
		"claude", "cline", "cursor", "goose", "raycast", "com.raycast", "vscode", "vscode-insiders", "vscodium", "warp", "windsurf", "zed", "com.example.app",
		"web", "webmcp", "httpie", "my-http-app", "edge-ai", "content-app", "msteams", "mcp+app",
	} {
		if problem := CheckRedirectURI(scheme + "://oauth/callback"); problem != "" {
			t.Errorf("%s %s", scheme, problem)
		}
	}
}

func TestR25_ADangerousOrMalformedRedirectURIIsRefusedWithItsReason(t *testing.T) {
	for _, test := range badRedirectURIs {
		if problem := CheckRedirectURI(test.uri); !strings.Contains(problem, test.problem) || problem == "" {
			t.Errorf("%q: got %q, want %q in it", test.uri, problem, test.problem)
		}
	}
}

func TestR25_ARedirectURIMatchesExactlyButForALoopbackPort(t *testing.T) {
	for _, test := range []struct {
		registered, requested string
		want                  bool
	}{
		{"https://a.example/cb", "https://a.example/cb", true},
		{"https://a.example/cb", "https://a.example/cb/", false},
		{"https://a.example/cb", "https://a.example/CB", false},
		{"https://a.example/cb", "https://A.example/cb", false},
		{"https://a.example/cb", "https://a.example:443/cb", false},
		{"https://a.example/cb", "https://a.example/cb?x=1", false},
		{"https://a.example/cb?x=1", "https://a.example/cb?x=1", true},
		{"https://a.example/cb?x=1", "https://a.example/cb", false},
		{"https://a.example/cb", "https://a.example/cb/../x", false},
		{"https://localhost/cb", "https://localhost:8443/cb", false},
		{"cursor://app/cb", "cursor://app/cb", true},
		{"cursor://app:1/cb", "cursor://app:2/cb", false},

		{"http://localhost/callback", "http://localhost:51234/callback", true},
		{"http://localhost:51234/callback", "http://localhost:6/callback", true},
		{"http://localhost:51234/callback", "http://localhost/callback", true},
		{"http://localhost:1/callback", "http://localhost:/callback", true},
		{"http://127.0.0.1:33418/", "http://127.0.0.1:33419/", true},
		{"http://127.0.0.1:33418/", "http://127.0.0.1:33419", false},
		{"http://127.0.0.8:1/", "http://127.0.0.8:2/", true},
		{"http://[::1]/cb", "http://[::1]:7777/cb", true},
		{"http://localhost:3000?state=a", "http://localhost:3001?state=a", true},
		{"http://localhost:3000?state=a", "http://localhost:3000?state=b", false},
		{"http://localhost:3000", "http://localhost:3001", true},
		{"http://localhost/callback", "http://127.0.0.1/callback", false},
		{"http://127.0.0.1/callback", "http://127.0.0.2/callback", false},
		{"http://127.0.0.1/callback", "http://[::1]/callback", false},
		{"http://localhost/callback", "https://localhost/callback", false},
		{"http://localhost/callback", "http://localhost:80/callback/x", false},
		{"http://localhost/callback", "http://localhost:80/callback?x", false},
		{"http://localhost/callback", "http://localhost:1@evil.example/callback", false},
		{"http://localhost/callback", "http://localhost:1.evil.example/callback", false},
		{"http://localhost/callback", "http://localhost:1\\.evil.example/callback", false},
		{"http://localhost/callback", "http://localhost:1/callback#x", false},
		{"http://127.0.0.18/", "http://127.0.0.1:8/", false},
	} {
		if got := MatchRedirectURI([]string{"https://other.example/", test.registered}, test.requested); got != test.want {
			t.Errorf("registered %s, requested %s: got %v, want %v", test.registered, test.requested, got, test.want)
		}
	}
	if MatchRedirectURI(nil, "https://a.example/cb") {
		t.Error("a client without redirect URIs matches one")
	}
}

func TestR37_OnlyAProgramOnThisMachineIsALoopbackRedirect(t *testing.T) {
	for uri, want := range map[string]bool{
		"http://localhost:1/cb":    true,
		"http://127.0.0.1/cb":      true,
		"http://[::1]:1/cb":        true,
		"https://localhost/cb":     true,
		"https://a.example/cb":     false,
		"cursor://localhost/cb":    false,
		"https://localhost.a.dev/": false,
	} {
		if got := IsLoopbackRedirect(uri); got != want {
			t.Errorf("%s: got %v, want %v", uri, got, want)
		}
	}
}

// Whatever listens on somebody's own computer is nobody's proven host, with TLS or without,
// and whoever's document names it.
func TestTheHostOfAClientIsOneThatIsProven(t *testing.T) {
	const document = "https://app.example/client.json"
	for _, test := range []struct{ clientID, redirectURI, want string }{
		{"registered", "https://a.example:8443/cb", "a.example:8443"},
		{document, "https://a.example/cb", "app.example"},
		{"http://app.example/client.json", "https://a.example/cb", "a.example"},
		{"registered", "https://localhost:8443/cb", ""},
		{"registered", "https://app.localhost/cb", ""},
		{"registered", "https://127.0.0.1:8443/cb", ""},
		{"registered", "https://[::1]/cb", ""},
		{document, "https://localhost:8443/cb", ""},
		{document, "http://localhost:8080/cb", ""},
		{document, "cursor://a.example/cb", ""},
		{document, "https://a.example/%zz", ""},
	} {
		if got := ClientHost(test.clientID, test.redirectURI); got != test.want {
			t.Errorf("%s at %s: got %q, want %q", test.clientID, test.redirectURI, got, test.want)
		}
	}
}

func TestR25_AnAnswerKeepsTheQueryOfTheRedirectURI(t *testing.T) {
	values := url.Values{"code": {"c d"}, "iss": {"https://as.example"}}
	const added = "code=c+d&iss=https%3A%2F%2Fas.example"
	for uri, want := range map[string]string{
		"https://a.example/cb":          "https://a.example/cb?" + added,
		"https://a.example/cb?":         "https://a.example/cb?" + added,
		"https://a.example/cb?x=%7e&y&": "https://a.example/cb?x=%7e&y&" + added,
		"http://localhost:3000?state=a": "http://localhost:3000?state=a&" + added,
		"com.example.app:cb":            "com.example.app:cb?" + added,
	} {
		if got := WithQuery(uri, values); got != want {
			t.Errorf("%s: got %s, want %s", uri, got, want)
		}
	}
}

// Whatever is taken is what a browser would take it for, matches itself, and still
// parses after an answer was added.
func FuzzCheckRedirectURI(f *testing.F) {
	for _, uri := range realRedirectURIs {
		f.Add(uri)
	}
	for _, test := range badRedirectURIs {
		f.Add(test.uri)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if CheckRedirectURI(s) != "" {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q is taken but does not parse: %v", s, err)
		}
		if !strings.EqualFold(s[:len(u.Scheme)+1], u.Scheme+":") {
			t.Errorf("%q is taken but does not begin with its scheme %q", s, u.Scheme)
		}
		if u.User != nil || u.Fragment != "" || len(s) > MaxRedirectURI {
			t.Errorf("%q is taken with a user, fragment or length that it may not have", s)
		}
		switch u.Scheme {
		case "https":
			if u.Hostname() == "" {
				t.Errorf("%q is taken without a host", s)
			}
		case "http":
			if !IsLoopbackRedirect(s) {
				t.Errorf("%q is taken as loopback by one function only", s)
			}
		case "javascript", "data", "vbscript", "file", "blob", "about":
			t.Errorf("%q is taken", s)
		}
		if !MatchRedirectURI([]string{s}, s) {
			t.Errorf("%q does not match itself", s)
		}
		answered, err := url.Parse(WithQuery(s, url.Values{"code": {"the code"}}))
		if err != nil {
			t.Fatalf("%q with a code does not parse: %v", s, err)
		}
		if answered.Scheme != u.Scheme || answered.Host != u.Host || answered.Path != u.Path {
			t.Errorf("%q with a code leads to %s", s, answered)
		}
		if codes := answered.Query()["code"]; u.RawQuery == "" && (len(codes) != 1 || codes[0] != "the code") {
			t.Errorf("%q with a code has the codes %q", s, codes)
		}
	})
}

// A match changes nothing but the port, and that on http loopback only.
func FuzzMatchRedirectURI(f *testing.F) {
	f.Add("http://localhost/callback", "http://localhost:51234/callback")
	f.Add("http://127.0.0.1:33418/", "http://127.0.0.1:33419/")
	f.Add("http://[::1]/cb", "http://[::1]:7777/cb")
	f.Add("http://localhost:3000?state=a", "http://localhost:3001?state=a")
	f.Add("HTTP://localhost:1/x", "http://localhost:2/x")
	f.Add("http://localhost/callback", "http://localhost:1@evil.example/callback")
	for _, test := range badRedirectURIs {
		f.Add("http://localhost/callback", test.uri)
	}
	f.Fuzz(func(t *testing.T, registered, requested string) {
		if registered == requested || !MatchRedirectURI([]string{registered}, requested) {
			return
		}
		if !MatchRedirectURI([]string{requested}, registered) {
			t.Errorf("%q matches %q but not the other way round", registered, requested)
		}
		if problem := CheckRedirectURI(requested); problem != "" {
			t.Fatalf("%q matches %q, but it %s", requested, registered, problem)
		}
		have, want := parsed(t, registered), parsed(t, requested)
		if want.Scheme != "http" || !isLoopback(want.Hostname()) {
			t.Errorf("%q matches %q, which is not http on loopback", requested, registered)
		}
		have.Host, want.Host = have.Hostname(), want.Hostname()
		if *have != *want {
			t.Errorf("%q matches %q: %+v, %+v", requested, registered, *want, *have)
		}
	})
}

func parsed(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
