package e2e

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// signIn opens the account of whoever has this device.
func (p *page) signIn(s *server) {
	p.t.Helper()
	p.open(s.url + "/account")
	p.press("Sign in with passkey")
	p.waitFor("the account", func() bool { return p.path() == "/account" })
	p.see("Connections", "Sign out everywhere")
}

func (p *page) path() string {
	p.t.Helper()
	at, err := url.Parse(p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	return at.Path
}

// choose presses what a screen reader calls by this name: of buttons with the same label,
// that of one row.
func (p *page) choose(name string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(fmt.Sprintf(`[aria-label=%q]`, name))))
}

// fill writes into a field, in place of what is there.
func (p *page) fill(selector, value string) {
	p.t.Helper()
	p.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// secret is what a page shows once: a link or a key.
func (p *page) secret(prefix string) string {
	p.t.Helper()
	shown := p.evaluate(`document.querySelector(".urls code")?.innerText ?? ""`)
	if !strings.HasPrefix(shown, prefix) {
		p.t.Fatalf("the page shows %q, want what begins with %s", shown, prefix)
	}
	return shown
}

// invite has the signed-in owner make a link for somebody.
func (p *page) invite(s *server, name string) (link string) {
	p.t.Helper()
	p.open(s.url + "/account/people")
	p.fill("#name", name)
	p.press("Invite")
	p.see("Invite “" + name + "”?")
	p.press("Invite with your passkey")
	p.see("The invitation of " + name)
	return p.secret(s.url + "/passkey/enrol?for=invitation#token=")
}

// accept opens an invitation, and signs its person in.
func (p *page) accept(s *server, link string) {
	p.t.Helper()
	p.open(link)
	p.see("You are invited to Notes")
	p.press("Create passkey")
	p.see("Passkey created")
	if at := p.url() + p.evaluate(`document.getElementById("setup-token").value`); strings.Contains(at, "token") {
		p.t.Errorf("the token is still in the page or its address: %s", at)
	}
	p.press("See what is connected")
	p.press("Sign in with passkey")
	p.waitFor("the account", func() bool { return p.path() == "/account" })
	p.see("Connections")
}

// hold says whether an authenticator answers: nobody touches one that does not.
func (p *page) hold(authenticator webauthn.AuthenticatorID, answers bool) {
	p.t.Helper()
	call(p, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: authenticator, Enabled: answers})
}

// connect connects a client on this computer, and waits until the browser is back at it:
// until then, it cannot be sent elsewhere.
func (p *page) connect(s *server) tokens {
	p.t.Helper()
	_, got := p.login(s)
	p.see("Back at the client")
	return got
}

// connectGo is connect for the official Go SDK's client.
func (p *page) connectGo(s *server) *goClient {
	p.t.Helper()
	c := connectGoClient(p.t, s, p)
	p.see("Back at the client")
	return c
}

// signedOut fails unless the browser is not signed in any more.
func (p *page) signedOut(s *server) {
	p.t.Helper()
	p.open(s.url + "/account")
	p.see("Sign in with passkey")
}

// rows are the lines of the lists on a page.
func (p *page) rows() []string {
	p.t.Helper()
	text := p.evaluate(`[...document.querySelectorAll(".rows > li")].map((row) => row.innerText.replaceAll("\n", " ")).join("\n")`)
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
