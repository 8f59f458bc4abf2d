package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestTheWayIntoTheAccountFitsEveryScreen(t *testing.T) {
	h, p, stranger := openHousehold(t), openPage(t), openPage(t)
	p.open(h.url + "/account")
	p.see("There is nobody to sign in")
	p.look("account-setup-needed")
	p.setUp(h.server)
	p.look("setup-done-two-addresses")

	stranger.open(h.url + "/account")
	stranger.see("Sign in with passkey")
	stranger.look("account-sign-in")
	stranger.press("Sign in with passkey")
	stranger.see("Cancelled: the passkey prompt was closed")
	stranger.look("account-sign-in-failed")
	stranger.evaluate(`(() => { const form = document.forms[0]; form.action = "/account/sign-out"; form.submit(); return "" })()`)
	stranger.see("You were signed out before that")
	stranger.look("account-sign-in-notice")

	p.signIn(h.server)
	link := p.invite(h.server, longestName)
	stranger.open(link)
	stranger.see("You are invited")
	stranger.look("enrol-invitation")
	stranger.open("about:blank")
	stranger.open(h.url + "/passkey/enrol?for=invitation#token=mcpoauth_et_not-the-token")
	stranger.press("Create passkey")
	stranger.see("This token is not right")
	stranger.look("enrol-wrong-token")
	stranger.expectComplaint("/passkey/register/start")
	stranger.open("about:blank")
	stranger.open(link)
	stranger.press("Create passkey")
	stranger.see("Passkey created")
	stranger.look("enrol-done")

	token, err := h.store.Enrol(t.Context(), store.ForRecovery, store.OwnerID, "")
	if err != nil {
		t.Fatal(err)
	}
	p.open(h.url + "/passkey/enrol?for=recovery#token=" + token)
	p.see("Create a new passkey")
	p.look("enrol-recovery")
	p.press("Create passkey")
	p.see("Passkey created")
	p.look("enrol-recovery-done")
}

func TestConnectionsFitEveryScreen(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	p.look("connections-empty")

	h.connect(store.OwnerID, h.client("Claude", "https://claude.ai/api/mcp/auth_callback"), 3*time.Hour)
	p.open(h.url + "/account")
	p.see("claude.ai")
	p.look("connections-one")

	code := h.client("Claude Code", "http://localhost:54321/callback")
	for i := range 480 {
		client := code
		if i%4 != 0 {
			client = h.client(fmt.Sprintf("Client %d", i), "https://client.example/callback")
		}
		h.connect(store.OwnerID, client, time.Duration(i)*5*time.Hour)
	}
	for _, redirectURI := range []string{"cursor://anysphere.cursor-mcp/oauth/callback", "https://a-remarkably-long-subdomain.of-an-even-longer-domain-name.example/callback"} {
		for _, name := range []string{"", longestName, hostileName} {
			h.connect(store.OwnerID, h.client(name, redirectURI), 0)
		}
	}
	p.open(h.url + "/account")
	p.see("487 connections.", "These are 1 to 50.")
	p.look("connections-many")
	p.press("Next")
	p.see("These are 51 to 100.")
	p.look("connections-many-second-page")
	p.open(h.url + "/account?page=99")
	p.see("These are 451 to 487.")
	p.look("connections-many-last-page")
	p.fill("#q", longestName)
	p.press("Search")
	p.see("of 487 match")
	p.look("connections-found")
	p.open(h.url + "/account?q=" + strings.Repeat("nothing", 20))
	p.see("None of the 487 connections")
	p.look("connections-none-found")

	p.open(h.url + "/account?q=Claude+Code")
	p.do(chromedp.Click(chromedp.CSS(`[name="grant"]`)))
	p.see("Revoked. It cannot get in any more.")
	p.look("connections-notice")
	p.press("Revoke all")
	p.see("Revoke all connections of “Claude Code”?")
	p.look("confirm-revoke-app")
	p.open(h.url + "/account")
	p.press("Revoke everything…")
	p.see("Revoke everything?")
	p.look("confirm-revoke-everything")
	p.press("Revoke everything")
	p.see("Everything was revoked.")
	p.look("connections-all-revoked")
	p.open(h.url + "/account/events?page=2")
	p.see("Newer", "Older")
	p.look("events-many")
	p.evaluate(`(() => {
		document.forms[0].action = "/account/revoke";
		document.forms[0].submit();
		return "";
	})()`)
	p.see("What this is about does not exist")
	p.look("problem-not-there-any-more")
	p.expectComplaint("status of 404")
}

func TestPasskeysFitEveryScreen(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	p.press("Passkeys")
	p.see("This is your only passkey")
	p.look("passkeys-one")
	p.press("Add another passkey")
	p.see("First show that it is you")
	p.look("confirm-add-passkey")
	p.press("Continue with a passkey")
	p.see("That was you.")
	p.look("add-passkey-second-step")
	p.press("Create the new passkey")
	p.see("There is a passkey for this server on this device")
	p.look("add-passkey-refused")
	p.plugIn(webauthn.AuthenticatorTransportUsb)
	p.hold(p.authenticator, false)
	p.press("Create the new passkey")
	p.see("The new passkey works.")
	p.look("passkeys-added")
	p.do(chromedp.Click(chromedp.CSS("li:nth-child(2) summary")))
	p.fill("li:nth-child(2) input[type=text]", longestName)
	p.look("passkeys-renaming")
	p.do(chromedp.Click(chromedp.CSS("li:nth-child(2) details button")))
	p.see("Renamed.")
	p.look("passkeys-long-name")
	p.choose("Remove " + longestName)
	p.see("Remove the passkey")
	p.look("confirm-remove-passkey")
}

func TestKeysFitEveryScreen(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	p.press("API keys")
	p.see("New key")
	p.look("keys-none")
	p.fill("#name", longestName)
	p.do(chromedp.Click(chromedp.CSS(`[name="scope.notes:read"]`)))
	p.press("Create key")
	p.see("Choose what the key may do.")
	p.look("keys-problem")
	p.do(chromedp.Click(chromedp.CSS(`[name="scope.notes:write"]`)), chromedp.Click(chromedp.CSS(`[name="scope.mail"]`)))
	p.press("Create key")
	p.see("Create the API key")
	p.look("confirm-create-key")
	p.press("Create with your passkey")
	p.see("The key is shown this once")
	p.look("key-made")
	_, grant, err := h.store.CreateKey(t.Context(), store.NewKey{UserID: store.OwnerID, Name: "CI", Resource: h.url + "/mail", Scopes: []string{"mail"}, Life: 7 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	h.use(grant, 26*time.Hour)
	p.press("Done")
	p.see("CI", "Used 1 day ago from")
	p.look("keys-two")
	p.press("Connections")
	p.see("Never used")
	p.look("connections-keys")
	p.press("Events")
	p.see("What happened lately")
	p.look("events-few")
}

func TestPeopleFitEveryScreen(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	p.open(h.url + "/account/passkeys")
	p.press("invite them")
	p.see("Invite somebody")
	p.look("people-none")
	p.fill("#name", longestName)
	p.press("Invite")
	p.see("You get a link for them.")
	p.look("confirm-invite")
	p.press("Invite with your passkey")
	p.see("The link is shown this once")
	p.look("invited")
	p.press("Done")
	p.see("The link ends in")
	p.look("people-pending")
	p.fill("#name", longestName)
	p.press("Invite")
	p.see("That name cannot be used.")
	p.look("people-bad-name")

	for i, name := range []string{"Ada", "Bob", longestName, hostileName} {
		id := fmt.Sprintf("person-%d", i)
		if err := h.store.CreateUser(t.Context(), store.User{ID: id, Name: name, Handle: store.NewUserHandle(id), CreatedAt: time.Now().Add(-200 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		h.connect(id, h.client("Claude", "https://claude.ai/api/mcp/auth_callback"), time.Hour)
	}
	p.open(h.url + "/account/people")
	p.choose("Suspend Bob")
	p.see("Suspend “Bob”?")
	p.look("confirm-suspend")
	p.press("Suspend")
	p.see("Suspended. They are signed out")
	p.look("people-many")
	p.choose("Resume Bob")
	p.see("Let “Bob” in again?")
	p.look("confirm-resume")
	p.press("People")
	p.choose("Remove " + longestName)
	p.see("Their passkeys are forgotten.")
	p.look("confirm-remove-person")
	p.press("Connections")
	p.see("Ada")
	p.look("connections-of-people")
	p.press("Events")
	p.see("What happened lately")
	p.look("events-of-people")
}

func TestTheVariantsOfTheApprovalFitEveryScreen(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	const site = "https://client.example"
	p.pretend(site)
	website := authorizationURL(h.server, register(t, h.server, "Claude", site+"/callback"), site+"/callback")
	p.approve(website + "&scope=notes:read")
	p.see("Back at the client")
	p.open(website + "&scope=notes:read+notes:write")
	p.see("New: it will also be able to", "What you approved before")
	p.look("consent-more")

	p.open(authorizationURL(h.server, register(t, h.server, hostileName, "https://evil.example/callback"), "https://evil.example/callback"))
	p.see("evil.example")
	p.look("consent-hostile-web")
	const loopback = "http://127.0.0.1:54321/callback"
	p.open(authorizationURL(h.server, register(t, h.server, hostileName, loopback), loopback))
	p.see("An app that calls itself")
	p.look("consent-hostile")
	p.withoutScripts()
	p.open(website)
	p.see("Approving needs JavaScript")
	p.look("consent-without-scripts")
	p.open(h.url + "/account")
	p.see("Signing in needs JavaScript")
	p.look("account-sign-in-without-scripts")
}
