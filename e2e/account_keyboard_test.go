package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A focus is what the keyboard acts on.
type focus struct {
	Name    string
	Visible bool // with a mark around it that can be seen
}

func (p *page) focus() (f focus) {
	p.t.Helper()
	said := p.evaluate(`(() => {
		const at = document.activeElement;
		if (at === document.body) return '{"name":"","visible":true}'; // on its way through the browser's own controls
		const style = getComputedStyle(at), box = at.getBoundingClientRect();
		const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
		return JSON.stringify({
			name: at.getAttribute("aria-label") || at.labels?.[0]?.innerText || at.innerText || "",
			visible: inView && style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2,
		});
	})()`)
	if err := json.Unmarshal([]byte(said), &f); err != nil {
		p.t.Fatalf("the focus is %q: %v", said, err)
	}
	return f
}

func (p *page) key(key string) { p.t.Helper(); p.do(chromedp.KeyEvent(key)) }

// tabTo goes on from control to control until one with this name, each of which must be
// seen to have the focus.
func (p *page) tabTo(name string) {
	p.t.Helper()
	p.waitFor("a page", func() bool { return p.evaluate(`document.readyState`) == "complete" })
	const most = 40 // controls on a page
	var passed []string
	for range most {
		p.key(kb.Tab)
		at := p.focus()
		if !at.Visible {
			p.t.Errorf("nothing shows that the focus is on %q", at.Name)
		}
		if at.Name == name {
			return
		}
		passed = append(passed, at.Name)
	}
	p.t.Fatalf("the keyboard does not reach %q, but %q", name, passed)
}

func TestTheAccountNeedsNoMouse(t *testing.T) {
	s, p := startServer(t), openPage(t)
	call(p, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	p.setUp(s)
	one := p.connect(s)
	two := p.connect(s)

	p.open(s.url + "/account")
	p.see("Sign in with passkey")
	p.tabTo("Sign in with passkey")
	p.key(kb.Enter)
	p.see("2 connections.")

	p.tabTo("Skip to the content")
	p.key(kb.Enter)
	p.tabTo("Revoke Test client") // and not the navigation before it
	p.key(kb.Enter)
	p.see("Revoked. It cannot get in any more.")
	p.waitFor("the focus to be on the notice", func() bool { return p.focus().Name == "Revoked. It cannot get in any more." })
	p.tabTo("Revoke Test client")
	p.key(kb.Enter)
	p.see("Nothing is connected yet")
	for _, tokens := range []tokens{one, two} {
		if status := probe(t, s, tokens.Access); status != http.StatusUnauthorized {
			t.Errorf("a request with a revoked token is answered with %d, want 401", status)
		}
	}

	p.tabTo("API keys")
	p.key(kb.Enter)
	p.see("New key")
	p.tabTo("Name")
	p.key("Backup")
	p.tabTo("Create key")
	p.key(kb.Enter)
	p.see("Create the API key “Backup”?")
	p.tabTo("Create with your passkey")
	p.key(kb.Enter)
	p.see("The key is shown this once")
	p.tabTo("Done")
	p.key(kb.Enter)
	p.see("New key")
	p.tabTo("Revoke Backup")
	p.key(kb.Enter)
	p.see("Revoked. It cannot get in any more.")

	p.tabTo("Sign out")
	p.key(kb.Enter)
	p.see("Sign in with passkey")
}
