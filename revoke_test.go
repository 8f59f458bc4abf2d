package mcpoauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// wantRevoked fails unless the answer is the one that all revocations get.
func (a answer) wantRevoked(t *testing.T) {
	t.Helper()
	if a.StatusCode != http.StatusOK || a.body != "{}" {
		t.Errorf("the revocation is answered with %d %s", a.StatusCode, a.body)
	}
}

func TestR52_RevokingARefreshTokenEndsEveryAccessTokenAtOnce(t *testing.T) {
	s := owned(t)
	for _, which := range []string{"the newest", "one from before the last rotation"} {
		t.Run(which, func(t *testing.T) {
			id, first := s.connected()
			second := s.rotate(id, first)
			third := s.rotate(id, second)
			token := third.text(t, "refresh_token")
			if which != "the newest" {
				token = first.text(t, "refresh_token")
			}
			s.revoke(id, token).wantRevoked(t)
			s.wantEnded(t, id, first, second, third)
		})
	}
	if s.logged("token.revoked") != 2 {
		t.Errorf("token.revoked is logged %d times", s.logged("token.revoked"))
	}
}

func TestR52_RevokingAnAccessTokenEndsItAloneAndAtOnce(t *testing.T) {
	s := owned(t)
	id, first := s.connected()
	second := s.rotate(id, first)
	s.revoke(id, second.text(t, "access_token")).wantRevoked(t)
	s.call(second.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
	if res := s.call(first.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the other access token is answered with %d", res.StatusCode)
	}
	s.rotate(id, second).wantTokens(t)
}

// A client whose answer was lost may have revoked the token that it would get again.
func TestR52_ARepeatedRefreshNeverBringsARevokedTokenBack(t *testing.T) {
	s := owned(t)
	id, first := s.connected()
	second := s.rotate(id, first)
	s.revoke(id, second.text(t, "access_token")).wantRevoked(t)
	again := s.rotate(id, first)
	again.wantTokens(t)
	if again.text(t, "access_token") == second.text(t, "access_token") {
		t.Error("the revoked token is handed out again")
	}
	if res := s.call(again.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the new token is answered with %d", res.StatusCode)
	}
}

func TestR53_TwoLoginsOfOneClientAreIndependent(t *testing.T) {
	s := serve(t, mcpoauth.Config{RefreshGrace: -1})
	s.setUp()
	id := s.public(webClient)
	login := func() answer { return s.redeem(id, webClient, s.code(authorizationRequest(id, webClient))) }
	tests := map[string]func(tokens answer){
		"one is revoked": func(tokens answer) { s.revoke(id, tokens.text(t, "refresh_token")).wantRevoked(t) },
		"one is reused": func(tokens answer) {
			s.rotate(id, tokens).wantTokens(t)
			s.rotate(id, tokens).wantError(t, http.StatusBadRequest, "invalid_grant")
		},
		"one is refreshed": func(tokens answer) { s.rotate(id, tokens).wantTokens(t) },
	}
	for name, happens := range tests {
		t.Run(name, func(t *testing.T) {
			laptop, phone := login(), login()
			happens(phone)
			if res := s.call(laptop.text(t, "access_token")); res.StatusCode != http.StatusOK {
				t.Errorf("the other's access token is answered with %d", res.StatusCode)
			}
			s.rotate(id, laptop).wantTokens(t)
		})
	}
}

func TestR57_AnUnknownTokenIsAnsweredLikeARevokedOne(t *testing.T) {
	s := owned(t)
	id, tokens := s.connected()
	access, refresh := tokens.text(t, "access_token"), tokens.text(t, "refresh_token")
	for _, token := range []string{
		"unknown", "mcpoauth_at_x", strings.Replace(access, "_at_", "_rt_", 1), access[:len(access)-1], access[:len(access)-1] + "!",
		refresh[:len(refresh)-1], strings.Repeat("A", 10_000),
		refresh[:len("mcpoauth_rt_")+22] + strings.Repeat("A", 86), // the grant is right, the family is not
	} {
		s.revoke(id, token).wantRevoked(t)
	}
	s.revoke(id, "").wantError(t, http.StatusBadRequest, "invalid_request")
	if res := s.call(access); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards the token is answered with %d", res.StatusCode)
	}
	s.rotate(id, tokens).wantTokens(t)
	for range 2 {
		s.revoke(id, refresh).wantRevoked(t) // revoking what is revoked
	}
}

func TestR57_AHintChangesNothing(t *testing.T) {
	s := owned(t)
	for _, hint := range []string{"access_token", "refresh_token", "something"} {
		id, tokens := s.connected()
		for _, member := range []string{"access_token", "refresh_token"} {
			s.form("/revoke", url.Values{"client_id": {id}, "token": {tokens.text(t, member)}, "token_type_hint": {hint}}).wantRevoked(t)
		}
		s.wantEnded(t, id, tokens)
	}
}

func TestR57_AnotherClientsTokenIsLeftAlone(t *testing.T) {
	s := owned(t)
	id, tokens := s.connected()
	thief := s.public(webClient)
	for _, member := range []string{"access_token", "refresh_token"} {
		s.revoke(thief, tokens.text(t, member)).wantRevoked(t)
	}
	if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the token is answered with %d", res.StatusCode)
	}
	s.rotate(id, tokens).wantTokens(t)
}

func TestR57_OnlyTheClientItselfCanRevoke(t *testing.T) {
	s := owned(t)
	id, password := s.register(map[string]any{"redirect_uris": []string{webClient}})
	proof := []string{"Authorization", basic(id, password)}
	tokens := s.form("/token", redemption(id, webClient, s.code(authorizationRequest(id, webClient))), proof...)
	tokens.wantTokens(t)
	access := tokens.text(t, "access_token")

	s.revoke(id, access).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.revoke("unknown", access).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.form("/revoke", url.Values{"token": {access}}).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.form("/revoke", url.Values{"token": {access}}, "Authorization", basic(id, "wrong")).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.form("/revoke", url.Values{"token": {access}}, "Authorization", "Bearer "+access).wantError(t, http.StatusUnauthorized, "invalid_client")
	if res := s.call(access); res.StatusCode != http.StatusOK {
		t.Errorf("the token is answered with %d", res.StatusCode)
	}
	s.form("/revoke", url.Values{"token": {access}}, proof...).wantRevoked(t)
	s.call(access).wantError(t, http.StatusUnauthorized, "invalid_token")
}
