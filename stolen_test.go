package mcpoauth_test

import (
	"net/http"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// What somebody prepared who had a passkey for a minute is worth nothing once it is removed.
func TestATouchOfAPasskeyThatWasRemovedSinceApprovesNothing(t *testing.T) {
	s := signedIn(t)
	thief := s.addPasskey(t)
	request := authorizationRequest(s.public(webClient), webClient)
	ceremony := thief.touch(thief.get("/authorize?" + request.Encode()))
	ids := s.get("/account/passkeys").field("passkey")
	s.touched("/account/passkeys/remove", "passkey", ids[len(ids)-1])
	thief.decide(request, "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts")
}

func TestTheTokenOfAnAdditionIsForTheBrowserThatAskedForIt(t *testing.T) {
	s := signedIn(t)
	page := s.post("/account/passkeys/add")
	token := s.fetch("/account/passkeys/add", map[string]string{"ceremony": s.touch(page)}).text(t, "token")
	elsewhere := s.another()
	elsewhere.get("/account/sign-in")
	elsewhere.fetch("/passkey/register/start", map[string]string{"token": token}).wantError(t, http.StatusForbidden, "invalid_link")
	if got := s.fetch("/passkey/register/start", map[string]string{"token": token}); got.StatusCode != http.StatusOK {
		t.Errorf("the browser that asked is refused: %d %s", got.StatusCode, got.body)
	}
}

// Pictures and frames of another website would use up what the owner's own network may ask.
func TestAnotherWebsiteCannotUseUpTheLimitOfThePages(t *testing.T) {
	s := start(t, mcpoauth.Config{})
	s.setUp()
	for _, path := range []string{"/account/sign-in", "/authorize", "/passkey/register", "/passkey/enrol"} {
		for _, destination := range []string{"image", "iframe", "script", "empty"} {
			for range 30 {
				s.get(path, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", destination).wantPage(t, http.StatusForbidden, "another website")
			}
		}
	}
	s.get("/account/sign-in", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document").wantPage(t, http.StatusOK)
	s.get("/account/sign-in").wantPage(t, http.StatusOK)
}

// Whoever has another subdomain, or a port of localhost, is same-site and a stranger all the same.
func TestASiblingSubdomainCannotUseUpTheLimitOfThePages(t *testing.T) {
	s := start(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 5}})
	for range 10 {
		s.get("/account", "Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "image").wantPage(t, http.StatusForbidden, "another website")
	}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Dest", "document"}, // a link there
		{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Dest", "empty"},  // a script of ours
		{"Sec-Fetch-Site", "none", "Sec-Fetch-Dest", "document"},      // a bookmark
		nil,
	} {
		s.get("/account/sign-in", headers...).wantPage(t, http.StatusOK)
	}
}
