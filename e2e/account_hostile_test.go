package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	// longestName is as long as a person's may be, without a place to break.
	longestName = "Thequiteremarkableassistantfornoteslistsandeverythingelse1234567"

	// hostileStart is a script, a picture that fails, another reading order and letters
	// that are not seen, in less than a person's name may have.
	hostileStart = "<script>owned=1</script><img src=x onerror=owned=1>\u202Ekcatta\u202C\u2066\u200B"

	// hostileName is all that a client's name can try: that, what a template could take
	// for its own, marks that paint over the lines above, and length.
	hostileName = hostileStart + " {{.Page}} '\"` e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 " + longestName
)

// harmless fails if a name did, or hides, anything on the page that shows it, which is
// known by what else it says.
func (p *page) harmless(says string) {
	p.t.Helper()
	p.see(says, "<script>owned=1</script>")
	found := p.evaluate(`[
		typeof owned === "undefined" ? "" : "the script ran",
		document.querySelector("script:not([src]), img[src=x], [onerror]") ? "an element got in" : "",
		/[\u202A-\u202E\u2066-\u2069\u200B]/.test(document.documentElement.outerHTML) ? "the reading order can turn, or letters hide" : "",
		/\u0301{4}/.test(document.body.innerText) ? "marks pile up" : "",
		document.documentElement.scrollWidth > innerWidth ? "the page is too wide" : "",
	].filter(Boolean).join(", ") || "nothing"`)
	if found != "nothing" {
		p.t.Errorf("the page that says %q: %s", says, found)
	}
}

func TestAHostileNameDoesNothingOnAnyPage(t *testing.T) {
	h, p := openHousehold(t), openPage(t)
	p.setUp(h.server)
	p.signIn(h.server)
	p.resize(screens[0].width, screens[0].height)

	const site = "https://evil.example"
	arrived := p.pretend(site)
	id := register(t, h.server, hostileName, site+"/callback")
	for range 2 {
		p.open(authorizationURL(h.server, id, site+"/callback") + "&scope=notes:read")
		p.harmless("Approve with passkey")
		p.press("Approve with passkey")
		p.see("Back at the client")
		back, err := url.Parse(<-arrived)
		if err != nil {
			t.Fatal(err)
		}
		if _, status, err := requestTokens(h.url, url.Values{
			"grant_type": {"authorization_code"}, "client_id": {id}, "code": back.Query()["code"], "code_verifier": {verifier},
		}); err != nil || status != http.StatusOK {
			t.Fatalf("redeeming the code: status %d, %v", status, err)
		}
	}

	p.open(h.url + "/account")
	p.harmless("2 connections.")
	p.open(h.url + "/account?q=%3Cscript%3Eowned%3D1%3C%2Fscript%3E%E2%80%AE")
	p.harmless("2 of 2 match")
	p.press("Revoke all")
	p.harmless("will end at once")

	p.open(h.url + "/account/passkeys")
	p.do(chromedp.Click(chromedp.CSS("summary")))
	p.fill("details input[type=text]", hostileStart)
	p.do(chromedp.Click(chromedp.CSS("details button")))
	p.harmless("Renamed.")

	p.open(h.url + "/account/keys")
	p.fill("#name", hostileStart)
	p.press("Create key")
	p.harmless("Create the API key")
	p.press("Create with your passkey")
	p.harmless("The key is shown this once")
	p.press("Done")
	p.harmless("New key")

	p.open(h.url + "/account/people")
	p.fill("#name", hostileStart)
	p.press("Invite")
	p.harmless("You get a link for them.")
	p.press("Invite with your passkey")
	p.harmless("The link is shown this once")
	guest := openPage(t)
	guest.accept(h.server, p.secret(h.url))
	guest.harmless("Signed in as")
	p.press("Done")
	p.harmless("Invite somebody")
	p.press("Suspend")
	p.harmless("Their passkeys stay")
	p.press("People")
	p.see("Invite somebody")
	p.press("Remove")
	p.harmless("Their passkeys are forgotten")
	p.press("Remove")
	p.see("Removed.")
	p.press("Events")
	p.harmless("What happened lately")
}
