package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// withoutScripts switches JavaScript off, for the pages that are opened from now on.
func (p *page) withoutScripts() {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	p.scriptless = true
}

// The passkey needs a script. All that needs none works without.
func TestTheAccountCanBeReadAndThingsEndedWithoutJavaScript(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.signIn(s)
	connected := make([]tokens, 3)
	for i := range connected {
		connected[i] = p.connect(s)
	}
	link := p.invite(s, "Ada")
	_, request := clientOnThisComputer(t, s)
	p.withoutScripts()

	p.open(s.url + "/account")
	p.see("Test client", "3 connections.", "Signed in as")
	p.choose("Revoke Test client")
	p.see("Revoked. It cannot get in any more.")
	p.press("Revoke everything…")
	p.see("Revoke everything?", "2 connections will end at once")
	p.press("Revoke everything")
	p.see("Everything was revoked.")
	for _, tokens := range connected {
		if status := probe(t, s, tokens.Access); status != http.StatusUnauthorized {
			t.Errorf("a request with a revoked token is answered with %d, want 401", status)
		}
	}

	p.press("Passkeys")
	p.see("This is your only passkey")
	p.press("Add another passkey")
	p.needsScript("This needs JavaScript, for the passkey.", "Continue with a passkey")
	p.press("API keys")
	p.fill("#name", "Backup job")
	p.press("Create key")
	p.needsScript("This needs JavaScript, for the passkey.", "Create with your passkey")
	p.press("People")
	p.see("Ada")
	p.fill("#name", "Bob")
	p.press("Invite")
	p.needsScript("This needs JavaScript, for the passkey.", "Invite with your passkey")
	p.press("Events")
	p.see("What happened lately")
	p.press("People")
	p.choose("Withdraw the invitation of Ada")
	p.see("The invitation was withdrawn")
	p.press("Sign out")
	p.needsScript("Signing in needs JavaScript", "Sign in with passkey")

	p.open(link)
	p.needsScript("Creating a passkey needs JavaScript", "Create passkey")
	p.open(request)
	p.needsScript("Approving needs JavaScript, for the passkey. Denying works without it.", "Approve with passkey")
}

// needsScript fails unless the page says that it does, and a press does nothing.
func (p *page) needsScript(says, button string) {
	p.t.Helper()
	p.see(says)
	disabled := p.evaluate(`[...document.querySelectorAll("button:disabled")].map((b) => b.innerText).join("\n")`)
	if !strings.Contains(disabled, button) {
		p.t.Errorf("%s can be pressed; what cannot is %q", button, disabled)
	}
}
