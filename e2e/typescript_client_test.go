package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// typescript are the versions of the TypeScript SDK, each with the protocol that it
// speaks with a server that knows all of them.
var typescript = []struct{ npm, module, protocol string }{
	{"@modelcontextprotocol/sdk", "./sdk-v1.mjs", "2025-11-25"},
	{"@modelcontextprotocol/client", "./sdk-v2.mjs", "2026-07-28"},
}

// typescriptState is the state parameter of node/session.mjs.
const typescriptState = "state-of-the-typescript-client"

// What the TypeScript SDK did, by the methods of node/session.mjs.
type (
	used struct {
		Protocol string
		Tools    []string
		Note     noteAnswer
		Who      whoAnswer `json:"whoami"`
	}
	refreshed struct {
		Outcome string
		Rotated bool
		Scope   string
	}
	revoked struct {
		Status       int
		Probe        int
		Challenge    string
		Unauthorized bool
	}
)

func (u used) check(t *testing.T, protocol string) {
	t.Helper()
	if u.Protocol != protocol {
		t.Errorf("the SDK speaks %q with the server, want %q", u.Protocol, protocol)
	}
	if len(u.Tools) != 4 || !slices.Contains(u.Tools, "add_note") {
		t.Errorf("tools/list has %q", u.Tools)
	}
	if u.Note.ID != 1 || u.Who.UserID != "owner" || u.Who.TokenInfo.UserID != "owner" {
		t.Errorf("tools/call answers with %+v and %+v", u.Note, u.Who)
	}
}

func (r refreshed) check(t *testing.T) {
	t.Helper()
	if r.Outcome != "AUTHORIZED" || !r.Rotated || r.Scope == "" {
		t.Errorf("the refresh ends with %+v", r)
	}
}

func (r revoked) check(t *testing.T) {
	t.Helper()
	if r.Status != http.StatusOK || r.Probe != http.StatusUnauthorized || !r.Unauthorized ||
		!strings.HasPrefix(r.Challenge, "Bearer ") || !strings.Contains(r.Challenge, `error="invalid_token"`) {
		t.Errorf("the revocation ends with %+v", r)
	}
}

func TestTypeScriptSDKClient(t *testing.T) {
	for _, sdk := range typescript {
		t.Run(sdk.npm, func(t *testing.T) {
			client := npmPackage(t, "TypeScript SDK", sdk.npm)
			s, p := startServer(t), openPage(t)
			c := startScript(t, "client.mjs", sdk.module, s.url+"/mcp")
			p.setUp(s)

			p.approve(c.authorize())
			var arrived struct{ Iss, State string }
			if c.expect("redirected", &arrived); arrived.Iss != s.url || arrived.State != typescriptState {
				t.Errorf("the redirect carries %+v", arrived)
			}
			var use used
			c.expect("used", &use)
			use.check(t, sdk.protocol)

			s.stop()
			s.restart()
			c.goOn()
			var again notesAnswer
			if c.expect("called-again", &again); len(again.Notes) != 1 || again.Notes[0].Text != "from TypeScript" {
				t.Errorf("after a restart of the server the notes are %+v", again)
			}
			var refresh refreshed
			c.expect("refreshed", &refresh)
			refresh.check(t)
			c.authorize() // what the SDK does when it finds that its grant is gone
			var revocation revoked
			c.expect("revoked", &revocation)
			revocation.check(t)
			exercised(t, client, "login, tools/list, tools/call, restart of the server, refresh, revoke; MCP "+sdk.protocol)
		})
	}
}

// Every request of a web page to the server, discovery included, is a cross-origin
// one, with a preflight where there is a token.
func TestTypeScriptSDKInAWebPageOfAnotherOrigin(t *testing.T) {
	for _, sdk := range typescript {
		t.Run(sdk.npm, func(t *testing.T) {
			client := npmPackage(t, "TypeScript SDK", sdk.npm)
			s, p := startServer(t), openPage(t)
			site := serveWebPage(t, sdk.module)
			p.setUp(s)
			// Chromium and the SDK report what a page gets without a token, and
			// after the revocation.
			p.tolerate("the server responded with a status of 4", "invalidating the stored tokens")

			p.open(site + "/?server=" + s.url + "/mcp")
			p.press("Connect")
			p.press("Approve with passkey")
			p.arrive(site + "/callback?")
			var result string
			p.waitFor("the web page to finish", func() bool {
				result = p.evaluate(`document.querySelector("pre")?.textContent ?? ""`)
				return result != ""
			})
			var did struct {
				Error, Iss, State string
				used
				refreshed
				revoked
			}
			if err := json.Unmarshal([]byte(result), &did); err != nil || did.Error != "" {
				t.Fatalf("the web page says %s, %v", result, err)
			}
			if did.Iss != s.url || did.State != typescriptState {
				t.Errorf("the redirect carries iss %q and state %q", did.Iss, did.State)
			}
			did.used.check(t, sdk.protocol)
			did.refreshed.check(t)
			did.revoked.check(t)
			exercised(t, client+" in a web page of another origin", "discovery, registration, login, tools/list, tools/call, refresh, revoke, all by CORS; MCP "+sdk.protocol)
		})
	}
}

// serveWebPage serves node/page.mjs, and returns its origin.
func serveWebPage(t *testing.T, module string) (origin string) {
	t.Helper()
	bundle := node(t.Context(), t, "bundle.mjs", module)
	bundle.Stderr = t.Output()
	code, err := bundle.Output()
	if err != nil {
		t.Fatal("bundling the web page:", err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(code)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>Web page</title><link rel="icon" href="data:,"><body><script type="module" src="/page.js"></script>`))
	}))
	t.Cleanup(site.Close)
	return site.URL
}
