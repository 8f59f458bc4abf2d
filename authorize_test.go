package mcpoauth_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// with returns a copy of values in which each name, value pair is set; an empty
// value removes the name.
func with(values url.Values, pairs ...string) url.Values {
	changed := maps.Clone(values)
	for i := 0; i < len(pairs); i += 2 {
		changed.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			changed.Del(pairs[i])
		}
	}
	return changed
}

var formAction = regexp.MustCompile(`<form id="decision" method="post" action="([^"]*)"`)

// submit sends the form of an approval page to where the page says, as a browser does.
func (s *server) submit(page answer, decision, ceremony string, headers ...string) answer {
	s.t.Helper()
	found := formAction.FindStringSubmatch(page.body)
	if found == nil {
		s.t.Fatalf("no form on the page: %d %s", page.StatusCode, page.body)
	}
	if len(headers) == 0 {
		headers = []string{"Sec-Fetch-Site", "same-origin", "Origin", s.url}
	}
	return s.form(html.UnescapeString(found[1]), url.Values{"decision": {decision}, "ceremony": {ceremony}}, headers...)
}

// wantPage fails unless a person sees a page, and nobody is sent anywhere.
func (a answer) wantPage(t *testing.T, status int, words ...string) {
	t.Helper()
	if a.StatusCode != status || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("Location") != "" {
		t.Errorf("got %d %s to %q, want a page with %d", a.StatusCode, a.Header.Get("Content-Type"), a.Header.Get("Location"), status)
	}
	text := html.UnescapeString(a.body)
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("the page does not say %q:\n%s", word, a.body)
		}
	}
}

func TestR31_GETAndPOSTStartTheSameRequest(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)

	posted := s.form("/authorize", request, "Sec-Fetch-Site", "cross-site", "Origin", "https://client.example")
	target := posted.Header.Get("Location")
	if posted.StatusCode != http.StatusSeeOther || !strings.HasPrefix(target, "/authorize?") {
		t.Fatalf("POST is answered with %d to %q", posted.StatusCode, target)
	}
	for name, page := range map[string]answer{"GET": s.get("/authorize?" + request.Encode()), "POST": s.get(target)} {
		if code := s.submit(page, "approve", s.touch(page)).location(t).Get("code"); s.redeem(id, webClient, code).StatusCode != http.StatusOK {
			t.Errorf("the request by %s got no code that works", name)
		}
	}
}

func TestR31_NothingButS256IsTaken(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	good := secret.S256(verifier)
	tests := map[string][]string{
		"no challenge":                    {"code_challenge", ""},
		"no challenge and no method":      {"code_challenge", "", "code_challenge_method", ""},
		"a challenge without a method":    {"code_challenge_method", ""},
		"plain":                           {"code_challenge_method", "plain", "code_challenge", verifier},
		"plain that looks like S256":      {"code_challenge_method", "plain"},
		"a method in lower case":          {"code_challenge_method", "s256"},
		"an unknown method":               {"code_challenge_method", "S512"},
		"a challenge that is too short":   {"code_challenge", good[1:]},
		"a challenge that is too long":    {"code_challenge", good + "A"},
		"a padded challenge":              {"code_challenge", good + "="},
		"a challenge of plain base64":     {"code_challenge", "+/" + good[2:]},
		"a challenge with a stray bit":    {"code_challenge", good[:42] + "B"},
		"a challenge in hexadecimal":      {"code_challenge", strings.Repeat("ab", 32)},
		"a verifier instead of challenge": {"code_challenge", verifier},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			res := s.get("/authorize?" + with(request, change...).Encode())
			if got := res.location(t).Get("error"); got != "invalid_request" {
				t.Errorf("the client is told %q", got)
			}
		})
	}
}

func TestR31_AVerifierIs43To128UnreservedCharacters(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	tests := []struct {
		name, verifier, err string
	}{
		{"43 characters", strings.Repeat("v", 43), ""},
		{"128 characters, the unreserved ones all among them", (alphabet + alphabet)[:128], ""},
		{"none", "", "invalid_request"},
		{"42 characters", strings.Repeat("v", 42), "invalid_grant"},
		{"129 characters", strings.Repeat("v", 129), "invalid_grant"},
		{"a space", strings.Repeat("v", 42) + " ", "invalid_grant"},
		{"a plus", strings.Repeat("v", 42) + "+", "invalid_grant"},
		{"a letter that is not ASCII", strings.Repeat("v", 42) + "é", "invalid_grant"},
		{"a zero byte", strings.Repeat("v", 42) + "\x00", "invalid_grant"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// The challenge fits: it is the form of the verifier that is wrong.
			request := with(authorizationRequest(id, webClient), "code_challenge", secret.S256(test.verifier))
			res := s.form("/token", with(redemption(id, webClient, s.code(request)), "code_verifier", test.verifier))
			if test.err != "" {
				res.wantError(t, http.StatusBadRequest, test.err)
			} else if res.StatusCode != http.StatusOK {
				t.Errorf("refused: %d %s", res.StatusCode, res.body)
			}
		})
	}
}

func TestR32_UnknownParametersAreIgnored(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	request := with(authorizationRequest(id, webClient),
		"prompt", "consent", "audience", "https://elsewhere.example", "nonce", "n-0S6_WzA2Mj", "login_hint", "somebody@example.com",
		"id_token_hint", "eyJhbGciOiJub25lIn0..", "access_type", "offline", "max_age", "0", "decision", "approve", "ceremony", "forged")
	page := s.get("/authorize?" + request.Encode() + "&prompt=&display=")
	if page.StatusCode != http.StatusOK {
		t.Fatalf("refused: %d %s", page.StatusCode, page.body)
	}
	code := s.submit(page, "approve", s.touch(page)).location(t).Get("code")
	if res := s.redeem(id, webClient, code); res.StatusCode != http.StatusOK {
		t.Errorf("redeeming: %d %s", res.StatusCode, res.body)
	}
}

func TestR33_ResourceMayBeAbsentOrRepeatedButNotAmbiguous(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/other"}},
	})
	s.setUp()
	id := s.public(webClient)
	const other = serverURL + "/other"
	tests := []struct {
		name      string
		resources []string
		granted   string // or
		err       string
	}{
		{"none is the first", nil, mcpURL, ""},
		{"an empty one is none", []string{""}, mcpURL, ""},
		{"one", []string{other}, other, ""},
		{"the same twice", []string{other, other}, other, ""},
		{"the same in two spellings", []string{other, "HTTPS://EXAMPLE.com:443/other/"}, other, ""},
		{"an unknown one", []string{serverURL + "/unknown"}, "", "invalid_target"},
		{"a known and an unknown one", []string{mcpURL, serverURL + "/unknown"}, "", "invalid_target"},
		{"two different ones", []string{mcpURL, other}, "", "invalid_target"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := authorizationRequest(id, webClient)
			request["resource"] = test.resources
			if test.err != "" {
				if got := s.get("/authorize?" + request.Encode()).location(t).Get("error"); got != test.err {
					t.Errorf("the client is told %q, want %q", got, test.err)
				}
				return
			}
			token := s.redeem(id, webClient, s.code(request)).text(t, "access_token")
			s.wantEntersOnly(t, token, test.granted, mcpURL, other)
		})
	}
}

// wantEntersOnly fails unless the token opens that resource and none of the others.
func (s *server) wantEntersOnly(t *testing.T, token, resource string, all ...string) {
	t.Helper()
	for _, target := range all {
		want := http.StatusUnauthorized
		if target == resource {
			want = http.StatusOK
		}
		if res := s.get(target, "Authorization", "Bearer "+token); res.StatusCode != want {
			t.Errorf("%s answers %d to a token for %s, want %d", target, res.StatusCode, resource, want)
		}
	}
}

var resourceSpellings = []string{
	mcpURL, mcpURL + "/", "https://EXAMPLE.com/mcp", "HTTPS://example.com/mcp", "https://example.com:443/mcp",
	"https://example.com:/mcp", mcpURL + "?ref=chatgpt", mcpURL + "/?", "Https://Example.Com:443/mcp/?a=b",
}

var otherResources = []string{
	"http://example.com/mcp", "https://example.com:444/mcp", "https://example.com:80/mcp", "https://example.com.evil.example/mcp",
	"https://evil.example/mcp", "https://example.com@evil.example/mcp", "https://user@example.com/mcp", mcpURL + "#fragment",
	mcpURL + "/below", mcpURL + "2", "https://example.com/MCP", "https://example.com/%6Dcp/x", serverURL, serverURL + "/",
	"//example.com/mcp", "/mcp", "mcp", "urn:example:mcp", "https:example.com/mcp", "https:///mcp", "%zz",
}

func TestR34_ResourcesAreComparedCanonically(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	for _, spelling := range resourceSpellings {
		t.Run(spelling, func(t *testing.T) {
			request := with(authorizationRequest(id, webClient), "resource", spelling)
			res := s.form("/token", with(redemption(id, webClient, s.code(request)), "resource", spelling))
			if res.StatusCode != http.StatusOK {
				t.Fatalf("redeeming: %d %s", res.StatusCode, res.body)
			}
			refreshed := s.refresh(id, res.text(t, "refresh_token"), "resource", spelling)
			if res := s.call(refreshed.text(t, "access_token")); res.StatusCode != http.StatusOK {
				t.Errorf("calling: %d %s", res.StatusCode, res.body)
			}
		})
	}
}

func TestR34_WhatOnlyLooksLikeTheResourceIsAnother(t *testing.T) {
	s := owned(t)
	client := s.login()
	for _, resource := range otherResources {
		t.Run(resource, func(t *testing.T) {
			request := with(authorizationRequest(client.clientID, webClient), "resource", resource)
			if got := s.get("/authorize?" + request.Encode()).location(t).Get("error"); got != "invalid_target" {
				t.Errorf("the authorization request is answered with %q", got)
			}
			s.refresh(client.clientID, client.refresh, "resource", resource).wantError(t, http.StatusBadRequest, "invalid_target")
		})
	}
	if res := s.refresh(client.clientID, client.refresh); res.StatusCode != http.StatusOK {
		t.Errorf("the refresh token was spent by it: %d %s", res.StatusCode, res.body)
	}
}

func TestR35_ExcessScopesAreDropped(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "notes:read"}, {Name: "notes:write"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}},
	})
	s.setUp()
	id := s.public(webClient)
	tests := []struct{ name, asked, granted string }{
		{"none: those of the resource", "", "mcp:tools"},
		{"one", "notes:read", "notes:read"},
		{"several, in the order asked for", "notes:write mcp:tools", "notes:write mcp:tools"},
		{"repeats and spare spaces", " mcp:tools  mcp:tools ", "mcp:tools"},
		{"unknown ones are left out", "files:all mcp:tools admin", "mcp:tools"},
		{"OpenID Connect only, as from mcp-remote", "openid email profile", "mcp:tools"},
		{"OpenID Connect beside a known one", "openid notes:read", "notes:read"},
		{"offline_access beside a known one", "mcp:tools offline_access", "mcp:tools offline_access"},
		{"offline_access alone", "offline_access", "mcp:tools offline_access"},
		{"offline_access and OpenID Connect", "openid offline_access", "mcp:tools offline_access"},
		{"the case matters", "mcp:tools MCP:TOOLS", "mcp:tools"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := with(authorizationRequest(id, webClient), "scope", test.asked)
			res := s.redeem(id, webClient, s.code(request))
			if got := res.text(t, "scope"); got != test.granted {
				t.Errorf("%q was granted, want %q", got, test.granted)
			}
		})
	}
}

func TestR35_InvalidScopeOnlyIfNothingIsLeft(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	for _, asked := range []string{"admin", "admin files:all", "openid admin", `mcp"tools`, "Mcp:Tools"} {
		if got := s.get("/authorize?" + with(request, "scope", asked).Encode()).location(t).Get("error"); got != "invalid_scope" {
			t.Errorf("scope %q is answered with %q", asked, got)
		}
	}
}

func TestR36_StateComesBackByteForByte(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	states := map[string]string{
		"2 KB":                strings.Repeat("0123456789abcdef", 128),
		"the longest":         strings.Repeat("s", 8<<10),
		"reserved characters": `a b+c&d=e?f#g%h/i\j;k,l:m@n$o!p*q'r(s)t`,
		"what HTML escapes":   `"><script>alert('x')</script>&amp;`,
		"JSON in base64":      "eyJyIjoiaHR0cHM6Ly9hLmIvYyJ9==",
		"percent signs":       "%41%2541%",
		"other scripts":       "État 状態 🔑",
		"bytes, not UTF-8":    "\xff\xfe\x00\x80",
		"line breaks":         "a\r\nLocation: https://evil.example\r\n\r\n",
		"one space":           " ",
	}
	for name, state := range states {
		t.Run(name, func(t *testing.T) {
			request := with(authorizationRequest(id, webClient), "state", state)
			page := s.get("/authorize?" + request.Encode())
			for decision, ceremony := range map[string]string{"approve": s.touch(page), "deny": ""} {
				got := s.submit(page, decision, ceremony).location(t)
				if got.Get("state") != state || len(got["state"]) != 1 {
					t.Errorf("after %s the state is %q", decision, got["state"])
				}
			}
		})
	}
	if got := s.approve(with(authorizationRequest(id, webClient), "state", "")).location(t); got.Has("state") || !got.Has("code") {
		t.Errorf("without a state the answer is %v", got)
	}
	// An error without it would be for nobody.
	long := with(authorizationRequest(id, webClient), "state", strings.Repeat("s", 8<<10+1), "scope", "admin")
	s.get("/authorize?"+long.Encode()).wantPage(t, http.StatusBadRequest, "too long", "state", "What to do")
	s.decide(long, "deny", "").wantPage(t, http.StatusBadRequest, "too long")
}

func TestR36_IssIsInEveryAnswer(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	errors := map[string][]string{
		"invalid_request, no response type":    {"response_type", ""},
		"unsupported_response_type, token":     {"response_type", "token"},
		"unsupported_response_type, hybrid":    {"response_type", "code id_token"},
		"invalid_request, no challenge":        {"code_challenge", ""},
		"invalid_request, plain":               {"code_challenge_method", "plain"},
		"invalid_request, malformed challenge": {"code_challenge", "short"},
		"invalid_target, an unknown resource":  {"resource", "https://elsewhere.example/mcp"},
		"invalid_scope, nothing is left":       {"scope", "admin"},
	}
	for name, change := range errors {
		t.Run(name, func(t *testing.T) {
			changed := with(request, change...)
			code, _, _ := strings.Cut(name, ",")
			got := s.get("/authorize?" + changed.Encode()).location(t)
			if got.Get("error") != code || !slices.Equal(got["iss"], []string{serverURL}) || got.Get("state") != changed.Get("state") || got.Has("code") {
				t.Errorf("the answer is %v", got)
			}
		})
	}
	t.Run("access_denied", func(t *testing.T) {
		got := s.decide(request, "deny", "").location(t)
		if got.Get("error") != "access_denied" || !slices.Equal(got["iss"], []string{serverURL}) || got.Get("state") != "the-state" || got.Has("code") {
			t.Errorf("the answer is %v", got)
		}
	})
	t.Run("success", func(t *testing.T) {
		got := s.approve(request).location(t)
		if !slices.Equal(got["iss"], []string{serverURL}) || len(got["code"]) != 1 || got.Has("error") {
			t.Errorf("the answer is %v", got)
		}
	})
}

// Anybody can register a client and then send links that start a program.
func TestR36_ALinkAloneStartsNoApp(t *testing.T) {
	s := owned(t)
	const app = "cursor://anysphere.cursor-mcp/oauth/callback"
	request := authorizationRequest(s.public(app), app)
	for code, change := range map[string][]string{
		"invalid_request": {"code_challenge", ""}, "invalid_scope": {"scope", "admin"}, "invalid_target": {"resource", "https://evil.example/mcp"},
	} {
		s.get("/authorize?"+with(request, change...).Encode()).wantPage(t, http.StatusBadRequest, code, "What to do")
	}
	if got := s.decide(request, "deny", "").location(t); got.Get("error") != "access_denied" || got.Get("iss") != serverURL {
		t.Errorf("the owner's own no is sent as %v", got)
	}
}

func TestR36_ARedirectURIKeepsItsOwnQuery(t *testing.T) {
	s := owned(t)
	for _, uri := range []string{
		"https://client.example/callback?tenant=7&empty=&a=%2F+b",
		"https://client.example/callback?",
		"http://localhost:1455/callback?x",
	} {
		request := authorizationRequest(s.public(uri), uri)
		for name, res := range map[string]answer{
			"success": s.approve(request),
			"refusal": s.decide(request, "deny", ""),
			"error":   s.get("/authorize?" + with(request, "scope", "admin").Encode()),
		} {
			got := res.target()
			added, ok := strings.CutPrefix(got, uri)
			if !ok || strings.Contains(added, "?") || !res.location(t).Has("iss") {
				t.Errorf("%s: %s is sent to %s", name, uri, got)
			}
		}
	}
}

func TestR37_ADecisionFromAnotherSiteIsRefused(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	page := s.get("/authorize?" + request.Encode())
	foreign := map[string][]string{
		"another site":                          {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		"another site, without its origin":      {"Sec-Fetch-Site", "cross-site"},
		"a subdomain":                           {"Sec-Fetch-Site", "same-site", "Origin", "https://evil.example.com"},
		"another site in an old browser":        {"Origin", "https://evil.example"},
		"a sandboxed frame in an old browser":   {"Origin", "null"},
		"another port in an old browser":        {"Origin", "https://example.com:8443"},
		"a name that begins alike, old browser": {"Origin", "https://example.com.evil.example"},
	}
	ceremony := s.touch(page)
	for name, headers := range foreign {
		for _, decision := range []string{"approve", "deny"} {
			t.Run(decision+" from "+name, func(t *testing.T) {
				s.submit(page, decision, ceremony, headers...).wantPage(t, http.StatusBadRequest, "another website")
			})
		}
	}
	if code := s.submit(page, "approve", ceremony).location(t).Get("code"); code == "" {
		t.Error("the owner's own decision does not count any more")
	}
}

func TestR37_OwnDecisionsCountBehindAProxyThatRewritesTheHost(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	s.setUp()
	request := authorizationRequest(s.public(webClient), webClient)
	s.http.Transport = rewritingProxy{straight{router}}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-origin", "Origin", serverURL},
		{"Origin", serverURL},
	} {
		page := s.get("/authorize?" + request.Encode())
		if code := s.submit(page, "approve", s.touch(page), headers...).location(t).Get("code"); code == "" {
			t.Errorf("refused with %v", headers)
		}
	}
}

type rewritingProxy struct{ straight }

func (p rewritingProxy) RoundTrip(r *http.Request) (*http.Response, error) {
	changed := r.Clone(r.Context())
	changed.URL.Host = "127.0.0.1:8080"
	return p.straight.RoundTrip(changed)
}

func TestR38_GETKeepsNothingAndSetsNoCookie(t *testing.T) {
	backend := watch(memory.New(memory.Options{}))
	t.Cleanup(func() { backend.Backend.(*memory.Backend).Close() })
	s, _ := inProcess(t, mcpoauth.Config{Store: backend})
	request := authorizationRequest(s.public(webClient), webClient)
	targets := []string{
		"/authorize?" + request.Encode(),
		"/authorize?" + with(request, "scope", "admin").Encode(),
		"/authorize?" + with(request, "client_id", "unknown").Encode(),
		"/passkey/register",
		"/passkey/register?return_to=" + url.QueryEscape("/authorize?"+request.Encode()),
	}
	for _, setUp := range []bool{false, true} {
		if setUp {
			s.setUp()
			s.http.Jar = newJar(t)
		}
		backend.seen()
		for _, target := range targets {
			for range 3 {
				if res := s.get(target); len(res.Cookies()) > 0 {
					t.Errorf("%s sets a cookie", target)
				}
			}
		}
		for _, call := range backend.seen() {
			if !strings.HasPrefix(call, "get ") {
				t.Errorf("a GET makes the store %s", call)
			}
		}
	}
}

func TestR38_APageThatWasReloadedOrStoodOpenStillWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		request := authorizationRequest(s.public(webClient), webClient)
		page := s.get("/authorize?" + request.Encode())
		for range 3 {
			time.Sleep(10 * time.Minute)
			s.get("/authorize?" + request.Encode())
		}
		if code := s.submit(page, "approve", s.touch(page)).location(t).Get("code"); code == "" {
			t.Error("the page of half an hour ago gets no code")
		}
		// Back to the page by the back button, which is shown as it was.
		if code := s.submit(page, "approve", s.touch(page)).location(t).Get("code"); code == "" {
			t.Error("the page gets no code the second time")
		}
	})
}

func TestR38_AnApprovalThatCameTooLateCanBeGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		page := s.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode())
		ceremony := s.touch(page)
		time.Sleep(5 * time.Minute)
		s.submit(page, "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts", "approve again")
		ceremony = s.touch(page)
		time.Sleep(5*time.Minute - time.Second)
		if code := s.submit(page, "approve", ceremony).location(t).Get("code"); code == "" {
			t.Error("the second approval gets no code")
		}
	})
}

func TestR38_NothingIsEverApprovedSilently(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	page := s.get("/authorize?" + request.Encode())
	used := s.touch(page)
	if code := s.submit(page, "approve", used).location(t).Get("code"); code == "" {
		t.Fatal("no code")
	}
	// The browser has its cookie, the client its approval. Even so:
	if res := s.get("/authorize?" + with(request, "prompt", "none").Encode()); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "data-digest") {
		t.Errorf("the same request again is answered with %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	unanswered := s.fetch("/passkey/auth/start", map[string]string{"digest": digestAttribute.FindStringSubmatch(page.body)[1]}).text(t, "ceremony")
	for name, ceremony := range map[string]string{
		"no ceremony": "", "a used one": used, "an unanswered one": unanswered, "an invented one": "AAAAAAAAAAAAAAAAAAAAAA", "a path": "../grant/x",
	} {
		t.Run(name, func(t *testing.T) {
			s.submit(page, "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts")
		})
	}
}

func TestR38_TheCeremonyOfTheSetupApprovesNothing(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	request := authorizationRequest(s.public(webClient), webClient)
	setup := s.fetch("/passkey/register/start", map[string]string{"token": setupToken}).text(t, "ceremony")
	s.setUp()
	s.decide(request, "approve", setup).wantPage(t, http.StatusBadRequest, "no longer counts")
}

func TestR38_AnApprovalCountsOnlyInTheBrowserThatGaveIt(t *testing.T) {
	s := owned(t)
	page := s.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode())
	own := s.http.Jar
	for name, other := range map[string]func(){
		"a browser that was never here": func() { s.http.Jar = newJar(t) },
		"another browser":               func() { s.http.Jar = newJar(t); s.touch(page) },
	} {
		t.Run(name, func(t *testing.T) {
			s.http.Jar = own
			ceremony := s.touch(page)
			other()
			s.submit(page, "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts")
		})
	}
}

func TestR38_AnApprovalCountsOnlyForItsRequest(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "notes:read"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}, {Path: "/other"}},
	})
	s.setUp()
	metadata := map[string]any{"redirect_uris": []string{webClient, webClient + "2", loopback}, "token_endpoint_auth_method": "none"}
	id, _ := s.register(metadata)
	metadata["client_name"] = "Twin" // identical ones share an ID
	twin, _ := s.register(metadata)
	approved := with(authorizationRequest(id, webClient), "state", "state\xfe")
	changes := map[string][]string{
		"client":           {"client_id", twin},
		"redirect URI":     {"redirect_uri", webClient + "2"},
		"loopback":         {"redirect_uri", loopback},
		"resource":         {"resource", serverURL + "/other"},
		"more scopes":      {"scope", "mcp:tools notes:read"},
		"another scope":    {"scope", "notes:read"},
		"challenge":        {"code_challenge", secret.S256("another-" + verifier)},
		"state":            {"state", "another-state"},
		"state, in a byte": {"state", "state\xff"},
		"no state":         {"state", ""},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			ceremony := s.touch(s.get("/authorize?" + approved.Encode()))
			s.decide(with(approved, change...), "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts")
			s.decide(approved, "approve", ceremony).wantPage(t, http.StatusBadRequest, "no longer counts") // one try
		})
	}
	// What says the same is the same request.
	ceremony := s.touch(s.get("/authorize?" + approved.Encode()))
	if code := s.decide(with(approved, "resource", mcpURL+"/", "prompt", "consent"), "approve", ceremony).location(t).Get("code"); code == "" {
		t.Error("another spelling of the same request gets no code")
	}
}

func TestR38_TheDecisionChecksTheRequestAnew(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	for _, decision := range []string{"approve", "deny"} {
		ceremony := s.touch(s.get("/authorize?" + request.Encode()))
		for name, change := range map[string][]string{
			"unknown client":       {"client_id", "unknown"},
			"no client":            {"client_id", ""},
			"foreign redirect URI": {"redirect_uri", "https://evil.example/callback"},
		} {
			t.Run(decision+", "+name, func(t *testing.T) {
				s.decide(with(request, change...), decision, ceremony).wantPage(t, http.StatusBadRequest)
			})
		}
		for name, change := range map[string][]string{
			"invalid_request": {"code_challenge_method", "plain"},
			"invalid_target":  {"resource", "https://evil.example/mcp"},
			"invalid_scope":   {"scope", "admin"},
		} {
			t.Run(decision+", "+name, func(t *testing.T) {
				if got := s.decide(with(request, change...), decision, ceremony).location(t); got.Get("error") != name || got.Has("code") {
					t.Errorf("the client is told %v", got)
				}
			})
		}
	}
}

func TestR38_ARequestFromBeforeTheSetupComesBackAfterIt(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	id := s.public(webClient)
	request := with(authorizationRequest(id, webClient), "state", `odd "state" & <more>`)
	needed := s.get("/authorize?" + request.Encode())
	needed.wantPage(t, http.StatusOK, "not set up yet")

	setup := s.get(link(t, needed, `href="(/passkey/register[^"]*)"`))
	setup.wantPage(t, http.StatusOK, "Create the passkey")
	back := link(t, setup, `id="continue" href="([^"]*)"`)
	s.setUp()
	page := s.get(back)
	got := s.submit(page, "approve", s.touch(page)).location(t)
	if got.Get("state") != request.Get("state") || s.redeem(id, webClient, got.Get("code")).StatusCode != http.StatusOK {
		t.Errorf("the request did not survive the setup: %v", got)
	}
}

// link returns the address on the page that the pattern finds.
func link(t *testing.T, page answer, pattern string) string {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("the page has no link %s:\n%s", pattern, page.body)
	}
	return html.UnescapeString(found[1])
}

func TestR38_BeforeTheSetupNothingCanBeApproved(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	request := authorizationRequest(s.public(webClient), webClient)
	s.decide(request, "approve", "").wantPage(t, http.StatusBadRequest)
	s.fetch("/passkey/auth/start", map[string]string{"digest": secret.S256("x")}).wantError(t, http.StatusBadRequest, "no_passkeys")
}

func TestR39_TheBrowserIsSentBackBy303(t *testing.T) {
	s := owned(t)
	for _, uri := range []string{webClient, loopback, "http://localhost:3118/callback", "http://[::1]:8123/cb"} {
		res := s.approve(authorizationRequest(s.public(uri), uri))
		if !strings.HasPrefix(res.Header.Get("Location"), uri+"?") || res.location(t).Get("code") == "" {
			t.Errorf("for %s the answer is %d to %q", uri, res.StatusCode, res.Header.Get("Location"))
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the redirect with the code has the headers %v", res.Header)
		}
	}
}

func TestR39_AnAppWithItsOwnSchemeGetsAPageThatLeadsBack(t *testing.T) {
	s := owned(t)
	for _, uri := range []string{"cursor://anysphere.cursor-mcp/oauth/callback", "com.example.app:/callback?mode=mcp&x=1"} {
		id := s.public(uri)
		request := with(authorizationRequest(id, uri), "state", `odd "state" & <more>`)
		page := s.approve(request)
		page.wantPage(t, http.StatusOK, "Return to app")

		target := link(t, page, `id="return" href="([^"]*)"`)
		if refresh := link(t, page, `<meta http-equiv="refresh" content="0; url=([^"]*)"`); refresh != target {
			t.Errorf("the page goes to %q by itself, and to %q by the link", refresh, target)
		}
		query, ok := strings.CutPrefix(target, uri)
		if !ok {
			t.Fatalf("the link leads to %q", target)
		}
		values, err := url.ParseQuery(query[1:])
		if err != nil || values.Get("state") != request.Get("state") || values.Get("iss") != serverURL {
			t.Errorf("the link carries %v (%v)", values, err)
		}
		if res := s.redeem(id, uri, values.Get("code")); res.StatusCode != http.StatusOK {
			t.Errorf("redeeming the code of the link: %d %s", res.StatusCode, res.body)
		}
		if denied := s.decide(request, "deny", "").location(t); denied.Get("error") != "access_denied" {
			t.Errorf("a refusal is sent as %v", denied)
		}
	}
}
