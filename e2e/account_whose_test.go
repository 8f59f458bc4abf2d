package e2e

import (
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

// An attacker's own recovery link, dressed as an invitation, would put the passkey of who
// follows it into the attacker's account.
func TestALinkForSomethingElseThanItsPageSaysIsAskedAboutOnceMore(t *testing.T) {
	h, p, guest := openHousehold(t), openPage(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	guest.accept(h.server, p.invite(h.server, "Mallory"))
	mallory := h.person("Mallory")
	token, err := h.store.Enrol(t.Context(), store.ForRecovery, mallory.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	victim := openPage(t)
	victim.open(h.url + "/passkey/enrol?for=invitation#token=" + token)
	victim.press("Create passkey")
	victim.see("This token is not for what this page says.", "for Mallory at Notes, in the place of every one")
	if again := h.person("Mallory"); again.Epoch != mallory.Epoch {
		t.Error("the passkey was made without a second press")
	}
	victim.press("Create this passkey")
	victim.see("Passkey created")
}

func TestAnotherSiteCannotSwapTheTokenOfAnOpenPage(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.open(h.url + "/passkey/register#setup_token=" + householdToken)
	p.evaluate(`(location.hash = "#setup_token=another", "")`)
	if got := p.evaluate(`document.getElementById("setup-token").value`); got != householdToken {
		t.Errorf("the token is now %q", got)
	}
	p.press("Create passkey")
	p.see("Passkey created")
}

func TestAnotherLinkInTheSameTabTakesThePlaceOfAWrongOne(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.open(h.url + "/passkey/register#setup_token=wrong")
	p.press("Create passkey")
	p.see("This token is not right")
	p.expectComplaint("/passkey/register/start")
	p.evaluate(`(location.hash = "#setup_token=` + householdToken + `", "")`)
	p.press("Create passkey")
	p.see("Passkey created")
}

func (h *household) person(name string) *store.User {
	h.t.Helper()
	users, err := h.store.Users(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, u := range users {
		if u.Name == name {
			return u
		}
	}
	h.t.Fatalf("there is no %s", name)
	return nil
}
