package mcpoauth_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// The attacks of the MCP security best practices, and of the security considerations of
// the MCP authorization specification, each as its attacker would do it.

// "Confused Deputy Problem": the owner approved an app some time ago, and still has the
// cookie of that. A link leads them, with it, to the request of somebody else's app.
func TestMCP_ConfusedDeputy_AnotherClientIsNotWavedThroughByAnOldConsent(t *testing.T) {
	const evil = "https://evil.example/callback"
	s := notebook(t, http.HandlerFunc(showIdentity))
	honest := s.public(webClient)
	approved := with(authorizationRequest(honest, webClient), "scope", "notes:read")
	old := s.touch(s.get("/authorize?" + approved.Encode()))
	if s.decide(approved, "approve", old).location(t).Get("code") == "" {
		t.Fatal("the owner cannot approve")
	}

	metadata := map[string]any{"client_name": "Test client", "redirect_uris": []string{evil}, "token_endpoint_auth_method": "none"}
	copied, _ := s.register(metadata)
	metadata["redirect_uris"] = []string{evil, webClient}
	both, _ := s.register(metadata) // names where the honest one goes as well
	if copied == honest || both == honest {
		t.Fatal("a client with other redirect URIs has the ID of the honest one")
	}
	wider := "notes:read notes:write"
	for name, request := range map[string]struct{ id, redirectURI, host string }{
		"a copy of the app":                            {copied, evil, "evil.example"},
		"a copy that goes where the app goes":          {both, webClient, "client.example"},
		"a copy of it, by way of the attacker's place": {both, evil, "evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			r := with(authorizationRequest(request.id, request.redirectURI), "scope", wider, "prompt", "none", "approval_prompt", "auto", "decision", "approve", "ceremony", old)
			page := s.get("/authorize?"+r.Encode(), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate")
			page.wantPage(t, http.StatusOK, "name given by the app, not verified")
			if text := page.words(); !strings.Contains(text, "You will be sent to "+request.host) || strings.Contains(text, "approved before") {
				t.Errorf("the page says %s", text)
			}
			unanswered, _ := s.prompted(page)
			forApproved := s.touch(s.get("/authorize?" + approved.Encode()))
			for what, ceremony := range map[string]string{"nothing": "", "the old touch": old, "no touch": unanswered, "a touch for the honest app": forApproved} {
				if got := s.decide(r, "approve", ceremony); got.Header.Get("Location") != "" {
					t.Errorf("with %s the browser is sent to %s", what, got.Header.Get("Location"))
				}
			}
		})
	}
	// The honest app's ID with the attacker's place: nobody is led there.
	for _, res := range []answer{
		s.get("/authorize?" + authorizationRequest(honest, evil).Encode()),
		s.decide(authorizationRequest(honest, evil), "approve", old),
		s.decide(authorizationRequest(honest, evil), "deny", ""),
	} {
		res.wantPage(t, http.StatusBadRequest, "not one of those it registered")
	}
	if n := s.logged("approval.granted"); n != 1 {
		t.Errorf("%d requests were approved, want the owner's one", n)
	}
}

// "Consent Cookie Security": what a browser remembers is bound to the client, where it goes
// and the resource, and shows more or less words on a page; it never stands for a touch.
func TestMCP_ConfusedDeputy_WhatABrowserApprovedIsRememberedForThatClientAlone(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "read", Description: "Read"}, {Name: "write", Description: "Change"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"read"}}, {Path: "/other", Scopes: []string{"read"}}},
	})
	s.setUp()
	metadata := map[string]any{"redirect_uris": []string{webClient, webClient + "2"}, "token_endpoint_auth_method": "none"}
	id, _ := s.register(metadata)
	metadata["client_name"] = "Twin"
	twin, _ := s.register(metadata)
	request := with(authorizationRequest(id, webClient), "scope", "read")
	s.code(request)
	more := with(request, "scope", "read write")
	s.get("/authorize?"+more.Encode()).wantPage(t, http.StatusOK, "What you approved before")
	for name, change := range map[string][]string{
		"another client":   {"client_id", twin},
		"another place":    {"redirect_uri", webClient + "2"},
		"another resource": {"resource", serverURL + "/other"},
	} {
		page := s.get("/authorize?" + with(more, change...).Encode())
		page.wantPage(t, http.StatusOK, "Approve with passkey")
		if strings.Contains(page.words(), "before") {
			t.Errorf("%s: the page says that it was approved before: %s", name, page.words())
		}
	}
}

// "Token Passthrough", first half: a token that somebody else issued, however well made.
func TestMCP_TokenPassthrough_ATokenThatSomebodyElseIssuedIsWorthNothing(t *testing.T) {
	var reached atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { reached.Add(1) })
	s := serveWith(t, mcpoauth.Config{}, handler)
	s.setUp()
	client := s.login()

	// Another server that says it is this one, down to the client's ID.
	twin := signedIn(t)
	stolen := twin.login()
	part := func(json string) string { return base64.RawURLEncoding.EncodeToString([]byte(json)) }
	claims := part(fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"owner","client_id":%q,"scope":"mcp:tools","exp":9999999999}`, serverURL, mcpURL, client.clientID))
	for name, token := range map[string]string{
		"of a twin of this server":         stolen.access,
		"a refresh token of the twin":      stolen.refresh,
		"an API key of the twin":           twin.key("CI"),
		"a JWT that nobody signed":         part(`{"alg":"none","typ":"at+jwt"}`) + "." + claims + ".",
		"a JWT signed with a public value": part(`{"alg":"HS256","typ":"at+jwt"}`) + "." + claims + "." + part("signature"),
		"a JWT that brings its key":        part(`{"alg":"ES256","typ":"at+jwt","jku":"https://evil.example/jwks.json"}`) + "." + claims + "." + part("signature"),
		"GitHub's":                         "gho_16C7e42F292c6912E7710c838347Ae178B4a",
		"Google's":                         "ya29.a0AfH6SMBx",
		"this grant's with another secret": client.access[:len(client.access)-43] + stolen.access[len(stolen.access)-43:],
	} {
		t.Run(name, func(t *testing.T) {
			res := s.call(token)
			res.wantError(t, http.StatusUnauthorized, "invalid_token")
			if got := res.challenge(t)["resource_metadata"]; got != serverURL+prmMetadata+"/mcp" {
				t.Errorf("the challenge leads to %q", got)
			}
			s.refresh(client.clientID, token).wantError(t, http.StatusBadRequest, "invalid_grant")
		})
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the handler was reached %d times", n)
	}
	s.wantAlive(t, "the client's own token", client.access)
}

// "Session Hijacking", and "State Handle Hijacking" from 2026-07-28 on: who knows another's
// session or handle. The guard says who is calling, by the token and by nothing else, so
// that a handler can bind what it keeps to <user>:<handle> as the page advises.
func TestMCP_SessionHijacking_ASessionIDIsNobodysProof(t *testing.T) {
	var mu sync.Mutex
	kept := make(map[string]string)
	s := serveWith(t, mcpoauth.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, ok := mcpoauth.IdentityFromContext(r.Context())
		if !ok {
			t.Error("a caller without an identity")
		}
		mu.Lock()
		defer mu.Unlock()
		key := identity.UserID + ":" + r.Header.Get("Mcp-Session-Id")
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			kept[key] = string(body)
		}
		io.WriteString(w, kept[key])
	}))
	s.setUp()
	s.enter().wantRedirect(t, "/account")
	ada, bob := s.login(), s.invite("Bob").login()
	const session = "5f0c7b1e-session"
	call := func(token, body string, more ...string) answer {
		headers := append([]string{"Mcp-Session-Id", session}, more...)
		if token != "" {
			headers = append(headers, "Authorization", "Bearer "+token)
		}
		return s.do("POST", "/mcp?sessionId="+session, strings.NewReader(body), headers...)
	}
	call(ada.access, "Ada's secret")
	forged := []string{
		"X-User-Id", "owner", "X-Forwarded-User", "owner", "Mcp-User-Id", "owner", "Mcpoauth-User-Id", "owner", "X-Mcpoauth-User", "owner", "Identity", "owner",
		"Forwarded", "for=127.0.0.1;by=owner", "X-Original-Authorization", "Bearer " + ada.access, "Proxy-Authorization", "Bearer " + ada.access,
	}
	for name, headers := range map[string][]string{"as himself": nil, "with forged headers": forged} {
		if res := call(bob.access, "", headers...); res.StatusCode != http.StatusOK || res.body != "" {
			t.Errorf("Bob, %s, is shown %q (%d)", name, res.body, res.StatusCode)
		}
		call("", "", headers...).wantError(t, http.StatusUnauthorized, "unauthorized")
	}
	call(bob.access, "overwritten")
	if res := call(ada.access, ""); res.body != "Ada's secret" {
		t.Errorf("Ada is shown %q", res.body)
	}
	s.revoke(ada.clientID, ada.refresh)
	call(ada.access, "").wantError(t, http.StatusUnauthorized, "invalid_token")
}

// The same with what a browser has: another site makes the owner's own browser call, with
// each of its cookies.
func TestMCP_SessionHijacking_NoCookieOfThisServerOpensTheHandler(t *testing.T) {
	s := signedIn(t)
	s.login()
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example", "Content-Type", "text/plain"},
			{"Sec-Fetch-Site", "same-origin", "Origin", serverURL},
			{"Mcp-Session-Id", "known", "Last-Event-Id", "1"},
		} {
			res := s.do(method, "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`), headers...)
			if len(s.cookie()) == 0 || res.Request.Header.Get("Cookie") == "" {
				t.Fatal("the browser sent no cookie, so this proves nothing")
			}
			res.wantError(t, http.StatusUnauthorized, "unauthorized")
			if res.Header.Get("Access-Control-Allow-Credentials") != "" || len(res.Cookies()) > 0 {
				t.Errorf("%s: %v", method, res.Header)
			}
		}
	}
}

// "Local MCP Server Compromise", 3: a page of the attacker makes its own name lead to this
// computer (DNS rebinding). To the browser it is of one origin with the server then, so
// that nothing counts as cross-site; but cookies and passkeys go by the name.
func TestMCP_LocalServer_DNSRebindingWinsNothing(t *testing.T) {
	const local, rebound = "http://localhost:8080", "http://rebound.example:8080"
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	var reached atomic.Int64
	router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }), mcpoauth.Config{
		ServerURL: local, SetupToken: setupToken, Store: backend, Logger: slog.New(slog.DiscardHandler), RateLimits: unlimited,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	s := &server{t: t, url: local, logs: new(safeBuffer), credential: newCredential()}
	s.http = &http.Client{Transport: straight{router}, Jar: newJar(t), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.setUp()
	s.enter().wantRedirect(t, "/account")
	id := s.public(webClient)
	tokens := s.redeem(id, webClient, s.code(with(authorizationRequest(id, webClient), "resource", "")))
	tokens.wantTokens(t)

	// The same browser, and the same authenticator, under the other name.
	page := *s
	page.url = rebound
	page.get("/mcp").wantError(t, http.StatusUnauthorized, "unauthorized")
	page.form("/mcp", nil, "Origin", rebound).wantError(t, http.StatusUnauthorized, "unauthorized")
	for _, path := range accountPages {
		if res := page.get(path); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/account/sign-in") {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.words())
		}
	}
	for _, path := range accountActions {
		res := page.post(path, "confirmed", "yes", "name", "Eve", "resource", local+"/mcp", "life", "7", "scope.mcp:tools", "yes")
		if path == "/account/sign-in" {
			res.wantPage(t, http.StatusForbidden, "no longer counts")
			continue
		}
		res.wantRedirect(t, "/account/sign-in")
	}
	page.fetch("/passkey/register/start", map[string]string{"token": ""}).wantError(t, http.StatusForbidden, "invalid_link")
	if got := page.get(asMetadata); strings.Contains(got.body, "rebound") || got.text(t, "issuer") != local {
		t.Errorf("the metadata say %s", got.body)
	}

	own := page.public("https://evil.example/callback")
	request := with(authorizationRequest(own, "https://evil.example/callback"), "resource", "")
	for name, change := range map[string]func(*utterance){
		"by the name that it has":              func(u *utterance) { u.rpID = "rebound.example" },
		"by an authenticator that is careless": func(u *utterance) { u.rpID = "localhost" },
	} {
		t.Run(name, func(t *testing.T) {
			page.t = t
			page.winsNothing(t, request, change)
		})
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the handler was reached %d times", n)
	}
	if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the owner's client is refused: %d", res.StatusCode)
	}
}

// "Localhost Redirect URI Impersonation": a program on the owner's computer comes by the
// document of a real app that has a place on the web as well, as VS Code has, and that the
// owner approved there.
func TestMCP_LocalhostImpersonation_AProgramInheritsNothingFromTheAppItNames(t *testing.T) {
	const port = "http://127.0.0.1:33418/"
	synctest.Test(t, func(t *testing.T) {
		others := somewhere(map[string]string{appDocument: described(appDocument, map[string]any{"redirect_uris": []string{port, appRedirect}})})
		s := reading(t, others, mcpoauth.Config{
			Scopes:    []mcpoauth.Scope{{Name: "notes:read", Description: "Read your notes"}, {Name: "notes:write", Description: "Change your notes"}},
			Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"notes:read"}}},
		})
		known := with(authorizationRequest(appDocument, appRedirect), "scope", "notes:read")
		s.get("/authorize?"+known.Encode()).wantPage(t, http.StatusOK, "app.example", `class="badge"`)
		s.code(known)

		honest := with(authorizationRequest(appDocument, port), "scope", "notes:read")
		code := s.code(honest)
		for _, program := range []string{"http://127.0.0.1:40001/", port} { // beside the app, and after it
			forged := with(authorizationRequest(appDocument, program), "scope", "notes:read notes:write")
			page := s.get("/authorize?" + forged.Encode())
			page.wantPage(t, http.StatusOK, "Any program on this computer could be asking", "another program on this device could say so too", program, "Read your notes", "Change your notes")
			if strings.Contains(page.body, `class="badge"`) || strings.Contains(page.words(), "approved before") {
				t.Errorf("%s is taken for the app: %s", program, page.words())
			}
			ofTheRealOne := s.touch(s.get("/authorize?" + known.Encode()))
			s.decide(forged, "approve", ofTheRealOne).wantPage(t, http.StatusBadRequest, "no longer counts")
		}
		// A code that went to a program which took the port is nothing without the verifier.
		stolen := with(redemption(appDocument, port, code), "code_verifier", "the-verifier_of.another~program-0123456789-01")
		s.form("/token", stolen).wantError(t, http.StatusBadRequest, "invalid_grant")
		s.form("/token", with(stolen, "code_verifier", "")).wantError(t, http.StatusBadRequest, "invalid_request")
	})
}

// "Scope Minimization": who stole a narrow token, or a client that was given one, has no way
// to a broader one but a new approval.
func TestMCP_ScopeMinimisation_NoRequestOfAClientWidensItsGrant(t *testing.T) {
	s := notebook(t, mcpoauth.RequireScopes(http.HandlerFunc(showIdentity), "notes:read"))
	id := s.public(webClient)
	for name, scope := range map[string]string{
		"more beside it":           "notes:read notes:write",
		"all there is":             "notes:read notes:write notes:admin offline_access",
		"another":                  "notes:admin",
		"a wildcard":               "*",
		"a wildcard of a kind":     "notes:*",
		"nothing":                  "",
		"the catalogue, tabulated": "notes:read\tnotes:admin",
	} {
		t.Run(name, func(t *testing.T) {
			narrow := with(authorizationRequest(id, webClient), "scope", "notes:read")
			res := s.form("/token", with(redemption(id, webClient, s.code(narrow)), "scope", scope))
			res.wantTokens(t)
			s.wantReadsOnly(t, res)
			refreshed := s.refresh(id, res.text(t, "refresh_token"), "scope", scope)
			if refreshed.StatusCode == http.StatusOK {
				s.wantReadsOnly(t, refreshed)
			} else {
				refreshed.wantError(t, http.StatusBadRequest, "invalid_scope")
			}
		})
	}
}

// wantReadsOnly fails unless tokens are for reading, whatever else was asked for.
func (s *server) wantReadsOnly(t *testing.T, tokens answer) {
	t.Helper()
	if got := tokens.text(t, "scope"); got != "notes:read" {
		t.Errorf("the client is told that it has %q", got)
	}
	identity, _ := s.call(tokens.text(t, "access_token")).json(t, "identity").(map[string]any)
	if got := fmt.Sprint(identity["Scopes"]); got != "[notes:read]" {
		t.Errorf("the handler is told that the client has %s", got)
	}
}

// "Common Mistakes": all scopes in scopes_supported, or in each challenge, make clients ask
// for all of them.
func TestMCP_ScopeMinimisation_NobodyIsOfferedTheWholeCatalogue(t *testing.T) {
	s := notebook(t, mcpoauth.RequireToolScopes(http.HandlerFunc(showIdentity), map[string][]string{"add": {"notes:write"}}))
	offered := map[string]string{
		"the first challenge":          s.get("/mcp").challenge(t)["scope"],
		"the challenge of a bad token": s.call("x").challenge(t)["scope"],
	}
	listed, _ := s.get(prmMetadata+"/mcp").json(t, "scopes_supported").([]any)
	offered["the metadata"] = strings.Trim(fmt.Sprint(listed), "[]")
	for what, got := range offered {
		if got != "notes:read" {
			t.Errorf("%s offers %q, want what entering needs", what, got)
		}
	}
	reader := s.signIn(s.public(webClient), "").text(t, "access_token")
	refused := s.do("POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}`), "Authorization", "Bearer "+reader, "Content-Type", "application/json")
	if got := strings.Fields(refused.challenge(t)["scope"]); refused.StatusCode != http.StatusForbidden || slices.Contains(got, "notes:admin") || !slices.Contains(got, "notes:write") {
		t.Errorf("a tool that needs notes:write is refused with %d and %q", refused.StatusCode, got)
	}
}

// "Open Redirection" and "Communication Security" of the specification, from the side of who
// registers: a place that runs something, or that anybody on the way can read, is none.
func TestMCP_OpenRedirection_NoDangerousPlaceIsEverRegisteredOrFollowed(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	for _, uri := range []string{
		"javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://client.example/x", "about:blank", "view-source:https://client.example",
		"http://client.example/callback", "http://localhost.evil.example/callback", "http://127.0.0.1.evil.example/", "http://192.168.1.1/callback", "//evil.example",
		"https://client.example@evil.example/callback", "https://client.example/callback#x", "https://*.evil.example/callback", "",
	} {
		res := s.json("/register", map[string]any{"redirect_uris": []string{uri}, "token_endpoint_auth_method": "none"})
		if uri != "https://*.evil.example/callback" {
			res.wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
		} else if res.StatusCode == http.StatusCreated { // a host like any other, and no pattern
			s.ask(res.text(t, "client_id"), "https://a.evil.example/callback").wantPage(t, http.StatusBadRequest)
		}
		if uri == "" {
			continue // stands for the one that is registered
		}
		for _, res := range []answer{s.ask(id, uri), s.decide(authorizationRequest(id, uri), "deny", "")} {
			res.wantPage(t, http.StatusBadRequest)
			if strings.Contains(res.body, `href="`+uri) {
				t.Errorf("the page leads to %s", uri)
			}
		}
	}
}
