package mcpoauth_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// Each set-up that breaks somebody's sign-in says so in the log, once, however often
// it is met, and is harmless otherwise.
func TestAWrongSetUpInFrontIsSaidOnce(t *testing.T) {
	const peer, stranger = "10.0.0.1:1234", "203.0.113.9:1234"
	for name, test := range map[string]struct {
		event, path, peer string
		headers           []string
	}{
		"a proxy that is not trusted":           {"proxy.untrusted", "/authorize", stranger, []string{"X-Forwarded-For", "198.51.100.1"}},
		"a proxy that is":                       {"", "/authorize", peer, []string{"X-Forwarded-For", "198.51.100.1", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "example.com"}},
		"no proxy":                              {"", "/authorize", stranger, nil},
		"a proxy that takes plain http":         {"proxy.plaintext", "/authorize", peer, []string{"X-Forwarded-Proto", "http"}},
		"a stranger who says so":                {"", "/authorize", stranger, []string{"X-Forwarded-Proto", "http"}},
		"a browser at another name":             {"host.unexpected", "/authorize", stranger, []string{"Host", "other.example", "Sec-Fetch-Dest", "document"}},
		"a browser at another name, by a proxy": {"host.unexpected", "/authorize", peer, []string{"X-Forwarded-Host", "other.example", "Sec-Fetch-Dest", "document"}},
		"and by one that says whose it is":      {"host.unexpected", "/authorize", peer, []string{"X-Forwarded-Host", "other.example", "X-Forwarded-For", "198.51.100.1", "Sec-Fetch-Dest", "document"}},
		"a proxy that rewrites the host":        {"", "/authorize", peer, []string{"Host", "backend:8080", "Sec-Fetch-Dest", "document"}},
		"one that is not trusted and does so":   {"proxy.untrusted", "/authorize", stranger, []string{"Host", "backend:8080", "X-Forwarded-For", "198.51.100.1", "Sec-Fetch-Dest", "document"}},
		"a program at another name":             {"", "/authorize", stranger, []string{"Host", "backend:8080"}},
		"a path prefix":                         {"path.prefixed", "/notes/authorize", stranger, nil},
		"before the token endpoint":             {"path.prefixed", "/notes/token", stranger, nil},
		"before registration":                   {"path.prefixed", "/notes/register", stranger, nil},
		"before that of passkeys":               {"path.prefixed", "/notes/passkey/register", stranger, nil},
		"no path prefix":                        {"", "/passkey/register", stranger, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, router := inProcess(t, mcpoauth.Config{TrustedProxies: []string{"10.0.0.0/8"}})
			for range 3 {
				r := httptest.NewRequestWithContext(t.Context(), "GET", test.path, nil)
				r.Host, r.RemoteAddr = "example.com", test.peer
				for i := 0; i < len(test.headers); i += 2 {
					if test.headers[i] == "Host" {
						r.Host = test.headers[i+1]
					}
					r.Header.Set(test.headers[i], test.headers[i+1])
				}
				router.ServeHTTP(httptest.NewRecorder(), r)
			}
			for _, event := range []string{"proxy.untrusted", "proxy.plaintext", "host.unexpected", "path.prefixed"} {
				want := 0
				if event == test.event {
					want = 1
				}
				if got := strings.Count(s.logs.String(), `"`+event+`"`); got != want {
					t.Errorf("%s was said %d times, want %d", event, got, want)
				}
			}
		})
	}
}

func TestStrangersCannotDrownTheLogWithWarnings(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	for n := range 200 {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/"+strconv.Itoa(n)+strings.Repeat("x", 10_000)+"/authorize", nil)
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		r.RemoteAddr = "203.0.113." + strconv.Itoa(n) + ":1"
		router.ServeHTTP(httptest.NewRecorder(), r)
	}
	for _, event := range []string{"path.prefixed", "proxy.untrusted"} {
		if n := strings.Count(s.logs.String(), `"`+event+`"`); n != 8 {
			t.Errorf("%s was said %d times, want 8", event, n)
		}
	}
	if size := len(s.logs.String()); size > 25_000 {
		t.Errorf("%d bytes", size)
	}
}

// A few dozen requests would otherwise silence the warnings until the next start.
func TestAFloodOfOneWarningSilencesNoOther(t *testing.T) {
	doors := map[string]func(r *http.Request, n string){
		"path.prefixed": func(r *http.Request, n string) { r.URL.Path = "/x-" + n + "/token" },
		"proxy.untrusted": func(r *http.Request, n string) {
			r.RemoteAddr = "203.0.113." + n + ":1"
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
		},
		"host.unexpected": func(r *http.Request, n string) {
			r.Host = "x" + n + ".example"
			r.Header.Set("Sec-Fetch-Dest", "document")
		},
		"proxy.plaintext": func(r *http.Request, _ string) {
			r.RemoteAddr = "10.0.0.1:1"
			r.Header.Set("X-Forwarded-Proto", "http")
		},
	}
	for flood, flooded := range doors {
		t.Run(flood, func(t *testing.T) {
			s, router := inProcess(t, mcpoauth.Config{TrustedProxies: []string{"10.0.0.0/8"}})
			ask := func(change func(r *http.Request, n string), n int) {
				r := httptest.NewRequestWithContext(t.Context(), "GET", "/authorize", nil)
				r.Host, r.RemoteAddr = "example.com", "203.0.113.200:1"
				change(r, strconv.Itoa(n))
				router.ServeHTTP(httptest.NewRecorder(), r)
			}
			for n := range 100 {
				ask(flooded, n)
			}
			for event, change := range doors {
				ask(change, 0)
				if !strings.Contains(s.logs.String(), `"`+event+`"`) {
					t.Errorf("%s is not said", event)
				}
			}
		})
	}
}

func TestATrustedProxyMayBeWrittenAsAnIPv4InIPv6Address(t *testing.T) {
	for _, proxy := range []string{"::ffff:10.0.0.7", "::ffff:10.0.0.0/104"} {
		s, router := inProcess(t, mcpoauth.Config{TrustedProxies: []string{proxy}})
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/authorize", nil)
		r.RemoteAddr = "10.0.0.7:1"
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		router.ServeHTTP(httptest.NewRecorder(), r)
		if strings.Contains(s.logs.String(), "proxy.untrusted") {
			t.Errorf("%s is not trusted", proxy)
		}
	}
}

func TestTheWholeFlowWorksOverHTTP2AndBehindATunnel(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	listener := httptest.NewUnstartedServer(router)
	listener.EnableHTTP2 = true
	listener.StartTLS()
	t.Cleanup(listener.Close)
	s.http = s.browser(listener)
	s.http.Transport = &tunnel{s.http.Transport}
	s.setUp()
	client := s.login()
	res := s.call(client.access)
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("got %s %d", res.Proto, res.StatusCode)
	}
	if res := s.refresh(client.clientID, client.refresh); res.StatusCode != http.StatusOK {
		t.Errorf("refreshing: %d %s", res.StatusCode, res.body)
	}
}

// What a proxy did to the headers of a request may cost the request, and never more.
func TestHeadersThatAProxyJoinedOrStripped(t *testing.T) {
	s := owned(t)
	client := s.login()
	for name, test := range map[string]struct {
		headers []string
		status  int
		code    string
	}{
		"as they were":               {[]string{"Authorization", "Bearer " + client.access}, http.StatusOK, ""},
		"in lower case":              {[]string{"authorization", "bearer " + client.access}, http.StatusOK, ""},
		"spaces between":             {[]string{"Authorization", "Bearer   " + client.access}, http.StatusOK, ""},
		"two joined into one":        {[]string{"Authorization", "Bearer " + client.access + ", Bearer " + client.access}, http.StatusUnauthorized, "invalid_token"},
		"its own in front, joined":   {[]string{"Authorization", "Basic cHJveHk6cHJveHk=, Bearer " + client.access}, http.StatusUnauthorized, "unauthorized"},
		"its own beside":             {[]string{"Authorization", "Bearer " + client.access, "Authorization", "Basic cHJveHk6cHJveHk="}, http.StatusBadRequest, "invalid_request"},
		"stripped":                   {nil, http.StatusUnauthorized, "unauthorized"},
		"without a protocol version": {[]string{"Authorization", "Bearer " + client.access, "MCP-Protocol-Version", ""}, http.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			res := s.do("POST", "/mcp", strings.NewReader("{}"), test.headers...)
			if res.StatusCode != test.status {
				t.Fatalf("got %d %s, want %d", res.StatusCode, res.body, test.status)
			}
			if test.code != "" {
				res.wantError(t, test.status, test.code)
			}
		})
	}
	if res := s.call(client.access); res.StatusCode != http.StatusOK {
		t.Errorf("the token was lost on the way: %d", res.StatusCode)
	}
}

// A tunnel adds the headers that Cloudflare's does.
type tunnel struct{ next http.RoundTripper }

func (t *tunnel) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range map[string]string{
		"Cf-Connecting-Ip":  "198.51.100.1",
		"Cf-Ray":            "8f0000000000-FRA",
		"Cf-Visitor":        `{"scheme":"https"}`,
		"X-Forwarded-For":   "198.51.100.1",
		"X-Forwarded-Proto": "https",
		"Cdn-Loop":          "cloudflare",
	} {
		r.Header.Set(name, value)
	}
	return t.next.RoundTrip(r)
}

func TestPresetsAreClientsThatTheRouterTakes(t *testing.T) {
	const secret = "a-secret-of-enough-characters"
	presets := map[string]mcpoauth.Client{
		"Claude":             mcpoauth.ClaudeClient("claude", secret),
		"ChatGPT":            mcpoauth.ChatGPTClient("chatgpt", secret),
		"Visual Studio Code": mcpoauth.VSCodeClient("vscode", ""),
		"Cursor":             mcpoauth.CursorClient("cursor", ""),
		"Copilot Studio":     mcpoauth.CopilotStudioClient("copilot", secret, "cr0a1-notes-5f0a"),
		"Le Chat":            mcpoauth.MistralClient("mistral", ""),
		"Perplexity":         mcpoauth.PerplexityClient("perplexity", secret),
		"Grok":               mcpoauth.GrokClient("grok", secret),
	}
	var clients []mcpoauth.Client
	for _, client := range presets {
		clients = append(clients, client)
	}
	s := serve(t, mcpoauth.Config{Clients: clients, DisableRegistration: true, DisableMetadataDocuments: true})
	s.setUp()
	for name, client := range presets {
		for _, uri := range client.RedirectURIs {
			page := s.get("/authorize?" + authorizationRequest(client.ID, uri).Encode())
			page.wantPage(t, http.StatusOK, name)
		}
	}
}
