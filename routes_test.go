package mcpoauth_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// routes are the paths of this package with the methods they have.
var routes = map[string][]string{
	asMetadata:                    {"GET", "HEAD", "OPTIONS"},
	prmMetadata:                   {"GET", "HEAD", "OPTIONS"},
	prmMetadata + "/":             {"GET", "HEAD", "OPTIONS"},
	prmMetadata + "/mcp":          {"GET", "HEAD", "OPTIONS"},
	"/register":                   {"POST", "OPTIONS"},
	"/authorize":                  {"GET", "HEAD", "POST", "OPTIONS"},
	"/authorize/assets/style.css": {"GET", "HEAD", "OPTIONS"},
	"/passkey/register":           {"GET", "HEAD", "OPTIONS"},
	"/passkey/register/start":     {"POST", "OPTIONS"},
	"/passkey/register/finish":    {"POST", "OPTIONS"},
	"/passkey/auth/start":         {"POST", "OPTIONS"},
	"/passkey/auth/finish":        {"POST", "OPTIONS"},
	"/token":                      {"POST", "OPTIONS"},
	"/revoke":                     {"POST", "OPTIONS"},
	"/health":                     {"GET", "HEAD", "OPTIONS"},
}

func TestAPathAnswersItsMethodsAndNamesThemToEveryOther(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for path, methods := range routes {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			res := s.do(method, path, nil, "Sec-Fetch-Site", "same-origin")
			switch {
			case !slices.Contains(methods, method):
				if method != "HEAD" {
					res.wantError(t, http.StatusMethodNotAllowed, "invalid_request")
				}
				wantSame(t, method+" "+path+": the methods", strings.Split(res.Header.Get("Allow"), ", "), methods)
			case method == "OPTIONS":
				if res.StatusCode != http.StatusNoContent {
					t.Errorf("%s %s: %d %v", method, path, res.StatusCode, res.Header)
				}
				wantSame(t, method+" "+path+": the methods", strings.Split(res.Header.Get("Allow"), ", "), methods)
			case res.StatusCode == http.StatusNotFound, res.StatusCode == http.StatusMethodNotAllowed, res.StatusCode >= 500:
				t.Errorf("%s %s: %d %s", method, path, res.StatusCode, res.body)
			}
		}
	}
}

func TestAMethodThatNoPathHasIs501InJSON(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, path := range []string{"/token", "/authorize", "/nothing", asMetadata} {
		s.do("PROPFIND", path, nil).wantError(t, http.StatusNotImplemented, "invalid_request")
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient).Encode()
	for _, target := range []string{"/authorize?" + request, "/authorize", "/passkey/register", "/health", "/nothing", asMetadata} {
		get, head := s.get(target), s.do("HEAD", target, nil)
		if head.body != "" || head.StatusCode != get.StatusCode || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: GET %d %v, HEAD %d %v", target, get.StatusCode, get.Header, head.StatusCode, head.Header)
		}
	}
}

func TestWhatIsNoRouteIs404InJSONAndAPageForAPerson(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, path := range []string{
		"/", "/nothing", "/favicon.ico", "/robots.txt", "/index.html", "/authorize/", "/authorize/x", "/authorize/assets/", "/authorize/assets/../../token",
		"/token/", "/token/x", "/tokens", "/passkey", "/passkey/", "/passkey/auth", "/register/client-id", "/healthz", "/.git/config",
		"/%74oken", "/%68ealth", // another spelling, which whatever stands in front may read otherwise
	} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			s.do(method, path, nil).wantError(t, http.StatusNotFound, "not_found")
		}
		page := s.get(path, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
		if page.StatusCode != http.StatusNotFound || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.body, mcpURL) {
			t.Errorf("%s: %d %s %s", path, page.StatusCode, page.Header.Get("Content-Type"), page.body)
		}
		if page.Header.Get("Content-Security-Policy") == "" || page.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, page.Header)
		}
	}
}

func TestTheNotFoundPageShowsNothingOfTheRequest(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	if page := s.get("/%3Cscript%3Ealert(1)%3C/script%3E?q=zebra", "Accept", "text/html"); strings.Contains(page.body, "alert(1)") || strings.Contains(page.body, "zebra") {
		t.Error(page.body)
	}
}

// seen is what reached the wrapped handler.
func (a answer) seen(t *testing.T) (path string) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.json(t, "ok") != true {
		t.Fatalf("%s did not reach the handler: %d %s", a.Request.URL, a.StatusCode, a.body)
	}
	return a.text(t, "path")
}

func TestRequestsBelowAResourceReachTheHandlerWithTheirPathUnchanged(t *testing.T) {
	s := owned(t)
	bearer := []string{"Authorization", "Bearer " + s.login().access}
	for target, want := range map[string]string{
		"/mcp":                "/mcp",
		"/mcp/":               "/mcp/",
		"/mcp/sub/path":       "/mcp/sub/path",
		"/mcp/a%20b":          "/mcp/a b",
		"/mcp/a%2Fb":          "/mcp/a/b",
		"/mcp%2Fx":            "/mcp/x",
		"/mcp?a=b&c":          "/mcp",
		"/mcp/.well-known/x":  "/mcp/.well-known/x",
		"/mcp/token":          "/mcp/token",
		"/mcp/...":            "/mcp/...",
		"/mcp/.hidden":        "/mcp/.hidden",
		"/mcp/a..b/c.":        "/mcp/a..b/c.",
		"/%6dcp":              "/mcp",
		"/mcp/;x=1":           "/mcp/;x=1",
		"/mcp/authorize/deep": "/mcp/authorize/deep",
	} {
		if got := s.get(target, bearer...).seen(t); got != want {
			t.Errorf("%s arrives as %s, want %s", target, got, want)
		}
		if res := s.get(target); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", target, res.StatusCode)
		}
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if got := s.do(method, "/mcp/x", nil, bearer...); got.text(t, "method") != method {
			t.Errorf("%s: %d %s", method, got.StatusCode, got.body)
		}
	}
}

// A handler that cleans paths would take them for others than those that were guarded.
func TestAPathThatIsNotCleanBelongsToNoResource(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/mcp/admin"}, {Path: "/"}}})
	s.setUp()
	bearer := []string{"Authorization", "Bearer " + s.login().access}
	for _, target := range []string{
		"/mcp//admin", "/mcp/./admin", "/mcp/x/../admin", "/mcp/../token", "/mcp/..", "/mcp/.", "/mcp//", "/mcp/x//", "//mcp", "/./mcp", "/../mcp", "/x/..",
		"/mcp%2F%2Fadmin", "/mcp/%2e/admin", "/mcp/x/%2E%2e/admin", "/mcp/%2e%2e%2ftoken",
		"/mcp/..;/x", "/mcp/..;", "/mcp/%2e%2e;x=y/actuator", "/mcp/..%3b/x", "/mcp/.;/admin", "/mcp/;/admin", "/mcp/a/;x=y/", "/mcp/a;b/..;c;d/admin", "/..;/mcp",
	} {
		s.get(target, bearer...).wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestNothingReachesTheHandlerButThroughTheGuard(t *testing.T) {
	for name, resources := range map[string][]mcpoauth.Resource{
		"at /mcp":             nil,
		"at the whole origin": {{Path: "/"}},
		"at both":             {{Path: "/mcp"}, {Path: "/"}},
		"at two":              {{Path: "/mcp"}, {Path: "/mcp/deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("%s %q came through", r.Method, r.URL)
			})
			router := buildWith(t, mcpoauth.Config{Resources: resources, RateLimits: unlimited}, inner)
			for _, target := range []string{
				"/", "/mcp", "/mcp/", "/mcpx", "/mcp%2F", "/mcp%2Fx", "//mcp", "//mcp/", "///mcp", "/./mcp", "/x/../mcp", "/%2e/mcp", "/mcp/../token", "/token/../mcp",
				"/MCP", "/mcp;x", "/mcp%00", "/mcp%3F", "/mcp.", "/mcp/..", "/mcp/deep", "/mcp/deeper", "/%6dcp", "/mcp%20", "/.well-known/../mcp", "/authorize/../mcp",
				"/health/../mcp", "/token", "/token/", "/authorize/x", "/passkey/x", "/.well-known/x", "/%74oken", "/token%2Fx", "/;/mcp", "/mcp\\x", "/mcp?access_token=x",
				"https://example.com/mcp", "https://evil.example/mcp", "http://example.com", "*",
			} {
				for _, method := range append(everyMethod, "OPTIONS", "CONNECT", "get") {
					router.ServeHTTP(httptest.NewRecorder(), raw(t, method, target))
				}
			}
			router.ServeHTTP(httptest.NewRecorder(), raw(t, "CONNECT", "example.com:443"))
		})
	}
}

func TestPathsThatOnlyLookLikeAResourceAreNone(t *testing.T) {
	router := buildWith(t, mcpoauth.Config{}, http.HandlerFunc(showIdentity))
	for target, want := range map[string]int{
		"/mcp": 401, "/mcp/": 401, "/mcp/x": 401, "/mcp%2Fx": 401, "/mcp/../token": 404, "/mcp//": 404,
		"/mcpx": 404, "/MCP": 404, "//mcp": 404, "/./mcp": 404, "/x/../mcp": 404, "/mcp.": 404, "/mcp%20": 404, "/mcp;x": 404, "/": 404,
	} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, raw(t, "GET", target))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}

func TestAResourceOfTheWholeOriginLeavesThePathsOfThisPackageAlone(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/"}}})
	s.setUp()
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	request.Set("resource", serverURL+"/")
	token := s.redeem(id, webClient, s.code(request)).text(t, "access_token")
	bearer := []string{"Authorization", "Bearer " + token}

	for _, target := range []string{"/", "/mcp", "/anything/at/all", "/tokens", "/authorizes", "/healthz", "/.well-knownx", "/favicon.ico"} {
		if got := s.get(target, bearer...).seen(t); got != target {
			t.Errorf("%s arrives as %s", target, got)
		}
		if res := s.get(target); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s without a token: %d", target, res.StatusCode)
		}
	}
	for _, target := range []string{
		"/.well-known", "/.well-known/x", "/.well-known/openid-configuration", "/authorize/x", "/passkey", "/passkey/x", "/token/", "/token/x", "/revoke/x",
		"/register/x", "/health/x", "/token%2Fx",
	} {
		s.get(target, bearer...).wantError(t, http.StatusNotFound, "not_found")
	}
	for _, target := range []string{"/token", "/revoke", "/register"} {
		s.get(target, bearer...).wantError(t, http.StatusMethodNotAllowed, "invalid_request")
	}
}

func TestOfResourcesInsideOneAnotherTheDeepestGuards(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/"}, {Path: "/a"}, {Path: "/a/b"}}})
	for path, metadata := range map[string]string{"/a/b/c": "/a/b", "/a/b": "/a/b", "/a/bc": "/a", "/a/": "/a", "/ab": "", "/": ""} {
		if got := s.get(path).challenge(t)["resource_metadata"]; got != serverURL+prmMetadata+metadata {
			t.Errorf("%s is guarded by %s", path, got)
		}
	}
}

func TestHealthSaysWhetherTheStoreAnswers(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	broken := watch(backend)
	s := serve(t, mcpoauth.Config{Store: broken})
	if res := s.get("/health"); res.StatusCode != http.StatusOK || res.text(t, "status") != "ok" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, res.body)
	}
	broken.breakDown("")
	res := s.get("/health")
	res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if res.Header.Get("Retry-After") == "" || strings.Contains(res.body, errBroken.Error()) || !strings.Contains(s.logs.String(), errBroken.Error()) {
		t.Errorf("%v %s", res.Header, res.body)
	}
}

// raw is a request as it stands on the wire, such as no client library would send.
func raw(t *testing.T, method, target string) *http.Request {
	t.Helper()
	line := method + " " + target + " HTTP/1.1\r\nHost: example.com\r\n\r\n"
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(line)))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	r.RemoteAddr = "192.0.2.1:4711"
	return r.WithContext(t.Context())
}
