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
)

const browserCookie = "__Host-mcpoauth"

// signIn returns the cookie of a session of the owner.
func (s *fuzzed) signIn(t testing.TB) (token string) {
	t.Helper()
	token, err := s.store.SignIn(t.Context(), store.OwnerID, []byte("passkey"))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Whatever cookies come: who is in has the session's secret in the session's cookie, who is
// shown what was approved before has the browser's, and a notice is one of ours or none.
func FuzzCookies(f *testing.F) {
	// SESSION stands for the session's secret.
	const in, browser = sessionCookie + "=SESSION", browserCookie + "=" + fuzzedBrowser
	for _, header := range []string{
		"", in, browser, in + "; " + browser, sessionCookie + `="SESSION"`, sessionCookie + `="SESSION`, sessionCookie + "=SESSION ", sessionCookie + " \t=SESSION", sessionCookie + "\u00a0=SESSION", sessionCookie + "=; " + in, in + "; " + sessionCookie + "=", strings.ToLower(in),
		"mcpoauth_session=SESSION", "__Secure-mcpoauth_session=SESSION", sessionCookie + "= SESSION", in + "," + browser, sessionCookie + "=SESSIONSESSION", sessionCookie + "=mcpoauth_ss_x",
		"__Host-mcpoauth=SESSION", sessionCookie + "=" + fuzzedBrowser, in + "; " + noticeCookie + "=revoked", in + "; " + noticeCookie + "=<script>alert(1)</script>", in + "; " + noticeCookie + `="re\"voked"`,
		"=" + in, ";;;" + in, in + "\x00", browserCookie + "=" + fuzzedBrowser[1:], browserCookie + "=" + fuzzedBrowser + "; " + browserCookie + "=x",
	} {
		f.Add(header)
	}
	s := newFuzzed(f, mcpoauth.Config{})
	s.connected(f, "web", true)
	session := s.signIn(f)
	notice := regexp.MustCompile(`(?s)<p class="[^"]*\bnotice\b[^"]*"[^>]*>(.*?)</p>`)
	request := authorizationRequest("web", webClient)
	request.Set("scope", "mcp:tools offline_access")
	f.Fuzz(func(t *testing.T, header string) {
		header = strings.ReplaceAll(header, "SESSION", session)
		if strings.Count(header, ";") > 1000 {
			return // of so many net/http takes none
		}
		page := s.ask(t.Context(), "GET", "/account", "", "", "Cookie", header)
		page.wantSound(t)
		in := page.StatusCode == http.StatusOK
		wantKnown(t, in, header, sessionCookie, session)
		if !in && page.Header.Get("Location") != "/account/sign-in?return_to=%2Faccount" {
			t.Errorf("%q: %d %q", header, page.StatusCode, page.Header.Get("Location"))
		}
		for _, cookie := range page.Cookies() {
			if cookie.Name != noticeCookie || cookie.Value != "" || cookie.MaxAge >= 0 || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
				t.Errorf("%q: sets %v", header, cookie)
			}
		}
		if said := notice.FindStringSubmatch(page.body); said != nil && !plainWords.MatchString(said[1]) {
			t.Errorf("%q: says %q", header, said[1])
		}

		consent := s.ask(t.Context(), "GET", "/authorize", request.Encode(), "", "Cookie", header)
		consent.wantSound(t)
		wantKnown(t, strings.Contains(consent.body, "before"), header, browserCookie, fuzzedBrowser)
		if consent.StatusCode != http.StatusOK || len(consent.Cookies()) != 0 {
			t.Errorf("%q: %d, sets %v", header, consent.StatusCode, consent.Cookies())
		}
	})
}

// plainWords are what notices are made of.
var plainWords = regexp.MustCompile(`\A[A-Za-z0-9 .,:\s]*\z`)

// wantKnown fails unless who has a cookie of that name is known if it has that value alone,
// and not if it never has. Of several with different values any may count. White space around a
// name is no part of it, as in a browser, which stores none (RFC 6265 section 5.2).
func wantKnown(t *testing.T, known bool, header, name, value string) {
	t.Helper()
	right, wrong := 0, 0
	for pair := range strings.SplitSeq(header, ";") {
		its, got, _ := strings.Cut(strings.Trim(pair, " \t\r\n"), "=")
		switch {
		case strings.TrimRight(its, " \t\r\n") != name:
		case got == value || got == `"`+value+`"`:
			right++
		default:
			wrong++
		}
	}
	if known && right == 0 || !known && right > 0 && wrong == 0 {
		t.Errorf("%q: who has the cookie %s is known: %v", header, name, known)
	}
}

var (
	fuzzedPages = []string{"/account", "/account/passkeys", "/account/keys", "/account/people", "/account/events", "/account/sign-in"}
	pageLinks   = regexp.MustCompile(`<a [^>]*href="([^"]*)"`)
)

// Whatever is searched for, and whichever page of a list: there is a page, its links stay
// here, and what was searched for is text.
func FuzzAccountPages(f *testing.F) {
	for _, query := range []string{
		"", "q=web", "q=%3Cscript%3Ealert(1)%3C/script%3E", "q=%22%20onfocus=x", "page=2", "page=-1", "page=99999999999999999999", "page=1%22", "page=%00", "page=2&q=client", "q=" + strings.Repeat("x", 500),
		"q=%ff%fe", "q=\u202e&page=1", "%zz", "a;b", "return_to=/account/keys", "return_to=//evil.example", "return_to=/account/../authorize", "return_to=/account/%2e%2e/%2e%2e//evil.example", "return_to=%5C%5Cevil",
		"page=1&page=2", "q=%E2%80%8B", "q=%22" + strings.Repeat("\xff", 6<<10), "q=" + url.QueryEscape("é\u0301\u0301\u0301\u0301\u0301"),
	} {
		for page := range fuzzedPages {
			f.Add(uint8(page), query, true)
			f.Add(uint8(page), query, false)
		}
	}
	s := newFuzzed(f, mcpoauth.Config{})
	for range 55 {
		s.connected(f, "web", true)
	}
	cookie := sessionCookie + "=" + s.signIn(f)
	f.Fuzz(func(t *testing.T, which uint8, query string, in bool) {
		path, cookie := fuzzedPages[int(which)%len(fuzzedPages)], cookie
		if !in {
			cookie = ""
		}
		a := s.ask(t.Context(), "GET", path, query, "", "Cookie", cookie)
		a.wantSound(t)
		if target := a.Header.Get("Location"); a.StatusCode == http.StatusSeeOther {
			wantOurPage(t, path, query, target)
			return
		}
		if a.StatusCode != http.StatusOK {
			t.Fatalf("%s?%s: %d", path, query, a.StatusCode)
		}
		for _, link := range pageLinks.FindAllStringSubmatch(a.body, -1) {
			if !strings.HasPrefix(link[1], "/account") && !strings.HasPrefix(link[1], "#") {
				t.Errorf("%s?%s: a link to %q", path, query, link[1])
			}
		}
		if !hasMarkup(query) {
			return
		}
		// In an escaped form it may be too long.
		if b := s.ask(t.Context(), "GET", path, unmarked(query), "", "Cookie", cookie); b.StatusCode == a.StatusCode && strings.Count(a.body, "<article") == strings.Count(b.body, "<article") && a.markup()[0] != b.markup()[0] {
			t.Errorf("%s?%s: what was sent is markup in\n%s", path, query, a.body)
		}
	})
}

// wantOurPage fails unless a browser at a page of ours is led to one of ours.
func wantOurPage(t *testing.T, path, query, target string) {
	t.Helper()
	from, err := url.Parse(serverURL + path)
	if err != nil {
		t.Fatal(err)
	}
	to, err := from.Parse(target)
	if err != nil || to.Scheme != "https" || to.Host != "example.com" || to.Path != "/account" && !strings.HasPrefix(to.Path, "/account/") || strings.ContainsAny(target, "\\\t\n\r") {
		t.Errorf("%s?%s leads to %q", path, query, target)
	}
}

var fuzzedForms = []string{
	"/account/sign-in", "/account/sign-out", "/account/sign-out-everywhere", "/account/revoke", "/account/revoke-app", "/account/revoke-all",
	"/account/passkeys/rename", "/account/passkeys/remove", "/account/passkeys/add", "/account/keys/create",
	"/account/people/invite", "/account/people/withdraw", "/account/people/suspend", "/account/people/resume", "/account/people/remove",
}

// Whatever form a stolen session sends: nobody is let in by it, and nothing that lets the
// owner in is lost.
func FuzzAccountForms(f *testing.F) {
	for _, body := range []string{
		"", "confirmed=yes", "id=x&confirmed=yes", "id=cGFzc2tleQ&confirmed=yes&name=Phone", "id=cGFzc2tleQ&ceremony=x", "name=%3Cscript%3E&ceremony=AAAAAAAAAAAAAAAAAAAAAA", "name=CI&resource=https%3A%2F%2Fexample.com%2Fmcp&scope=mcp:tools&days=30",
		"name=CI&resource=https%3A%2F%2Fexample.com%2Fmcp&scope=mcp:tools&days=-1&ceremony=x", "name=CI&days=99999999999999999999", "id=owner&confirmed=yes", "id=owner&name=Ada&ceremony=x", "client_id=web&host=client.example&confirmed=yes",
		"return_to=//evil.example", "name=Ada", "name=%ff%00", "name=" + strings.Repeat("x", 65), "%zz", "id=a&id=b", "client_id=%22%3E&confirmed=yes", "name=CI&scope=mcp:tools&scope=evil", `{"ceremony":"x"}`, `{"name":null}`,
	} {
		for form := range fuzzedForms {
			f.Add(uint8(form), body, strings.HasPrefix(body, "{"))
		}
	}
	s := newFuzzed(f, mcpoauth.Config{})
	f.Fuzz(func(t *testing.T, which uint8, body string, isJSON bool) {
		path, media := fuzzedForms[int(which)%len(fuzzedForms)], "application/x-www-form-urlencoded"
		if isJSON {
			media = "application/json"
		}
		session := s.signIn(t)
		ask := func(body string) answer {
			return s.ask(t.Context(), "POST", path, "", body, "Content-Type", media, "Sec-Fetch-Site", "same-origin", "Cookie", sessionCookie+"="+session)
		}
		a := ask(body)
		a.wantSound(t)
		if target := a.Header.Get("Location"); target != "" {
			wantOurPage(t, path, body, target)
		}
		for _, secret := range []string{"mcpoauth_ak_", "mcpoauth_et_", "mcpoauth_ss_"} {
			if strings.Contains(a.body, secret) {
				t.Errorf("%s %q: %s", path, body, a.body)
			}
		}
		users, err := s.store.Users(t.Context())
		if err != nil || len(users) != 1 || len(users[0].Passkeys) != 1 || users[0].Suspended() {
			t.Fatalf("%s %q: there are %+v (%v)", path, body, users, err)
		}
		if invitations, err := s.store.Invitations(t.Context()); err != nil || len(invitations) != 0 {
			t.Fatalf("%s %q: there are invitations: %v (%v)", path, body, invitations, err)
		}
		for grant, err := range s.store.Grants(t.Context(), "") {
			t.Fatalf("%s %q: there is a grant: %+v (%v)", path, body, grant, err)
		}
		if slices.Contains(fuzzedForms[:6], path) || strings.HasSuffix(path, "rename") || !hasMarkup(body) {
			return // which change something: the second answer may be another one
		}
		if b := ask(unmarked(body)); !isJSON && a.StatusCode == b.StatusCode && a.markup()[0] != b.markup()[0] {
			t.Errorf("%s %q: what was sent is markup in\n%s", path, body, a.body)
		}
	})
}
