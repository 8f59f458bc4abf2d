package e2e

import (
	"net/http"
	"strings"
	"testing"
)

func TestTwoPeopleShareAServerAndOneOfThemRulesIt(t *testing.T) {
	s, owner, guest := startServer(t), openPage(t), openPage(t)
	owner.setUp(s)
	owner.signIn(s)
	ownersTokens := owner.connect(s)
	link := owner.invite(s, "Ada")
	owner.open(s.url + "/account/people")
	owner.see("Invited", "Ada", "The link ends in")

	guest.accept(s, link)
	guest.see("Signed in as Ada", "Nothing is connected yet")
	stranger := openPage(t)
	stranger.open(link)
	stranger.press("Create passkey")
	stranger.see("was used already")
	stranger.expectComplaint("/passkey/register/start")

	guests := guest.connectGo(s)
	var who whoAnswer
	guests.mustCall("whoami", struct{}{}, &who)
	if who.UserID == "" || who.UserID == "owner" || who.TokenInfo.UserID != who.UserID {
		t.Errorf("the server takes the guest for %+v", who)
	}
	guest.seesOnlyTheirs(s)
	owner.open(s.url + "/account")
	if rows := owner.rows(); len(rows) != 2 {
		t.Errorf("the owner sees %q, want both connections", rows)
	}
	owner.see("Ada", "Go SDK", "Test client")

	owner.shut(s, "Suspend", "Suspended. They are signed out")
	wantShutOut(t, s, guests.tokens.token.AccessToken)
	guest.signedOut(s)
	guest.press("Sign in with passkey")
	guest.see("The server did not accept this passkey")
	guest.expectComplaint("/passkey/auth/finish")
	owner.see("suspended")

	owner.choose("Resume Ada")
	owner.see("Let “Ada” in again?")
	owner.press("Resume with your passkey")
	owner.see("They can sign in and approve apps again.")
	guest.signIn(s)
	guest.see("Nothing is connected yet")
	again := guest.connectGo(s)
	var after whoAnswer
	again.mustCall("whoami", struct{}{}, &after)
	if after.UserID != who.UserID {
		t.Errorf("the guest was %s and is %s now, want the same", who.UserID, after.UserID)
	}

	owner.shut(s, "Remove", "Removed. They are signed out")
	wantShutOut(t, s, again.tokens.token.AccessToken)
	guest.signedOut(s)
	guest.press("Sign in with passkey")
	guest.see("The server did not accept this passkey")
	guest.expectComplaint("/passkey/auth/finish")
	if status := probe(t, s, ownersTokens.Access); status == http.StatusUnauthorized {
		t.Error("the owner's own connection ended too")
	}
	owner.open(s.url + "/account/events")
	owner.see("Ada", "Go SDK")
}

// seesOnlyTheirs fails if a person who is not the owner learns of others.
func (p *page) seesOnlyTheirs(s *server) {
	p.t.Helper()
	p.open(s.url + "/account")
	p.see("Go SDK")
	if rows := p.rows(); len(rows) != 1 || strings.Contains(p.text(), "Test client") {
		p.t.Errorf("they see %q, want their own connection", rows)
	}
	for _, place := range []string{"People", "Events"} {
		if strings.Contains(p.evaluate(`document.querySelector("nav").innerText`), place) {
			p.t.Errorf("they are offered %s", place)
		}
		p.open(s.url + "/account/" + strings.ToLower(place))
		p.see("Not found")
		p.expectComplaint("status of 404")
		p.open(s.url + "/account")
	}
}

// shut has the owner suspend or remove Ada.
func (p *page) shut(s *server, how, done string) {
	p.t.Helper()
	p.open(s.url + "/account/people")
	p.choose(how + " Ada")
	p.see(how+" “Ada”?", "1 connection of theirs will end")
	p.press(how)
	p.see(done)
}

// wantShutOut fails unless the next request with a token is refused.
func wantShutOut(t *testing.T, s *server, token string) {
	t.Helper()
	if status := probe(t, s, token); status != http.StatusUnauthorized {
		t.Errorf("the next request is answered with %d, want 401", status)
	}
}

func TestAnInvitationThatWasWithdrawnOpensNothing(t *testing.T) {
	s, owner, guest := startServer(t), openPage(t), openPage(t)
	owner.setUp(s)
	owner.signIn(s)
	link := owner.invite(s, "Ada")
	owner.open(s.url + "/account/people")
	owner.choose("Withdraw the invitation of Ada")
	owner.see("The invitation was withdrawn")

	guest.open(link)
	guest.press("Create passkey")
	guest.see("This token is not right")
	guest.expectComplaint("/passkey/register/start")
}

func TestTheHandlerIsToldWhoCallsByIDAndName(t *testing.T) {
	h, owner, guest := openHousehold(t), openPage(t), openPage(t)
	owner.setUp(h.server)
	owner.signIn(h.server)
	guest.accept(h.server, owner.invite(h.server, "Ada Łovelace"))
	owners := owner.connect(h.server)
	guests := guest.connect(h.server)

	if id := h.whoCalls(owners.Access); id.UserID != "owner" {
		t.Errorf("the owner calls as %+v", id)
	}
	id := h.whoCalls(guests.Access)
	if id.UserID == "" || id.UserID == "owner" || id.UserName != "Ada Łovelace" {
		t.Errorf("the guest calls as %+v", id)
	}

	guest.open(h.url + "/account/keys")
	guest.fill("#name", "Backup job")
	guest.press("Create key")
	guest.press("Create with your passkey")
	guest.see("The key is shown this once")
	key := h.whoCalls(guest.secret("mcpoauth_ak_"))
	if key.UserID != id.UserID || key.UserName != id.UserName || key.KeyName != "Backup job" {
		t.Errorf("the guest's key calls as %+v, want it to be %+v", key, id)
	}
}
