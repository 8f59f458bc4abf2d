package discovery

import (
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

const issuer = "https://as.example"

var (
	scopes    = []oauth.Scope{{Name: "read"}, {Name: "write"}}
	resources = oauth.Resources{
		{URL: issuer + "/mcp", Path: "/mcp", Name: "Notes", Scopes: []string{"read"}},
		{URL: issuer + "/other", Path: "/other", Scopes: []string{"read", "write"}},
	}
)

func TestR8_TheMetadataSaysWhatIsSupported(t *testing.T) {
	got := marshal(t, NewAuthorizationServer(issuer, scopes, resources, true, true))
	const want = `{"issuer":"https://as.example",` +
		`"authorization_endpoint":"https://as.example/authorize",` +
		`"token_endpoint":"https://as.example/token",` +
		`"registration_endpoint":"https://as.example/register",` +
		`"revocation_endpoint":"https://as.example/revoke",` +
		`"scopes_supported":["read","write","offline_access"],` +
		`"response_types_supported":["code"],` +
		`"response_modes_supported":["query"],` +
		`"grant_types_supported":["authorization_code","refresh_token"],` +
		`"token_endpoint_auth_methods_supported":["none","client_secret_post","client_secret_basic","private_key_jwt"],` +
		`"token_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256","ES384","EdDSA"],` +
		`"revocation_endpoint_auth_methods_supported":["none","client_secret_post","client_secret_basic","private_key_jwt"],` +
		`"revocation_endpoint_auth_signing_alg_values_supported":["RS256","PS256","ES256","ES384","EdDSA"],` +
		`"code_challenge_methods_supported":["S256"],` +
		`"client_id_metadata_document_supported":true,` +
		`"authorization_response_iss_parameter_supported":true,` +
		`"protected_resources":["https://as.example/mcp","https://as.example/other"]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestR8_WithoutRegistrationThereIsNoEndpointForIt(t *testing.T) {
	if got := marshal(t, NewAuthorizationServer(issuer, scopes, resources, false, true)); strings.Contains(got, "registration_endpoint") {
		t.Error(got)
	}
}

func TestR9_AResourceNeverListsOfflineAccess(t *testing.T) {
	for _, resource := range resources {
		if m := NewProtectedResource(issuer, resource); slices.Contains(m.ScopesSupported, oauth.OfflineAccess) || !slices.Equal(m.ScopesSupported, resource.Scopes) {
			t.Errorf("%s: %q", resource.URL, m.ScopesSupported)
		}
	}
	if m := NewAuthorizationServer(issuer, scopes, resources, true, true); !slices.Contains(m.ScopesSupported, oauth.OfflineAccess) {
		t.Errorf("nobody lists it: %q", m.ScopesSupported)
	}
	// The slice of the configuration is not the metadata's to add to.
	if len(scopes) != 2 || len(resources[0].Scopes) != 1 {
		t.Error("the configuration was changed")
	}
}

func TestR4_AResourceNamesOneAuthorizationServer(t *testing.T) {
	const want = `{"resource":"https://as.example/mcp","authorization_servers":["https://as.example"],` +
		`"scopes_supported":["read"],"bearer_methods_supported":["header"],"resource_name":"Notes"}`
	if got := marshal(t, NewProtectedResource(issuer, resources[0])); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestR10_ADocumentIsTheSameBytesEachTime(t *testing.T) {
	document := Document(NewAuthorizationServer(issuer, scopes, resources, true, true))
	want := marshal(t, NewAuthorizationServer(issuer, scopes, resources, true, true))
	for range 3 {
		w := httptest.NewRecorder()
		document.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		h := w.Header()
		if w.Code != 200 || w.Body.String() != want || h.Get("Content-Type") != "application/json" || h.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Fatalf("got %d %v %s", w.Code, h, w.Body)
		}
		// What one answer's header suffers must not show in the next.
		for name := range h {
			h.Add(name, "added")
			h.Set(name, "changed")
		}
	}
}

func TestR10_AnsweringAllocatesAlmostNothing(t *testing.T) {
	document := Document(NewProtectedResource(issuer, resources[0]))
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	w.Body = nil
	if n := testing.AllocsPerRun(100, func() { document.ServeHTTP(w, r) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
