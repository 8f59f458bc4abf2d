package mcpoauth_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// registrations are what real clients send to /register, and where they then ask
// to be sent back.
var registrations = []struct {
	client   string
	body     string
	redirect string // of the authorization request
}{
	{
		"Claude",
		`{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"mcp:tools"}`,
		"https://claude.ai/api/mcp/auth_callback",
	},
	{
		"Claude Code, on another port than it registered",
		`{"client_name":"Claude Code (notes)","redirect_uris":["http://localhost:51001/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`,
		"http://localhost:51999/callback",
	},
	{
		"ChatGPT",
		`{"client_name":"ChatGPT","redirect_uris":["https://chatgpt.com/connector_platform_oauth_redirect"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"private_key_jwt","token_endpoint_auth_methods_supported":["none","private_key_jwt"],"jwks_uri":"https://chatgpt.com/oauth/jwks.json"}`,
		"https://chatgpt.com/connector_platform_oauth_redirect",
	},
	{
		"Codex",
		`{"client_name":"Codex","redirect_uris":["http://127.0.0.1:40123/callback/aBcDeFgHiJkL"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","response_types":["code"],"application_type":"native"}`,
		"http://127.0.0.1:40124/callback/aBcDeFgHiJkL",
	},
	{
		"VS Code",
		`{"client_name":"Visual Studio Code","client_uri":"https://code.visualstudio.com","redirect_uris":["https://insiders.vscode.dev/redirect","https://vscode.dev/redirect","http://127.0.0.1/","http://127.0.0.1:33418/"],"grant_types":["authorization_code","refresh_token","urn:ietf:params:oauth:grant-type:device_code"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"native"}`,
		"http://127.0.0.1:33420/",
	},
	{
		"Cursor",
		`{"client_name":"Cursor","redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback","https://www.cursor.com/bot/mcp/oauth/callback","grokbot://mcp/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","application_type":"web"}`,
		"cursor://anysphere.cursor-mcp/oauth/callback",
	},
	{
		"Gemini CLI",
		`{"client_name":"Gemini CLI MCP Client","redirect_uris":["http://localhost:7777/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":""}`,
		"http://localhost:7777/oauth/callback",
	},
	{
		"Goose",
		`{"client_name":"goose","redirect_uris":["http://127.0.0.1:40001/oauth_callback"],"grant_types":["authorization_code","refresh_token"],"token_endpoint_auth_method":"none","response_types":["code"]}`,
		"http://127.0.0.1:40002/oauth_callback",
	},
	{
		"Continue, with its state in the redirect URI",
		`{"client_name":"Continue Dev, Inc","redirect_uris":["http://localhost:3000?state=abc%20d"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		"http://localhost:3000?state=abc%20d",
	},
	{
		"MCP Inspector",
		`{"client_name":"MCP Inspector","client_uri":"https://github.com/modelcontextprotocol/inspector","redirect_uris":["http://localhost:6274/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"","application_type":"native"}`,
		"http://localhost:6274/oauth/callback",
	},
	{
		"mcp-remote",
		`{"client_name":"MCP CLI Proxy","client_uri":"https://github.com/geelen/mcp-remote","redirect_uris":["http://localhost:3335/oauth/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none","scope":"openid email profile","software_id":"2e6dc280-f3c3-4e01-99a7-8181dbd1d23d","software_version":"0.1.38"}`,
		"http://localhost:3335/oauth/callback",
	},
	{
		"mcp-go, with a member that nobody knows",
		`{"client_name":"mcp-go","redirect_uris":["http://[::1]:8085/oauth/callback"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token"],"response_types":["code"],"scope":"","resource":"https://example.com/mcp"}`,
		"http://[::1]:8086/oauth/callback",
	},
	{
		"Windsurf",
		`{"client_name":"Windsurf","redirect_uris":["windsurf://codeium.windsurf/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}`,
		"windsurf://codeium.windsurf/callback",
	},
	{
		"Open WebUI, confidential",
		`{"client_name":"Open WebUI","redirect_uris":["https://chat.example/oauth/clients/mcp:1/callback"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"client_secret_post"}`,
		"https://chat.example/oauth/clients/mcp:1/callback",
	},
	{
		"LobeHub, which takes the default",
		`{"client_name":"LobeHub","redirect_uris":["https://lobe.example/callback"]}`,
		"https://lobe.example/callback",
	},
}

func (s *server) registerBody(body string, headers ...string) answer {
	s.t.Helper()
	return s.do("POST", "/register", strings.NewReader(body), append(headers, "Content-Type", "application/json")...)
}

func TestR24_WhatRealClientsRegisterConnectsThem(t *testing.T) {
	s := owned(t)
	for _, test := range registrations {
		t.Run(test.client, func(t *testing.T) {
			s.in(t)
			res := s.registerBody(test.body)
			if res.StatusCode != http.StatusCreated || res.Header.Get("Cache-Control") != "no-store" || strings.Contains(res.body, "null") {
				t.Fatalf("%d %v %s", res.StatusCode, res.Header, res.body)
			}
			id, clientSecret := res.text(t, "client_id"), res.text(t, "client_secret")
			request := authorizationRequest(id, test.redirect)
			answered := s.approve(request)
			code := sentBackTo(t, answered, test.redirect).Get("code")

			form, headers := proof(res.text(t, "token_endpoint_auth_method"), id, clientSecret)
			for name, value := range map[string]string{"grant_type": "authorization_code", "code": code, "redirect_uri": test.redirect, "code_verifier": verifier} {
				form.Set(name, value)
			}
			tokens := s.form("/token", form, headers...)
			if tokens.StatusCode != http.StatusOK {
				t.Fatalf("redeeming: %d %s", tokens.StatusCode, tokens.body)
			}
			if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
				t.Errorf("calling: %d", res.StatusCode)
			}
		})
	}
}

var returnLink = regexp.MustCompile(`id="return" href="([^"]+)"`)

// sentBackTo returns what the client learns from an answer that leads the browser
// to its redirect URI, which has to come first as it stands.
func sentBackTo(t *testing.T, a answer, redirectURI string) url.Values {
	t.Helper()
	target := a.Header.Get("Location")
	if a.StatusCode == http.StatusOK {
		if found := returnLink.FindStringSubmatch(a.body); found != nil {
			target = html.UnescapeString(found[1])
		}
	}
	rest, ok := strings.CutPrefix(target, redirectURI)
	if !ok || rest == "" || !strings.ContainsAny(rest[:1], "?&") {
		t.Fatalf("%d: the browser is sent to %q, want %s and the answer", a.StatusCode, target, redirectURI)
	}
	values, err := url.ParseQuery(rest[1:])
	if err != nil || values.Get("code") == "" || values.Get("state") != "the-state" {
		t.Fatalf("the answer is %q: %v", rest, err)
	}
	return values
}

func TestR25_ARedirectThatWasNotRegisteredIsNotFollowed(t *testing.T) {
	s := owned(t)
	const registered = "http://localhost:1000/callback"
	id := s.public(registered)
	for _, uri := range []string{
		"http://localhost:2000/callback/", "http://localhost:2000/other", "http://127.0.0.1:1000/callback", "https://localhost:1000/callback",
		"http://localhost:1000/callback?x=y", "http://localhost:1000@evil.example/callback", "http://evil.example:1000/callback",
		"http://localhost:1000/callback#x", "javascript:alert(1)", "https://evil.example/callback", "//evil.example", "",
	} {
		res := s.get("/authorize?" + authorizationRequest(id, uri).Encode())
		if uri == "" {
			// Left out, it is the only one there is.
			if res.StatusCode != http.StatusOK {
				t.Errorf("without one: %d %s", res.StatusCode, res.body)
			}
			continue
		}
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %v", uri, res.StatusCode, res.Header)
		}
	}
	for _, uri := range []string{registered, "http://localhost:2000/callback", "http://localhost/callback"} {
		if res := s.get("/authorize?" + authorizationRequest(id, uri).Encode()); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", uri, res.StatusCode)
		}
	}
}

func TestR25_TheOperatorsListOfRedirectURIsHoldsAtRegistrationAndUse(t *testing.T) {
	const known = "https://own.example/callback"
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	before := serve(t, mcpoauth.Config{Store: backend})
	earlier := before.public(webClient)
	cfg := mcpoauth.Config{
		Store:        backend,
		RedirectURIs: []string{"https://claude.ai/api/mcp/auth_callback", "http://localhost/callback"},
		Clients:      []mcpoauth.Client{{ID: "own", RedirectURIs: []string{known}}},
	}
	s := serve(t, cfg)
	s.setUp()

	for _, uri := range []string{"https://claude.ai/api/mcp/auth_callback", "http://localhost:1234/callback"} {
		if res := s.get("/authorize?" + authorizationRequest(s.public(uri), uri).Encode()); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", uri, res.StatusCode)
		}
	}
	s.json("/register", map[string]any{"redirect_uris": []string{webClient}}).wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
	res := s.json("/register", map[string]any{"redirect_uris": []string{webClient, "http://localhost:8787/callback"}})
	if got := res.texts(t, "redirect_uris"); !slices.Equal(got, []string{"http://localhost:8787/callback"}) {
		t.Errorf("of two, one allowed: %q", got)
	}
	if res := s.get("/authorize?" + authorizationRequest("own", known).Encode()); res.StatusCode != http.StatusOK {
		t.Errorf("a client of the configuration: %d", res.StatusCode)
	}
	if res := s.get("/authorize?" + authorizationRequest(earlier, webClient).Encode()); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a client from before the list: %d", res.StatusCode)
	}
}

func TestR24_ABrokenRegistrationIsRefusedInJSON(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	const good = `{"redirect_uris":["https://client.example/callback"]}`
	for name, test := range map[string]struct {
		contentType, body string
		status            int
		code              string
	}{
		"a form":             {"application/x-www-form-urlencoded", "redirect_uris=x", 400, "invalid_client_metadata"},
		"no content type":    {"", good, 400, "invalid_client_metadata"},
		"broken":             {"application/json", `{`, 400, "invalid_client_metadata"},
		"nothing":            {"application/json", ``, 400, "invalid_client_metadata"},
		"a wrong type":       {"application/json", `{"redirect_uris":{}}`, 400, "invalid_client_metadata"},
		"no redirect URI":    {"application/json", `{}`, 400, "invalid_redirect_uri"},
		"too large":          {"application/json", `{"client_name":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "invalid_request"},
		"not too large":      {"application/json; charset=utf-8", `{"x":"` + strings.Repeat("x", 63<<10) + `",` + good[1:], 201, ""},
		"with a byte order ": {"application/json", "\ufeff" + good, 400, "invalid_client_metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			res := s.do("POST", "/register", strings.NewReader(test.body), "Content-Type", test.contentType)
			if test.status == http.StatusCreated {
				if res.StatusCode != test.status {
					t.Errorf("%d %s", res.StatusCode, res.body)
				}
				return
			}
			res.wantError(t, test.status, test.code)
			if res.text(t, "error_description") == "" || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v %s", res.Header, res.body)
			}
		})
	}
}

func TestR26_ARegistrationThatWasApprovedOutlivesTheLifeOfUnusedOnes(t *testing.T) {
	// Made out here, it sweeps in real time, and not 40,000 times in what follows.
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{Store: backend, RefreshIdleLifetime: 48 * time.Hour})
		s.setUp()
		unused, used := s.public(webClient), s.login()
		known := func(id string) bool {
			return s.get("/authorize?"+authorizationRequest(id, webClient).Encode()).StatusCode == http.StatusOK
		}
		time.Sleep(store.UnusedClient - time.Minute)
		if !known(unused) || !known(used.clientID) {
			t.Errorf("before the time is over: %v, %v", known(unused), known(used.clientID))
		}
		time.Sleep(2 * time.Minute)
		if known(unused) || !known(used.clientID) {
			t.Errorf("after it, the unused one is known: %v, the used one: %v", known(unused), known(used.clientID))
		}
		s.refresh(unused, "x").wantError(t, http.StatusUnauthorized, "invalid_client")
		// By now nothing of its grant is left, but the client needs no new registration.
		s.refresh(used.clientID, used.refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
	})
}

func TestR26_AFloodOfRegistrationsTouchesNothingThatWasApproved(t *testing.T) {
	const capacity = 20
	backend := memory.New(memory.Options{Capacity: memory.Capacity{Clients: capacity}})
	t.Cleanup(func() { backend.Close() })
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	client, unused, waiting := s.login(), s.public(webClient), s.public(webClient)
	page := s.get("/authorize?" + authorizationRequest(waiting, webClient).Encode())
	for range 3 * capacity {
		s.public(webClient)
	}
	if res := s.get("/authorize?" + authorizationRequest(unused, webClient).Encode()); res.StatusCode != http.StatusBadRequest {
		t.Errorf("the oldest unused registration is still there: %d", res.StatusCode)
	}
	if res := s.call(client.access); res.StatusCode != http.StatusOK {
		t.Errorf("calling: %d", res.StatusCode)
	}
	if res := s.refresh(client.clientID, client.refresh); res.StatusCode != http.StatusOK {
		t.Errorf("refreshing: %d %s", res.StatusCode, res.body)
	}
	// The owner is not locked out either: what registers now can be approved.
	s.login()
	if page.StatusCode != http.StatusOK {
		t.Errorf("the page that stood open: %d", page.StatusCode)
	}
	n := 0
	for _, record := range list(t, backend, store.KindClient) {
		if !record.ExpiresAt.IsZero() {
			n++
		}
	}
	if n > capacity {
		t.Errorf("there are %d unused registrations, want at most %d", n, capacity)
	}
}

// list returns all records of a kind.
func list(t *testing.T, backend store.Backend, kind store.Kind) []store.Record {
	t.Helper()
	records, err := backend.List(t.Context(), kind, "", "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestR28_AnUnknownClientGetsAPageAndInvalidClientByMachine(t *testing.T) {
	s := owned(t)
	for _, id := range []string{"unknown", "a b", strings.Repeat("x", 5000), "\x00"} {
		res := s.get("/authorize?" + authorizationRequest(id, webClient).Encode())
		if res.StatusCode != http.StatusBadRequest || res.Header.Get("Location") != "" || !strings.Contains(res.body, "remove this server and add it again") {
			t.Errorf("%.40q: %d %v %s", id, res.StatusCode, res.Header, res.body)
		}
		res = s.redeem(id, webClient, "x")
		res.wantError(t, http.StatusUnauthorized, "invalid_client")
		s.revoke(id, "x").wantError(t, http.StatusUnauthorized, "invalid_client")
	}
}

func TestR30_TurningRegistrationOffKeepsWhoWasApprovedAndNobodyElse(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	approved, unused := s.login(), s.public(webClient)

	s.http.Transport = straight{build(t, mcpoauth.Config{Store: backend, DisableRegistration: true, RateLimits: unlimited})}
	s.json("/register", map[string]any{"redirect_uris": []string{webClient}}).wantError(t, http.StatusNotFound, "not_found")
	if res := s.call(approved.access); res.StatusCode != http.StatusOK {
		t.Errorf("calling: %d", res.StatusCode)
	}
	if res := s.refresh(approved.clientID, approved.refresh); res.StatusCode != http.StatusOK {
		t.Errorf("refreshing: %d %s", res.StatusCode, res.body)
	}
	if code := s.code(authorizationRequest(approved.clientID, webClient)); code == "" {
		t.Error("who was approved cannot be again")
	}
	if res := s.get("/authorize?" + authorizationRequest(unused, webClient).Encode()); res.StatusCode != http.StatusBadRequest {
		t.Errorf("who was not approved: %d", res.StatusCode)
	}
	s.refresh(unused, "x").wantError(t, http.StatusUnauthorized, "invalid_client")
}

func TestR30_RegistrationsHaveALimitByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router := build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Registration: 3, Auth: -1}})
		s := through(t, from("192.0.2.1", router))
		for range 3 {
			s.public(webClient)
		}
		res := s.json("/register", map[string]any{"redirect_uris": []string{webClient}})
		res.wantError(t, http.StatusTooManyRequests, "too_many_requests")
		if got := res.Header.Get("Retry-After"); got != "20" {
			t.Errorf("Retry-After is %q, want 20", got)
		}
		through(t, from("192.0.2.2", router)).public(webClient)
		time.Sleep(20 * time.Second)
		s.public(webClient)
	})
}

func TestR30_WithoutALimitRegistrationsAreNotCounted(t *testing.T) {
	s := through(t, from("192.0.2.1", build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Registration: -1}})))
	for range 500 {
		s.public(webClient)
	}
}

func TestR30_TheDefaultLimitHasAGenerousBurst(t *testing.T) {
	s := through(t, from("192.0.2.1", build(t, mcpoauth.Config{})))
	for range 60 { // a person who tries a dozen clients, some of which register each time
		s.public(webClient)
	}
	s.json("/register", map[string]any{"redirect_uris": []string{webClient}}).wantError(t, http.StatusTooManyRequests, "too_many_requests")
}

// from is a handler whose callers all have one address.
func from(address string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.RemoteAddr = address + ":4711"
		if strings.Contains(address, ":") {
			r.RemoteAddr = "[" + address + "]:4711"
		}
		next.ServeHTTP(w, r)
	})
}
