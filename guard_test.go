package mcpoauth_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
)

func TestGuardShowsTheHandlerWhoIsCalling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []mcpoauth.Identity
		s, _ := inProcessWith(t, mcpoauth.Config{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			identity, ok := mcpoauth.IdentityFromContext(r.Context())
			if !ok {
				t.Error("there is no identity in the context")
			}
			seen = append(seen, identity)
		}))
		s.setUp()
		id, tokens := s.connected("mcp:tools", "offline_access")
		access, issued := tokens.text(t, "access_token"), time.Now()
		time.Sleep(time.Minute)
		for _, target := range []string{"/mcp", "/mcp/", "/mcp/below?x=1"} {
			s.get(target, "Authorization", "Bearer "+access)
		}
		if len(seen) != 3 {
			t.Fatalf("the handler was reached %d times", len(seen))
		}
		for _, identity := range seen {
			if identity.UserID != "owner" || identity.ClientID != id || identity.Resource != mcpURL ||
				!slices.Equal(identity.Scopes, []string{"mcp:tools", "offline_access"}) || !identity.ExpiresAt.Equal(issued.Add(day)) {
				t.Errorf("the handler sees %+v", identity)
			}
			// The grant's ID is the part of a token that is no secret.
			if len(identity.GrantID) != 22 || !strings.Contains(access, identity.GrantID) {
				t.Errorf("the grant is %q", identity.GrantID)
			}
		}
	})
	if identity, ok := mcpoauth.IdentityFromContext(t.Context()); ok {
		t.Errorf("outside a guard there is %+v", identity)
	}
}

func TestGuardGivesEachRequestScopesOfItsOwn(t *testing.T) {
	s := serveWith(t, mcpoauth.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _ := mcpoauth.IdentityFromContext(r.Context())
		fmt.Fprint(w, first.Scopes)
		first.Scopes[0] = "admin"
		second, _ := mcpoauth.IdentityFromContext(r.Context())
		fmt.Fprint(w, second.Scopes)
	}))
	s.setUp()
	client := s.login()
	for range 2 {
		if res := s.call(client.access); res.body != "[mcp:tools][mcp:tools]" {
			t.Errorf("the handler sees %s", res.body)
		}
	}
}

func TestR56_ATokenForOneResourceIsRefusedAtAnother(t *testing.T) {
	all := []string{mcpURL, serverURL + "/other", serverURL}
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/other"}, {Path: "/"}}})
	s.setUp()
	id := s.public(webClient)
	for _, resource := range all {
		request := with(authorizationRequest(id, webClient), "resource", resource)
		tokens := s.redeem(id, webClient, s.code(request))
		s.wantEntersOnly(t, tokens.text(t, "access_token"), resource, all...)
		s.wantEntersOnly(t, s.rotate(id, tokens).text(t, "access_token"), resource, all...)
		for _, other := range all {
			if other != resource {
				s.rotate(id, tokens, "resource", other).wantError(t, http.StatusBadRequest, "invalid_target")
				s.get(other, "Authorization", "Bearer "+tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
			}
		}
	}
}

func TestR56_TwoServersUnderOneSignInKeepToThemselves(t *testing.T) {
	mux := http.NewServeMux()
	for _, name := range []string{"notes", "mail"} {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
	}
	s := serveWith(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "notes"}, {Name: "mail"}},
		Resources: []mcpoauth.Resource{{Path: "/notes", Name: "Notes", Scopes: []string{"notes"}}, {Path: "/mail", Name: "Mail", Scopes: []string{"mail"}}},
	}, mux)
	s.setUp()
	for name, other := range map[string]string{"notes": "mail", "mail": "notes"} {
		metadata := s.get("/.well-known/oauth-protected-resource/" + name)
		if metadata.text(t, "resource") != serverURL+"/"+name || metadata.text(t, "resource_name") == "" || metadata.json(t, "scopes_supported").([]any)[0] != name {
			t.Errorf("the metadata of %s: %s", name, metadata.body)
		}
		id := s.public(webClient)
		request := with(authorizationRequest(id, webClient), "resource", serverURL+"/"+name, "scope", "")
		tokens := s.redeem(id, webClient, s.code(request))
		if got := tokens.text(t, "scope"); got != name {
			t.Errorf("who asks for no scope at %s gets %q", name, got)
		}
		bearer := "Bearer " + tokens.text(t, "access_token")
		if res := s.get("/"+name, "Authorization", bearer); res.body != name {
			t.Errorf("at %s: %d %s", name, res.StatusCode, res.body)
		}
		s.get("/"+other, "Authorization", bearer).wantError(t, http.StatusUnauthorized, "invalid_token")
	}
}

func TestGuardTakesAccessTokensInTheHeaderAndNothingElse(t *testing.T) {
	s := owned(t)
	client := s.login()
	code := s.code(authorizationRequest(client.clientID, webClient))
	access, form := client.access, "application/x-www-form-urlencoded"
	tests := []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		code                       string
	}{
		{"no header", "POST", "/mcp", "", nil, 401, "unauthorized"},
		{"the token in the query", "GET", "/mcp?access_token=" + access, "", nil, 401, "unauthorized"},
		{"the token in a form", "POST", "/mcp", "access_token=" + access, []string{"Content-Type", form}, 401, "unauthorized"},
		{"the token in a cookie", "POST", "/mcp", "", []string{"Cookie", "access_token=" + access}, 401, "unauthorized"},
		{"an empty header", "POST", "/mcp", "", []string{"Authorization", ""}, 401, "unauthorized"},
		{"the token without a scheme", "POST", "/mcp", "", []string{"Authorization", access}, 401, "unauthorized"},
		{"another scheme", "POST", "/mcp", "", []string{"Authorization", "Basic " + access}, 401, "unauthorized"},
		{"DPoP", "POST", "/mcp", "", []string{"Authorization", "DPoP " + access}, 401, "unauthorized"},
		{"no token", "POST", "/mcp", "", []string{"Authorization", "Bearer "}, 401, ""},
		{"a refresh token", "POST", "/mcp", "", []string{"Authorization", "Bearer " + client.refresh}, 401, "invalid_token"},
		{"a code", "POST", "/mcp", "", []string{"Authorization", "Bearer " + code}, 401, "invalid_token"},
		{"a client ID", "POST", "/mcp", "", []string{"Authorization", "Bearer " + client.clientID}, 401, "invalid_token"},
		{"a token cut short", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access[:len(access)-1]}, 401, "invalid_token"},
		{"a token with more behind it", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access + "A"}, 401, "invalid_token"},
		{"a token and another", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access + " " + access}, 401, "invalid_token"},
		{"a token of the grant with another secret", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access[:len(access)-43] + strings.Repeat("A", 43)}, 401, "invalid_token"},
		{"a token of another grant", "POST", "/mcp", "", []string{"Authorization", "Bearer " + strings.Replace(access, access[12:34], strings.Repeat("A", 22), 1)}, 401, "invalid_token"},
		{"two headers", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access, "Authorization", "Bearer " + access}, 400, "invalid_request"},
		{"two headers, one of them another scheme", "POST", "/mcp", "", []string{"Authorization", "Bearer " + access, "Authorization", "Basic eA=="}, 400, "invalid_request"},
		{"below the resource", "POST", "/mcp/below", "", nil, 401, "unauthorized"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := s.do(test.method, test.target, strings.NewReader(test.body), test.headers...)
			if test.code == "" { // net/http cuts the space off: either is right
				test.code = res.text(t, "error")
			}
			res.wantError(t, test.status, test.code)
			challenge := res.Header.Values("WWW-Authenticate")
			if len(challenge) != 1 || !strings.HasPrefix(challenge[0], "Bearer ") || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("the headers are %v", res.Header)
			}
			if strings.Contains(challenge[0], "error=") != (test.code != "unauthorized") {
				t.Errorf("the challenge of %s is %q", test.code, challenge)
			}
		})
	}
	for _, header := range []string{"Bearer " + access, "bearer " + access, "BEARER   " + access} {
		if res := s.do("POST", "/mcp", nil, "Authorization", header); res.StatusCode != http.StatusOK {
			t.Errorf("%.10q is answered with %d", header, res.StatusCode)
		}
	}
	// Paths that only begin alike, and those that a handler behind might clean into another resource's.
	for _, target := range []string{"/mcpx", "/mcp%2e", "/MCP", "/mcp//", "/mcp/./x", "/mcp/../x", "/mcp/x/..", "/mcp/%2e%2e/x", "//mcp"} {
		if res := s.get(serverURL+target, "Authorization", "Bearer "+access); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered with %d", target, res.StatusCode)
		}
	}
}

func TestGuardReachesEveryMethodAndLeavesThePathAlone(t *testing.T) {
	s := owned(t)
	client := s.login()
	for _, method := range []string{"GET", "POST", "DELETE", "PUT"} {
		for target, path := range map[string]string{"/mcp": "/mcp", "/mcp/": "/mcp/", "/mcp/a%2Fb/..c/.d": "/mcp/a/b/..c/.d", "/mcp/a;b=..;/c": "/mcp/a;b=..;/c", "/mcp/%20": "/mcp/ "} {
			res := s.do(method, target, nil, "Authorization", "Bearer "+client.access)
			if res.StatusCode != http.StatusOK || res.text(t, "path") != path || res.text(t, "method") != method {
				t.Errorf("%s %s reaches the handler as %d %s", method, target, res.StatusCode, res.body)
			}
		}
	}
}

// admit returns a Router around mcp and an access token for it.
func admit(t *testing.T, cfg mcpoauth.Config, mcp http.HandlerFunc) (*mcpoauth.Router, string) {
	t.Helper()
	s, router := inProcessWith(t, cfg, mcp)
	s.setUp()
	return router, s.login().access
}

func bearing(method, target, token string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, serverURL+target, body)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

// A poisoned body must not be read.
type poisoned struct{ t *testing.T }

func (p poisoned) Read([]byte) (int, error) { p.t.Error("somebody reads the body"); return 0, io.EOF }
func (p poisoned) Close() error             { return nil }

func TestGuardHandsOnTheBodyUnreadAndTheWriterAsItCame(t *testing.T) {
	var body io.ReadCloser = poisoned{t}
	out := httptest.NewRecorder()
	reached := false
	router, token := admit(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Body == body { // not one of the requests by which the client logged in
			reached = true
			if w != http.ResponseWriter(out) {
				t.Errorf("the handler writes to a %T", w)
			}
		}
	})
	r := bearing("POST", "/mcp", token, nil)
	r.Body = body
	router.ServeHTTP(out, r)
	if !reached {
		t.Errorf("the handler got another body (%d)", out.Code)
	}
	for _, token := range []string{"unknown", ""} {
		refused := httptest.NewRecorder()
		r := bearing("POST", "/mcp", token, nil)
		r.Body = body
		router.ServeHTTP(refused, r)
		if refused.Code != http.StatusUnauthorized {
			t.Errorf("without a token the answer is %d", refused.Code)
		}
	}
}

// Both ways: the option must not cost what it does not need to.
var repair = map[string]mcpoauth.Config{
	"as it is":      {},
	"with 401 made": {InnerUnauthorizedAsNotFound: true},
}

func TestGuardLeavesALargeBodyAsItIs(t *testing.T) {
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB: more than any of our own endpoints takes
	for name, cfg := range repair {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				w.Write(body)
			}))
			s.setUp()
			res := s.do("POST", "/mcp", bytes.NewReader(sent), "Authorization", "Bearer "+s.login().access)
			if res.StatusCode != http.StatusOK || res.body != string(sent) {
				t.Errorf("%d bytes came back (%d)", len(res.body), res.StatusCode)
			}
		})
	}
}

func TestGuardLetsEventsThroughOneByOne(t *testing.T) {
	const events = 3
	flushes := map[string]func(http.ResponseWriter) error{
		"http.Flusher": func(w http.ResponseWriter) error {
			w.(http.Flusher).Flush()
			return nil
		},
		"http.ResponseController": func(w http.ResponseWriter) error {
			return http.NewResponseController(w).Flush()
		},
	}
	for name, cfg := range repair {
		for by, flush := range flushes {
			t.Run(name+", by "+by, func(t *testing.T) {
				arrived := make(chan struct{})
				s := serveWith(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
						t.Error(err)
					}
					w.Header().Set("Content-Type", "text/event-stream")
					for n := range events {
						fmt.Fprintf(w, "data: %d\n\n", n)
						if err := flush(w); err != nil {
							t.Error(err)
						}
						select { // the next one only after this one was read
						case <-arrived:
						case <-r.Context().Done():
							return
						}
					}
				}))
				s.setUp()
				res := s.open(t, s.login().access)
				lines := bufio.NewScanner(res.Body)
				for n := range events {
					if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", n) || !lines.Scan() {
						t.Fatalf("instead of event %d there is %q (%v)", n, lines.Text(), lines.Err())
					}
					arrived <- struct{}{}
				}
				if lines.Scan() {
					t.Errorf("there is more: %q", lines.Text())
				}
			})
		}
	}
}

// open begins a request to the guarded handler and returns as soon as there are
// headers. What hangs is given up after a while.
func (s *server) open(t *testing.T, token string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", mcpURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := s.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestGuardTellsTheHandlerThatTheClientHasGone(t *testing.T) {
	for name, cfg := range repair {
		t.Run(name, func(t *testing.T) {
			gone := make(chan error, 1)
			s := serveWith(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				gone <- r.Context().Err()
			}))
			s.setUp()
			s.open(t, s.login().access).Body.Close()
			if err := <-gone; err != context.Canceled {
				t.Errorf("the context ends with %v", err)
			}
		})
	}
}

func TestGuardLetsTheHandlerTakeTheConnectionOver(t *testing.T) {
	for name, cfg := range repair {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				fmt.Fprint(buffer, "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 5\r\nConnection: close\r\n\r\nshort")
				buffer.Flush()
			}))
			s.setUp()
			if res := s.call(s.login().access); res.StatusCode != http.StatusTeapot || res.body != "short" {
				t.Errorf("the answer is %d %s", res.StatusCode, res.body)
			}
		})
	}
}

func TestGuardPassesTheHandlersOwnAnswersOn(t *testing.T) {
	for name, cfg := range repair {
		t.Run(name, func(t *testing.T) {
			s := serveWith(t, cfg, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var status int
				fmt.Sscan(r.URL.Query().Get("status"), &status)
				w.WriteHeader(http.StatusEarlyHints)
				w.Header().Set("WWW-Authenticate", "Inner")
				w.Header().Set("Mcp-Session-Id", "abc")
				w.Header().Set("Content-Length", "10")
				w.WriteHeader(status)
				io.WriteString(w, "inner ")
				io.WriteString(w, "body")
			}))
			s.setUp()
			token := "Bearer " + s.login().access
			for _, status := range []int{200, 202, 400, 401, 403, 404, 405, 429, 500, 503} {
				res := s.get(fmt.Sprintf("/mcp?status=%d", status), "Authorization", token)
				want, body, challenge := status, "inner body", "Inner"
				if cfg.InnerUnauthorizedAsNotFound && status == http.StatusUnauthorized {
					want, body, challenge = http.StatusNotFound, "Session not found", ""
				}
				if res.StatusCode != want || res.body != body || res.Header.Get("WWW-Authenticate") != challenge || res.Header.Get("Mcp-Session-Id") != "abc" {
					t.Errorf("%d becomes %d %v %s", status, res.StatusCode, res.Header, res.body)
				}
			}
		})
	}
}

func TestGuardsOwn401IsNeverTurnedInto404(t *testing.T) {
	s := serve(t, mcpoauth.Config{InnerUnauthorizedAsNotFound: true})
	s.get("/mcp").wantError(t, http.StatusUnauthorized, "unauthorized")
	s.call("unknown").wantError(t, http.StatusUnauthorized, "invalid_token")
}

func TestInnerUnauthorizedAsNotFoundWorksOnAHandlerThatStreams(t *testing.T) {
	s, _ := inProcessWith(t, mcpoauth.Config{InnerUnauthorizedAsNotFound: true}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Mcp-Session-Id") == "" {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(http.StatusUnauthorized)
			for range 3 {
				io.WriteString(w, "no session")
				w.(http.Flusher).Flush()
			}
			return
		}
		w.(http.Flusher).Flush() // sends 200 by itself
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "session")
	}))
	s.setUp()
	token := "Bearer " + s.login().access
	if res := s.get("/mcp", "Authorization", token); res.StatusCode != http.StatusNotFound || res.body != "Session not found" {
		t.Errorf("without a session the answer is %d %q", res.StatusCode, res.body)
	}
	if res := s.get("/mcp", "Authorization", token, "Mcp-Session-Id", "abc"); res.StatusCode != http.StatusOK || res.body != "session" {
		t.Errorf("with a session the answer is %d %q", res.StatusCode, res.body)
	}
}

func TestR16_RequireScopesAsksForAllThatIsNeeded(t *testing.T) {
	reached := false
	inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true })
	mux := http.NewServeMux()
	mux.Handle("/mcp", inner)
	mux.Handle("/mcp/write", mcpoauth.RequireScopes(inner, "notes:write"))
	mux.Handle("/mcp/both", mcpoauth.RequireScopes(inner, "notes:write", "mcp:tools"))
	mux.Handle("/mcp/tools", mcpoauth.RequireScopes(inner, "mcp:tools"))
	mux.Handle("/mcp/nothing", mcpoauth.RequireScopes(inner))
	s, _ := inProcessWith(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "notes:write"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}},
	}, mux)
	s.setUp()
	_, reader := s.connected("mcp:tools")
	_, writer := s.connected("mcp:tools", "notes:write")
	_, lost := s.connected("notes:write")
	const where = `, resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp"`
	tests := []struct {
		name   string
		tokens answer
		path   string
		scope  string // that the challenge asks for; "" lets in
	}{
		{"entering", reader, "/mcp", ""},
		{"entering without its scope", lost, "/mcp", "mcp:tools"},
		{"a part that needs no more", reader, "/mcp/tools", ""},
		{"a part that names none", reader, "/mcp/nothing", ""},
		{"a part that needs more", reader, "/mcp/write", "mcp:tools notes:write"},
		{"a part that needs more, named in another order", reader, "/mcp/both", "mcp:tools notes:write"},
		{"a part that needs more, by who has it", writer, "/mcp/both", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reached = false
			res := s.get(test.path, "Authorization", "Bearer "+test.tokens.text(t, "access_token"))
			if reached != (test.scope == "") {
				t.Errorf("the handler was reached: %v", reached)
			}
			if test.scope == "" {
				return
			}
			res.wantError(t, http.StatusForbidden, "insufficient_scope")
			if got, want := res.Header.Get("WWW-Authenticate"), `Bearer error="insufficient_scope", scope="`+test.scope+`"`+where; got != want {
				t.Errorf("the challenge is\n%s, want\n%s", got, want)
			}
		})
	}
}

func TestRequireScopesOutsideAGuardLetsNobodyIn(t *testing.T) {
	for _, scopes := range [][]string{{"mcp:tools"}, nil} {
		handler := mcpoauth.RequireScopes(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Error("the handler was reached")
		}), scopes...)
		out := httptest.NewRecorder()
		handler.ServeHTTP(out, bearing("GET", "/mcp", "a-token", nil))
		if out.Code != http.StatusForbidden {
			t.Errorf("the answer is %d", out.Code)
		}
	}
}

func TestR49_TheGuardAnswers503WhenTheStoreFails(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{})
	client := s.login()
	backend.breakDown("get grant")
	res := s.call(client.access)
	res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if res.Header.Get("Retry-After") != "5" || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("the headers are %v", res.Header)
	}
	s.get("/mcp").wantError(t, http.StatusUnauthorized, "unauthorized") // it needs no store
	s.call("malformed").wantError(t, http.StatusUnauthorized, "invalid_token")
	backend.mend()
	if res := s.call(client.access); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards the answer is %d", res.StatusCode)
	}
}

// A writer costs nothing by itself, so that what is counted is the Router's.
type writer struct {
	header http.Header
	status int
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) WriteHeader(status int)      { w.status = status }
func (w *writer) Write(p []byte) (int, error) { return len(p), nil }

// byHand is a request as net/http would make it; httptest's would be parsed anew.
func byHand(token string) *http.Request {
	return &http.Request{
		Method: "POST", URL: &url.URL{Path: "/mcp"}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "example.com",
		Header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1234",
	}
}

// The whole way through the Router with its limit, as a client takes it.
func TestTheRouterAllocatesNextToNothingForAnMCPRequest(t *testing.T) {
	reached := 0
	s, router := inProcessWith(t, mcpoauth.Config{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	s.setUp()
	request, out := byHand(s.login().access), &writer{header: make(http.Header)}
	reached = 0
	const runs = 1000
	if got := testing.AllocsPerRun(runs, func() { router.ServeHTTP(out, request) }); got > 3 || reached != runs+1 {
		t.Errorf("an accepted request costs %v allocations (%d reached the handler)", got, reached)
	}
	unknown := byHand(strings.Replace(request.Header.Get("Authorization")[len("Bearer "):], "_at_", "_at_A", 1)[:77])
	if got := testing.AllocsPerRun(runs, func() {
		*out = writer{header: make(http.Header)}
		router.ServeHTTP(out, unknown)
	}); got > 6 || out.status != http.StatusUnauthorized {
		t.Errorf("a refused request costs %v allocations (%d)", got, out.status)
	}
}
