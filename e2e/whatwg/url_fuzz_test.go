// Package whatwg compares how this module reads URLs with how browsers do: by the WHATWG
// URL parser of Node.js. Without Node.js its tests skip, or fail when MCPOAUTH_E2E is "required".
package whatwg

import (
	"bufio"
	"encoding/json"
	"io"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// A browserURL is a URL as a browser reads it.
type browserURL struct {
	Href, Protocol, Username, Password, Hostname, Port, Pathname, Search, Hash string
}

// A browser answers for as long as the test runs.
type browser struct {
	ask     io.Writer
	answers *bufio.Reader
}

func newBrowser(f *testing.F) *browser {
	f.Helper()
	node, err := exec.LookPath("node")
	if found, _ := filepath.Glob("../node/node_modules/node-linux-*/bin/node"); len(found) > 0 { // no error: the pattern is right
		node, err = found[0], nil
	}
	if err != nil {
		if os.Getenv("MCPOAUTH_E2E") == "required" {
			f.Fatal("Node.js is not installed")
		}
		f.Skip("Node.js is not installed")
	}
	command := exec.CommandContext(f.Context(), node, "parse.mjs")
	command.Stderr = os.Stderr
	ask, err := command.StdinPipe()
	if err != nil {
		f.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		f.Fatal(err)
	}
	if err := command.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ask.Close()
		_ = command.Wait() // it may have been ended with the context
	})
	return &browser{ask, bufio.NewReader(answers)}
}

// parse returns nil if a browser would go nowhere.
func (b *browser) parse(t *testing.T, s string) (u *browserURL) {
	t.Helper()
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.ask.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	answer, err := b.answers.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(answer, &u)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

var urls = []string{
	"https://client.example/callback", "https://CLIENT.example:443/cb?x=1", "https://client.example", "https://client.example:8443/", "https://client.example?x", "https://[::1]/cb", "https://[2001:DB8::1]:443/", "https://127.0.0.1/cb",
	"http://localhost/callback", "http://localhost:3000?state=a", "http://127.0.0.1:33418/", "http://127.0.0.2/", "http://[::1]:7777/cb", "http://[::ffff:127.0.0.1]/", "HTTP://localhost:1/x", "http://a.localhost/", "http://LOCALHOST/",
	"cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/oauth", "com.example.app:oauth", "app://host:1/x?y", "vscode://vscode.github-authentication/did-authenticate",
	`https://a.example\@b.example/`, "https://a.example@b.example/", "https://a.example%2f@b.example/", "https://a.example%2eb.example/", "https://127.1/", "https://0x7f.1/", "https://127.0.0.1./", "https://0177.0.0.1/", "https://1.2.3.4.5/",
	"https:///client.example/", "https:client.example", "https:/client.example/", "https://client.example:/", "https://client.example:99999/", "https://client.example:0443/", "https://-/", "https://a..b/", "https://xn--a/", "https://a_b.example/",
	"http://localhost:1@evil.example/", "http://localhost.evil.example/", "http://evil.example/localhost", "http://localhost./", "http://127.0.0.1%2eevil.example/", "http://[::1%25eth0]/", "http://[::]/", "http://0/", "http://2130706433/",
	"https://client.example/a/../b", "https://client.example/%2e%2e/b", "https://client.example/;@evil", "https://client.example/?#", "javascript:alert(1)", "javascript://localhost/%0aalert(1)", "data:text/html,x", "JaVaScRiPt:x", "blob:https://a.example/x",
	"mcp+app://x", "a:b:c", "x://user@host", "x:?y", "https://\u00e9.example/", "https://client.example\t/", " https://client.example/", "https://soft\u00adhyphen.example/", "https://fa\u00df.example/",
	"https://a%C3%89.example/", "https://a%E2%80%8B.example/", "https://a%EF%BC%8Fb.example/", "https://a,b.example/", "https://a'b.example/", "https://a!b.example/", "https://a*b/",
}

// What is taken for a redirect URI leads a browser, if anywhere, to the host that is shown,
// and a match leads to the same place on this computer but for its port.
func FuzzABrowserGoesWhereTheRedirectURISays(f *testing.F) {
	for i, s := range urls {
		f.Add(s, urls[(i+1)%len(urls)])
		f.Add(s, s)
	}
	f.Add("http://localhost/callback", "http://localhost:51234/callback")
	f.Add("http://127.0.0.1:33418/", "http://127.0.0.1:99999/")
	b := newBrowser(f)
	f.Fuzz(func(t *testing.T, registered, requested string) {
		if oauth.CheckRedirectURI(requested) != "" {
			return
		}
		ours, err := url.Parse(requested)
		if err != nil {
			t.Fatalf("%q is taken: %v", requested, err)
		}
		theirs := b.parse(t, requested)
		if theirs == nil {
			return
		}
		wantSameHost(t, requested, ours, theirs)
		shown := oauth.ClientHost("client", requested)
		if shown != "" && !sameHost(strings.TrimSuffix(shown, ":"+ours.Port()), theirs.Hostname) {
			t.Errorf("%q is shown as %q, and leads to %q", requested, shown, theirs.Hostname)
		}
		if special := theirs.Protocol == "http:" || theirs.Protocol == "https:"; special && oauth.IsLoopbackRedirect(requested) != isLoopback(theirs.Hostname) {
			t.Errorf("%q is on this computer: %v, and leads to %q", requested, oauth.IsLoopbackRedirect(requested), theirs.Hostname)
		}
		sent := b.parse(t, oauth.WithQuery(requested, url.Values{"code": {"the code"}}))
		if sent == nil || sent.Protocol != theirs.Protocol || sent.Hostname != theirs.Hostname || sent.Port != theirs.Port || sent.Pathname != theirs.Pathname || sent.Hash != "" || !strings.HasSuffix(sent.Search, "code=the+code") {
			t.Errorf("%q with a code leads to %+v", requested, sent)
		}
		if registered == requested || !oauth.MatchRedirectURI([]string{registered}, requested) {
			return
		}
		was := b.parse(t, registered)
		if was == nil {
			return // its port is none
		}
		was.Port, theirs.Port, was.Href, theirs.Href = "", "", "", ""
		if *was != *theirs || theirs.Protocol != "http:" || !isLoopback(theirs.Hostname) {
			t.Errorf("%q matches %q, but they lead to %+v and %+v", requested, registered, *theirs, *was)
		}
	})
}

// A URL that is asked for, and one that names a resource, has the same host for a browser.
func FuzzABrowserReadsTheSameHost(f *testing.F) {
	for _, s := range urls {
		f.Add(s)
	}
	b := newBrowser(f)
	f.Fuzz(func(t *testing.T, s string) {
		if host, problem := fetch.CheckURL(s); problem == "" {
			if u := b.parse(t, s); u != nil && (u.Hostname != host || u.Protocol != "https:" || u.Port+u.Username+u.Password+u.Hash != "") {
				t.Errorf("%q is asked for at %q, and is %+v", s, host, u)
			}
		}
		canonical, ok := oauth.CanonicalResource(s)
		if !ok || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
			return
		}
		before, after := b.parse(t, s), b.parse(t, canonical)
		if before == nil || after == nil {
			return
		}
		if before.Protocol != after.Protocol || before.Hostname != after.Hostname || before.Port != after.Port {
			t.Errorf("%q names %q, but leads to %+v and %+v", s, canonical, before, after)
		}
	})
}

func wantSameHost(t *testing.T, s string, ours *url.URL, theirs *browserURL) {
	t.Helper()
	if theirs.Protocol != strings.ToLower(ours.Scheme)+":" || theirs.Username+theirs.Password+theirs.Hash != "" {
		t.Errorf("%q is %+v", s, theirs)
	}
	if ours.Scheme != "http" && ours.Scheme != "https" {
		return // to a browser the rest is the app's own affair
	}
	if !sameHost(ours.Hostname(), theirs.Hostname) {
		t.Errorf("%q leads to %q, and not to %q", s, theirs.Hostname, ours.Hostname())
	}
}

// sameHost compares names by their letters and addresses by what they are.
func sameHost(ours, theirs string) bool {
	x, errX := address(ours)
	y, errY := address(theirs)
	if errX == nil || errY == nil {
		return errX == nil && errY == nil && x == y
	}
	return strings.EqualFold(ours, theirs)
}

func address(host string) (netip.Addr, error) {
	return netip.ParseAddr(strings.Trim(strings.TrimSuffix(host, "."), "[]"))
}

// isLoopback is what a browser takes for this computer (Secure Contexts §3.1).
func isLoopback(host string) bool {
	if addr, err := address(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.TrimSuffix(host, ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
