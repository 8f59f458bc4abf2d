package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// chromium is one browser process for all tests; every page has its own profile in it.
var chromium struct {
	once  sync.Once
	ctx   context.Context
	close context.CancelFunc
	err   error
}

var errNoChromium = errors.New("no Chromium is installed")

func startChromium() {
	path, err := findChromium()
	if err != nil {
		chromium.err = err
		return
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses to run as root
	}
	allocator, closeAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	chromium.ctx = ctx
	chromium.close = func() { closeBrowser(); closeAllocator() }
	chromium.err = chromedp.Do(ctx)
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

func closeChromium() {
	if chromium.close != nil {
		chromium.close()
	}
}

// A page is a tab of a browser that nobody else uses, on a device that can make
// passkeys and whose owner agrees to everything.
type page struct {
	t             *testing.T
	ctx           context.Context
	authenticator webauthn.AuthenticatorID
	scriptless    bool // JavaScript is switched off

	mu         sync.Mutex
	complaints []string // the browser's: errors of scripts, the network and the content security policy
	tolerated  []string // parts of complaints that are not kept
	targets    []string // where pages sent the browser, reachable or not
}

// openPage opens a browser. At the end of the test the browser must have had nothing
// to complain about, except for what the test took with complained.
func openPage(t *testing.T) *page {
	t.Helper()
	chromium.once.Do(startChromium)
	if errors.Is(chromium.err, errNoChromium) {
		lacks(t, "Chromium is not installed")
	}
	if chromium.err != nil {
		t.Fatal("starting Chromium:", chromium.err)
	}
	return newPage(t, chromium.ctx, chromedp.WithNewBrowserContext())
}

// newTab opens another tab of the browser, on the same device.
func (p *page) newTab() *page {
	p.t.Helper()
	tab := newPage(p.t, p.ctx)
	p.syncPasskeys(tab)
	return tab
}

// syncPasskeys copies the passkeys of this device to that of another page, in place of what
// is there, as a password manager does. An authenticator of the DevTools belongs to a tab, so that another tab of
// the same device needs it too.
func (p *page) syncPasskeys(to *page) {
	p.t.Helper()
	call(to, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: to.authenticator})
	passkeys := call(p, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: p.authenticator}).Credentials
	for _, passkey := range passkeys {
		call(to, addCredential, addCredentialParams{to.authenticator, credential{
			ID: passkey.CredentialID, Resident: true, RPID: passkey.RpID, PrivateKey: passkey.PrivateKey, UserHandle: passkey.UserHandle,
			// The copy is used after the original, which its counter has to
			// tell (WebAuthn §6.1.1).
			SignCount: passkey.SignCount + 100,
		}})
	}
}

// addCredential is webauthn.AddCredential without the members that Chromium refuses
// for an authenticator that does not support them, even when they are false.
var addCredential = cdp.Command[addCredentialParams, cdp.Empty]{Method: webauthn.CommandAddCredential}

type (
	addCredentialParams struct {
		AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
		Credential      credential               `json:"credential"`
	}
	credential struct {
		ID         []byte  `json:"credentialId"`
		Resident   bool    `json:"isResidentCredential"`
		RPID       string  `json:"rpId"`
		PrivateKey []byte  `json:"privateKey"`
		UserHandle []byte  `json:"userHandle"`
		SignCount  float64 `json:"signCount"`
	}
)

func newPage(t *testing.T, parent context.Context, options ...chromedp.ContextOption) *page {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx}
	p.must(chromedp.Do(ctx))
	p.must(chromedp.Listen(ctx, p.hear))
	call(p, cdplog.Enable, cdp.Empty{})
	call(p, webauthn.Enable, webauthn.EnableParams{})
	p.authenticator = p.plugIn(webauthn.AuthenticatorTransportInternal)
	t.Cleanup(func() {
		for _, complaint := range p.complained() {
			t.Errorf("the browser complained: %s", complaint)
		}
	})
	return p
}

// plugIn gives the device another authenticator, which can verify its owner, who agrees
// to everything.
func (p *page) plugIn(transport webauthn.AuthenticatorTransport) webauthn.AuthenticatorID {
	p.t.Helper()
	return call(p, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol:                    webauthn.AuthenticatorProtocolCtap2,
			Transport:                   transport,
			HasResidentKey:              true,
			HasUserVerification:         true,
			IsUserVerified:              true,
			AutomaticPresenceSimulation: true,
		},
	}).AuthenticatorID
}

// hear collects what a person would find in the developer tools.
func (p *page) hear(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	complaint := ""
	switch e := event.(type) {
	case *cdppage.EventFrameRequestedNavigation:
		p.targets = append(p.targets, e.URL)
	case *runtime.EventExceptionThrown:
		complaint = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			complaint += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			complaint = fmt.Sprintf("console %s:", e.Type)
			for _, arg := range e.Args {
				complaint += " " + string(arg.Value) + arg.Description
			}
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError || e.Entry.Level == cdplog.EntryLevelWarning {
			complaint = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
	tolerated := slices.ContainsFunc(p.tolerated, func(part string) bool { return strings.Contains(complaint, part) })
	if complaint != "" && !tolerated {
		p.complaints = append(p.complaints, complaint)
	}
}

// complained returns what the browser complained about since the last call.
func (p *page) complained() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	complaints := p.complaints
	p.complaints = nil
	return complaints
}

// tolerate drops complaints with any of these parts.
func (p *page) tolerate(parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tolerated = append(p.tolerated, parts...)
}

// wentTo reports whether a page sent the browser to an address, even to one that
// this browser has no app for.
func (p *page) wentTo(url string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.targets, url)
}

// expectComplaint takes the complaints, which must be about want and nothing else.
func (p *page) expectComplaint(want string) {
	p.t.Helper()
	var got []string
	eventually(p.t, "the browser to complain about "+want, func() bool {
		got = append(got, p.complained()...)
		return len(got) > 0
	})
	for _, complaint := range got {
		if !strings.Contains(complaint, want) {
			p.t.Errorf("the browser complained: %s", complaint)
		}
	}
}
