package templates

import (
	"bytes"
	"html/template"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hostile is what a client may call itself, with what must never come of it.
var hostile = []struct {
	name, text, never string
}{
	{"a script", `<script>alert(1)</script>`, "<script>alert"},
	{"an attribute", `x" onload="alert(1)`, `" onload="`},
	{"an attribute in single quotes", `x' onload='alert(1)`, `' onload='`},
	{"the end of the title", `</title><h1>no</h1>`, "</title><h1>no"},
	{"the start of a comment", `<!--<script>`, "<!--<script"},
	{"a bidi override", "ab\u202Ecd", "\u202E"},
	{"a bidi isolate", "ab\u2067cd\u2069", "\u2067"},
	{"a line break", "ab\u2028cd\r\nef", "\u2028"},
	{"a zero-width space", "ab\u200Bcd", "\u200B"},
	{"a null byte", "ab\x00cd", "\x00"},
}

func TestWhatAStrangerWroteIsShownAsHarmlessText(t *testing.T) {
	p := parse(t)
	for _, tc := range hostile {
		t.Run(tc.name, func(t *testing.T) {
			web := Consent{
				ClientName: tc.text, ClientHost: tc.text, RedirectScheme: tc.text, RedirectHost: tc.text,
				ResourceName: "Notes", ResourceURL: "https://mcp.example/mcp", Action: "/authorize?state=" + template.URLQueryEscaper(tc.text), Digest: "AAAA",
			}
			loopback, app := web, web
			loopback.Loopback, app.NativeApp = true, true
			for _, page := range []Page{
				web, loopback, app,
				Approved{ClientName: tc.text, RedirectURL: "app://callback"},
				Problem{Title: tc.text, Message: tc.text, Remedy: tc.text, Code: tc.text},
			} {
				if body := render(t, p, page); strings.Contains(body, tc.never) {
					t.Errorf("%s contains %q:\n%s", page.file(), tc.never, body)
				}
			}
		})
	}
}

func TestR37TheConsentPageSaysWhoAsksForWhat(t *testing.T) {
	p := parse(t)
	base := Consent{
		ClientName: "Claude", ClientHost: "claude.ai", RedirectScheme: "https", RedirectHost: "claude.ai",
		ResourceName: "Notes of Ann", ResourceURL: "https://mcp.example/mcp",
		Scopes: []Scope{{"mcp:tools", "Use the tools"}, {"notes:write", "Change notes"}},
		Action: "/authorize?client_id=a&state=x%2By", Digest: "DIGEST",
	}
	with := func(change func(*Consent)) Consent {
		c := base
		change(&c)
		return c
	}
	local := func(c *Consent) {
		c.ClientHost, c.RedirectScheme, c.RedirectHost, c.Loopback = "", "http", "localhost:1234", true
	}
	const warning, unverified = "could be asking", "name given by the app, not verified"
	for name, tc := range map[string]struct {
		page      Consent
		want, not []string
	}{
		"everywhere": {
			base,
			[]string{
				"Notes of Ann", "https://mcp.example/mcp", "Use the tools", "mcp:tools", "Change notes", "notes:write", unverified,
				`action="/authorize?client_id=a&amp;state=x%2By"`, `data-digest="DIGEST"`, `name="ceremony"`,
				`value="approve"`, `value="deny"`, "<noscript>",
			},
			nil,
		},
		"a proven host stands in the heading, the name does not": {
			base,
			[]string{`<h1><bdi class="who">claude.ai</bdi>`, `class="badge"`, "<bdi class=\"strong\">claude.ai</bdi> <span class=\"where\">(https)"},
			[]string{"calls itself", warning},
		},
		"without a proven host the name is the app's own claim": {
			with(func(c *Consent) { c.ClientHost = "" }),
			[]string{"An app that calls itself", unverified},
			[]string{`class="badge"`, warning},
		},
		"a loopback client comes with a warning": {
			with(local),
			[]string{"An app that calls itself", "a program on this computer", "http://localhost:1234", "Any program on this computer could be asking"},
			[]string{`class="badge"`},
		},
		"a host does not vouch for a loopback client": {
			with(func(c *Consent) { local(c); c.ClientHost = "vscode.dev" }),
			[]string{"An app that calls itself", "Says it is from", "vscode.dev", warning},
			[]string{`class="badge"`},
		},
		"an app with a scheme of its own": {
			with(func(c *Consent) {
				c.ClientHost, c.RedirectScheme, c.RedirectHost, c.NativeApp = "", "cursor", "anysphere.cursor-mcp", true
			}),
			[]string{"an app on this device", "cursor://anysphere.cursor-mcp", "Any app on this device could be asking"},
			[]string{`class="badge"`},
		},
		"a client without a name": {
			with(func(c *Consent) { local(c); c.ClientName = "\u200b \u3164" }),
			[]string{"An app without a name"},
			[]string{unverified, "calls itself"},
		},
		"a scope without a description shows its name": {
			with(func(c *Consent) { c.Scopes = []Scope{{Name: "notes:read"}} }),
			[]string{"<code>notes:read</code>"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			body := render(t, p, tc.page)
			for _, want := range tc.want {
				if !strings.Contains(body, want) {
					t.Errorf("the page lacks %q:\n%s", want, body)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(body, not) {
					t.Errorf("the page has %q:\n%s", not, body)
				}
			}
		})
	}
}

func TestR37ALongNameDoesNotFillTheHeading(t *testing.T) {
	body := render(t, parse(t), Consent{ClientName: strings.Repeat("x", 150)})
	_, after, _ := strings.Cut(body, "<h1>")
	heading, _, _ := strings.Cut(after, "</h1>")
	if strings.Contains(heading, strings.Repeat("x", 61)) || !strings.Contains(body, strings.Repeat("x", 150)) {
		t.Errorf("want 60 characters in the heading and all 150 below it:\n%s", body)
	}
}

func TestR39AnAppOpensByItselfOrByALink(t *testing.T) {
	body := render(t, parse(t), Approved{ClientName: "Cursor", RedirectURL: "cursor://callback?code=a&state=b"})
	for _, want := range []string{
		`<meta http-equiv="refresh" content="0; url=cursor://callback?code=a&amp;state=b">`,
		`href="cursor://callback?code=a&amp;state=b">Return to app</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
}

func TestSetupShowsWhatComesNext(t *testing.T) {
	p := parse(t)
	waiting := render(t, p, Setup{ReturnTo: "/authorize?a=1&b=c%2Fd", ResourceURLs: []string{"https://mcp.example/mcp"}})
	if !strings.Contains(waiting, `href="/authorize?a=1&amp;b=c%2Fd">Continue</a>`) || strings.Contains(waiting, "https://mcp.example/mcp") {
		t.Errorf("with a request that waits, want the way back to it:\n%s", waiting)
	}
	first := render(t, p, Setup{ResourceURLs: []string{"https://mcp.example/mcp"}})
	if !strings.Contains(first, `data-copy="https://mcp.example/mcp"`) || strings.Contains(first, ">Continue<") {
		t.Errorf("without one, want the URL to add to a client:\n%s", first)
	}
	if strings.Contains(first, `name="setup`) {
		t.Error("a field with a name gets into a URL or a body when the script does not run")
	}
}

func TestTheHeadersOfAPage(t *testing.T) {
	w := httptest.NewRecorder()
	parse(t).Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusTeapot, Problem{Title: "x"})
	if w.Code != http.StatusTeapot {
		t.Errorf("status = %d", w.Code)
	}
	w.Header().Del("Content-Length")
	want := http.Header{
		"Content-Type":            {"text/html; charset=utf-8"},
		"Cache-Control":           {"no-store"},
		"Content-Security-Policy": {"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"},
		"Permissions-Policy":      {"publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()"},
		"Referrer-Policy":         {"same-origin"},
		"X-Content-Type-Options":  {"nosniff"},
		"X-Frame-Options":         {"DENY"},
	}
	if !maps.EqualFunc(w.Header(), want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
		t.Errorf("headers = %v\nwant %v", w.Header(), want)
	}
}

// brokenPage fails where no sample does.
type brokenPage struct{ Problem }

func (brokenPage) Fail() (string, error) { return "", http.ErrBodyNotAllowed }
func (p brokenPage) cleaned() Page       { return p }
func (p brokenPage) file() string        { return "broken.html" }

func TestAPageThatFailsIsNotShownInHalf(t *testing.T) {
	p := parse(t)
	p.pages["broken.html"] = template.Must(template.New("x").Parse("half {{.Page.Fail}}"))
	var log bytes.Buffer
	p.Log = slog.New(slog.NewTextHandler(&log, nil))
	w := httptest.NewRecorder()
	p.Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, brokenPage{})
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half") {
		t.Errorf("answer = %d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "broken.html") {
		t.Errorf("the log does not name the template: %s", &log)
	}
}

func render(t *testing.T, p *Pages, page Page) string {
	t.Helper()
	w := httptest.NewRecorder()
	p.Render(w, httptest.NewRequest(http.MethodGet, "/", nil), http.StatusOK, page)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", page.file(), w.Code, w.Body)
	}
	return w.Body.String()
}
