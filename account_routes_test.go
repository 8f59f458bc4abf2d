package mcpoauth_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// accountActions are what forms of the account's pages are sent to.
var accountActions = []string{
	"/account/sign-in", "/account/sign-out", "/account/sign-out-everywhere",
	"/account/revoke", "/account/revoke-app", "/account/revoke-all",
	"/account/passkeys/rename", "/account/passkeys/remove", "/account/passkeys/add",
	"/account/keys/create",
	"/account/people/invite", "/account/people/withdraw", "/account/people/suspend", "/account/people/resume", "/account/people/remove",
}

func TestARouteOfTheAccountAnswersItsMethodsOnly(t *testing.T) {
	s := signedIn(t)
	want := make(map[string][]string)
	for _, path := range append(accountPages[:len(accountPages):len(accountPages)], "/account/sign-in") {
		want[path] = []string{"GET", "HEAD", "OPTIONS"}
	}
	for _, path := range accountActions {
		want[path] = append(slices.DeleteFunc(want[path], func(m string) bool { return m == "OPTIONS" }), "POST", "OPTIONS")
	}
	for path, methods := range want {
		for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			res := s.do(method, path, nil, "Sec-Fetch-Site", "same-origin")
			if !slices.Contains(methods, method) {
				if res.StatusCode != http.StatusMethodNotAllowed {
					t.Errorf("%s %s: %d", method, path, res.StatusCode)
				}
				got := strings.Split(res.Header.Get("Allow"), ", ")
				slices.Sort(got)
				slices.Sort(methods)
				wantSame(t, method+" "+path, got, methods)
			} else if res.StatusCode == http.StatusMethodNotAllowed || res.StatusCode >= 500 {
				t.Errorf("%s %s: %d", method, path, res.StatusCode)
			}
		}
	}
	for _, path := range []string{"/account/", "/account/x", "/account/passkeys/", "/account/people/x"} {
		s.get(path).wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestAnotherSiteCannotMakeABrowserDoAnything(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	token, bobs := s.login().access, bob.login().access
	invited := s.invitation("Cleo")
	people, passkeys := s.get("/account/people"), s.get("/account/passkeys")
	form := url.Values{
		"confirmed": {"yes"}, "grant": {s.get("/account").field("grant")[0]}, "app": {s.get("/account").field("grant")[0]},
		"passkey": {passkeys.only(t, "passkey")}, "name": {"Owned"}, "person": {people.field("person")[0]}, "invitation": {people.only(t, "invitation")},
		"resource": {mcpURL}, "life": {"7"}, "scope.mcp:tools": {"yes"},
	}
	for _, path := range accountActions {
		for name, headers := range map[string][]string{
			"another site":                 {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
			"a subdomain":                  {"Sec-Fetch-Site", "same-site", "Origin", "https://sub.example.com"},
			"a browser that says less":     {"Origin", "https://evil.example"},
			"a page in a sandbox":          {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			"a site of the same, by http":  {"Origin", "http://evil.example"},
			"another port of this machine": {"Origin", "https://example.com:8443"},
		} {
			if res := s.form(path, form, headers...); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s from %s: %d %s", path, name, res.StatusCode, res.body)
			}
		}
		if res := s.json(path, map[string]string{}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s as JSON: %d", path, res.StatusCode)
		}
	}
	s.wantAlive(t, "the owner's connection", token)
	s.wantAlive(t, "Bob's connection", bobs)
	bob.get("/account").wantPage(t, http.StatusOK)
	s.get("/account/passkeys").wantNot(t, "Owned")
	if got := s.fetch("/passkey/register/start", map[string]string{"token": invited}); got.StatusCode != http.StatusOK {
		t.Errorf("the invitation is gone: %d", got.StatusCode)
	}
}

func TestAFormThatIsNoneOfOursIsRefused(t *testing.T) {
	s := signedIn(t)
	for name, body := range map[string]string{
		"a parameter twice": "grant=a&grant=b", "no form": "%zz", "too large": "grant=" + strings.Repeat("x", 70_000),
	} {
		res := s.do("POST", "/account/revoke", strings.NewReader(body), "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	res := s.do("POST", "/account/revoke", strings.NewReader("grant=x"), "Content-Type", "text/plain", "Sec-Fetch-Site", "same-origin")
	res.wantPage(t, http.StatusBadRequest)
}

// everyPage opens each page of the account, and those that answer a form.
func everyPage(t *testing.T, s *server) map[string]answer {
	t.Helper()
	pages := map[string]answer{
		"sign-in":        s.another().get("/account/sign-in"),
		"search":         s.get("/account?q=a"),
		"nothing found":  s.get("/account?q=zzzz"),
		"remove passkey": s.post("/account/passkeys/remove", "passkey", s.get("/account/passkeys").field("passkey")[0]),
		"add passkey":    s.post("/account/passkeys/add"),
		"invite":         s.post("/account/people/invite", "name", "Dora"),
		"invited":        s.touched("/account/people/invite", "name", "Dora"),
		"create key":     s.post("/account/keys/create", "name", "CI", "resource", mcpURL, "life", "7", "scope.mcp:tools", "yes"),
		"key form":       s.post("/account/keys/create", "name", "CI", "resource", mcpURL, "life", "7"),
		"key":            s.touched("/account/keys/create", "name", "CI", "resource", mcpURL, "life", "7", "scope.mcp:tools", "yes"),
		"revoke all":     s.post("/account/revoke-all"),
		"not found":      s.post("/account/revoke", "grant", "x"),
	}
	s.plant(noticeCookie, "revoked")
	pages["notice"] = s.get("/account")
	for _, path := range accountPages {
		pages[path] = s.get(path)
	}
	return pages
}

func TestEveryPageOfTheAccountIsSafeAndLight(t *testing.T) {
	s := signedIn(t)
	s.login()
	for name, page := range everyPage(t, s) {
		if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s is no page: %d %s", name, page.StatusCode, page.Header.Get("Location"))
			continue
		}
		for header, want := range map[string]string{
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
		} {
			if got := page.Header.Get(header); got != want {
				t.Errorf("%s: %s is %q", name, header, got)
			}
		}
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "script-src 'self';") {
			t.Errorf("%s: the policy is %s", name, policy)
		}
		if regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`).MatchString(page.body) {
			t.Errorf("%s has inline script or style:\n%s", name, page.body)
		}
		if weight := s.weight(page); weight >= 50_000 {
			t.Errorf("%s has %d bytes", name, weight)
		}
		if !strings.Contains(page.body, "<h1") || !strings.Contains(page.body, "<main") || !strings.Contains(page.body, `lang="en"`) {
			t.Errorf("%s has no heading, main part or language", name)
		}
	}
}

// weight is how many bytes a page has with all that it links to.
func (s *server) weight(page answer) int {
	s.t.Helper()
	total := len(page.body)
	links := regexp.MustCompile(`(?:src|href)="(/authorize/assets/[^"]+)"`).FindAllStringSubmatch(page.body, -1)
	seen := make(map[string]bool)
	for _, link := range links {
		if !seen[link[1]] {
			seen[link[1]] = true
			total += len(s.get(link[1]).body)
		}
	}
	return total
}

func TestATouchIsNeededOnlyWhereAPageSaysSoWithoutScripts(t *testing.T) {
	s := signedIn(t)
	for name, page := range everyPage(t, s) {
		if strings.Contains(page.body, "data-digest") != strings.Contains(page.body, "<noscript>") {
			t.Errorf("%s needs a script and does not say so, or the other way round:\n%s", name, page.body)
		}
	}
}

func TestTheNavigationSaysWhereOneIs(t *testing.T) {
	s := signedIn(t)
	s.invite("Bob")
	for _, path := range accountPages {
		page := s.get(path)
		if !strings.Contains(page.body, `<a href="`+path+`" aria-current="page">`) || strings.Count(page.body, "aria-current") != 1 {
			t.Errorf("%s: the navigation does not say that one is there:\n%s", path, page.body)
		}
	}
}

func TestANoticeSaysOnlyWhatThisServerSays(t *testing.T) {
	s := signedIn(t)
	s.plant(noticeCookie, "Send your key to evil.example")
	page := s.get("/account?done=Send+your+key+to+evil.example")
	page.wantPage(t, http.StatusOK)
	page.wantNot(t, "evil.example")
}

// Who is told that everything was revoked does not do it.
func TestALinkSaysOfNothingThatItWasDone(t *testing.T) {
	s := signedIn(t)
	for _, code := range []string{"revoked", "revoked-all", "suspended", "passkey-added", "signed-out-everywhere"} {
		for _, path := range []string{"/account", "/account/passkeys"} {
			if page := s.get(path + "?done=" + code + "&added"); strings.Contains(page.body, "status notice") {
				t.Errorf("%s says that it was done: %s", code, page.words())
			}
		}
		if page := s.another().get("/account/sign-in?done=" + code); strings.Contains(page.body, "status notice") {
			t.Errorf("the sign-in page says that it was done: %s", page.words())
		}
	}
}

func TestANoticeWaitsInACookieThatNoOtherSiteSendsAndNoScriptReads(t *testing.T) {
	s := signedIn(t)
	res := s.post("/account/passkeys/rename", "passkey", s.get("/account/passkeys").only(t, "passkey"), "name", "")
	cookie, err := http.ParseSetCookie(res.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if cookie.Name != noticeCookie || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.MaxAge != 60 {
		t.Errorf("the cookie is %s", res.Header.Get("Set-Cookie"))
	}
	s.do("HEAD", "/account/passkeys", nil) // which shows nothing
	s.wantDone(res, "/account/passkeys", "1 to 64 characters")
}

func TestTheAccountIsUnavailableWhileTheStoreIs(t *testing.T) {
	backend := watch(memory.New(memory.Options{}))
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	for _, kind := range []store.Kind{store.KindSession, store.KindUser} {
		backend.breakDown("get " + string(kind))
		for _, path := range accountPages {
			page := s.get(path)
			page.wantPage(t, http.StatusServiceUnavailable, "try again")
			if page.Header.Get("Retry-After") == "" || strings.Contains(page.body, "fire") {
				t.Errorf("%s: %v %s", path, page.Header, page.body)
			}
		}
	}
	backend.breakDown("list grant")
	s.get("/account").wantPage(t, http.StatusServiceUnavailable, "try again")
	backend.mend()
	s.get("/account").wantPage(t, http.StatusOK)
}
