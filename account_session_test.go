package mcpoauth_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestAPasskeySignsInAndLeadsToThePageThatWasWanted(t *testing.T) {
	s := owned(t)
	wanted := s.get("/account/keys?x=1")
	wanted.wantRedirect(t, "/account/sign-in?return_to=%2Faccount%2Fkeys%3Fx%3D1")
	page := s.get(wanted.Header.Get("Location"))
	page.wantPage(t, http.StatusOK, "Sign in with passkey")
	res := s.post("/account/sign-in", "ceremony", s.touch(page), "return_to", page.only(t, "return_to"))
	res.wantRedirect(t, "/account/keys?x=1")
	s.get("/account/keys").wantPage(t, http.StatusOK, "API keys")
	s.get("/account/sign-in").wantRedirect(t, "/account")

	cookie, err := http.ParseSetCookie(res.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if cookie.Name != sessionCookie || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
		t.Errorf("the cookie is %s", res.Header.Get("Set-Cookie"))
	}
	if strings.Contains(s.logs.String(), cookie.Value) {
		t.Error("the log has the session")
	}
}

// Safari drops a cookie that says Secure and comes over http.
func TestOnPlainHTTPTheSessionCookieIsOneThatBrowsersKeep(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{
		ServerURL: "http://localhost:8080", SetupToken: setupToken, Store: backend, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, url: "http://localhost:8080", logs: new(safeBuffer), credential: newCredential()}
	s.http = &http.Client{Transport: straight{router}, Jar: newJar(t), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.setUp()
	cookie, err := http.ParseSetCookie(s.enter().Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if cookie.Name != "mcpoauth_session" || cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("the cookie is %v", cookie)
	}
	s.get("/account").wantPage(t, http.StatusOK)
}

func TestSigningInLeadsNowhereButToTheAccount(t *testing.T) {
	s := owned(t)
	for _, target := range []string{
		"https://evil.example/account", "//evil.example/account", "/\\evil.example", "/account\\..\\..", "/authorize?x", "/accounts", "/account/sign-in",
		"javascript:alert(1)", "/account\r\nX: y", "/account#x", "/account/../authorize", "/account/%2E./%2e%2e//evil.example", "account", "", "/account/" + strings.Repeat("x", 20_000),
	} {
		page := s.get("/account/sign-in?" + url.Values{"return_to": {target}}.Encode())
		if page.StatusCode == http.StatusOK && page.only(t, "return_to") != "/account" {
			t.Errorf("the page of %.50q leads to %.50q", target, page.only(t, "return_to"))
		}
		if page.StatusCode != http.StatusOK {
			t.Errorf("%.50q: %d", target, page.StatusCode)
		}
		s.post("/account/sign-in", "return_to", target, "ceremony", s.touch(s.get("/account/sign-in"))).wantRedirect(t, "/account")
		s.post("/account/sign-out").wantRedirect(t, "/account/sign-in")
	}
}

func TestWithoutAnOwnerThereIsNobodyToSignIn(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	s.get("/account/sign-in").wantPage(t, http.StatusOK, "not set up yet")
	s.post("/account/sign-in", "ceremony", "AAAAAAAAAAAAAAAAAAAAAA").wantPage(t, http.StatusForbidden, "no longer counts")
}

// accountPages are what is shown to who is signed in.
var accountPages = []string{"/account", "/account/passkeys", "/account/keys", "/account/people", "/account/events"}

func TestWithoutASessionNoPageIsShownAndNothingIsDone(t *testing.T) {
	s := owned(t)
	token := s.login().access
	for _, path := range accountPages {
		for _, method := range []string{"GET", "HEAD"} {
			res := s.do(method, path, nil)
			res.wantRedirect(t, "/account/sign-in?return_to="+url.QueryEscape(path))
			// A redirect that was kept would send on who has signed in meanwhile.
			if got := res.Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("%s %s: Cache-Control = %q", method, path, got)
			}
		}
	}
	for _, path := range accountActions {
		if path == "/account/sign-in" {
			continue
		}
		s.wantDone(s.post(path, "confirmed", "yes"), "/account/sign-in", "Nothing was changed")
	}
	s.fetch("/account/passkeys/add", map[string]string{"ceremony": "x"}).wantError(t, http.StatusForbidden, "access_denied")
	s.wantAlive(t, "the connection", token)
}

func TestATouchSignsInOnceAndOnlyInItsBrowser(t *testing.T) {
	s := owned(t)
	ceremony := s.touch(s.get("/account/sign-in"))
	s.another().post("/account/sign-in", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	s.post("/account/sign-in", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	ceremony = s.touch(s.get("/account/sign-in"))
	s.post("/account/sign-in", "ceremony", ceremony).wantRedirect(t, "/account")
	s.post("/account/sign-in", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
}

// One that was given for an app, or for something else, is not one for signing in.
func TestATouchForSomethingElseDoesNotSignIn(t *testing.T) {
	s := owned(t)
	ceremony := s.touch(s.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode()))
	s.post("/account/sign-in", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	s.enter()
	ceremony = s.touch(s.post("/account/people/invite", "name", "Ada"))
	s.post("/account/people/invite", "name", "Eve", "ceremony", ceremony).wantPage(t, http.StatusForbidden, "Nothing was changed")
	if page := s.get("/account/people"); strings.Contains(page.body, "<bdi>Eve</bdi>") {
		t.Error("a touch for one name invited another")
	}
}

func TestEverySignInHasASessionOfItsOwnAndEndsTheOneBefore(t *testing.T) {
	s := signedIn(t)
	first := s.cookie()
	ceremony := s.touch(s.elsewherePage())
	s.post("/account/sign-in", "ceremony", ceremony).wantRedirect(t, "/account")
	second := s.cookie()
	if second == first {
		t.Fatal("the session is the same as before")
	}
	stale := s.another()
	stale.setCookie(first)
	stale.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	s.get("/account").wantPage(t, http.StatusOK)
}

// elsewherePage is a sign-in page, which a browser that is signed in is not shown.
func (s *server) elsewherePage() answer {
	s.t.Helper()
	return s.another().get("/account/sign-in")
}

func (s *server) setCookie(value string) {
	s.t.Helper()
	s.plant(sessionCookie, value)
}

// Session fixation: whoever plants a cookie in somebody's browser before they sign in
// holds nothing afterwards.
func TestACookieFromBeforeTheSignInOpensNothingAfterIt(t *testing.T) {
	attacker := signedIn(t)
	bob := attacker.invite("Bob")
	for name, planted := range map[string]string{
		"one that nobody made":       "mcpoauth_ss_" + strings.Repeat("A", 65),
		"the attacker's own session": bob.cookie(),
	} {
		victim := attacker.elsewhere()
		attacker.credential.Counter += 5000
		victim.setCookie(planted)
		ceremony := victim.touch(attacker.elsewherePage())
		victim.post("/account/sign-in", "ceremony", ceremony).wantRedirect(t, "/account")
		if victim.cookie() == planted {
			t.Errorf("%s: the session is the planted one", name)
		}
		thief := attacker.another()
		thief.setCookie(planted)
		thief.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
		attacker.credential.Counter = victim.credential.Counter + 1
	}
}

func TestSigningOutEndsTheSessionAndSigningOutEverywhereEndsAll(t *testing.T) {
	s := signedIn(t)
	phone := s.elsewhere()
	phone.enter().wantRedirect(t, "/account")
	old := s.cookie()
	s.post("/account/sign-out").wantRedirect(t, "/account/sign-in")
	if s.cookie() != "" {
		t.Error("the browser keeps its cookie")
	}
	s.setCookie(old)
	s.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	phone.get("/account").wantPage(t, http.StatusOK)

	s.credential.Counter = phone.credential.Counter
	s.enter().wantRedirect(t, "/account")
	s.wantDone(s.post("/account/sign-out-everywhere"), "/account/sign-in", "signed out of every browser")
	phone.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
}

func TestASessionEndsWhenNobodyUsesItAndAtItsLatestAfterHalfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		s.enter().wantRedirect(t, "/account")
		time.Sleep(store.SessionIdle - time.Second)
		s.get("/account").wantPage(t, http.StatusOK)
		time.Sleep(store.SessionIdle)
		s.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")

		s.enter().wantRedirect(t, "/account")
		for range int(store.SessionLife/(30*time.Minute)) - 1 {
			time.Sleep(30 * time.Minute)
			s.get("/account").wantPage(t, http.StatusOK)
		}
		time.Sleep(30 * time.Minute)
		s.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	})
}

func TestATouchForAnActionRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		s.enter()
		ceremony := s.touch(s.post("/account/people/invite", "name", "Ada"))
		time.Sleep(store.CeremonyLife)
		s.post("/account/people/invite", "name", "Ada", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	})
}
