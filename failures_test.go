package mcpoauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// What breaks real clients at real servers, and what this one does about it: a test for
// each of twenty.

// Claude.ai, Codex and ChatGPT's desktop app often do not refresh, so that who wants to be
// left alone for a month needs tokens that last one, and that end at once all the same.
func TestFailure01_AClientThatNeverRefreshesStaysConnectedAndCanBeCutOffAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		cfg   mcpoauth.Config
		lives time.Duration
	}{
		"by default a day": {mcpoauth.Config{}, day},
		"a month":          {mcpoauth.Config{AccessTokenLifetime: 30 * day}, 30 * day},
		"a year":           {mcpoauth.Config{AccessTokenLifetime: 365 * day, RefreshIdleLifetime: 400 * day}, 365 * day},
	} {
		t.Run(name, func(t *testing.T) {
			test.cfg.Store = unswept(t)
			synctest.Test(t, func(t *testing.T) {
				s, _ := inProcess(t, test.cfg)
				s.setUp()
				id, kept := s.connected()
				gone, revoked := s.connected()
				if got := kept.json(t, "expires_in"); got != test.lives.Seconds() {
					t.Errorf("expires_in is %v, want %v", got, test.lives.Seconds())
				}
				time.Sleep(test.lives - time.Minute)
				for _, tokens := range []answer{kept, revoked} {
					if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
						t.Errorf("a minute before its end: %d", res.StatusCode)
					}
				}
				s.revoke(gone, revoked.text(t, "refresh_token")).wantRevoked(t)
				s.call(revoked.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
				time.Sleep(time.Minute)
				s.call(kept.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
				s.rotate(id, kept).wantTokens(t)
			})
		})
	}
}

// Processes that share one file of tokens refresh with the same one: at once, or as each
// comes to it. Bursts over 33 to 76 seconds were seen, and an hour with Codex.
func TestFailure02_RefreshesWithOneTokenAllGetTheSameTokens(t *testing.T) {
	for name, test := range map[string]struct {
		grace time.Duration
		at    []time.Duration
	}{
		"by default": {0, []time.Duration{0, 33 * time.Second, 76 * time.Second, 119 * time.Second}},
		"an hour":    {time.Hour, []time.Duration{0, 10 * time.Minute, 59 * time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := inProcess(t, mcpoauth.Config{RefreshGrace: test.grace})
				s.setUp()
				id, first := s.connected()
				began := time.Now()
				var answers []answer
				for _, at := range test.at {
					time.Sleep(at - time.Since(began))
					burst := make([]answer, 10)
					var wg sync.WaitGroup
					for i := range burst {
						wg.Go(func() { burst[i] = s.rotate(id, first) })
					}
					wg.Wait()
					answers = append(answers, burst...)
				}
				for _, a := range answers {
					a.wantTokens(t)
					sameTokens(t, a, answers[0])
				}
				s.rotate(id, answers[0]).wantTokens(t)
				if n := s.logged("token.reused"); n != 0 {
					t.Errorf("%d were taken for theft", n)
				}
			})
		})
	}
}

// VS Code, Claude and ChatGPT keep the ID of their registration for ever.
func TestFailure03_ARegistrationOutlivesRestartsAndYearsAndALostOneIsExplained(t *testing.T) {
	const again = `{"client_name":"Claude","redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"token_endpoint_auth_method":"none"}`
	cfg := files(t)
	synctest.Test(t, func(t *testing.T) {
		s, router := inProcess(t, cfg)
		s.setUp()
		id, _ := s.connected()
		for range 3 {
			if err := router.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(365 * day) // nothing is left of the grant by then
			s, router = restarted(t, s, router, cfg)
			s.redeem(id, webClient, s.code(authorizationRequest(id, webClient))).wantTokens(t)
		}

		lost, _ := inProcess(t, mcpoauth.Config{})
		lost.setUp()
		lost.ask(id, webClient).wantPage(t, http.StatusBadRequest, "not known here", "remove this server and add it again")
		for _, res := range []answer{lost.refresh(id, "x"), lost.redeem(id, webClient, "x")} {
			res.wantError(t, http.StatusUnauthorized, "invalid_client") // on which a client registers anew
		}
		if a, b := s.registerBody(again).text(t, "client_id"), lost.registerBody(again).text(t, "client_id"); a != b {
			t.Errorf("who registers again as before is %s, and was %s", b, a)
		}
	})
}

func TestFailure04_ALoopbackPortMayChangeAfterTheRegistration(t *testing.T) {
	s := owned(t)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "127.8.9.1"} {
		for _, registered := range []string{"http://" + host + "/callback", "http://" + host + ":51001/callback"} {
			id := s.public(registered)
			for _, asked := range []string{"http://" + host + ":51999/callback", "http://" + host + ":80/callback", "http://" + host + "/callback"} {
				answered := s.approve(authorizationRequest(id, asked))
				code := returned(t, answered, asked).Get("code")
				s.redeem(id, asked, code).wantTokens(t)
			}
			for _, other := range []string{"http://" + host + ":51999/other", "http://" + host + ":51999/callback?x=y", "https://" + host + ":51999/callback", "http://evil.example:51001/callback"} {
				s.ask(id, other).wantPage(t, http.StatusBadRequest, "redirect_uri")
			}
		}
	}
}

// Cursor sends five redirect URIs, two of them with schemes of their own; at servers that
// dislike one of them it cannot register at all.
func TestFailure05_SchemesOfAppsAndManyRedirectURIsAreTaken(t *testing.T) {
	s := owned(t)
	uris := []string{
		"cursor://anysphere.cursor-mcp/oauth/callback", "grokbot://mcp/oauth/callback", "windsurf://codeium.windsurf/callback",
		"com.example.app:/callback", "vscode-insiders://publisher.extension/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
		"https://www.cursor.com/bot/mcp/oauth/callback", "http://localhost:8787/callback", "http://127.0.0.1/", "http://127.0.0.1:33418/",
		"https://vscode.dev/redirect", "https://insiders.vscode.dev/redirect", "myapp:callback", "http://[::1]:1/x", "https://a.example/?keep=this",
	}
	id, _ := s.register(map[string]any{"client_name": "All", "redirect_uris": uris, "token_endpoint_auth_method": "none"})
	for _, uri := range uris {
		code := returned(t, s.approve(authorizationRequest(id, uri)), uri).Get("code")
		s.redeem(id, uri, code).wantTokens(t)
	}
	for _, scheme := range []string{"javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "blob:x", "about:blank"} {
		s.json("/register", map[string]any{"redirect_uris": []string{uris[0], scheme}}).wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
	}
}

// ChatGPT's document says private_key_jwt in the member that everybody reads, and none in
// the one that few do.
func TestFailure06_ADocumentWithSeveralMethodsOfAuthenticationIsTaken(t *testing.T) {
	for name, test := range map[string]struct {
		members map[string]any
		proof   proving
	}{
		"both, and it signs":       {map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": []string{"none", "private_key_jwt"}, "jwks_uri": chatGPTKeys}, bySignature(appDocument)},
		"both, and it does not":    {map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": []string{"none", "private_key_jwt"}, "jwks_uri": chatGPTKeys}, byID},
		"none in the plural alone": {map[string]any{"token_endpoint_auth_method": nil, "token_endpoint_auth_methods_supported": []string{"tls_client_auth", "none"}}, byID},
		"neither":                  {map[string]any{"token_endpoint_auth_method": nil}, byID},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				others := somewhere(map[string]string{appDocument: described(appDocument, test.members), chatGPTKeys: publicKeys()})
				s := reading(t, others, mcpoauth.Config{})
				c := connecting{recording{redirect: appRedirect, proof: test.proof}, endpoints{token: "/token"}, appDocument, ""}
				code := s.code(authorizationRequest(appDocument, appRedirect))
				tokens := c.exchange(s, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}})
				tokens.wantTokens(t)
				c.exchange(s, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text(t, "refresh_token")}}).wantTokens(t)
			})
		})
	}
}

// Claude's document has the grant of enterprises, VS Code's that of devices.
func TestFailure07_WhatADocumentHasBesideIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := somewhere(map[string]string{appDocument: described(appDocument, map[string]any{
			"grant_types":    []string{"urn:ietf:params:oauth:grant-type:jwt-bearer", "authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "refresh_token"},
			"response_types": []string{"code", "id_token"}, "x_new": map[string]any{"a": []int{1}}, "dpop_bound_access_tokens": false,
			"application_type": "native", "scope": "openid everything", "contacts": []string{"a@app.example"}, "logo_uri": "https://app.example/logo.png",
		})})
		s := reading(t, others, mcpoauth.Config{})
		s.rotate(appDocument, s.connect(appDocument, appRedirect)).wantTokens(t)
	})
}

// claude.ai had an outage in July 2026, and answers some clouds with a bot check.
func TestFailure08_ADocumentThatCannotBeHadLocksNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		tokens := s.connect(appDocument, appRedirect)
		others.goDown()
		time.Sleep(forgotten)
		s.rotate(appDocument, tokens).wantTokens(t)
		s.connect(appDocument, appRedirect)                                  // approved before
		s.connect(claudeDocument, "https://claude.ai/api/mcp/auth_callback") // known to everybody
		s.ask("https://new.example/client.json", appRedirect).
			wantPage(t, http.StatusServiceUnavailable, "new.example", "could not be reached", "Try again in a minute")
		if got := s.logged("client.document_unavailable"); got == 0 {
			t.Error("the owner finds nothing in the log")
		}
	})
}

func TestFailure09_AResourceIsTheSameInEverySpelling(t *testing.T) {
	for at, test := range map[string]struct {
		resource  string // as the metadata have it
		spellings []string
	}{
		"/mcp": {mcpURL, []string{
			mcpURL, mcpURL + "/", "HTTPS://EXAMPLE.COM/mcp", "https://example.com:443/mcp", mcpURL + "?kb_name=notes", "https://Example.com:443/mcp/?x=y",
		}},
		"/": {serverURL, []string{serverURL, serverURL + "/", "https://example.com:443", "https://EXAMPLE.com/", serverURL + "/?x=y"}},
	} {
		t.Run(at, func(t *testing.T) {
			s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: at}}})
			s.setUp()
			id := s.public(webClient)
			for i, asked := range test.spellings {
				redeemed := test.spellings[(i+1)%len(test.spellings)] // and each time another one
				code := s.code(with(authorizationRequest(id, webClient), "resource", asked))
				tokens := s.form("/token", with(redemption(id, webClient, code), "resource", redeemed))
				tokens.wantTokens(t)
				tokens = s.rotate(id, tokens, "resource", asked)
				tokens.wantTokens(t)
				res := s.do("POST", at, nil, "Authorization", "Bearer "+tokens.text(t, "access_token"))
				identity, _ := res.json(t, "identity").(map[string]any)
				if identity["Resource"] != test.resource {
					t.Errorf("%s: the audience is %v, want %s", asked, identity["Resource"], test.resource)
				}
			}
		})
	}
}

func TestFailure10_EachPathHasMetadataOfExactlyItsOwnURL(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/deep/notes"}}})
	for _, path := range []string{"/mcp", "/deep/notes"} {
		typed := serverURL + path
		metadata := s.do("POST", typed, nil).challenge(t)["resource_metadata"]
		for _, at := range []string{metadata, metadata + "/"} {
			if got := s.document(at).text(t, "resource"); got != typed {
				t.Errorf("%s says %q, and typed was %q", at, got, typed)
			}
		}
	}
	if got := s.document(prmMetadata).text(t, "resource"); got != mcpURL {
		t.Errorf("at the root it is %q", got)
	}
}

func TestFailure11_BehindAProxyThatEndsTLSEveryURLIsThePublicOne(t *testing.T) {
	for name, cfg := range map[string]mcpoauth.Config{
		"nobody is trusted": {},
		"the proxy is":      {TrustedProxies: []string{"10.0.0.0/8"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := through(t, from("10.0.0.7", build(t, cfg)))
			s.http.Transport = hostTransport{"backend.internal:8080", s.http.Transport}
			headers := []string{"X-Forwarded-Proto", "http", "X-Forwarded-Host", "evil.example", "X-Forwarded-For", "198.51.100.1", "Forwarded", "proto=http;host=evil.example"}
			for _, path := range []string{asMetadata, prmMetadata, prmMetadata + "/mcp"} {
				body := s.document(path, headers...).body
				if strings.Contains(body, "http://") || strings.Contains(body, "internal") || strings.Contains(body, "evil") || !strings.Contains(body, serverURL) {
					t.Errorf("%s: %s", path, body)
				}
			}
			if line := s.do("POST", "/mcp", nil, headers...).Header.Get("WWW-Authenticate"); !strings.Contains(line, `resource_metadata="https://example.com/`) {
				t.Errorf("the challenge is %s", line)
			}
			s.setUp()
			id := s.public(webClient)
			if got := s.approve(authorizationRequest(id, webClient)).location(t).Get("iss"); got != serverURL {
				t.Errorf("iss is %s", got)
			}
		})
	}
}

// Chrome applies form-action to the redirect after a form, so that with 'self' nobody
// ever comes back to Cursor or to a program on their computer.
func TestFailure12_NoPolicyKeepsTheBrowserFromGoingBackToTheClient(t *testing.T) {
	s := owned(t)
	for _, uri := range []string{webClient, loopback, "cursor://anysphere.cursor-mcp/oauth/callback"} {
		id := s.public(uri)
		page := s.ask(id, uri)
		policy := page.Header.Get("Content-Security-Policy")
		if policy == "" || strings.Contains(policy, "form-action") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("the policy of the page is %q", policy)
		}
		if policy := page.Header.Get("Permissions-Policy"); strings.Contains(policy, "publickey-credentials-get=()") {
			t.Errorf("the policy %q forbids passkeys", policy)
		}
		answered := s.submit(page, "approve", s.touch(page))
		returned(t, answered, uri)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusSeeOther}[strings.HasPrefix(uri, "cursor:")]; answered.StatusCode != want {
			t.Errorf("%s: %d, want %d", uri, answered.StatusCode, want)
		}
	}
}

// Without it Claude Code asked for a new sign-in each hour.
func TestFailure13_ExpiresInIsAlwaysThereAsAWholeNumber(t *testing.T) {
	for lifetime, want := range map[time.Duration]string{0: "86400", time.Hour: "3600", 90 * time.Second: "90", 1500 * time.Millisecond: "1"} {
		s := serve(t, mcpoauth.Config{AccessTokenLifetime: lifetime})
		s.setUp()
		id, tokens := s.connected()
		for what, a := range map[string]answer{"a code": tokens, "a refresh": s.rotate(id, tokens)} {
			if got := rawMember(t, a.body, "expires_in"); got != want {
				t.Errorf("%v: for %s expires_in is %s, want %s", lifetime, what, got, want)
			}
		}
	}
}

// A null breaks every client that is made with the TypeScript SDK.
func TestFailure14_ARegistrationIsAnsweredWithWhatWasKeptAndWithoutNull(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, sent := range []string{
		`{"redirect_uris":["https://c.example/cb"]}`,
		`{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"none","client_name":null,"scope":null,"contacts":null,"logo_uri":null,"jwks":null,"grant_types":null,"response_types":null}`,
		`{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"none","client_uri":"","logo_uri":"","scope":"","contacts":[],"software_id":""}`,
		`{"redirect_uris":["https://c.example/cb"],"token_endpoint_auth_method":"client_secret_post","unknown":{"deep":[null]},"resource":"https://example.com/mcp","registration_access_token":"x"}`,
	} {
		res := s.registerBody(sent)
		if res.StatusCode != http.StatusCreated || strings.Contains(res.body, "null") || strings.Contains(res.body, `""`) || strings.Contains(res.body, "[]") {
			t.Errorf("%s\nis answered with %d %s", sent, res.StatusCode, res.body)
		}
		for _, member := range []string{"unknown", "resource", "registration_access_token", "registration_client_uri", "jwks"} {
			if res.json(t, member) != nil {
				t.Errorf("the answer has %s, of which nothing was kept: %s", member, res.body)
			}
		}
		for _, member := range []string{"client_id_issued_at", "client_secret_expires_at"} {
			if at := res.json(t, member); at != nil && !isWhole(rawMember(t, res.body, member)) {
				t.Errorf("%s is %v", member, at)
			}
		}
		if secret, expiry := res.json(t, "client_secret") != nil, res.json(t, "client_secret_expires_at") != nil; secret != expiry || secret == (res.text(t, "token_endpoint_auth_method") == "none") {
			t.Errorf("the secret and its expiry do not belong together: %s", res.body)
		}
	}
}

func isWhole(number string) bool {
	var n int64
	return json.Unmarshal([]byte(number), &n) == nil
}

// Gemini CLI and Cursor ask for all that the metadata list, mcp-remote for OpenID.
func TestFailure15_WhoAsksForTooMuchGetsWhatThereIsAndIsToldSo(t *testing.T) {
	s := owned(t)
	wantSame(t, "the scopes in the metadata", s.document(asMetadata).texts(t, "scopes_supported"), []string{"mcp:tools", "offline_access"})
	for asked, want := range map[string]string{
		"mcp:tools offline_access":                     "mcp:tools offline_access",
		"openid email profile":                         "mcp:tools",
		"mcp:tools admin:everything user:delete":       "mcp:tools",
		"openid profile email offline_access":          "mcp:tools offline_access",
		"openid mcp:tools claudeai offline_access mcp": "mcp:tools offline_access",
		"": "mcp:tools",
	} {
		id := s.public(webClient)
		code := s.code(with(authorizationRequest(id, webClient), "scope", asked))
		tokens := s.redeem(id, webClient, code)
		tokens.wantTokens(t)
		if got := tokens.text(t, "scope"); got != want {
			t.Errorf("%q: the scope is %q, want %q", asked, got, want)
		}
		tokens = s.rotate(id, tokens, "scope", "mcp:tools offline_access admin:everything openid")
		tokens.wantTokens(t)
		if got := tokens.text(t, "scope"); got != want {
			t.Errorf("%q: after a refresh that asks for more the scope is %q", asked, got)
		}
	}
}

// The Go SDK refuses an iss that was not promised, ChatGPT one that is missing or another.
func TestFailure16_IssIsPromisedAndInEveryAnswer(t *testing.T) {
	s := owned(t)
	metadata := s.document(asMetadata)
	if metadata.json(t, "authorization_response_iss_parameter_supported") != true {
		t.Error("it is not promised")
	}
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	page := s.get("/authorize?" + request.Encode())
	for name, answered := range map[string]answer{
		"denied":        s.submit(page, "deny", ""),
		"approved":      s.submit(page, "approve", s.touch(page)),
		"no challenge":  s.get("/authorize?" + with(request, "code_challenge", "").Encode()),
		"no such scope": s.get("/authorize?" + with(request, "scope", "nothing").Encode()),
		"no such type":  s.get("/authorize?" + with(request, "response_type", "token").Encode()),
		"elsewhere":     s.get("/authorize?" + with(request, "resource", "https://else.example/mcp").Encode()),
		"another host":  s.get("/authorize?"+with(request, "scope", "nothing").Encode(), "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http"),
	} {
		if got := answered.location(t)["iss"]; !slices.Equal(got, []string{metadata.text(t, "issuer")}) {
			t.Errorf("%s: iss is %q", name, got)
		}
	}
}

// Codex and the TypeScript and Python SDKs give up on 429 and 5xx.
func TestFailure17_DiscoveryIsNeverRefusedForTheRateNorBrokenByTheStore(t *testing.T) {
	records := memory.New(memory.Options{})
	t.Cleanup(func() { records.Close() })
	backend := watch(records)
	router := build(t, mcpoauth.Config{Store: backend, RateLimits: mcpoauth.RateLimits{Auth: 1, Registration: 1, General: 1}})
	s := through(t, from("192.0.2.1", router))
	backend.breakDown("")
	backend.seen()
	for range 1000 {
		for path, want := range map[string]int{
			asMetadata: 200, prmMetadata: 200, prmMetadata + "/mcp": 200, prmMetadata + "/mcp/": 200, "/mcp": 401,
			asMetadata + "/mcp": 404, "/.well-known/openid-configuration": 404, "/.well-known/openid-configuration/mcp": 404, prmMetadata + "/other": 404,
		} {
			if res := s.get(path, "MCP-Protocol-Version", "2024-11-05"); res.StatusCode != want || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
				t.Fatalf("%s: %d %s, want %d", path, res.StatusCode, res.Header.Get("Content-Type"), want)
			}
		}
	}
	if calls := backend.seen(); len(calls) != 0 {
		t.Errorf("the store was asked: %q", calls)
	}
}

// Claude takes an error for a refusal of what it presented, and does not begin to sign in.
func TestFailure18_TheChallengeLeadsOnAndSpeaksOfErrorsOnlyToWhoSentAToken(t *testing.T) {
	s := owned(t)
	_, tokens := s.connected()
	for name, test := range map[string]struct {
		authorization string
		wantError     string
	}{
		"nothing":        {"", ""},
		"Basic":          {basic("a", "b"), ""},
		"an empty token": {"Bearer ", ""},
		"a bad token":    {"Bearer x", "invalid_token"},
		"a wrong token":  {"Bearer " + tokens.text(t, "refresh_token"), "invalid_token"},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			var headers []string
			if test.authorization != "" {
				headers = []string{"Authorization", test.authorization}
			}
			res := s.do(method, "/mcp", nil, headers...)
			params := res.challenge(t)
			if res.StatusCode != http.StatusUnauthorized || params["resource_metadata"] != serverURL+prmMetadata+"/mcp" || params["scope"] != "mcp:tools" || params["error"] != test.wantError {
				t.Errorf("%s, %s: %d %v", name, method, res.StatusCode, params)
			}
		}
	}
}

// This one is for the owner to cure, who has to read how.
func TestFailure19_TheReadmeSaysWhomAFirewallHasToLetThrough(t *testing.T) {
	readme := readFile(t, "README.md")
	for _, words := range []string{"160.79.104.0/21", "OpenAI from ranges that it publishes", "mtls.prod.connectors.openai.com", "firewall or bot protection"} {
		if !strings.Contains(readme, words) {
			t.Errorf("README.md does not say %s", words)
		}
	}
}

// All installations of a product have one ID when it is known by a document.
func TestFailure20_DevicesThatShareAClientIDLeaveEachOtherAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := reading(t, somewhere(publishedDocuments), mcpoauth.Config{})
		devices := make([]answer, 3)
		redirects := []string{"http://127.0.0.1:50001/callback", "http://127.0.0.1:50002/callback", "http://localhost:50003/callback"}
		for i, uri := range redirects {
			devices[i] = s.connect(claudeCodeDocument, uri)
		}
		works := func(i int) {
			t.Helper()
			if res := s.call(devices[i].text(t, "access_token")); res.StatusCode != http.StatusOK {
				t.Errorf("device %d is answered with %d", i, res.StatusCode)
			}
			devices[i] = s.rotate(claudeCodeDocument, devices[i])
			devices[i].wantTokens(t)
		}
		devices[1] = s.connect(claudeCodeDocument, redirects[1]) // signs in again
		for i := range devices {
			works(i)
		}
		s.revoke(claudeCodeDocument, devices[2].text(t, "refresh_token")).wantRevoked(t)
		works(0)
		works(1)
		s.wantEnded(t, claudeCodeDocument, devices[2])
		time.Sleep(7 * day)
		s.rotate(claudeCodeDocument, devices[0]).wantTokens(t)
	})
}
