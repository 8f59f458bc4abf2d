package doctor

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
)

// Each deployment is broken in one way, as people break them.
func TestABrokenDeploymentIsCaughtWithItsRequirementAndItsClients(t *testing.T) {
	for name, test := range map[string]struct {
		deployment

		ids      []string // of all findings
		seen     string   // in one of them
		fails    []Client
		hampers  []Client
		connects []Client
	}{
		"a server that believes to be on localhost": {
			deployment: deployment{config: mcpoauth.Config{ServerURL: "http://localhost:8080"}},
			ids:        []string{"R13", "R14", "R6"},
			seen:       `"http://localhost:8080/mcp"`,
			fails:      everyone,
		},
		"the metadata of another name": {
			deployment: deployment{config: mcpoauth.Config{ServerURL: "https://old.example.com"}},
			ids:        []string{"R14", "R6"},
			seen:       `"https://old.example.com/mcp"`,
			fails:      everyone,
		},
		"an issuer with a slash": {
			deployment: deployment{wrap: rewrite(`"issuer":"https://mcp.example.com"`, `"issuer":"https://mcp.example.com/"`)},
			ids:        []string{"R3"},
			fails:      []Client{ChatGPT, Python, GoSDK, Zed, MCPGo, Strict},
			connects:   []Client{TypeScript, Claude},
		},
		"an issuer of another name": {
			deployment: deployment{wrap: rewrite(`"issuer":"https://mcp.example.com"`, `"issuer":"https://auth.example.com"`)},
			ids:        []string{"R3"},
			fails:      []Client{TypeScript, ChatGPT, GoSDK, MCPRemote},
		},
		"a proxy that strips the challenge": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) { a.Header().Del("WWW-Authenticate") })},
			ids:        []string{"R14"},
			seen:       "401 without it",
			fails:      []Client{Gemini, Strict},
			connects:   []Client{ChatGPT, TypeScript},
		},
		"a proxy that strips it from HEAD alone": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if r.Method == http.MethodHead {
					a.Header().Del("WWW-Authenticate")
				}
			})},
			ids: []string{"R14"}, fails: []Client{Gemini}, connects: []Client{Strict},
		},
		"a proxy with a password of its own": {
			deployment: deployment{wrap: instead(atEndpoint, page(401, "who are you?", "WWW-Authenticate", `Basic realm="private"`))},
			ids:        []string{"R11", "R14", "R15", "R17"},
			seen:       "asking for a password",
			fails:      everyone,
		},
		"a proxy that sends everybody to a login page": {
			deployment: deployment{wrap: instead(func(*http.Request) bool { return true }, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://login.example.com/?next=mcp", http.StatusFound)
			})},
			ids:   []string{"R1", "R10", "R11", "R14", "R15", "R2", "R5", "R7"},
			seen:  `302 to "https://login.example.com/?next=mcp"`,
			fails: everyone,
		},
		"a website that has a page for every well-known path": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool {
				return wellKnown(r) && !strings.HasPrefix(r.URL.Path, resourcePath) && r.URL.Path != serverPath
			}, page(200, "<!doctype html><title>Welcome</title>"))},
			ids:      []string{"R1", "R10", "R2"},
			seen:     "200 text/html",
			fails:    []Client{TypeScript, Inspector, MCPRemote, ClaudeCode},
			connects: []Client{ChatGPT, GoSDK},
		},
		"a website that has a page for every path but the endpoint": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path != "/mcp" }, page(200, "<!doctype html><title>Welcome</title>"))},
			ids:        []string{"R1", "R10", "R2", "R5", "R7"},
			seen:       "200 text/html",
			fails:      everyone,
		},
		"well-known paths that the proxy does not pass on": {
			deployment: deployment{wrap: instead(wellKnown, page(404, "<h1>404 Not Found</h1><hr>nginx"))},
			ids:        []string{"R1", "R10", "R2", "R5", "R7"},
			seen:       "404 text/html",
			fails:      everyone,
		},
		"resource metadata at the root alone": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, resourcePath+"/") }, http.NotFound)},
			ids:        []string{"R5"},
			fails:      []Client{ChatGPT, Python, Strict},
		},
		"metadata without CORS": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if wellKnown(r) {
					a.Header().Del("Access-Control-Allow-Origin")
				}
			})},
			ids: []string{"R11"}, fails: []Client{Inspector, Browser}, connects: []Client{Claude, GoSDK},
		},
		"a proxy that stops preflights": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.Method == http.MethodOptions }, page(403, "no"))},
			ids:        []string{"R11"}, seen: "403", fails: []Client{Inspector, Browser}, connects: []Client{Claude, ClaudeCode},
		},
		"CORS twice, by the proxy and by the server": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
				a.Header().Add("Access-Control-Allow-Origin", "*")
			})},
			ids: []string{"R11"}, seen: `"*, *"`, fails: []Client{Inspector, Browser}, connects: []Client{Claude},
		},
		"a resource with a slash": {
			deployment: deployment{wrap: rewrite(`"resource":"https://mcp.example.com/mcp"`, `"resource":"https://mcp.example.com/mcp/"`)},
			ids:        []string{"R6"},
			seen:       `"https://mcp.example.com/mcp/"`,
			fails:      []Client{Claude, ClaudeCode, GoSDK, TypeScript, Strict},
			connects:   []Client{ChatGPT, Codex},
		},
		"a resource at another path": {
			deployment: deployment{wrap: rewrite(`"resource":"https://mcp.example.com/mcp"`, `"resource":"https://mcp.example.com"`)},
			ids:        []string{"R6"}, fails: everyone,
		},
		"an endpoint that redirects to itself with a slash": {
			deployment: deployment{wrap: instead(atEndpoint, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/mcp/", http.StatusTemporaryRedirect)
			})},
			ids: []string{"R11", "R14", "R15"}, seen: `307 to "/mcp/"`, fails: everyone,
		},
		"no PKCE in the metadata": {
			deployment: deployment{wrap: rewrite(`"code_challenge_methods_supported":["S256"],`, ``)},
			ids:        []string{"R8"}, fails: []Client{ChatGPT, GoSDK, Zed}, connects: []Client{TypeScript, Claude},
		},
		"no way to register": {
			deployment: deployment{config: mcpoauth.Config{DisableRegistration: true}},
			ids:        []string{"R8"}, hampers: []Client{Cursor, Gemini}, connects: []Client{Claude, ChatGPT},
		},
		"a null in the metadata": {
			deployment: deployment{wrap: rewrite(`"revocation_endpoint":"https://mcp.example.com/revoke"`, `"revocation_endpoint":null`)},
			ids:        []string{"R8"}, seen: "revocation_endpoint", fails: []Client{TypeScript, Strict}, connects: []Client{GoSDK},
		},
		"no iss parameter": {
			deployment: deployment{wrap: rewrite(`"authorization_response_iss_parameter_supported":true`, `"x":0`)},
			ids:        []string{"R8"}, hampers: []Client{ChatGPT}, connects: []Client{Claude},
		},
		"offline_access asked for by the resource": {
			deployment: deployment{wrap: rewrite(`"scopes_supported":["mcp:tools"]`, `"scopes_supported":["mcp:tools","offline_access"]`)},
			ids:        []string{"R9"},
		},
		"two authorization servers": {
			deployment: deployment{wrap: rewrite(`"authorization_servers":["https://mcp.example.com"]`, `"authorization_servers":["https://mcp.example.com","https://b.example"]`)},
			ids:        []string{"R4"}, hampers: []Client{Claude},
		},
		"an OpenID document that is not one": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == openIDPath }, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				io.WriteString(w, `{"issuer":"https://mcp.example.com"}`)
			})},
			ids: []string{"R1"}, fails: []Client{ClaudeCode, TypeScript}, connects: []Client{ChatGPT},
		},
		"5xx for what is not there": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return wellKnown(r) && strings.HasSuffix(r.URL.Path, "-probe") }, page(502, "bad gateway"))},
			ids:        []string{"R10"}, fails: []Client{TypeScript, Codex, Goose, Python}, connects: []Client{Claude},
		},
		"an expired certificate": {
			deployment: deployment{certify: func(a *authority) tls.Certificate { return a.lasting(-90*24*time.Hour, -time.Hour) }},
			ids:        []string{"TLS"}, seen: "it is good from", fails: everyone,
		},
		"a certificate that ends soon": {
			deployment: deployment{certify: func(a *authority) tls.Certificate { return a.lasting(-80*24*time.Hour, 10*24*time.Hour) }},
			ids:        []string{"TLS"}, connects: everyone,
		},
		"a certificate that signs itself": {
			deployment: deployment{certify: func(a *authority) tls.Certificate {
				return chain(a.sign(signer{}, leaf("mcp.example.com")))
			}},
			ids: []string{"TLS"}, seen: "signed by itself", fails: everyone,
		},
		"a certificate without its chain": {
			deployment: deployment{certify: func(a *authority) tls.Certificate { return chain(a.sign(a.intermediate, leaf("mcp.example.com"))) }},
			ids:        []string{"TLS"}, seen: "it comes alone", fails: everyone,
		},
		"a certificate of another name": {
			deployment: deployment{certify: func(a *authority) tls.Certificate {
				return chain(a.sign(a.intermediate, leaf("other.example")), a.intermediate)
			}},
			ids: []string{"TLS"}, seen: `"other.example"`, fails: everyone,
		},
		"http that stays http": {
			deployment: deployment{port80: page(200, "welcome")},
			ids:        []string{"TLS"}, connects: everyone,
		},
		"a name that leads inside": {
			deployment: deployment{resolves: []string{"100.64.1.2"}},
			ids:        []string{"NET"}, connects: []Client{ClaudeCode},
		},
		"a name with IPv6 alone": {
			deployment: deployment{resolves: []string{"2001:db8::1"}},
			ids:        []string{"NET"}, fails: []Client{Claude}, connects: []Client{ChatGPT},
		},
		"metadata that is not called JSON": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if wellKnown(r) && a.Code == 200 {
					a.Header().Set("Content-Type", "text/plain")
				}
			})},
			ids: []string{"R10"}, seen: "text/plain", fails: []Client{GoSDK}, connects: []Client{TypeScript},
		},
		"metadata that is compressed for nobody and cached for ever": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if wellKnown(r) {
					a.Header().Set("Content-Encoding", "br")
					a.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
				}
			})},
			ids: []string{"R10"}, seen: "31536000", connects: everyone,
		},
		"a clock that is ten minutes behind": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
				a.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
			})},
			ids: []string{"CLOCK"}, seen: "behind", fails: []Client{ChatGPT}, connects: []Client{Claude},
		},
		"metadata that goes by X-Forwarded-Host": {
			deployment: deployment{wrap: poisoned(func(r *http.Request) string { return r.Header.Get("X-Forwarded-Host") })},
			ids:        []string{"R13"}, seen: impostor, connects: everyone,
		},
		"metadata that goes by Host": {
			deployment: deployment{wrap: poisoned(func(r *http.Request) string { return r.Host })},
			ids:        []string{"R13"}, seen: impostor, connects: everyone,
		},
		"an endpoint that nobody guards": {
			deployment: deployment{unwrap: func(mcp http.Handler) http.Handler { return mcp }},
			ids:        []string{"R11", "R14"}, seen: "anybody can use this server", fails: everyone,
		},
		"an endpoint that nobody guards, with a stream that does not end": {
			deployment: deployment{unwrap: func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					http.NewResponseController(w).Flush()
					<-r.Context().Done()
				})
			}},
			ids: []string{"R11", "R14"}, seen: "200 text/event-stream: anybody can use this server", fails: everyone,
		},
		"a path that leads past the guard": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == "/mcp/" }, func(http.ResponseWriter, *http.Request) {})},
			ids:        []string{"R14"}, seen: `"/mcp/"`, connects: everyone,
		},
		"bot protection for everything": {
			deployment: deployment{wrap: instead(func(*http.Request) bool { return true },
				page(403, "<title>Just a moment...</title>", "Server", "cloudflare", "Cf-Mitigated", "challenge"))},
			ids:   []string{"R1", "R10", "R11", "R14", "R15", "R2", "R5", "R7"},
			seen:  "403, a page of Cloudflare's bot protection",
			fails: everyone,
		},
		"bot protection for programs by their names": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return strings.Contains(r.UserAgent(), "python") },
				page(403, "<p>blocked</p>"))},
			ids: []string{"NET"}, fails: []Client{Claude}, connects: []Client{ChatGPT, ClaudeCode},
		},
		"bot protection for POST to the token endpoint": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == "/token" && r.Method == http.MethodPost }, page(503, "<script src=/cdn-cgi/challenge-platform/x>"))},
			ids:        []string{"R12"}, fails: everyone,
		},
		"a registration that the proxy does not pass on": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == "/register" && r.Method == http.MethodPost }, http.NotFound)},
			ids:        []string{"R12"}, fails: []Client{Cursor, Gemini}, connects: []Client{ChatGPT},
		},
		"403 for a bad token": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if r.Header.Get("Authorization") != "" && a.Code == 401 {
					a.Code = 403
				}
			})},
			ids: []string{"R15"}, fails: everyone,
		},
		"an error in the first challenge": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
				if c := a.Header().Get("WWW-Authenticate"); c != "" && !strings.Contains(c, "error=") {
					a.Header().Set("WWW-Authenticate", strings.Replace(c, "Bearer ", `Bearer error="invalid_token", `, 1))
				}
			})},
			ids: []string{"R14"}, hampers: []Client{Claude}, connects: []Client{ChatGPT},
		},
		"a challenge without quotation marks, behind another": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
				if c := a.Header().Get("WWW-Authenticate"); c != "" {
					a.Header()["Www-Authenticate"] = []string{`Negotiate`, c}
				}
			})},
			ids: []string{"R17"}, fails: []Client{TypeScript, MCPRemote}, connects: []Client{GoSDK},
		},
		"plain http on the internet": {
			deployment: deployment{address: "http://mcp.example.com/mcp", port80: http.NotFoundHandler()},
			ids:        []string{"NET", "R1", "R11", "R14", "R15", "R5", "R7"}, seen: "http://mcp.example.com/mcp", fails: everyone,
		},
		"TLS of another age": {
			deployment: deployment{oldTLS: true},
			ids:        []string{"TLS"}, seen: "TLS 1.1", fails: everyone,
		},
		"a challenge without quotation marks": {
			deployment: deployment{wrap: challenged(func(c string) string { return strings.ReplaceAll(c, `"`, ``) })},
			ids:        []string{"R17"}, fails: []Client{TypeScript, MCPRemote}, connects: []Client{ChatGPT},
		},
		"a challenge that is not ASCII": {
			deployment: deployment{wrap: challenged(func(c string) string { return c + `, realm="Café"` })},
			ids:        []string{"R17"}, fails: []Client{Python}, connects: []Client{ChatGPT},
		},
		"a challenge of another scheme": {
			deployment: deployment{wrap: challenged(func(string) string { return `Negotiate` })},
			ids:        []string{"R14", "R15", "R17"}, fails: []Client{TypeScript}, connects: []Client{ChatGPT},
		},
		"a challenge that does not say where the metadata is": {
			deployment: deployment{wrap: challenged(func(c string) string { return strings.Replace(c, "resource_metadata=", "x=", 1) })},
			ids:        []string{"R14"}, connects: everyone,
		},
		"a challenge with a relative URL": {
			deployment: deployment{wrap: challenged(func(c string) string { return strings.Replace(c, `"https://mcp.example.com/`, `"/`, 1) })},
			ids:        []string{"R14"}, fails: everyone,
		},
		"no scopes anywhere": {
			deployment: deployment{wrap: func(next http.Handler) http.Handler {
				return rewrite(`"scopes_supported":["mcp:tools"]`, `"x":0`)(challenged(func(c string) string { return strings.Replace(c, "scope=", "x=", 1) })(next))
			}},
			ids: []string{"R14"}, hampers: []Client{MCPRemote, Gemini}, connects: []Client{Claude},
		},
		"an expired token that gets no name": {
			deployment: deployment{wrap: challenged(func(c string) string { return strings.Replace(c, `error="invalid_token"`, `x="y"`, 1) })},
			ids:        []string{"R15"}, hampers: []Client{TypeScript}, connects: []Client{Claude},
		},
		"a challenge with success": {
			deployment: deployment{wrap: instead(atEndpoint, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WWW-Authenticate", "Bearer") })},
			ids:        []string{"R11", "R14", "R18"}, fails: everyone,
		},
		"an endpoint that is not there": {
			deployment: deployment{wrap: instead(atEndpoint, http.NotFound)},
			ids:        []string{"R11", "R14", "R15"}, seen: "404", fails: everyone,
		},
		"a server that is down behind its proxy": {
			deployment: deployment{wrap: instead(func(*http.Request) bool { return true }, page(502, "<h1>502 Bad Gateway</h1>"))},
			ids:        []string{"R1", "R10", "R11", "R14", "R15", "R2", "R5", "R7"}, seen: "502 text/html", fails: everyone,
		},
		"another origin than its own is refused": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return atEndpoint(r) && r.Header.Get("Origin") != "" }, page(403, "no"))},
			ids:        []string{"R11"}, seen: "because of Origin", fails: []Client{Inspector, Browser}, connects: []Client{Claude},
		},
		"a challenge that pages do not see": {
			deployment: deployment{wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) { a.Header().Del("Access-Control-Expose-Headers") })},
			ids:        []string{"R11"}, fails: []Client{Inspector, Browser}, connects: []Client{Claude},
		},
		"a preflight that allows Authorization by a wildcard": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if r.Method == http.MethodOptions {
					a.Header().Set("Access-Control-Allow-Headers", "*")
				}
			})},
			ids: []string{"R11"}, seen: "Access-Control-Allow-Headers: authorization", fails: []Client{Inspector, Browser},
		},
		"a preflight that allows no DELETE": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if r.Method == http.MethodOptions {
					a.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				}
			})},
			ids: []string{"R11"}, seen: "DELETE", fails: []Client{Inspector, Browser},
		},
		"metadata that wants a token": {
			deployment: deployment{wrap: instead(wellKnown, page(401, "no"))},
			ids:        []string{"R1", "R10", "R2", "R5", "R7"}, seen: "401 text/html", fails: everyone,
		},
		"metadata that is no object": {
			deployment: deployment{wrap: rewrite(`{"resource"`, `["resource"`)},
			ids:        []string{"R5", "R7"}, seen: "no JSON object", fails: everyone,
		},
		"metadata that names no server": {
			deployment: deployment{wrap: rewrite(`"authorization_servers":["https://mcp.example.com"]`, `"authorization_servers":[]`)},
			ids:        []string{"R4"}, fails: everyone,
		},
		"metadata without a token endpoint": {
			deployment: deployment{wrap: rewrite(`"token_endpoint":`, `"x":`)},
			ids:        []string{"R8"}, seen: "no token_endpoint", fails: everyone,
		},
		"metadata with relative URLs": {
			deployment: deployment{wrap: rewrite(`"token_endpoint":"https://mcp.example.com/token"`, `"token_endpoint":"/token"`)},
			ids:        []string{"R13"}, seen: `token_endpoint is "/token"`, fails: everyone,
		},
		"no grant types": {
			deployment: deployment{wrap: rewrite(`"grant_types_supported":`, `"x":`)},
			ids:        []string{"R8"}, hampers: []Client{VSCode, Zed},
		},
		"no refresh tokens": {
			deployment: deployment{wrap: rewrite(`"authorization_code","refresh_token"`, `"authorization_code"`)},
			ids:        []string{"R8"}, hampers: []Client{VSCode, Zed},
		},
		"no public clients": {
			deployment: deployment{wrap: rewrite(`"none",`, ``)},
			ids:        []string{"R8"}, hampers: []Client{Claude, Codex},
		},
		"no offline_access": {
			deployment: deployment{wrap: rewrite(`,"offline_access"`, ``)},
			ids:        []string{"R8"}, hampers: []Client{Claude}, connects: []Client{ChatGPT},
		},
		"no way in for anybody": {
			deployment: deployment{config: mcpoauth.Config{DisableRegistration: true, DisableMetadataDocuments: true}},
			ids:        []string{"R8"}, hampers: everyone,
		},
		"a login page in front of the token endpoint": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == "/token" && r.Method == http.MethodPost }, http.RedirectHandler("/login", http.StatusFound).ServeHTTP)},
			ids:        []string{"R12"}, seen: `302 to "/login"`, fails: everyone,
		},
		"an authorization endpoint that the proxy does not pass on": {
			deployment: deployment{wrap: instead(func(r *http.Request) bool { return r.URL.Path == "/authorize" }, http.NotFound)},
			ids:        []string{"R12"}, fails: everyone,
		},
		"a document that a cache has kept for days": {
			deployment: deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if wellKnown(r) {
					a.Header().Set("Age", "200000")
				}
			})},
			ids: []string{"R10"}, seen: "55 hours", connects: everyone,
		},
		"http that leads elsewhere": {
			deployment: deployment{port80: http.RedirectHandler("https://www.example.com/", http.StatusFound)},
			ids:        []string{"TLS"}, seen: "www.example.com", connects: everyone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := endpoint
			if test.address != "" {
				address = test.address
			}
			report := examine(t, address, test.start(t))
			if got := report.ids(); !slices.Equal(got, test.ids) {
				t.Errorf("the findings are %q, want %q:\n%s", got, test.ids, report)
			}
			if !strings.Contains(report.String(), test.seen) {
				t.Errorf("none says %s:\n%s", test.seen, report)
			}
			for want, clients := range map[Outcome][]Client{Fails: test.fails, Hampered: test.hampers, Connects: test.connects} {
				for _, c := range clients {
					if got := report.outcome(c); got != want {
						t.Errorf("%s %s, want %s:\n%s", c, got, want, report)
					}
				}
			}
			for _, f := range report.Findings {
				if bad := f.Severity == Fail || f.Severity == Warning; bad && (f.Seen == "" || f.Why == "" || f.Cure == "") {
					t.Errorf("%s %q lacks what was seen, why it matters or the cure", f.ID, f.Check)
				}
			}
		})
	}
}
