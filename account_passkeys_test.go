package mcpoauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

// addPasskey makes one more passkey for who is signed in, as the page's script does. The
// new one is that of the browser it returns.
func (s *server) addPasskey(t *testing.T) *server {
	t.Helper()
	other, token := s.another(), s.addition(t)
	jar := other.http.Jar
	other.http.Jar = s.http.Jar // the token is for this browser
	other.setUpWith(token)
	other.http.Jar = jar
	return other
}

// addition is a token for one more passkey.
func (s *server) addition(t *testing.T) string {
	t.Helper()
	page := s.post("/account/passkeys/add")
	page.wantPage(t, http.StatusOK, "Continue with a passkey")
	token := s.fetch("/account/passkeys/add", map[string]string{"ceremony": s.touch(page)})
	if token.StatusCode != http.StatusOK {
		t.Fatalf("no token: %d %s", token.StatusCode, token.body)
	}
	return token.text(t, "token")
}

func TestANewPasskeyIsSaidToWorkOnceItIsThere(t *testing.T) {
	s := signedIn(t)
	s.get("/account/passkeys?added").wantNot(t, "The new passkey works.")
	s.addPasskey(t)
	s.get("/account/passkeys?added").wantPage(t, http.StatusOK, "The new passkey works.")
	s.get("/account/passkeys").wantNot(t, "The new passkey works.")
}

func TestTheOnlyPasskeyIsNudgedAboutAndStays(t *testing.T) {
	s := signedIn(t)
	page := s.get("/account/passkeys")
	page.wantPage(t, http.StatusOK, "This is your only passkey.", "It is the last one, so it cannot be removed.", "you signed in with it")
	page.wantNot(t, "Remove…")
	id := page.only(t, "passkey")
	s.post("/account/passkeys/remove", "passkey", id).wantPage(t, http.StatusConflict, "The last passkey stays")
	s.post("/account/passkeys/remove", "passkey", id, "ceremony", "AAAAAAAAAAAAAAAAAAAAAA").wantPage(t, http.StatusConflict)
	s.get("/account/passkeys").wantPage(t, http.StatusOK)
}

func TestAnotherPasskeyIsAddedWithATouchOfOneThatIsThere(t *testing.T) {
	s := signedIn(t)
	key := s.addPasskey(t)
	page := s.get("/account/passkeys")
	page.wantPage(t, http.StatusOK, "Passkey 1", "Passkey 2", "Remove…")
	page.wantNot(t, "only passkey", "cannot be removed")
	key.enter().wantRedirect(t, "/account")
	key.get("/account/passkeys").wantPage(t, http.StatusOK, "Passkey 2")

	// The touch counts once, and not for another's account.
	ceremony := s.touch(s.post("/account/passkeys/add"))
	s.fetch("/account/passkeys/add", map[string]string{"ceremony": ceremony})
	s.fetch("/account/passkeys/add", map[string]string{"ceremony": ceremony}).wantError(t, http.StatusForbidden, "access_denied")
	s.fetch("/account/passkeys/add", map[string]string{}).wantError(t, http.StatusForbidden, "access_denied")
	s.json("/account/passkeys/add", "no object", "Sec-Fetch-Site", "same-origin").wantError(t, http.StatusBadRequest, "invalid_request")
}

func TestARemovedPasskeyOpensNothingAndEndsItsSessions(t *testing.T) {
	s := signedIn(t)
	token := s.login().access
	key := s.addPasskey(t)
	key.enter()
	ids := s.get("/account/passkeys").field("passkey")
	ids = slices.Compact(ids)
	if len(ids) != 2 {
		t.Fatalf("there are %d passkeys", len(ids))
	}
	page := s.post("/account/passkeys/remove", "passkey", ids[1])
	page.wantPage(t, http.StatusOK, "Remove the passkey “Passkey 2”?", "Apps stay connected")
	key.get("/account").wantPage(t, http.StatusOK)
	s.wantDone(s.touched("/account/passkeys/remove", "passkey", ids[1]), "/account/passkeys", "It does not sign anybody in any more.")
	key.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	s.wantAlive(t, "the connection", token)
	s.get("/account/passkeys").wantPage(t, http.StatusOK, "only passkey")
	// Going by the touch of the one does not remove the other.
	s.post("/account/passkeys/remove", "passkey", ids[1]).wantPage(t, http.StatusNotFound)
}

func TestATouchForRemovingOnePasskeyDoesNotRemoveAnother(t *testing.T) {
	s := signedIn(t)
	s.addPasskey(t)
	s.addPasskey(t)
	ids := slices.Compact(s.get("/account/passkeys").field("passkey"))
	ceremony := s.touch(s.post("/account/passkeys/remove", "passkey", ids[1]))
	s.post("/account/passkeys/remove", "passkey", ids[2], "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	if left := slices.Compact(s.get("/account/passkeys").field("passkey")); len(left) != 3 {
		t.Errorf("%d passkeys are left", len(left))
	}
}

func TestAPasskeyIsCalledWhatItsPersonCallsIt(t *testing.T) {
	s := signedIn(t)
	id := s.get("/account/passkeys").only(t, "passkey")
	s.wantDone(s.post("/account/passkeys/rename", "passkey", id, "name", "  Ann's\tphone\u202e "), "/account/passkeys", "Renamed.", "Ann's phone")
	if log := s.logs.String(); !strings.Contains(log, "passkey.renamed") || !strings.Contains(log, "Ann's phone") {
		t.Error("the log does not say so")
	}
	for _, name := range []string{"", "  ", "\u200b", strings.Repeat("x", 65)} {
		s.wantDone(s.post("/account/passkeys/rename", "passkey", id, "name", name), "/account/passkeys", "Ann's phone", "1 to 64 characters")
	}
}

func TestNobodyTouchesAnothersPasskeys(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	s.addPasskey(t)
	bob.addPasskey(t)
	owners, bobs := slices.Compact(s.get("/account/passkeys").field("passkey")), slices.Compact(bob.get("/account/passkeys").field("passkey"))
	for _, attack := range []struct {
		who    *server
		target string
	}{{bob, owners[0]}, {s, bobs[0]}, {bob, ""}, {bob, "AAAA"}, {bob, strings.Repeat("A", 3000)}} {
		for _, path := range []string{"/account/passkeys/rename", "/account/passkeys/remove"} {
			attack.who.post(path, "passkey", attack.target, "name", "Stolen", "confirmed", "yes").wantPage(t, http.StatusNotFound)
		}
	}
	// Another person's passkey, touched in this browser, is not this person's touch.
	mallory := bob.another()
	mallory.setCookie(s.cookie())
	mallory.credential, mallory.authenticator = bob.credential, bob.authenticator
	mallory.credential.Counter += 100
	page := mallory.post("/account/passkeys/remove", "passkey", owners[0])
	mallory.post("/account/passkeys/remove", "passkey", owners[0], "ceremony", mallory.touch(page)).wantPage(t, http.StatusForbidden)
	mallory.fetch("/account/passkeys/add", map[string]string{"ceremony": mallory.touch(mallory.post("/account/passkeys/add"))}).wantError(t, http.StatusForbidden, "access_denied")
	mallory.post("/account/people/invite", "name", "Eve", "ceremony", mallory.touch(mallory.post("/account/people/invite", "name", "Eve"))).wantPage(t, http.StatusForbidden)
	if got := slices.Compact(s.get("/account/passkeys").field("passkey")); !slices.Equal(got, owners) {
		t.Errorf("the owner has the passkeys %v, want %v", got, owners)
	}
}

func TestThereIsAnEndToPasskeys(t *testing.T) {
	s := signedIn(t)
	for range store.MaxPasskeys - 1 {
		s.addPasskey(t)
	}
	other, token := s.another(), s.addition(t)
	other.http.Jar = s.http.Jar
	if status := other.tryToEnrol(t, token); status != http.StatusBadRequest {
		t.Errorf("one more is answered with %d", status)
	}
	page := s.get("/account/passkeys")
	if n := len(slices.Compact(page.field("passkey"))); n != store.MaxPasskeys || s.weight(page) >= 100_000 {
		t.Errorf("%d passkeys in %d bytes", n, s.weight(page))
	}
}
