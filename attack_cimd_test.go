package mcpoauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// The attacks of draft-ietf-oauth-client-id-metadata-document-01, section 6, by whoever
// serves a document or has the owner follow a link to one.

const evilDocument = "https://evil.example/oauth/client.json"

// §6.1: a document may name any place and any name. Whoever borrows those of a known client
// is still shown by their own host, and gets the code nowhere else than the page says.
func TestCIMD_6_1_WhoBorrowsAnotherClientsNameOrPlaceIsShownByTheirOwnHost(t *testing.T) {
	const claudes = "https://claude.ai/api/mcp/auth_callback"
	for name, test := range map[string]struct {
		members  map[string]any
		redirect string
		place    string
	}{
		"its name":           {map[string]any{"client_name": "Claude", "redirect_uris": []string{"https://evil.example/cb"}}, "https://evil.example/cb", "evil.example (https)"},
		"its name and host":  {map[string]any{"client_name": "claude.ai verified", "redirect_uris": []string{"https://evil.example/cb"}}, "https://evil.example/cb", "evil.example (https)"},
		"its place":          {map[string]any{"client_name": "Claude", "redirect_uris": []string{claudes}}, claudes, "claude.ai (https)"},
		"its URI and logo":   {map[string]any{"client_name": "Claude", "client_uri": "https://claude.ai", "logo_uri": "https://claude.ai/favicon.ico", "redirect_uris": []string{"https://evil.example/cb"}}, "https://evil.example/cb", "evil.example (https)"},
		"another's place":    {map[string]any{"client_name": "Claude", "client_uri": "https://claude.ai", "redirect_uris": []string{"https://third.example/cb"}}, "https://third.example/cb", "third.example (https)"},
		"a name of its host": {map[string]any{"client_name": "Website claude.ai\u2003\u2003\u202e verified", "redirect_uris": []string{"https://evil.example/cb"}}, "https://evil.example/cb", "evil.example (https)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := reading(t, somewhere(map[string]string{evilDocument: described(evilDocument, test.members)}), mcpoauth.Config{})
				page := s.ask(evilDocument, test.redirect)
				page.wantPage(t, http.StatusOK, "name given by the app, not verified")
				for _, says := range []string{"evil.example wants to use", "Website evil.example verified", "You will be sent to " + test.place} {
					if !strings.Contains(page.words(), says) {
						t.Errorf("the page does not say %q: %s", says, page.words())
					}
				}
				if n := strings.Count(page.body, `class="badge"`); n != 1 || strings.Contains(page.words(), "claude.ai wants") || strings.Contains(page.body, "\u202e") {
					t.Errorf("the page passes the attacker off as the app: %s", page.words())
				}
			})
		})
	}
	// The other way round: the known client's document, with the attacker's place.
	synctest.Test(t, func(t *testing.T) {
		s := reading(t, appElsewhere(), mcpoauth.Config{})
		for _, place := range []string{
			"https://evil.example/cb", appRedirect + "/..", appRedirect + "?x=1", appRedirect + "#x", "https://app.example:444/callback", "https://APP.example@evil.example/callback",
			"https://app.example.evil.example/callback", "http://app.example/callback", "https://app.example/callback/", "https://app.example//callback", "http://127.0.0.1/callback",
		} {
			s.ask(appDocument, place).wantPage(t, http.StatusBadRequest, "redirect_uri")
			s.decide(authorizationRequest(appDocument, place), "deny", "").wantPage(t, http.StatusBadRequest, "redirect_uri")
		}
	})
}

// §6.2, §6.3: a document that had keys is changed, by who took its host over. Without a new
// approval the stolen tokens of before are worth nothing: what it proved itself by stays.
func TestCIMD_6_3_ADocumentThatDropsItsKeysFreesNoTokenOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, thief := newSigner(t, appDocument), newSigner(t, appDocument)
		withKeys := func(c *signer) string {
			return described(appDocument, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": json.RawMessage(c.jwks())})
		}
		others := somewhere(map[string]string{appDocument: withKeys(c)})
		s := reading(t, others, mcpoauth.Config{})
		code := s.code(authorizationRequest(appDocument, appRedirect))
		tokens := c.post(s, "/token", c.proof(s.url), "grant_type", "authorization_code", "code", code, "redirect_uri", appRedirect, "code_verifier", verifier)
		tokens.wantTokens(t)
		stolen := tokens.text(t, "refresh_token")

		for name, document := range map[string]string{"with no keys": described(appDocument, nil), "with the thief's keys": withKeys(thief)} {
			others.put(appDocument, document)
			time.Sleep(forgotten)
			s.ask(appDocument, appRedirect).wantPage(t, http.StatusOK, "app.example") // a link led the owner there
			s.decide(authorizationRequest(appDocument, appRedirect), "approve", "")
			for how, res := range map[string]answer{
				"nothing":     s.refresh(appDocument, stolen),
				"its own key": thief.post(s, "/token", thief.proof(s.url), "grant_type", "refresh_token", "refresh_token", stolen),
			} {
				if res.StatusCode != http.StatusUnauthorized || res.text(t, "error") != "invalid_client" {
					t.Errorf("%s, the thief refreshes by %s: %d %s", name, how, res.StatusCode, res.body)
				}
			}
			s.revoke(appDocument, stolen).wantError(t, http.StatusUnauthorized, "invalid_client")
		}
		c.post(s, "/token", c.proof(s.url), "grant_type", "refresh_token", "refresh_token", stolen).wantTokens(t)
	})
}

// §6.3: the document changes while the page is open, so that what is approved would not be
// what was read.
func TestCIMD_6_3_ADocumentThatChangesUnderThePageMovesNoCode(t *testing.T) {
	const moved = "https://moved.example/callback"
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		request := authorizationRequest(appDocument, appRedirect)
		page := s.get("/authorize?" + request.Encode())
		others.put(appDocument, described(appDocument, map[string]any{"redirect_uris": []string{moved}}))
		time.Sleep(forgotten) // for as long the page stood open
		res := s.submit(page, "approve", s.touch(page))
		res.wantPage(t, http.StatusBadRequest, "redirect_uri")

		// Whoever leaves the place out means the only one there is: that of the page.
		page = s.get("/authorize?" + with(request, "redirect_uri", "").Encode())
		others.put(appDocument, described(appDocument, nil))
		time.Sleep(forgotten)
		s.submit(page, "approve", s.touch(page)).wantPage(t, http.StatusBadRequest, "no longer counts")
		if n := s.logged("approval.granted"); n != 0 {
			t.Errorf("%d requests were approved", n)
		}
	})
}

// §6.4: the host is all that tells a phisher from the app. It is shown whole and in ASCII,
// or the request is refused.
func TestCIMD_6_4_AHostThatLooksLikeAnotherIsShownAsItIsOrRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := somewhere(nil)
		s := reading(t, others, mcpoauth.Config{})
		for _, host := range []string{
			"claude.ai.evil.example", "claude.ai-login.example", "xn--clude-6ve.ai", "clаude.ai.xn--p1ai.example", "www.claude.ai.oauth.login.account.verify.session.a-very-long-name.evil.example",
		} {
			id, shown := "https://"+host+"/oauth/client.json", "https://"+host+"/cb"
			others.put(id, described(id, map[string]any{"client_name": "Claude", "redirect_uris": []string{shown}}))
			page := s.ask(id, shown)
			if strings.ContainsFunc(host, func(r rune) bool { return r > 0x7f }) {
				page.wantPage(t, http.StatusBadRequest, "has a character that a URL does not have")
				continue
			}
			page.wantPage(t, http.StatusOK, host)
			if !strings.Contains(page.words(), host+" wants to use") {
				t.Errorf("the page does not show %s whole: %s", host, page.words())
			}
		}
		before := others.requests("")
		for _, id := range []string{
			"https://claude.ai@evil.example/c", "https://claude.ai:pass@evil.example/c", "https://claude.ai%2F@evil.example/c", "https://claude.ai\\.evil.example/c", "https://evil.example#claude.ai/c",
			"https://evil.example?claude.ai/c", "https://Claude.ai/c", "https://claude.ai./c", "https://clаude.ai/c", "https://claude。ai/c", "https://claude.ai:443/c", "HTTPS://claude.ai/c", "https:/claude.ai/c", "https:\\\\claude.ai/c",
			"https://claude.ai\t/c", "https://claude.ai /c", "https://claude.ai\u200b/c", "https://claude%2eai/c",
		} {
			s.ask(id, appRedirect).wantPage(t, http.StatusBadRequest)
		}
		if n := others.requests("") - before; n != 0 {
			t.Errorf("%d of them were asked for", n)
		}
		// If the document cannot be had, the host is all that there is to show.
		s.ask("https://claude.ai.evil.example/gone.json", appRedirect).wantPage(t, http.StatusBadRequest, "claude.ai.evil.example")
	})
}

// hoard is a document that names everything there is to fetch.
func hoard(id string, target string) string {
	members := map[string]any{"software_statement": "eyJhbGciOiJub25lIn0.e30.", "jwks_uri": target}
	for _, name := range []string{
		"logo_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri",
		"backchannel_client_notification_endpoint", "signed_jwks_uri", "federation_uri", "logo_uri#de",
	} {
		members[name] = target
	}
	members["request_uris"], members["post_logout_redirect_uris"] = []string{target}, []string{target}
	return described(id, members)
}

// §6.5, §6.7: a stranger's document sends this server nowhere, and neither do its parameters.
func TestCIMD_6_5_NothingThatADocumentOrARequestNamesIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const target = "https://victim.example/admin"
		others := somewhere(map[string]string{appDocument: hoard(appDocument, target), target: `{"keys":[]}`})
		s := reading(t, others, mcpoauth.Config{})
		request := authorizationRequest(appDocument, appRedirect)
		for _, name := range []string{"request_uri", "request", "logo_uri", "jwks_uri", "client_metadata", "client_metadata_uri", "registration"} {
			request.Set(name, target)
		}
		page := s.get("/authorize?" + request.Encode())
		page.wantPage(t, http.StatusOK, "app.example")
		code := s.submit(page, "approve", s.touch(page)).location(t).Get("code")
		tokens := s.redeem(appDocument, appRedirect, code)
		tokens.wantTokens(t)
		s.rotate(appDocument, tokens).wantTokens(t)
		s.enter().wantRedirect(t, "/account")
		s.get("/account").wantPage(t, http.StatusOK, "Notes app")
		if n, all := others.requests(target), others.requests(""); n != 0 || all != 1 {
			t.Errorf("the victim was asked %d times, and %d requests were made in all, want the document alone", n, all)
		}
	})
}

// §6.5: what comes back is for this server alone. A page or log with it would read other
// people's networks to a stranger.
func TestCIMD_6_5_WhatWasFetchedIsShownToNobody(t *testing.T) {
	const found = "AKIAIOSFODNN7EXAMPLE"
	for name, r := range map[string]reply{
		"credentials in JSON":      {200, "application/json", `{"AccessKeyId":"` + found + `"}`},
		"no JSON at all":           {200, "application/json", found},
		"half of JSON":             {200, "application/json", `{"client_id":"` + found},
		"a member of another type": {200, "application/json", `{"client_id":"` + evilDocument + `","client_name":["` + found + `"]}`},
		"another's client_id":      {200, "application/json", `{"client_id":"https://` + found + `.example","client_name":"` + found + `"}`},
		"a method of its own":      {200, "application/json", described(evilDocument, map[string]any{"token_endpoint_auth_method": found})},
		"a place that is none":     {200, "application/json", described(evilDocument, map[string]any{"redirect_uris": []string{"javascript:" + found}})},
		"HTML":                     {200, "text/html", found},
		"an error":                 {500, "text/plain", found},
		"a type of its own":        {200, found + "/" + found, "{}"},
		"a redirect":               {302, "text/plain", found},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				others := somewhere(nil)
				others.answer(evilDocument, r)
				s := reading(t, others, mcpoauth.Config{})
				page := s.ask(evilDocument, appRedirect)
				if page.StatusCode < 400 || strings.Contains(page.body, found) {
					t.Errorf("the page (%d) shows what was found: %s", page.StatusCode, page.words())
				}
				if name != "a type of its own" && strings.Contains(s.logs.String(), found) {
					t.Errorf("the log has it: %s", s.logs)
				}
			})
		})
	}
}

// §6.6: 5 KB are enough to nest deeply in, or to repeat a thing often.
func TestCIMD_6_6_ADocumentThatIsABombIsRefused(t *testing.T) {
	const room = 5 << 10
	fill := func(open, shut string) string {
		start := strings.TrimSuffix(described(evilDocument, nil), "}") + `,"x":`
		n := (room - len(start) - 1) / (len(open) + len(shut))
		return start + strings.Repeat(open, n) + strings.Repeat(shut, n) + "}"
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("https://evil.example/%d", i)
	}
	for name, body := range map[string]string{
		"arrays in arrays":       fill("[", "]"),
		"objects in objects":     fill(`{"a":`, "}"),
		"brackets that stay":     strings.Repeat("[", room),
		"a hundred places":       described(evilDocument, map[string]any{"redirect_uris": many}),
		"a byte too much":        described(evilDocument, map[string]any{"x": strings.Repeat("x", room)}),
		"a number of 4 KB":       strings.TrimSuffix(described(evilDocument, nil), "}") + `,"client_name":1` + strings.Repeat("0", 4<<10) + "}",
		"bytes that are no text": strings.Replace(described(evilDocument, nil), "Notes", "\xff\xfe", 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := reading(t, somewhere(map[string]string{evilDocument: body}), mcpoauth.Config{})
				page := s.ask(evilDocument, appRedirect)
				page.wantPage(t, http.StatusBadRequest, "evil.example", "What to do")
			})
		})
	}
}

// §6.7: a logo is neither fetched nor shown, so that it can imitate nothing and track nobody.
func TestCIMD_6_7_ALogoIsNeitherShownNorLinked(t *testing.T) {
	const logo = "https://tracker.example/logo.svg"
	synctest.Test(t, func(t *testing.T) {
		s := reading(t, somewhere(map[string]string{appDocument: hoard(appDocument, logo)}), mcpoauth.Config{})
		id, _ := s.register(map[string]any{"redirect_uris": []string{appRedirect}, "logo_uri": logo, "client_uri": logo, "tos_uri": logo, "policy_uri": logo, "token_endpoint_auth_method": "none"})
		s.connect(appDocument, appRedirect)
		s.connect(id, appRedirect)
		s.enter().wantRedirect(t, "/account")
		for name, page := range map[string]answer{"known by a document": s.ask(appDocument, appRedirect), "registered": s.ask(id, appRedirect), "connected": s.get("/account")} {
			page.wantPage(t, http.StatusOK)
			if strings.Contains(page.body, "tracker.example") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "img-src 'self';") {
				t.Errorf("the page of a client that is %s has its logo: %s", name, page.body)
			}
		}
	})
}

// §6.8, §6.10: who lists the hosts that are trusted means those, and nothing that only looks
// like one, and registration is no way round.
func TestCIMD_6_8_OnlyTheHostsThatAreTrustedAreAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{DisableRegistration: true, AllowClientHost: func(host string) bool { return host == "app.example" }})
		for _, host := range []string{"evil.example", "app.example.evil.example", "sub.app.example", "evilapp.example", "xn--app-xyz.example", "app.examples"} {
			id := "https://" + host + "/oauth/client.json"
			others.put(id, described(id, nil))
			s.ask(id, appRedirect).wantPage(t, http.StatusForbidden, "not allowed here", host)
			s.redeem(id, appRedirect, "x").wantError(t, http.StatusUnauthorized, "invalid_client")
		}
		for _, id := range []string{"https://APP.EXAMPLE/oauth/client.json", "https://app.example:443/oauth/client.json", "https://app.example./oauth/client.json", "https://app.example@evil.example/oauth/client.json"} {
			s.ask(id, appRedirect).wantPage(t, http.StatusBadRequest)
		}
		s.json("/register", map[string]any{"client_id": evilDocument, "redirect_uris": []string{appRedirect}}).wantError(t, http.StatusNotFound, "not_found")
		if n := others.requests(""); n != 0 {
			t.Errorf("%d were asked", n)
		}
		s.connect(appDocument, appRedirect)
	})
}

// §6.9: IDs of registrations and URLs of documents are never the same, so that nobody
// registers the ID of somebody else's document.
func TestCIMD_6_9_NobodyRegistersAnIDThatIsAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{Store: backend})
		for _, member := range []string{"client_id", "client_uri", "software_id", "client_id_issued_at"} {
			for _, method := range []string{"none", "client_secret_post"} {
				res := s.json("/register", map[string]any{member: appDocument, "client_name": "Notes app", "redirect_uris": []string{"https://evil.example/cb"}, "token_endpoint_auth_method": method})
				if id := res.text(t, "client_id"); res.StatusCode != http.StatusCreated || strings.Contains(id, ":") || len(id) != 22 {
					t.Errorf("who sends a %s is the client %q: %d %s", member, id, res.StatusCode, res.body)
				}
			}
		}
		for _, record := range list(t, backend, store.KindClient) {
			if client, ok := record.Value.(*store.Client); ok && strings.HasPrefix(client.ID, "https:") {
				t.Errorf("the store has the client %s, whom nobody approved", client.ID)
			}
		}
		s.ask(appDocument, "https://evil.example/cb").wantPage(t, http.StatusBadRequest, "redirect_uri")
		s.connect(appDocument, appRedirect)
		if _, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{
			ServerURL: serverURL, Clients: []mcpoauth.Client{{ID: appDocument, RedirectURIs: []string{"https://evil.example/cb"}}},
		}); err == nil {
			t.Error("a configured client can have the ID of somebody's document")
		}
	})
}
