package mcpoauth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Whatever comes to the approval page: nobody gets a code without a passkey, nobody is sent
// where the client did not register, with another state, or by another's name; and nothing
// that was sent becomes markup.
func FuzzAuthorizeRequest(f *testing.F) {
	good := func(clientID, redirectURI string, changes ...string) string {
		request := authorizationRequest(clientID, redirectURI)
		for i := 0; i < len(changes); i += 2 {
			request.Set(changes[i], changes[i+1])
		}
		return request.Encode()
	}
	const app = "cursor://anysphere.cursor-mcp/oauth/callback"
	for _, query := range []string{
		good("web", webClient), good("web", ""), good("desktop", "http://127.0.0.1:1/callback"), good("desktop", "http://localhost:65535/cb?x=1"), good("native", app),
		good("web", webClient, "response_type", "token"), good("web", webClient, "code_challenge_method", "plain"), good("web", webClient, "code_challenge", ""),
		good("web", webClient, "scope", "openid offline_access"), good("web", webClient, "scope", "none"), good("web", webClient, "resource", "https://evil.example/mcp"),
		good("web", webClient, "state", strings.Repeat("s", 8<<10+1)), good("web", webClient, "state", "\xff\x00\r\nLocation: https://evil.example"), good("web", webClient, "state", `"><script>alert(1)</script>`),
		good("native", app, "response_type", "x"), good("web", "https://evil.example/"), good("web", webClient+"@evil.example/"), good("desktop", "http://127.0.0.1:1@evil.example/callback"),
		good(`"><img src=x onerror=alert(1)>`, webClient), good("web", webClient) + "&state=again", good("web", webClient) + "&resource=" + url.QueryEscape(mcpURL+"/"), "client_id=web&client_id=web",
		"", "%zz", "a;b", "client_id=web&redirect_uri=javascript:alert(1)", "redirect_uri=" + url.QueryEscape(webClient), "return_to=//evil.example", "state=%26code%3Dx&client_id=web&iss=x&error=y",
	} {
		f.Add(false, query, "", "")
		f.Add(true, query, "decision=deny", "same-origin")
		f.Add(true, query, "decision=approve&ceremony=x", "same-origin")
		f.Add(true, "", query, "cross-site")
	}
	f.Add(true, good("web", webClient), "decision=deny", "cross-site")
	f.Add(true, good("web", webClient), "decision=<b>&ceremony=", "none")
	s := newFuzzed(f, mcpoauth.Config{})
	f.Fuzz(func(t *testing.T, post bool, query, body, site string) {
		ask := func(query, body string) answer {
			if !post {
				return s.ask(t.Context(), "GET", "/authorize", query, "")
			}
			return s.ask(t.Context(), "POST", "/authorize", query, body, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", site, "Origin", serverURL)
		}
		a := ask(query, body)
		a.wantSound(t)
		form, _ := url.ParseQuery(body)
		asked, _ := url.ParseQuery(query)
		posted := post && form.Get("decision") == ""
		switch target := a.target(); {
		case a.StatusCode == http.StatusSeeOther && posted:
			wantSameRequest(t, target, form)
		case target != "":
			wantSentBack(t, target, asked, post)
		case a.StatusCode == http.StatusOK:
			wantConsent(t, a, asked, query)
		case a.StatusCode != http.StatusBadRequest && a.StatusCode != http.StatusForbidden:
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		if strings.Contains(a.body+a.Header.Get("Location"), "mcpoauth_ac_") {
			t.Errorf("a code: %s", a.body)
		}
		if !hasMarkup(query + "&" + body) {
			return
		}
		if b := ask(unmarked(query), unmarked(body)); a.StatusCode == b.StatusCode && a.markup() != b.markup() {
			t.Errorf("%q, %q: what was sent is markup in\n%s", query, body, a.body)
		}
	})
}

// wantSameRequest fails unless a posted request became the same one by GET, here.
func wantSameRequest(t *testing.T, target string, form url.Values) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path != "/authorize" || u.Fragment != "" {
		t.Fatalf("a request that was posted leads to %q", target)
	}
	for name, values := range u.Query() {
		if len(values) > 1 && name != "resource" {
			t.Errorf("%s is %q", name, values)
		}
	}
	for name := range form {
		if got, want := u.Query().Get(name), firstGiven(form[name]); got != want {
			t.Errorf("%s was %q and is %q", name, want, got)
		}
	}
}

func firstGiven(values []string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// fuzzedAddresses are those of the clients, up to the query that is added.
var fuzzedAddresses = map[string]*regexp.Regexp{
	"web":          regexp.MustCompile(`\Ahttps://client\.example/callback\?`),
	"desktop":      regexp.MustCompile(`\Ahttp://(?:127\.0\.0\.1(?::[0-9]*)?/callback\?|localhost(?::[0-9]*)?/cb\?x=1&)`),
	"native":       regexp.MustCompile(`\Acursor://anysphere\.cursor-mcp/oauth/callback\?`),
	"confidential": regexp.MustCompile(`\Ahttps://client\.example/callback/confidential\?`),
}

// wantSentBack fails unless the target is the client's own, with an error and the state as
// it came.
func wantSentBack(t *testing.T, target string, asked url.Values, post bool) {
	t.Helper()
	id := firstGiven(asked["client_id"])
	address, ok := fuzzedAddresses[id]
	if !ok || !address.MatchString(target) || id == "native" && !post {
		t.Fatalf("the client %q is sent to %q", id, target)
	}
	answered, err := url.ParseQuery(target[len(address.FindString(target)):])
	if err != nil {
		t.Fatalf("%q: %v", target, err)
	}
	state := firstGiven(asked["state"])
	if answered.Get("error") == "" || answered.Get("iss") != serverURL || answered.Get("state") != state || answered.Has("state") != (state != "") {
		t.Errorf("with the state %.100q the client gets %q", state, answered)
	}
	for name, values := range answered {
		if len(values) != 1 || name != "error" && name != "error_description" && name != "iss" && name != "state" {
			t.Errorf("the client gets %s=%q", name, values)
		}
	}
}

// wantConsent fails unless the page is for a request that may be approved, and its form is
// for that one.
func wantConsent(t *testing.T, a answer, asked url.Values, query string) {
	t.Helper()
	if fuzzedAddresses[firstGiven(asked["client_id"])] == nil || asked.Get("response_type") != "code" || firstGiven(asked["code_challenge_method"]) != "S256" ||
		!secret.ValidChallenge(firstGiven(asked["code_challenge"])) || strings.Contains(strings.Join(asked["resource"], ""), "evil") {
		t.Errorf("%q may be approved", query)
	}
	if strings.Contains(query, "#") {
		return // which no browser sends
	}
	u, err := url.Parse(a.action())
	if err != nil || u.Path != "/authorize" || u.Host != "" || u.Query().Encode() != asked.Encode() {
		t.Errorf("the page for %q decides about %q", query, a.action())
	}
}
