package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screens are the smallest phone there is, a common one, and a desktop.
var screens = []struct{ width, height int64 }{{320, 700}, {390, 844}, {1600, 1000}}

// Every page fits every screen. MCPOAUTH_SCREENSHOTS=screenshots keeps the pictures.
func TestEveryPageFitsEveryScreen(t *testing.T) {
	s, p := startServer(t), openPage(t)
	_, token, _ := strings.Cut(s.setupLink, "setup_token=")
	const longName = "The quite remarkable assistant for notes, lists and everything else that one could ever want to write down"
	consent := func(name, redirectURI string) string {
		return authorizationURL(s, register(t, s, name, redirectURI), redirectURI)
	}
	loopback := consent("Claude Code (notes)", "http://localhost:54321/callback")

	p.open(loopback)
	p.look("setup-needed")
	p.press("Set up with a token")
	p.see("Create the passkey of the owner")
	p.look("setup")
	p.do(chromedp.SendKeys(chromedp.CSS("#setup-token"), "not-the-token"))
	p.press("Create passkey")
	p.see("This token is not right")
	p.look("setup-wrong-token")
	p.expectComplaint("/passkey/register/start")
	p.do(chromedp.SetValue(chromedp.CSS("#setup-token"), token))
	p.press("Create passkey")
	p.see("Passkey created")
	p.look("setup-done-continue")
	p.press("Continue")
	p.see("Approve with passkey")
	p.look("consent-loopback")

	p.open(consent("Claude", "https://claude.ai/api/mcp/auth_callback"))
	p.look("consent-web")
	p.open(consent(longName, "https://a-remarkably-long-subdomain.of-an-even-longer-domain-name.example/callback"))
	p.look("consent-long")
	p.open(consent("", "http://127.0.0.1/callback"))
	p.look("consent-no-name")
	p.open(consent("Cursor", "cursor://anysphere.cursor-mcp/oauth/callback"))
	p.look("consent-app")
	p.press("Approve with passkey")
	p.see("Return to app")
	p.look("approved")

	stranger := openPage(t)
	stranger.open(loopback)
	stranger.press("Approve with passkey")
	stranger.see("Nothing was approved")
	stranger.look("consent-failed")

	for name, url := range map[string]string{
		"problem-unknown-client": authorizationURL(s, "nobody", "https://client.example/"),
		"problem-redirect":       strings.Replace(loopback, "callback", "elsewhere", 1),
		"problem-not-found":      s.url + "/",
		"setup-closed":           s.url + "/passkey/register",
	} {
		p.open(url)
		p.look(name)
		p.expectComplaint("status of 4")
	}
}

// A server that nobody is waiting for shows what to do next after its setup.
func TestTheEndOfTheSetupFitsEveryScreen(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.look("setup-done")
}

// look looks at the page that is open on every screen, by day and by night.
func (p *page) look(name string) {
	p.t.Helper()
	for _, screen := range screens {
		p.resize(screen.width, screen.height)
		if p.evaluate(`String(document.documentElement.scrollWidth > innerWidth)`) != "false" {
			p.t.Errorf("%s is wider than a screen of %d pixels", name, screen.width)
		}
		for _, scheme := range []string{"light", "dark"} {
			call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				// Without movement, colours do not fade from one scheme to the other.
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			})
			file := fmt.Sprintf("%s-%dx%d-%s", name, screen.width, screen.height, scheme)
			p.checkAccess(file)
			p.photograph(file + ".png")
		}
	}
	p.resize(1280, 800)
}

// resize gives the page another screen, and waits until the page has seen it.
func (p *page) resize(width, height int64) {
	p.t.Helper()
	p.do(chromedp.EmulateViewport(width, height))
	want := fmt.Sprintf("%d %d", width, height)
	p.waitFor("the page to be "+want, func() bool { return p.evaluate(`innerWidth + " " + innerHeight`) == want })
}

func (p *page) photograph(file string) {
	p.t.Helper()
	dir := os.Getenv("MCPOAUTH_SCREENSHOTS")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	const lossless = 100
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(lossless))
	p.must(err)
	p.must(os.MkdirAll(dir, 0o755))
	p.must(os.WriteFile(filepath.Join(dir, file), picture, 0o644))
}
