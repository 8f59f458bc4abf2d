package mcpoauth_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// redemption is the form that exchanges a code of a public client.
func redemption(clientID, redirectURI, code string) url.Values {
	return url.Values{
		"grant_type":    {"authorization_code"},
		"client_id":     {clientID},
		"code":          {code},
		"redirect_uri":  {redirectURI},
		"code_verifier": {verifier},
	}
}

// wantTokens fails unless the answer has tokens.
func (a answer) wantTokens(t *testing.T) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.text(t, "access_token") == "" {
		t.Errorf("got %d %s, want tokens", a.StatusCode, a.body)
	}
}

// logged returns how often an event is in the log.
func (s *server) logged(event string) (times int) {
	s.t.Helper()
	for line := range strings.Lines(s.logs.String()) {
		var entry struct{ Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			s.t.Fatal(err)
		}
		if entry.Msg == event {
			times++
		}
	}
	return times
}

// watching is a server with its owner on a backend that can be watched and broken.
func watching(t *testing.T, cfg mcpoauth.Config) (*server, *watched) {
	t.Helper()
	records := memory.New(memory.Options{})
	t.Cleanup(func() { records.Close() })
	backend := watch(records)
	cfg.Store = backend
	s, _ := inProcess(t, cfg)
	s.setUp()
	return s, backend
}

func TestR28_AnUnknownClientIsToldToThePersonAndNotRedirected(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	for name, id := range map[string]string{
		"forgotten": "AAAAAAAAAAAAAAAAAAAAAA", "strange": "<script>", "none": "",
	} {
		t.Run(name, func(t *testing.T) {
			s.get("/authorize?"+with(request, "client_id", id).Encode()).wantPage(t, http.StatusBadRequest, "What to do")
		})
	}
	s.get("/authorize?"+with(request, "client_id", "unknown").Encode()).
		wantPage(t, http.StatusBadRequest, "not known here", "remove this server and add it again")
}

func TestR28_ARedirectURIThatIsNotRegisteredIsNeverFollowed(t *testing.T) {
	s := owned(t)
	id, _ := s.register(map[string]any{"redirect_uris": []string{webClient, loopback}, "token_endpoint_auth_method": "none"})
	request := authorizationRequest(id, webClient)
	for _, uri := range []string{
		"", // two are registered: neither is meant more than the other
		"https://evil.example/callback",
		"https://client.example/callback/",
		"https://client.example/callback/..%2fother",
		"https://client.example/callback?extra=1",
		"https://client.example/callback#fragment",
		"https://client.example/other",
		"https://CLIENT.example/callback",
		"https://client.example:8443/callback",
		"https://client.example@evil.example/callback",
		"https://client.example.evil.example/callback",
		"http://client.example/callback",
		"//client.example/callback",
		"http://127.0.0.1:4711/other",
		"http://localhost:4711/callback",
		"https://127.0.0.1:4711/callback",
		"http://127.0.0.1.evil.example:4711/callback",
		"javascript:alert(1)",
		"data:text/html,hello",
	} {
		for _, broken := range [][]string{nil, {"response_type", "token"}, {"scope", "admin"}} {
			s.get("/authorize?"+with(with(request, "redirect_uri", uri), broken...).Encode()).
				wantPage(t, http.StatusBadRequest, "redirect_uri", "What to do")
		}
	}
}

func TestR28_AnUnknownClientGetsInvalidClientAtTheTokenEndpoint(t *testing.T) {
	s := owned(t)
	for _, form := range []url.Values{redemption("unknown", webClient, "a-code"), {"grant_type": {"refresh_token"}, "client_id": {"unknown"}, "refresh_token": {"a-token"}}} {
		res := s.form("/token", form)
		res.wantError(t, http.StatusUnauthorized, "invalid_client")
		if !strings.HasPrefix(res.Header.Get("WWW-Authenticate"), "Basic ") {
			t.Errorf("the challenge is %q", res.Header.Get("WWW-Authenticate"))
		}
	}
}

func TestR40_TheTokenEndpointTakesFormsAndNothingElse(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	for _, contentType := range []string{
		"application/x-www-form-urlencoded",
		"application/x-www-form-urlencoded;charset=UTF-8",
		"application/x-www-form-urlencoded; charset=utf-8; boundary=something",
		"Application/X-WWW-Form-URLEncoded",
	} {
		form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
		res := s.do("POST", "/token", strings.NewReader(form.Encode()), "Content-Type", contentType)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d %s", contentType, res.StatusCode, res.body)
		}
	}

	form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
	asJSON, err := json.Marshal(map[string]string{"grant_type": "authorization_code", "client_id": id, "code": form.Get("code"), "code_verifier": verifier})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/token", "/revoke"} {
		s.do("POST", target, strings.NewReader(string(asJSON)), "Content-Type", "application/json").wantError(t, http.StatusBadRequest, "invalid_request")
		for _, contentType := range []string{"", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded2", ";;"} {
			s.do("POST", target, strings.NewReader(form.Encode()), "Content-Type", contentType).wantError(t, http.StatusBadRequest, "invalid_request")
		}
		s.do("POST", target, strings.NewReader("grant_type=%zz"), "Content-Type", "application/x-www-form-urlencoded").wantError(t, http.StatusBadRequest, "invalid_request")
		s.form(target, url.Values{"padding": {strings.Repeat("x", 64<<10)}}).wantError(t, http.StatusRequestEntityTooLarge, "invalid_request")
	}
	s.form("/token", form).wantTokens(t) // none of it spent the code
}

func TestR40_ParametersInTheURLAreNotLookedAt(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))

	s.form("/token?"+form.Encode(), nil).wantError(t, http.StatusBadRequest, "invalid_request")
	s.form("/revoke?"+form.Encode(), nil).wantError(t, http.StatusUnauthorized, "invalid_client")
	for _, name := range []string{"grant_type", "code", "code_verifier"} {
		s.form("/token?"+form.Encode(), with(form, name, "")).wantError(t, http.StatusBadRequest, "invalid_request")
	}
	s.form("/token?"+form.Encode(), with(form, "client_id", "")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.form("/token?grant_type=refresh_token&client_id=unknown&code=x&code_verifier=x&redirect_uri=x", form).wantTokens(t)
}

func TestR40_AParameterGivenTwiceIsRefused(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
	for name, values := range form {
		doubled := maps.Clone(form)
		doubled[name] = []string{values[0], values[0]}
		s.form("/token", doubled).wantError(t, http.StatusBadRequest, "invalid_request")
	}
	form["resource"] = []string{mcpURL, mcpURL} // but this one, as from Codex
	s.form("/token", form).wantTokens(t)
}

func TestR40_OnlyPOSTReachesTheTokenEndpoint(t *testing.T) {
	s := owned(t)
	for _, target := range []string{"/token", "/revoke"} {
		for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH"} {
			res := s.do(method, target+"?grant_type=authorization_code", nil)
			if res.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(res.Header.Get("Allow"), "POST") {
				t.Errorf("%s %s is answered with %d, Allow: %q", method, target, res.StatusCode, res.Header.Get("Allow"))
			}
		}
	}
}

// percentEncoded encodes every byte, as openid-client does with all but letters
// and digits (RFC 6749 §2.3.1, appendix B).
func percentEncoded(s string) string {
	var out strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&out, "%%%02X", c)
	}
	return out.String()
}

const oddSecret = "p%41ss:w+rd/with=all&sorts of~things"

// authMethodsServer has a client of each kind, named by how it was made.
func authMethodsServer(t *testing.T) (s *server, clients map[string][2]string) {
	t.Helper()
	s = serve(t, mcpoauth.Config{Clients: []mcpoauth.Client{
		{ID: "odd.client~1", Secret: oddSecret, RedirectURIs: []string{webClient}},
		{ID: "open_client-2", RedirectURIs: []string{webClient}},
	}})
	s.setUp()
	clients = map[string][2]string{"preregistered": {"odd.client~1", oddSecret}, "preregistered public": {"open_client-2", ""}}
	for _, method := range []string{"none", "client_secret_post", "client_secret_basic"} {
		id, password := s.register(map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": method})
		clients[method] = [2]string{id, password}
	}
	return s, clients
}

func TestR41_AClientProvesItselfInEachOfTheThreeWays(t *testing.T) {
	s, clients := authMethodsServer(t)
	const none = ""
	tests := map[string]func(id, password string) (header string, form url.Values){
		"by its ID, or in the form": func(id, password string) (string, url.Values) {
			return none, url.Values{"client_id": {id}, "client_secret": {password}}
		},
		"Basic, raw": func(id, password string) (string, url.Values) {
			return basic(id, password), nil
		},
		"Basic, percent-encoded": func(id, password string) (string, url.Values) {
			return basic(percentEncoded(id), percentEncoded(password)), nil
		},
		"Basic, form-encoded": func(id, password string) (string, url.Values) {
			return basic(url.QueryEscape(id), url.QueryEscape(password)), nil
		},
		"Basic in lower case": func(id, password string) (string, url.Values) {
			return "b" + basic(id, password)[1:], nil
		},
		"Basic with the ID in the form too": func(id, password string) (string, url.Values) {
			return basic(id, password), url.Values{"client_id": {id}, "client_secret": {""}}
		},
	}
	for name, client := range clients {
		for way, authenticate := range tests {
			t.Run(name+", "+way, func(t *testing.T) {
				id, password := client[0], client[1]
				header, identification := authenticate(id, password)
				headers := []string{"Authorization", header}
				if header == none {
					headers = nil
				}
				post := func(target string, form url.Values) answer {
					maps.Copy(form, identification)
					return s.form(target, form, headers...)
				}
				res := post("/token", with(redemption(id, webClient, s.code(authorizationRequest(id, webClient))), "client_id", ""))
				res.wantTokens(t)
				res = post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {res.text(t, "refresh_token")}})
				res.wantTokens(t)
				if post("/revoke", url.Values{"token": {res.text(t, "refresh_token")}}).StatusCode != http.StatusOK ||
					s.call(res.text(t, "access_token")).StatusCode != http.StatusUnauthorized {
					t.Error("the revocation endpoint does not know the client")
				}
			})
		}
	}
}

func TestR41_AFailedProofIsRefusedAndDoesNotSpendTheCode(t *testing.T) {
	s, clients := authMethodsServer(t)
	id, password := clients["client_secret_basic"][0], clients["client_secret_basic"][1]
	public, odd := clients["none"][0], clients["preregistered"][0]
	tests := []struct {
		name, id, header string
		form             url.Values
		status           int
		code             string
	}{
		{"no client at all", id, "", nil, 401, "invalid_client"},
		{"no secret", id, "", url.Values{"client_id": {id}}, 401, "invalid_client"},
		{"an empty secret", id, "", url.Values{"client_id": {id}, "client_secret": {""}}, 401, "invalid_client"},
		{"a wrong secret", id, "", url.Values{"client_id": {id}, "client_secret": {"x" + password[1:]}}, 401, "invalid_client"},
		{"a secret with more behind it", id, "", url.Values{"client_id": {id}, "client_secret": {password + "x"}}, 401, "invalid_client"},
		{"another client's secret", id, "", url.Values{"client_id": {id}, "client_secret": {oddSecret}}, 401, "invalid_client"},
		{"Basic, a wrong secret", id, basic(id, "wrong"), nil, 401, "invalid_client"},
		{"Basic, no secret", id, basic(id, ""), nil, 401, "invalid_client"},
		{"Basic, an unknown client", id, basic("unknown", password), nil, 401, "invalid_client"},
		{"Basic without a colon", id, "Basic aWQ=", nil, 401, "invalid_client"},
		{"Basic that is not base64", id, "Basic %%%", nil, 401, "invalid_client"},
		{"Basic and nothing", id, "Basic", nil, 401, "invalid_client"},
		{"another scheme", id, "Bearer " + password, url.Values{"client_id": {id}, "client_secret": {password}}, 401, "invalid_client"},
		{"two ways at once", id, basic(id, password), url.Values{"client_secret": {password}}, 400, "invalid_request"},
		{"two different clients", id, basic(id, password), url.Values{"client_id": {public}}, 400, "invalid_request"},
		{"a preregistered client without its secret", odd, "", url.Values{"client_id": {odd}}, 401, "invalid_client"},
		{"a public client with a secret", public, "", url.Values{"client_id": {public}, "client_secret": {"a-secret"}}, 401, "invalid_client"},
		{"a public client with a password", public, basic(public, "a-secret"), nil, 401, "invalid_client"},
	}
	codes := make(map[string]string)
	for _, client := range []string{id, public, odd} {
		codes[client] = s.code(authorizationRequest(client, webClient))
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			form := with(redemption(test.id, webClient, codes[test.id]), "client_id", "")
			maps.Copy(form, test.form)
			var headers []string
			if test.header != "" {
				headers = []string{"Authorization", test.header}
			}
			for _, target := range []string{"/token", "/revoke"} {
				res := s.form(target, with(form, "token", "a-token"), headers...)
				res.wantError(t, test.status, test.code)
				if challenge := res.Header.Get("WWW-Authenticate"); test.status == 401 && !strings.HasPrefix(challenge, "Basic ") {
					t.Errorf("the challenge is %q", challenge)
				}
			}
		})
	}
	s.form("/token", redemption(public, webClient, codes[public])).wantTokens(t)
	for client, password := range map[string]string{id: password, odd: oddSecret} {
		s.form("/token", redemption(client, webClient, codes[client]), "Authorization", basic(client, password)).wantTokens(t)
	}
}

func TestR42_TheAnswerHasAllThatClientsReadAndNoNull(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	first := s.redeem(id, webClient, s.code(authorizationRequest(id, webClient)))
	answers := map[string]answer{"code": first, "refresh": s.refresh(id, first.text(t, "refresh_token"))}
	for name, res := range answers {
		t.Run(name, func(t *testing.T) {
			var members map[string]json.RawMessage
			if err := json.Unmarshal([]byte(res.body), &members); err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"token_type": `"Bearer"`, "expires_in": "86400", "scope": `"mcp:tools"`}
			for member, value := range want {
				if string(members[member]) != value {
					t.Errorf("%s is %s, want %s", member, members[member], value)
				}
			}
			for _, member := range []string{"access_token", "refresh_token"} {
				if len(members[member]) < 45 || members[member][0] != '"' {
					t.Errorf("%s is %s", member, members[member])
				}
			}
			if len(members) != 5 || strings.Contains(res.body, "null") {
				t.Errorf("the members are %s", res.body)
			}
			if got := res.Header.Get("Content-Type"); got != "application/json" {
				t.Errorf("the type is %q", got)
			}
		})
	}
}

func TestR42_NothingFromTheTokenEndpointIsStored(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	code := s.code(authorizationRequest(id, webClient))
	for name, res := range map[string]answer{
		"tokens":          s.redeem(id, webClient, code),
		"invalid_request": s.form("/token", nil),
		"invalid_grant":   s.redeem(id, webClient, "unknown"),
		"invalid_client":  s.redeem("unknown", webClient, code),
		"wrong type":      s.json("/token", nil),
		"wrong method":    s.get("/token"),
		"revoked":         s.revoke(id, "unknown"),
	} {
		if res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control is %q", name, res.Header.Get("Cache-Control"))
		}
	}
}

func TestR44_WhoGetsARefreshToken(t *testing.T) {
	s := owned(t)
	tests := []struct {
		name   string
		grants []string
		scope  string
		want   bool
	}{
		{"who lists refresh_token", []string{"authorization_code", "refresh_token"}, "mcp:tools", true},
		{"who lists nothing", nil, "mcp:tools", true},
		{"who lists unknown ones beside it", []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"}, "mcp:tools", true},
		{"who asks for offline_access", []string{"authorization_code"}, "mcp:tools offline_access", true},
		{"nobody else", []string{"authorization_code"}, "mcp:tools", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			metadata := map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "none"}
			if test.grants != nil {
				metadata["grant_types"] = test.grants
			}
			id, _ := s.register(metadata)
			res := s.redeem(id, webClient, s.code(with(authorizationRequest(id, webClient), "scope", test.scope)))
			res.wantTokens(t)
			if _, got := res.json(t, "refresh_token").(string); got != test.want {
				t.Errorf("a refresh token: %v, want %v", got, test.want)
			}
			if test.want {
				s.refresh(id, res.text(t, "refresh_token")).wantTokens(t)
			}
		})
	}
}

func TestR47_AWrongRequestDoesNotSpendTheCode(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/other"}}})
	s.setUp()
	id, other := s.public(webClient), s.public(webClient)
	good := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
	tests := []struct {
		name   string
		change []string
		code   string
	}{
		{"a resource of this server that was not asked for", []string{"resource", serverURL + "/other"}, "invalid_target"},
		{"an unknown resource", []string{"resource", "https://elsewhere.example/mcp"}, "invalid_target"},
		{"a wrong verifier", []string{"code_verifier", strings.Repeat("w", 43)}, "invalid_grant"},
		{"the challenge as verifier", []string{"code_verifier", secret.S256(verifier)}, "invalid_grant"},
		{"a malformed verifier", []string{"code_verifier", "short"}, "invalid_grant"},
		{"no verifier", []string{"code_verifier", ""}, "invalid_request"},
		{"another client", []string{"client_id", other}, "invalid_grant"},
		{"another redirect URI", []string{"redirect_uri", loopback}, "invalid_grant"},
		{"a redirect URI with a slash more", []string{"redirect_uri", webClient + "/"}, "invalid_grant"},
		{"an unknown grant type", []string{"grant_type", "password"}, "unsupported_grant_type"},
		{"no grant type", []string{"grant_type", ""}, "invalid_request"},
		{"no code", []string{"code", ""}, "invalid_request"},
		{"the code as a refresh token", []string{"grant_type", "refresh_token", "refresh_token", good.Get("code"), "code", ""}, "invalid_grant"},
		{"a code that was tampered with", []string{"code", good.Get("code")[:len(good.Get("code"))-4] + "AAAA"}, "invalid_grant"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s.form("/token", with(good, test.change...)).wantError(t, http.StatusBadRequest, test.code)
		})
	}
	res := s.form("/token", with(good, "resource", mcpURL))
	res.wantTokens(t)
	s.wantEntersOnly(t, res.text(t, "access_token"), mcpURL, mcpURL, serverURL+"/other")
}

func TestR47_TheRedirectURIMayBeMissingAsInOAuth21(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	s.form("/token", with(redemption(id, webClient, s.code(authorizationRequest(id, webClient))), "redirect_uri", "")).wantTokens(t)
}

func TestR47_TheRedirectURIIsTheRequestedOneWithItsPort(t *testing.T) {
	s := owned(t)
	const requested = "http://127.0.0.1:51234/callback"
	id := s.public(loopback)
	form := redemption(id, loopback, s.code(authorizationRequest(id, requested)))
	s.form("/token", form).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.form("/token", with(form, "redirect_uri", requested)).wantTokens(t)
}

func TestR47_GrantTypesThatDoNotExistAreRefusedBeforeAnythingElse(t *testing.T) {
	s := owned(t)
	for _, grantType := range []string{"password", "client_credentials", "implicit", "Authorization_Code", "urn:ietf:params:oauth:grant-type:jwt-bearer"} {
		s.form("/token", url.Values{"grant_type": {grantType}}).wantError(t, http.StatusBadRequest, "unsupported_grant_type")
	}
}

func TestR48_ACodeRepeatedWithinSecondsGetsTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id := s.public(webClient)
		code := s.code(authorizationRequest(id, webClient))
		first := s.redeem(id, webClient, code)
		first.wantTokens(t)
		time.Sleep(10*time.Second - time.Nanosecond)
		again := s.redeem(id, webClient, code)
		for _, member := range []string{"access_token", "refresh_token", "scope", "token_type"} {
			if again.text(t, member) != first.text(t, member) {
				t.Errorf("%s differs: %s", member, again.body)
			}
		}
		if s.logged("token.reused") != 0 {
			t.Error("it is logged as a reuse")
		}
	})
}

func TestR48_AnyOtherRepeatOfACodeEndsItsGrant(t *testing.T) {
	tests := map[string]func(s *server, form url.Values) answer{
		"ten seconds later": func(s *server, form url.Values) answer {
			time.Sleep(10 * time.Second)
			return s.form("/token", form)
		},
		"a day later": func(s *server, form url.Values) answer {
			time.Sleep(24 * time.Hour)
			return s.form("/token", form)
		},
		"at once with another verifier": func(s *server, form url.Values) answer {
			return s.form("/token", with(form, "code_verifier", strings.Repeat("w", 43)))
		},
	}
	for name, repeat := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := inProcess(t, mcpoauth.Config{AccessTokenLifetime: 48 * time.Hour})
				s.setUp()
				id := s.public(webClient)
				form := redemption(id, webClient, s.code(authorizationRequest(id, webClient)))
				tokens := s.form("/token", form)
				repeat(s, form).wantError(t, http.StatusBadRequest, "invalid_grant")
				s.call(tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
				s.refresh(id, tokens.text(t, "refresh_token")).wantError(t, http.StatusBadRequest, "invalid_grant")
				if s.logged("token.reused") != 1 {
					t.Errorf("token.reused is logged %d times", s.logged("token.reused"))
				}
			})
		})
	}
}

func TestR48_ARepeatByAnotherClientEndsNothing(t *testing.T) {
	s := owned(t)
	client := s.login()
	code := s.code(authorizationRequest(client.clientID, webClient))
	access := s.redeem(client.clientID, webClient, code).text(t, "access_token")
	s.redeem(s.public(webClient), webClient, code).wantError(t, http.StatusBadRequest, "invalid_grant")
	if res := s.call(access); res.StatusCode != http.StatusOK {
		t.Errorf("the token is answered with %d", res.StatusCode)
	}
}

func TestR48_ACodeExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id := s.public(webClient)
		inTime, late := s.code(authorizationRequest(id, webClient)), s.code(authorizationRequest(id, webClient))
		time.Sleep(5*time.Minute - time.Second)
		s.redeem(id, webClient, inTime).wantTokens(t)
		time.Sleep(time.Second)
		s.redeem(id, webClient, late).wantError(t, http.StatusBadRequest, "invalid_grant")
	})
}

func TestR49_TroubleInTheStoreIs503WithRetryAfterAndEndsNothing(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{Clients: []mcpoauth.Client{{ID: "known", RedirectURIs: []string{webClient}}}})
	id := s.public(webClient)
	tokens := s.redeem(id, webClient, s.code(authorizationRequest(id, webClient)))
	request := authorizationRequest(id, webClient)
	page := s.get("/authorize?" + request.Encode())
	code, digest := s.code(request), digestAttribute.FindStringSubmatch(page.body)[1]

	asJSON := map[string]func() answer{
		"redeem":         func() answer { return s.redeem(id, webClient, code) },
		"refresh":        func() answer { return s.refresh(id, tokens.text(t, "refresh_token")) },
		"revoke":         func() answer { return s.revoke(id, tokens.text(t, "refresh_token")) },
		"revoke access":  func() answer { return s.revoke(id, tokens.text(t, "access_token")) },
		"guard":          func() answer { return s.call(tokens.text(t, "access_token")) },
		"health":         func() answer { return s.get("/health") },
		"passkey":        func() answer { return s.fetch("/passkey/auth/start", map[string]string{"digest": digest}) },
		"registration":   func() answer { return s.json("/register", map[string]any{"redirect_uris": []string{webClient}}) },
		"a known client": func() answer { return s.refresh("known", tokens.text(t, "refresh_token")) },
	}
	asPage := map[string]func() answer{
		"approval page": func() answer { return s.get("/authorize?" + request.Encode()) },
		"decision":      func() answer { return s.decide(request, "approve", "AAAAAAAAAAAAAAAAAAAAAA") },
		"refusal":       func() answer { return s.decide(request, "deny", "") },
		"setup page":    func() answer { return s.get("/passkey/register") },
	}
	backend.breakDown("")
	for name, ask := range asJSON {
		t.Run(name, func(t *testing.T) {
			res := ask()
			res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
			if res.Header.Get("Retry-After") != "5" || res.Header.Get("WWW-Authenticate") != "" || strings.Contains(res.body, "fire") {
				t.Errorf("the answer is %v %s", res.Header, res.body)
			}
		})
	}
	for name, ask := range asPage {
		t.Run(name, func(t *testing.T) {
			res := ask()
			res.wantPage(t, http.StatusServiceUnavailable)
			if res.Header.Get("Retry-After") != "5" || strings.Contains(res.body, "fire") {
				t.Errorf("the answer is %v %s", res.Header, res.body)
			}
		})
	}
	if !strings.Contains(s.logs.String(), errBroken.Error()) {
		t.Error("the log does not say why")
	}

	backend.mend()
	if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards the access token is answered with %d", res.StatusCode)
	}
	s.redeem(id, webClient, code).wantTokens(t)
	s.refresh(id, tokens.text(t, "refresh_token")).wantTokens(t)
	if res := s.get("/health"); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards the health is %d", res.StatusCode)
	}
}

func TestR49_DiscoveryAndTheChallengeNeedNoStore(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{})
	backend.breakDown("")
	for _, path := range []string{"/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-authorization-server"} {
		if res := s.get(path); res.StatusCode != http.StatusOK {
			t.Errorf("%s is answered with %d", path, res.StatusCode)
		}
	}
	s.get("/mcp").wantError(t, http.StatusUnauthorized, "unauthorized")
}

// A theft that is noticed while nothing can be deleted must not pass for dealt with.
func TestR49_AReuseThatCannotBeRevokedIs503AndRevokedTheNextTime(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{RefreshGrace: -1})
	client := s.login()
	live := s.refresh(client.clientID, client.refresh)
	backend.breakDown("delete")
	s.refresh(client.clientID, client.refresh).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	backend.mend()
	s.refresh(client.clientID, client.refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.call(live.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
}

func TestR49_RefusalsAreOAuthErrorsInJSON(t *testing.T) {
	s := owned(t)
	client := s.login()
	unknown := strings.Repeat("A", 108)
	for _, token := range []string{"unknown", "mcpoauth_rt_" + unknown, client.refresh[:len(client.refresh)-1], client.refresh + "A", client.access, "\x00"} {
		res := s.refresh(client.clientID, token)
		res.wantError(t, http.StatusBadRequest, "invalid_grant")
		if !strings.Contains(res.text(t, "error_description"), "the refresh token is unknown, expired or revoked; start a new authorization") {
			t.Errorf("it does not say what is wrong: %s", res.body)
		}
	}
	code := s.redeem(client.clientID, webClient, "mcpoauth_ac_"+unknown)
	code.wantError(t, http.StatusBadRequest, "invalid_grant")
	if !strings.Contains(code.text(t, "error_description"), "the code is unknown, expired or revoked; start a new authorization") {
		t.Errorf("it does not say what is wrong: %s", code.body)
	}
	s.refresh(client.clientID, "").wantError(t, http.StatusBadRequest, "invalid_request")
	s.refresh("unknown", client.refresh).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.refresh(client.clientID, client.refresh).wantTokens(t) // nothing of it mattered
}

// Rather than a stopwatch: what an exchange costs is what it asks of the store,
// and that it never waits by itself.
func TestR50_AnExchangeAsksTheStoreThreeTimesAndNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, backend := watching(t, mcpoauth.Config{})
		id := s.public(webClient)
		code := s.code(authorizationRequest(id, webClient))
		started := time.Now()
		backend.seen()

		first := s.redeem(id, webClient, code)
		first.wantTokens(t)
		want := []string{"get client", "get grant", "replace grant"}
		if calls := backend.seen(); !slices.Equal(calls, want) {
			t.Errorf("redeeming asks %v", calls)
		}
		s.refresh(id, first.text(t, "refresh_token")).wantTokens(t)
		if calls := backend.seen(); !slices.Equal(calls, want) {
			t.Errorf("refreshing asks %v", calls)
		}
		s.refresh(id, first.text(t, "refresh_token")).wantTokens(t)
		if calls := backend.seen(); !slices.Equal(calls, want[:2]) {
			t.Errorf("a repeated refresh asks %v", calls)
		}
		s.call(first.text(t, "access_token"))
		if calls := backend.seen(); !slices.Equal(calls, []string{"get grant"}) {
			t.Errorf("the guard asks %v", calls)
		}
		if waited := time.Since(started); waited != 0 {
			t.Errorf("somebody slept for %v", waited)
		}
	})
}

func TestR60_NoTokenCodeOrSecretIsEverLogged(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{RefreshGrace: -1})
	id, password := s.register(map[string]any{"redirect_uris": []string{webClient}, "client_name": "Logged client"})
	proof := []string{"Authorization", basic(id, password)}
	request := authorizationRequest(id, webClient)
	page := s.get("/authorize?" + request.Encode())
	ceremony := s.touch(page)
	code := s.submit(page, "approve", ceremony).location(t).Get("code")
	form := redemption(id, webClient, code)
	tokens := s.form("/token", form, proof...)
	access, refresh := tokens.text(t, "access_token"), tokens.text(t, "refresh_token")
	again := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	second := s.form("/token", again, proof...)

	// And whatever can go wrong.
	s.call(access)
	s.get("/mcp?access_token="+access, "Authorization", "Bearer "+refresh)
	backend.breakDown("")
	s.form("/token?refresh_token="+refresh, again, proof...)
	s.form("/revoke?token="+access, url.Values{"token": {access}}, proof...)
	s.call(access)
	s.get("/authorize?" + request.Encode())
	backend.mend()
	s.form("/token", with(form, "client_secret", password), proof...)
	s.form("/token", again, proof...) // a reuse
	s.form("/token", form, proof...)
	s.form("/revoke", url.Values{"token": {access}}, proof...)

	log := s.logs.String()
	if s.logged("token.issued") == 0 || s.logged("token.reused") == 0 || s.logged("request.failed") == 0 {
		t.Fatalf("the log does not have what this test is about:\n%s", log)
	}
	for name, value := range map[string]string{
		"access token": access, "refresh token": refresh, "second access token": second.text(t, "access_token"),
		"second refresh token": second.text(t, "refresh_token"), "code": code, "client secret": password, "verifier": verifier,
		"setup token": setupToken, "ceremony": ceremony, "state": "the-state",
	} {
		secretPart := value[max(0, len(value)-secret.Len):]
		if value == "" || strings.Contains(log, secretPart) || strings.Contains(log, url.QueryEscape(secretPart)) {
			t.Errorf("the log has the %s %q:\n%s", name, value, log)
		}
	}
}
