package fetch

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestURLsThatCanBeAskedFor(t *testing.T) {
	for url, host := range map[string]string{
		"https://claude.ai/oauth/mcp-oauth-client-metadata":     "claude.ai",
		"https://a.b-c.example/x%20y?z=1":                       "a.b-c.example",
		"https://xn--bcher-kva.example/client.json":             "xn--bcher-kva.example",
		"https://example.com":                                   "example.com",
		"https://1.2.3.4.example/x":                             "1.2.3.4.example",
		"https://example.com/" + strings.Repeat("x", maxURL-20): "example.com",
	} {
		if got, problem := CheckURL(url); got != host || problem != "" {
			t.Errorf("%s: host %q, problem %q", url, got, problem)
		}
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	for url, want := range map[string]string{
		"":                                                  "not an https URL",
		"example.com/x":                                     "not an https URL",
		"http://example.com/x":                              "not an https URL",
		"HTTPS://example.com/x":                             "not an https URL",
		"file:///etc/passwd":                                "not an https URL",
		"gopher://example.com/x":                            "not an https URL",
		"https:example.com/x":                               "not an https URL",
		"https:/example.com/x":                              "not an https URL",
		"https://example.com/%zz":                           "not an https URL",
		"https://[::1/x":                                    "not an https URL",
		"https://example.com/x y":                           "a character",
		"https://example.com/ü":                             "a character",
		"https://exa\nmple.com/x":                           "a character",
		`https://example.com\@evil/x`:                       "a character",
		"https://user@example.com/x":                        "a user name",
		"https://:pw@example.com/x":                         "a user name",
		"https://@example.com/x":                            "a user name",
		"https://example.com/x#y":                           "a fragment",
		"https://example.com/x#":                            "a fragment",
		"https://example.com:8443/x":                        "a port",
		"https://example.com:443/x":                         "a port",
		"https://example.com:/x":                            "a port",
		"https://[::1]/x":                                   "an address",
		"https://[2606:4700::1]:443/":                       "an address",
		"https://127.0.0.1/x":                               "an address",
		"https://8.8.8.8/x":                                 "an address",
		"https://127.1/x":                                   "an address",
		"https://a.0x7f/x":                                  "an address",
		"https://2130706433/x":                              "not on the internet",
		"https://0x7f000001/x":                              "not on the internet",
		"https://localhost/x":                               "not on the internet",
		"https://app.localhost/x":                           "not on the internet",
		"https://intranet/x":                                "not on the internet",
		"https:///x":                                        "not written as",
		"https://EXAMPLE.com/x":                             "not written as",
		"https://example.com./x":                            "not written as",
		"https://a..example/x":                              "not written as",
		"https://.example/x":                                "not written as",
		"https://a_b.example/x":                             "not written as",
		"https://a%2eexample/x":                             "",
		"https://" + strings.Repeat("x", 64) + ".example/":  "not written as",
		"https://" + strings.Repeat("x.", 126) + "example/": "too long",
		"https://example.com/" + strings.Repeat("x", maxURL-19): "longer than 2048",
	} {
		t.Run(url, func(t *testing.T) {
			if _, problem := CheckURL(url); problem == "" || !strings.Contains(problem, want) {
				t.Errorf("problem %q, want %q", problem, want)
			}
			f := &Fetcher{Transport: answers(func(*http.Request) (*http.Response, error) {
				t.Error("it was asked for")
				return nil, http.ErrServerClosed
			})}
			mustFail(t, f, url, Refused, "the URL ")
		})
	}
}

func TestTheOperatorsRuleIsAskedForEveryHostAndRulesWhatIsKeptToo(t *testing.T) {
	allowed := true
	f := &Fetcher{
		Transport: answers(func(*http.Request) (*http.Response, error) { return answer("{}", nil), nil }),
		Allow:     func(host string) bool { return allowed && host == "good.example" },
	}
	mustGet(t, f, "https://good.example/d")
	mustFail(t, f, "https://bad.example/d", Refused, "the host bad.example is not allowed here")
	allowed = false
	mustFail(t, f, "https://good.example/d", Refused, "the host good.example is not allowed here")
}

func FuzzAURLThatIsTakenHasOneHostForEveryReader(f *testing.F) {
	for _, seed := range []string{"https://example.com/x", "https://example.com", "https://127.0.0.1/x", "https://EXAMPLE.com/", `https://a.example\@b.example/`, "https://a.example:443/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, problem := CheckURL(s)
		if problem != "" {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Host != host || u.Hostname() != host || u.User != nil || u.Fragment != "" {
			t.Errorf("%q is %#v (%v), want the host %q", s, u, err, host)
		}
		rest, _ := strings.CutPrefix(s, "https://"+host)
		if _, err := netip.ParseAddr(host); err == nil || host != strings.ToLower(host) || rest != "" && !strings.ContainsAny(rest[:1], "/?") {
			t.Errorf("%q has the host %q", s, host)
		}
	})
}
