package e2e

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A violation is a rule of axe-core that a page breaks.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string `json:"html"`
		FailureSummary string `json:"failureSummary"`
	}
}

// serious is what keeps people out. axe-core's lesser impacts are matters of taste here.
var serious = []string{"serious", "critical"}

// axeScript is axe-core, which looks at a page as a screen reader and a person with weak
// sight do.
func axeScript(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("node/node_modules/axe-core/axe.min.js")
	if err != nil {
		lacks(t, "axe-core is not installed: npm ci --prefix e2e/node")
	}
	return string(script)
}

// checkAccess fails if axe-core finds anything serious on the page as it is now.
func (p *page) checkAccess(name string) {
	p.t.Helper()
	if p.scriptless {
		return // axe-core is one
	}
	if p.evaluate(`typeof axe`) == "undefined" {
		// From the developer tools, since the page's own policy lets no such script in.
		p.evaluate(axeScript(p.t) + `; ""`)
	}
	var broken []violation
	said := p.await(`axe.run({ resultTypes: ["violations"], preload: false }).then((found) => JSON.stringify(found.violations))`)
	if err := json.Unmarshal([]byte(said), &broken); err != nil {
		p.t.Fatalf("axe-core says %q: %v", said, err)
	}
	for _, v := range broken {
		if !slices.Contains(serious, v.Impact) {
			p.t.Logf("%s: %s: %s (%s)", name, v.Impact, v.Help, v.ID)
			continue
		}
		for _, node := range v.Nodes {
			p.t.Errorf("%s: %s: %s (%s): %s\n%s", name, v.Impact, v.Help, v.ID, node.HTML, node.FailureSummary)
		}
	}
}

// await returns what a promise of the page ends in.
func (p *page) await(promise string) string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](promise, chromedp.EvalAwaitPromise))
	p.must(err)
	return value
}

// What finds nothing anywhere would find nothing in a page that is broken on purpose.
func TestTheCheckOfAccessFindsWhatIsBroken(t *testing.T) {
	p := openPage(t)
	p.open("data:text/html," + strings.ReplaceAll(`<!doctype html><html lang=en><title>x</title><main><h1>x</h1><button></button><p style="color:rgb(200,200,200)">pale</p></main>`, " ", "%20"))
	p.evaluate(axeScript(t) + `; ""`)
	said := p.await(`axe.run().then((found) => found.violations.filter((v) => ` + jsonText(t, serious) + `.includes(v.impact)).map((v) => v.id).join(" "))`)
	for _, rule := range []string{"button-name", "color-contrast"} {
		if !strings.Contains(said, rule) {
			t.Errorf("the rule %s is not among those broken: %s", rule, strconv.Quote(said))
		}
	}
}

func jsonText(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
