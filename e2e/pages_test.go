package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

func TestThePrintedLinkSetsUpTheServerOnce(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.see(s.url + "/mcp")
	if strings.Contains(p.evaluate(`document.documentElement.outerHTML + location.href`), "setup_token=") {
		t.Error("the setup token is still in the page or its address")
	}

	intruder := openPage(t)
	intruder.open(s.setupLink)
	if intruder.evaluate(`String(document.getElementById("setup") !== null)`) != "false" {
		t.Errorf("a second visitor is offered to set the server up:\n%s", intruder.text())
	}
	intruder.expectComplaint("/passkey/register") // a refusal is not status 200
}

func TestAWrongSetupTokenIsRefusedAndMayBeCorrected(t *testing.T) {
	s, p := startServer(t, "-setup-token", "a-token-of-the-owner-0123456789abcdef"), openPage(t)
	p.open(s.url + "/passkey/register#setup_token=another-token")
	p.press("Create passkey")
	p.see("This token is not right")
	p.expectComplaint("/passkey/register/start")

	p.open("about:blank")
	p.open(s.url + "/passkey/register#setup_token=a-token-of-the-owner-0123456789abcdef")
	p.press("Create passkey")
	p.see("Passkey created")
}

func TestSetupReturnsToTheAuthorizationThatLedThere(t *testing.T) {
	s, p := startServer(t), openPage(t)
	client, request := clientOnThisComputer(t, s)
	_, token, _ := strings.Cut(s.setupLink, "setup_token=")

	p.open(request)
	p.see("This server is not set up yet")
	p.press("Set up with a token")
	p.see("Create the passkey of the owner")
	p.do(chromedp.SendKeys(chromedp.CSS("#setup-token"), token))
	p.press("Create passkey")
	p.see("Passkey created")
	p.press("Continue")
	p.press("Approve with passkey")

	query := client.wait()
	if query.Get("code") == "" || query.Get("state") != state {
		t.Errorf("the client got %v, want a code and its state", query)
	}
}

func TestApproveReallyNavigatesToTheClient(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)

	p.open(request)
	p.see("Test client", "not verified", "mcp:tools", s.url+"/mcp", "Any program on this computer could be asking")
	p.press("Approve with passkey")

	query := client.wait()
	p.arrive(client.url)
	p.see("Back at the client")
	if query.Get("code") == "" || query.Get("state") != state || query.Get("iss") != s.url {
		t.Errorf("the client got %v, want a code, its state and the issuer %s", query, s.url)
	}
}

func TestDenyTellsTheClient(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)

	p.open(request)
	p.press("Deny")

	query := client.wait()
	p.arrive(client.url)
	if query.Get("error") != "access_denied" || query.Has("code") || query.Get("state") != state || query.Get("iss") != s.url {
		t.Errorf("the client got %v, want access_denied, its state and the issuer", query)
	}
}

func TestAPersonWhoIsNotVerifiedApprovesNothing(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)
	call(p, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: p.authenticator})

	p.approve(request)
	p.see("Nothing was approved")
	client.nothing()

	call(p, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: p.authenticator, IsUserVerified: true})
	p.press("Try again with passkey")
	if query := client.wait(); query.Get("code") == "" {
		t.Errorf("after the second try the client got %v, want a code", query)
	}
}

func TestAPasskeyOfSomebodyElseApprovesNothing(t *testing.T) {
	s, owner, other := startServer(t), openPage(t), openPage(t)
	owner.setUp(s)
	client, request := clientOnThisComputer(t, s)

	other.approve(request)
	other.see("Nothing was approved")
	client.nothing()
}

func TestReloadAndTheBackButtonKeepWorking(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)

	p.open(request)
	p.see("Approve with passkey")
	p.do(chromedp.Reload())
	p.see("Approve with passkey")
	p.do(chromedp.Reload())
	p.press("Deny")
	if query := client.wait(); query.Get("error") != "access_denied" {
		t.Errorf("the client got %v, want access_denied", query)
	}
	p.arrive(client.url)

	p.back()
	p.press("Approve with passkey")
	first := client.wait().Get("code")
	p.arrive(client.url)

	p.back()
	p.press("Approve with passkey")
	second := client.wait().Get("code")
	if first == "" || second == "" || first == second {
		t.Errorf("the codes are %q and %q, want two", first, second)
	}
}

func TestTwoTabsApproveTwoRequests(t *testing.T) {
	s, left := startServer(t), openPage(t)
	left.setUp(s)
	leftClient, leftRequest := clientOnThisComputer(t, s)
	rightClient, rightRequest := clientOnThisComputer(t, s)
	right := left.newTab()

	left.open(leftRequest)
	right.open(rightRequest)
	left.press("Approve with passkey")
	leftClient.wait()
	right.press("Approve with passkey")
	rightClient.wait()
}

func TestAnAppWithItsOwnSchemeIsReachedByALink(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	const redirectURI = "cursor://anysphere.cursor-mcp/oauth/callback"
	request := authorizationURL(s, register(t, s, "Cursor", redirectURI), redirectURI)

	p.open(request)
	p.see("cursor://anysphere.cursor-mcp", "Any app on this device could be asking")
	p.press("Approve with passkey")
	p.see("Return to app")
	target, err := url.Parse(p.evaluate(`document.querySelector("main a").href`))
	if err != nil {
		t.Fatal("the link back is no URL:", err)
	}
	query := target.Query()
	if got := target.Scheme + "://" + target.Host + target.Path; got != redirectURI {
		t.Errorf("the link leads to %s, want %s", got, redirectURI)
	}
	if query.Get("code") == "" || query.Get("state") != state || query.Get("iss") != s.url {
		t.Errorf("the link carries %v, want a code, the state and the issuer", query)
	}
	p.waitFor("the page to open the app by itself", func() bool { return p.wentTo(target.String()) })
}

func TestAClientAtItsOwnHostIsShownByThatHost(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	const site = "https://client.example"
	arrived := p.pretend(site)

	p.open(authorizationURL(s, register(t, s, "Your bank", site+"/callback"), site+"/callback"))
	p.see("client.example", "Your bank", "not verified")
	if strings.Contains(p.text(), "Any program on this computer") {
		t.Error("a client on the web is shown as one on this computer")
	}
	p.press("Approve with passkey")
	p.see("Back at the client")
	if got := <-arrived; !strings.HasPrefix(got, site+"/callback?") || !strings.Contains(got, "code=") {
		t.Errorf("the browser went to %s", got)
	}
}

// The client's name, which is anybody's text, is not the only way in for a script;
// this is what stops one that found another.
func TestAPageRunsNoScriptThatIsNotItsOwn(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	_, request := clientOnThisComputer(t, s)
	p.open(request)
	p.see("Approve with passkey")
	p.evaluate(`(() => {
		const script = document.createElement("script");
		script.textContent = "document.title = 'taken over'";
		document.body.append(script);
		return "";
	})()`)
	if title := p.evaluate(`document.title`); title == "taken over" {
		t.Error("the script ran")
	}
	p.expectComplaint("Content Security Policy")
}

func TestBrokenRequestsGetAPageThatSaysWhatToDo(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	client, request := clientOnThisComputer(t, s)
	for _, test := range []struct {
		name, url, want string
	}{
		{"a client that is not registered", authorizationURL(s, "nobody", client.url), "This app is not known here"},
		{"a redirect that is not registered", strings.Replace(request, "callback", "elsewhere", 1), "This app cannot be connected"},
		{"no client at all", s.url + "/authorize", "This link is incomplete"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p.open(test.url)
			p.see(test.want, "What to do")
			p.expectComplaint("status of 400")
			client.nothing()
		})
	}
}

// A person who follows a link, a search engine and a prefetch must not decide.
func TestLookingAtARequestSetsNoCookie(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	_, request := clientOnThisComputer(t, s)
	resp, err := http.Get(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if cookies := resp.Cookies(); len(cookies) != 0 {
		t.Errorf("the page sets %v", cookies)
	}
}
