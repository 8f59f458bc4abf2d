package mcpoauth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestTheAccentColourIsServedAsAStyle(t *testing.T) {
	s := serve(t, mcpoauth.Config{AccentColor: "#FFCC00"})
	css := s.get("/authorize/assets/style.css")
	if !strings.Contains(css.body, "--accent: #ffcc00; ") || !strings.Contains(css.body, "--on-accent: #000000; ") {
		t.Errorf("the style has no such accent:\n%s", css.body)
	}
}

func TestAnAccentColourThatIsNoneIsAMistake(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	_, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{ServerURL: serverURL, Store: backend, AccentColor: `red;} body{display:none`})
	if err == nil || !strings.Contains(err.Error(), `mcpoauth: Config.AccentColor: is not a colour, got "red;} body{display:none"; use the form #2f4fd0`) {
		t.Errorf("got %v", err)
	}
}

func TestALogoTakesThePlaceOfTheIconOnEveryPage(t *testing.T) {
	const logo = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	s := serve(t, mcpoauth.Config{Templates: fstest.MapFS{"icon.svg": {Data: []byte(logo)}}})
	s.setUp()
	s.enter()
	if page := s.get("/account"); strings.Count(page.body, "icon.svg") != 2 || s.get("/authorize/assets/icon.svg").body != logo {
		t.Error("the logo is not shown")
	}
}

func TestPagesOfTheAccountAreLimitedLikeTheOthers(t *testing.T) {
	s := startWith(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 3}}, http.HandlerFunc(showIdentity))
	for range 3 {
		s.get("/account")
	}
	s.get("/account").wantPage(t, http.StatusTooManyRequests, "Too many requests")
	s.post("/account/revoke-all").wantPage(t, http.StatusTooManyRequests, "Too many requests")
}

func TestAPathOfTheAccountCannotBeGuarded(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	_, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{ServerURL: serverURL, Store: backend, Resources: []mcpoauth.Resource{{Path: "/account/mcp"}}})
	if err == nil || !strings.Contains(err.Error(), "Resources[0].Path") {
		t.Errorf("got %v", err)
	}
}
