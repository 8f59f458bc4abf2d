package mcpoauth_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// The attacks of RFC 9700, Best Current Practice for OAuth 2.0 Security, by section. What
// has no test here is proven by another one, which SECURITY.md names beside the section.

// A proven is a client of one kind with what it sends to prove itself, made anew for
// each request.
type proven struct {
	id    string
	proof func() (form url.Values, headers []string)
}

// send posts a form to the token endpoint as the client itself does.
func (c proven) send(s *server, form url.Values) answer {
	s.t.Helper()
	identification, headers := c.proof()
	form = maps.Clone(form)
	maps.Copy(form, identification)
	return s.form("/token", form, headers...)
}

// everyKindOfClient is a server with its owner and a client of each kind.
func everyKindOfClient(t *testing.T) (*server, map[string]proven) {
	t.Helper()
	signing := newSigner(t, "signer")
	s := serve(t, mcpoauth.Config{Clients: []mcpoauth.Client{
		{ID: signing.id, JWKS: signing.jwks(), RedirectURIs: []string{webClient}},
		{ID: "preregistered", Secret: oddSecret, RedirectURIs: []string{webClient}},
	}})
	s.setUp()
	bySecret := func(method, id, password string) proven {
		return proven{id, func() (url.Values, []string) { return proof(method, id, password) }}
	}
	clients := map[string]proven{
		"preregistered, with a secret": bySecret("client_secret_basic", "preregistered", oddSecret),
		"with a key":                   {signing.id, func() (url.Values, []string) { return signing.proof(s.url), nil }},
	}
	for _, method := range []string{"none", "client_secret_post", "client_secret_basic"} {
		id, password := s.register(map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": method})
		clients["registered, "+method] = bySecret(method, id, password)
	}
	return s, clients
}

// exchange is the form that redeems a code, without what proves the client.
func exchange(code, codeVerifier string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {webClient}, "code_verifier": {codeVerifier}}
}

const attackersVerifier = "the-attackers-own-verifier-0123456789-0123456789"

// §4.1.1: the attacker has a pattern registered, or finds one, and sends the victim to
// what it was not meant for.
func TestRFC9700_4_1_APatternIsNoMoreThanItsLetters(t *testing.T) {
	s := owned(t)
	for _, pattern := range []string{"https://*.client.example/*", "https://*/callback", "https://client.example:*/callback", "*", "https://*", "http://*:4711/callback"} {
		s.json("/register", map[string]any{"redirect_uris": []string{pattern}, "token_endpoint_auth_method": "none"}).
			wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
	}
	for registered, tries := range map[string][]string{
		"https://client.example/*":             {"https://client.example/callback", "https://client.example/", "https://client.example/*/x"},
		"https://client.example/.*":            {"https://client.example/x", "https://client.example/."},
		"https://client.example/callback?*":    {"https://client.example/callback?redirect_to=https://evil.example/", "https://client.example/callback"},
		"https://clientXexample.example/cb":    {"https://client.example.example/cb"},
		"https://client.example/cb":            {"https://evil.example/.client.example/cb", "https://client.example/cb/../open?to=evil.example", "https://client.example/cb%2f..%2fopen"},
		"http://127.0.0.1/cb":                  {"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:49152/cb?to=evil.example", "http://127.0.0.1.evil.example/cb", "http://127.0.0.1:49152/cb/../open"},
		"com.example.app:/callback?purpose=mc": {"com.example.app:/callback?purpose=mcp", "com.example.app:/callback", "com.example.app.evil:/callback?purpose=mc"},
	} {
		request := authorizationRequest(s.public(registered), registered)
		s.get("/authorize?"+request.Encode()).wantPage(t, http.StatusOK)
		for _, tried := range tries {
			s.get("/authorize?"+with(request, "redirect_uri", tried).Encode()).wantPage(t, http.StatusBadRequest, "redirect_uri")
			s.decide(with(request, "redirect_uri", tried), "deny", "").wantPage(t, http.StatusBadRequest, "redirect_uri")
		}
	}
}

var anyReference = regexp.MustCompile(`(?i)\s(?:href|src|action|srcset|data|formaction|poster|ping|content)="([^"]*)"`)

// §4.2.2: the page has the state and the challenge in its URL, and shows what a stranger
// registered.
func TestRFC9700_4_2_NoPageOfAnApprovalLoadsOrLinksToAStrangersSite(t *testing.T) {
	s := owned(t)
	id, _ := s.register(map[string]any{
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "none", "client_name": `<img src="https://evil.example/x.png">`,
		"logo_uri": "https://evil.example/logo.png", "client_uri": "https://evil.example/", "policy_uri": "https://evil.example/policy",
		"tos_uri": "https://evil.example/terms", "contacts": []string{"https://evil.example/contact"},
	})
	request := authorizationRequest(id, webClient)
	broken := with(request, "scope", "admin")
	for name, page := range map[string]answer{
		"approval":       s.get("/authorize?" + request.Encode()),
		"problem":        s.get("/authorize?" + broken.Encode()),
		"unknown client": s.get("/authorize?" + with(request, "client_id", "https.evil.example").Encode()),
		"no such page":   s.get("/https://evil.example/", "Accept", "text/html"),
	} {
		if policy := page.Header.Get("Referrer-Policy"); policy != "same-origin" && policy != "no-referrer" {
			t.Errorf("%s: the Referrer-Policy is %q", name, policy)
		}
		for _, found := range anyReference.FindAllStringSubmatch(page.body, -1) {
			if strings.Contains(found[1], "evil.example") || strings.Contains(found[1], "//") && !strings.HasPrefix(found[1], webClient) {
				t.Errorf("%s leads to %s", name, found[1])
			}
		}
	}
}

// §4.3.1: somebody else at the same computer has the address that the browser came back
// to, which is the code and all else but the verifier.
func TestRFC9700_4_3_ACodeFromTheHistoryOfABrowserGetsNothing(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	seen := s.approve(request).location(t)
	stolen := redemption(id, webClient, seen.Get("code"))
	guesses := []string{"", seen.Get("state"), seen.Get("code"), request.Get("code_challenge"), attackersVerifier}
	for _, guess := range guesses {
		if res := s.form("/token", with(stolen, "code_verifier", guess)); res.StatusCode != http.StatusBadRequest {
			t.Errorf("with the verifier %q: %d %s", guess, res.StatusCode, res.body)
		}
	}
	s.form("/token", stolen).wantTokens(t)
	for _, guess := range guesses {
		if res := s.form("/token", with(stolen, "code_verifier", guess)); res.StatusCode != http.StatusBadRequest {
			t.Errorf("once it is spent, with the verifier %q: %d %s", guess, res.StatusCode, res.body)
		}
	}
}

// §4.4: a client that talks to several servers, one of which is the attacker's, tells them
// apart by iss. The attacker registers that client's own address here, with an iss of
// theirs in its query: many a client reads the first that it finds.
func TestRFC9700_4_4_ARegisteredAddressCannotBringAnIssuerOfItsOwn(t *testing.T) {
	s := owned(t)
	for _, query := range []string{
		"iss=https://evil.example", "tenant=7&iss=https://evil.example", "iss", "iss=", "%69ss=https://evil.example", "ISS=https://evil.example",
		"x;iss=https://evil.example", "x=1;iss=https://evil.example", "iss=https://evil.example;x", "iss=%zz", "code=stolen", "error=access_denied",
	} {
		for _, uri := range []string{webClient + "?" + query, loopback + "?" + query, "cursor://callback?" + query} {
			s.json("/register", map[string]any{"redirect_uris": []string{uri}, "token_endpoint_auth_method": "none"}).
				wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
		}
	}
	for _, uri := range []string{webClient + "?tenant=7&issue=iss", "http://localhost:3000?state=abc%20d"} {
		for name, res := range map[string]answer{
			"approved": s.approve(authorizationRequest(s.public(uri), uri)),
			"denied":   s.decide(authorizationRequest(s.public(uri), uri), "deny", ""),
			"refused":  s.get("/authorize?" + with(authorizationRequest(s.public(uri), uri), "scope", "admin").Encode()),
		} {
			if got := res.location(t)["iss"]; !slices.Equal(got, []string{serverURL}) {
				t.Errorf("%s at %s: iss is %q", name, uri, got)
			}
		}
	}
}

// §4.5, and §4.7 with the parts exchanged: in the legitimate client's session somebody puts
// another's code in the place of the right one. The client proves itself and sends the
// verifier of its own session.
func TestRFC9700_4_5_AnInjectedCodeIsUselessWithoutItsVerifier(t *testing.T) {
	s, clients := everyKindOfClient(t)
	for kind, client := range clients {
		t.Run(kind, func(t *testing.T) {
			s.in(t)
			code := s.code(authorizationRequest(client.id, webClient))
			own := s.code(with(authorizationRequest(client.id, webClient), "code_challenge", secret.S256(attackersVerifier)))
			client.send(s, exchange(code, attackersVerifier)).wantError(t, http.StatusBadRequest, "invalid_grant")
			client.send(s, exchange(own, verifier)).wantError(t, http.StatusBadRequest, "invalid_grant")
			client.send(s, exchange(code, verifier)).wantTokens(t) // and nothing was spent by it
			client.send(s, exchange(own, attackersVerifier)).wantTokens(t)
		})
	}
}

// §4.6, §2.1.2: a token that comes in a URL can be put into another's session, and leaks.
func TestRFC9700_4_6_NoTokenIsEverInAnAuthorizationResponse(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	wantNone := func(name, target string) {
		t.Helper()
		for _, bad := range []string{"access_token", "id_token", "mcpoauth_at_", "mcpoauth_rt_", "#", "token_type"} {
			if strings.Contains(target, bad) {
				t.Errorf("%s: the browser is sent to %s", name, target)
			}
		}
	}
	for _, responseType := range []string{"token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "Code", "code code", "token code"} {
		asked := with(request, "response_type", responseType)
		for _, res := range []answer{s.get("/authorize?" + asked.Encode()), s.decide(asked, "approve", s.touch(s.get("/authorize?"+request.Encode())))} {
			if got := res.location(t); got.Get("error") != "unsupported_response_type" || got.Has("code") {
				t.Errorf("%s is answered with %v", responseType, got)
			}
			wantNone(responseType, res.target())
		}
	}
	wantNone("code", s.approve(request).target())
}

// §4.8, §2.1.1: PKCE is taken out of the request, out of the exchange, or out of both.
func TestRFC9700_4_8_PKCECannotBeTakenOutOfTheRequestsOfAnyClient(t *testing.T) {
	s, clients := everyKindOfClient(t)
	for kind, client := range clients {
		t.Run(kind, func(t *testing.T) {
			s.in(t)
			request := authorizationRequest(client.id, webClient)
			for _, change := range [][]string{
				{"code_challenge", ""},
				{"code_challenge", "", "code_challenge_method", ""},
				{"code_challenge_method", ""},
				{"code_challenge_method", "plain"},
				{"code_challenge_method", "plain", "code_challenge", verifier},
			} {
				// As a link, and under an approval that was given for the whole request.
				ceremony := s.touch(s.get("/authorize?" + request.Encode()))
				for _, res := range []answer{s.get("/authorize?" + with(request, change...).Encode()), s.decide(with(request, change...), "approve", ceremony)} {
					if got := res.location(t); got.Get("error") != "invalid_request" || got.Has("code") {
						t.Errorf("%q is answered with %v", change, got)
					}
				}
			}
			code := s.code(request)
			for _, missing := range []string{"", request.Get("code_challenge")} {
				form := exchange(code, missing)
				if missing == "" {
					form.Del("code_verifier")
				}
				if res := client.send(s, form); res.StatusCode != http.StatusBadRequest || strings.Contains(res.body, "access_token") {
					t.Errorf("the verifier %q is answered with %d %s", missing, res.StatusCode, res.body)
				}
			}
			client.send(s, exchange(code, verifier)).wantTokens(t)
		})
	}
}

// §4.11.2: anybody registers a website and sends links that begin with this server's name
// and must fail, or names it in a request that asks for no prompt.
func TestRFC9700_4_11_ALinkAloneSendsNobodyToAStrangersSite(t *testing.T) {
	const phish = "https://phish.example/sign-in"
	s := owned(t)
	id := s.public(phish)
	request := authorizationRequest(id, phish)
	for name, change := range map[string][]string{
		"a scope that is not there":     {"scope", "admin"},
		"a resource that is not there":  {"resource", "https://elsewhere.example/mcp"},
		"an unknown response type":      {"response_type", "token"},
		"no response type":              {"response_type", ""},
		"no challenge":                  {"code_challenge", ""},
		"no prompt, and a broken scope": {"prompt", "none", "scope", "admin"},
	} {
		asked := with(request, change...)
		posted := s.form("/authorize", asked, "Sec-Fetch-Site", "cross-site", "Origin", "https://phish.example").Header.Get("Location")
		if !strings.HasPrefix(posted, "/authorize?") {
			t.Errorf("%s: posted, it leads to %q", name, posted)
			continue
		}
		for _, page := range []answer{s.get("/authorize?" + asked.Encode()), s.get(posted)} {
			page.wantPage(t, http.StatusBadRequest, "If a link brought you here, close this page")
			if !strings.Contains(page.words(), "Back to phish.example") {
				t.Errorf("%s: the page does not say where its link leads:\n%s", name, page.words())
			}
			if strings.Contains(page.body, "http-equiv") || page.Header.Get("Refresh") != "" {
				t.Errorf("%s: the page goes on by itself:\n%s", name, page.body)
			}
			// Who was connecting that app can take its error there.
			if got := page.location(t); got.Get("error") == "" || got.Get("iss") != serverURL || got.Has("code") {
				t.Errorf("%s: the link carries %v", name, got)
			}
		}
		if head := s.do("HEAD", "/authorize?"+asked.Encode(), nil); head.Header.Get("Location") != "" {
			t.Errorf("%s: HEAD is sent to %s", name, head.Header.Get("Location"))
		}
	}
	s.get("/authorize?"+with(request, "prompt", "none").Encode()).wantPage(t, http.StatusOK, "phish.example", "Deny")
}

// Where the operator has vouched for the website, or it is the person's own computer, the
// client learns of its mistake at once.
func TestRFC9700_4_11_AnErrorGoesAtOnceToWhereTheOperatorOrThePersonIs(t *testing.T) {
	for name, test := range map[string]struct {
		cfg         mcpoauth.Config
		redirectURI string
	}{
		"a preregistered client":         {mcpoauth.Config{Clients: []mcpoauth.Client{{ID: "known", RedirectURIs: []string{webClient}}}}, webClient},
		"an address of the operator's":   {mcpoauth.Config{RedirectURIs: []string{webClient}}, webClient},
		"a program on this computer":     {mcpoauth.Config{}, loopback},
		"one that listens on any port":   {mcpoauth.Config{}, "http://localhost/callback"},
		"one behind TLS on its computer": {mcpoauth.Config{}, "https://localhost:8443/callback"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.cfg)
			id := "known"
			if len(test.cfg.Clients) == 0 {
				id = s.public(test.redirectURI)
			}
			res := s.get("/authorize?" + with(authorizationRequest(id, test.redirectURI), "scope", "admin").Encode())
			if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), test.redirectURI+"?") {
				t.Errorf("answered with %d to %q", res.StatusCode, res.Header.Get("Location"))
			}
		})
	}
}

// §4.12: 307 and 308 make a browser repeat a POST, with all that is in it, at another place.
func TestRFC9700_4_12_NoAnswerMakesABrowserRepeatAPOST(t *testing.T) {
	s := signedIn(t)
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	answers := map[string]answer{
		"approve": s.approve(request), "deny": s.decide(request, "deny", ""), "a request by POST": s.form("/authorize", request),
		"an error": s.decide(with(request, "scope", "admin"), "approve", ""), "sign in": s.another().post("/account/sign-in", "ceremony", "x"),
	}
	for _, path := range []string{
		"/token", "/token/", "//token", "/./token", "/token//", "/register/", "/revoke/", "/authorize/", "//authorize", "/account/", "/account/revoke/", "/mcp/", "//mcp", "/mcp/../token", "/Token",
		"/passkey/auth/finish/", "/account/sign-out", "/account/passkeys/add/",
	} {
		// As one string: the client would clean a path, and follow what the mux says to that.
		answers[path] = s.form(s.url+path, exchange("a-code", verifier), "Sec-Fetch-Site", "same-origin", "Origin", s.url)
	}
	for name, res := range answers {
		switch res.StatusCode {
		case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			t.Errorf("%s is answered with %d to %s", name, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// §4.13: a proxy passes on what came from outside, and the attacker writes what only a
// proxy should.
func TestRFC9700_4_13_HeadersOfAProxyProveNobody(t *testing.T) {
	s := owned(t)
	client := s.login()
	claims := []string{
		"X-Forwarded-User", "owner", "X-Remote-User", "owner", "Remote-User", "owner", "X-Auth-Request-User", "owner", "X-User-Id", "owner",
		"X-Forwarded-Access-Token", client.access, "X-Access-Token", client.access, "Proxy-Authorization", "Bearer " + client.access,
		"X-Original-Url", "/health", "X-Rewrite-Url", "/health", "X-Forwarded-Uri", "/health", "X-Http-Method-Override", "OPTIONS", "X-Method-Override", "OPTIONS",
		"X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1", "Client-Cert", ":MIIB:", "X-Ssl-Client-Verify", "SUCCESS", "X-Ssl-Client-S-Dn", "CN=owner",
		"X-Forwarded-Proto", "https", "Via", "1.1 proxy", "Connection", "Authorization",
	}
	s.do("POST", "/mcp", strings.NewReader("{}"), claims...).wantError(t, http.StatusUnauthorized, "unauthorized")
	stranger := s.another()
	for _, path := range []string{"/account", "/account/keys", "/account/people"} {
		if res := stranger.get(path, claims...); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/account/sign-in") {
			t.Errorf("%s is answered with %d to %q", path, res.StatusCode, res.Header.Get("Location"))
		}
	}
}

// §4.14: the token alone, without what proves the client that it was issued to.
func TestRFC9700_4_14_AStolenRefreshTokenOfAClientWithAProofNeedsThatToo(t *testing.T) {
	s, clients := everyKindOfClient(t)
	thief := s.public(webClient)
	for kind, client := range clients {
		t.Run(kind, func(t *testing.T) {
			s.in(t)
			tokens := client.send(s, exchange(s.code(authorizationRequest(client.id, webClient)), verifier))
			refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text(t, "refresh_token")}}
			s.form("/token", refresh).wantError(t, http.StatusUnauthorized, "invalid_client")
			if kind != "registered, none" {
				s.form("/token", with(refresh, "client_id", client.id)).wantError(t, http.StatusUnauthorized, "invalid_client")
				s.form("/token", with(refresh, "client_id", client.id, "client_secret", "guess")).wantError(t, http.StatusUnauthorized, "invalid_client")
			}
			s.form("/token", with(refresh, "client_id", thief)).wantError(t, http.StatusBadRequest, "invalid_grant")
			for other, another := range clients {
				if other != kind {
					another.send(s, refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
				}
			}
			client.send(s, refresh).wantTokens(t) // none of it ended anything
		})
	}
}

// §4.15: a client takes the name of a person, so that a token of its own looks like theirs.
func TestRFC9700_4_15_AClientCannotPassForAPerson(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	id, password := s.register(map[string]any{
		"client_id": "owner", "client_secret": "chosen", "sub": "owner", "user_id": "owner", "username": "owner", "client_name": "owner", "approved_at": "2020-01-01T00:00:00Z", "preregistered": true,
		"ID": "owner", "Preregistered": true, "ApprovedAt": "2020-01-01T00:00:00Z",
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "client_secret_basic", "grant_types": []string{"authorization_code", "refresh_token", "client_credentials", "password"},
	})
	if id == "owner" || password == "chosen" {
		t.Fatalf("the client chose its ID %q or secret %q", id, password)
	}
	for _, grantType := range []string{"client_credentials", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"} {
		s.form("/token", url.Values{"grant_type": {grantType}, "username": {"owner"}, "password": {"x"}, "scope": {"mcp:tools"}, "assertion": {"x"}, "subject_token": {"x"}}, "Authorization", basic(id, password)).
			wantError(t, http.StatusBadRequest, "unsupported_grant_type")
	}
	// What it gets is of who approved it.
	res := s.form("/token", exchange(bob.code(authorizationRequest(id, webClient)), verifier), "Authorization", basic(id, password))
	res.wantTokens(t)
	who, _ := s.call(res.text(t, "access_token")).json(t, "identity").(map[string]any)
	if who["UserID"] == "owner" || who["ClientID"] != id {
		t.Errorf("the handler sees %v", who)
	}
}

// §4.17: the answer is asked for by a message to another window, or in a form or fragment.
func TestRFC9700_4_17_NoResponseModeSpeaksThroughTheBrowser(t *testing.T) {
	s := owned(t)
	const app = "cursor://callback"
	request, native := authorizationRequest(s.public(webClient), webClient), authorizationRequest(s.public(app), app)
	for _, mode := range []string{"web_message", "web_message.jwt", "fragment", "form_post", "form_post.jwt", "query.jwt", "okta_post_message", "query"} {
		more := []string{"response_mode", mode, "display", "popup", "web_message_uri", "https://evil.example", "web_message_target", "opener", "origin", "https://evil.example"}
		asked := with(request, more...)
		for name, res := range map[string]answer{
			"approval page": s.get("/authorize?" + asked.Encode()), "approved": s.approve(asked), "denied": s.decide(asked, "deny", ""),
			"refused": s.get("/authorize?" + with(asked, "scope", "admin").Encode()), "an app": s.approve(with(native, more...)),
		} {
			body := formAction.ReplaceAllString(res.body, "") // which holds the request as it came
			if regexp.MustCompile(`(?i)post_?message|opener|action="http|<script>|<script [^>]*>[^<]`).MatchString(body) || strings.Contains(res.target(), "#") {
				t.Errorf("%s, %s: %q\n%s", mode, name, res.target(), res.body)
			}
			if target := res.target(); target != "" && !strings.HasPrefix(target, webClient+"?") {
				t.Errorf("%s, %s leads to %s", mode, name, target)
			}
		}
	}
	for _, found := range regexp.MustCompile(`src="(/authorize/assets/[^"]+\.js[^"]*)"`).FindAllStringSubmatch(s.get("/authorize?"+request.Encode()).body, -1) {
		if script := s.get(found[1]); script.StatusCode != http.StatusOK || regexp.MustCompile(`postMessage|\bopener\b|addEventListener\(["']message`).MatchString(script.body) {
			t.Errorf("%s speaks to other windows (%d)", found[1], script.StatusCode)
		}
	}
}

// §2.6: whoever writes ServerURL or registers an address in plain http would have answers
// sent where anybody on the way reads them.
func TestRFC9700_2_6_NoAnswerIsSentInPlainHTTPButToThisComputer(t *testing.T) {
	s := owned(t)
	for i, host := range []string{"client.example", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "[::]", "[fe80::1]", "127.0.0.1.nip.io", "localhost.evil.example", "localhost.", "127.1", "2130706433", "0x7f000001", "017700000001"} {
		uri := fmt.Sprintf("http://%s/callback/%d", host, i)
		s.json("/register", map[string]any{"redirect_uris": []string{uri}, "token_endpoint_auth_method": "none"}).wantError(t, http.StatusBadRequest, "invalid_redirect_uri")
	}
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.255.255.254/cb", "http://[::1]/cb", "http://localhost/cb"} {
		s.public(uri)
	}
}
