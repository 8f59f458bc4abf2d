package e2e

import (
	"slices"
	"testing"
)

func TestStrictOAuthClient(t *testing.T) {
	client := npmPackage(t, "oauth4webapi", "oauth4webapi")
	s, p := startServer(t), openPage(t)
	c := startScript(t, "strict.mjs", s.url+"/mcp")
	p.setUp(s)

	var discovered struct{ Error, ResourceMetadata, Issuer string }
	c.expect("discovered", &discovered)
	if discovered.Error != "invalid_token" || discovered.Issuer != s.url ||
		discovered.ResourceMetadata != s.url+"/.well-known/oauth-protected-resource/mcp" {
		t.Errorf("discovery ends with %+v", discovered)
	}
	for _, method := range []string{"none", "client_secret_post", "client_secret_basic"} {
		p.approve(c.authorize())
		var did struct {
			Method, Scope, WrongVerifier, Elsewhere string
			Rotated                                 bool
			Statuses                                []int
			Revoked                                 []string
		}
		c.expect("connected", &did)
		if did.Method != method || did.Scope != "mcp:tools" || !did.Rotated || !slices.Equal(did.Statuses, []int{200, 200}) {
			t.Errorf("with %s the client says %+v", method, did)
		}
		if did.WrongVerifier != "invalid_grant" || did.Elsewhere != "invalid_target" ||
			!slices.Equal(did.Revoked, []string{"invalid_token", "invalid_grant"}) {
			t.Errorf("with %s the client is refused with %+v", method, did)
		}
	}
	exercised(t, client, "challenge, resource and server metadata, registration, PKCE, iss, resource indicators, refresh, revoke; without secret, with secret by post and by Basic")
}
