package mcpoauth_test

import (
	"net/http"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

func TestFirstRunToToolCall(t *testing.T) {
	s := start(t, mcpoauth.Config{})
	s.setUp()
	client := s.login()

	res := s.call(client.access)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("calling: %d %s", res.StatusCode, res.body)
	}
	identity, _ := res.json(t, "identity").(map[string]any)
	if identity["UserID"] != "owner" || identity["ClientID"] != client.clientID || identity["Resource"] != mcpURL {
		t.Errorf("the handler sees %v", identity)
	}

	rotated := s.refresh(client.clientID, client.refresh)
	if rotated.StatusCode != http.StatusOK {
		t.Fatalf("refreshing: %d %s", rotated.StatusCode, rotated.body)
	}
	if res := s.call(rotated.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("calling after the refresh: %d", res.StatusCode)
	}
	if res := s.revoke(client.clientID, rotated.text(t, "refresh_token")); res.StatusCode != http.StatusOK {
		t.Errorf("revoking: %d", res.StatusCode)
	}
	for _, token := range []string{client.access, rotated.text(t, "access_token")} {
		s.call(token).wantError(t, http.StatusUnauthorized, "invalid_token")
	}
}
