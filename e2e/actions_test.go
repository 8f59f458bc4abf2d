package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

func (p *page) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal("driving the browser:", err)
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	p.must(err)
	return result
}

// do performs actions of a person.
func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("driving the browser: %v; it shows %s:\n%s", err, p.url(), p.text())
	}
}

func (p *page) open(url string) { p.t.Helper(); p.do(chromedp.Navigate(url)) }

// pretend answers requests to a website that does not exist, and returns where the
// browser asked for it.
func (p *page) pretend(site string) <-chan string {
	p.t.Helper()
	asked := make(chan string, 10)
	call(p, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: site + "/*"}}})
	requests := chromedp.Events(p.ctx, fetch.RequestPaused)
	go func() {
		for request, err := range requests {
			if err != nil {
				return // the page is closed
			}
			asked <- request.Request.URL
			_, _ = chromedp.Call(p.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{
				RequestID:       request.RequestID,
				ResponseCode:    http.StatusOK,
				ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "text/html"}},
				Body:            []byte("<!doctype html><link rel=icon href=data:,><p>Back at the client"),
			})
		}
	}()
	return asked
}

// back presses the back button. The page that it leads to may be as it was left, and
// then does not load.
func (p *page) back() {
	p.t.Helper()
	from := p.url()
	p.evaluate(`String(history.back())`)
	p.waitFor("the browser to go back", func() bool { return p.url() != from && p.url() != "" })
}

// press clicks on the button or link with this label, once it can be pressed. It
// does not use chromedp's own search, which does not know pages that the back
// button restored.
func (p *page) press(label string) {
	p.t.Helper()
	var at, before string
	p.waitFor("a button "+label, func() bool {
		before, at = at, p.evaluate(fmt.Sprintf(`(() => {
			const wanted = [...document.querySelectorAll("button, a")].find((b) => b.innerText.includes(%q) && !b.disabled);
			if (!wanted || document.readyState !== "complete") return "";
			wanted.scrollIntoView({ block: "center" });
			const box = wanted.getBoundingClientRect();
			return box.width ? (box.x + box.width / 2) + " " + (box.y + box.height / 2) : "";
		})()`, label))
		return at != "" && at == before // a button that still moves would be missed
	})
	var x, y float64
	if _, err := fmt.Sscan(at, &x, &y); err != nil {
		p.t.Fatalf("the button %s is at %q", label, at)
	}
	p.do(chromedp.MouseClickXY(x, y))
}

// evaluate returns a string from the page, or "" while it is on its way to another.
func (p *page) evaluate(expression string) string {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return ""
	}
	return value
}

func (p *page) url() string  { return p.evaluate(`location.href`) }
func (p *page) text() string { return p.evaluate(`document.body ? document.body.innerText : ""`) }

// see waits until a person can read all of this.
func (p *page) see(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		p.waitFor("the page to show "+text, func() bool { return strings.Contains(p.text(), text) })
	}
}

// arrive waits until the browser is at an address with this prefix.
func (p *page) arrive(prefix string) {
	p.t.Helper()
	p.waitFor("the browser to be at "+prefix, func() bool { return strings.HasPrefix(p.url(), prefix) })
}

func (p *page) waitFor(what string, done func() bool) {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.t.Logf("the browser shows %s:\n%s", p.url(), p.text())
		}
	}()
	eventually(p.t, what, done)
}
