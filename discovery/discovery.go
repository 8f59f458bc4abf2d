// Package discovery serves the metadata documents by which a client finds its way
// from the URL of an MCP server to a token. They are encoded once, at start-up:
// answering one needs no store and cannot fail.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package discovery

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// AuthorizationServer is the metadata of RFC 8414 §2, as far as it is true here.
type AuthorizationServer struct {
	Issuer                 string   `json:"issuer"`
	AuthorizationEndpoint  string   `json:"authorization_endpoint"`
	TokenEndpoint          string   `json:"token_endpoint"`
	RegistrationEndpoint   string   `json:"registration_endpoint,omitempty"`
	RevocationEndpoint     string   `json:"revocation_endpoint"`
	ScopesSupported        []string `json:"scopes_supported"`
	ResponseTypes          []string `json:"response_types_supported"`
	ResponseModes          []string `json:"response_modes_supported"`
	GrantTypes             []string `json:"grant_types_supported"`
	TokenAuthMethods       []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs          []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuthMethods  []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs     []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`
	CodeChallengeMethods   []string `json:"code_challenge_methods_supported"`
	DocumentsSupported     bool     `json:"client_id_metadata_document_supported,omitempty"` // draft-ietf-oauth-client-id-metadata-document
	IssParameterSupported  bool     `json:"authorization_response_iss_parameter_supported"`  // RFC 9207
	ProtectedResourcesURLs []string `json:"protected_resources,omitempty"`                   // RFC 9728 §4
}

// NewAuthorizationServer returns the metadata of the server whose endpoints lie at
// the root of issuer. registration says whether clients may register themselves,
// documents whether they may be known by a metadata document.
func NewAuthorizationServer(issuer string, scopes oauth.Scopes, resources oauth.Resources, registration, documents bool) AuthorizationServer {
	m := AuthorizationServer{
		Issuer:                issuer,
		AuthorizationEndpoint: issuer + "/authorize",
		TokenEndpoint:         issuer + "/token",
		RevocationEndpoint:    issuer + "/revoke",
		ResponseTypes:         oauth.ResponseTypes,
		ResponseModes:         []string{"query"},
		GrantTypes:            oauth.GrantTypes,
		TokenAuthMethods:      oauth.AuthMethods,
		TokenAuthAlgs:         oauth.SigningAlgs,
		RevocationAuthMethods: oauth.AuthMethods,
		RevocationAuthAlgs:    oauth.SigningAlgs,
		CodeChallengeMethods:  []string{"S256"},
		DocumentsSupported:    documents,
		IssParameterSupported: true,
	}
	if registration {
		m.RegistrationEndpoint = issuer + "/register"
	}
	for _, scope := range scopes {
		m.ScopesSupported = append(m.ScopesSupported, scope.Name)
	}
	// Here and not in the resource's metadata: it is no concern of a resource
	// whether its client can refresh (SEP-2207).
	m.ScopesSupported = append(m.ScopesSupported, oauth.OfflineAccess)
	for _, resource := range resources {
		m.ProtectedResourcesURLs = append(m.ProtectedResourcesURLs, resource.URL)
	}
	return m
}

// ProtectedResource is the metadata of RFC 9728 §2. It names one authorization
// server, because Claude looks at the first only.
type ProtectedResource struct {
	Resource             string   `json:"resource"`
	AuthorizationServers []string `json:"authorization_servers"`
	ScopesSupported      []string `json:"scopes_supported"`
	BearerMethods        []string `json:"bearer_methods_supported"`
	Name                 string   `json:"resource_name,omitempty"`
}

// NewProtectedResource returns the metadata of a resource that issuer guards.
func NewProtectedResource(issuer string, resource oauth.Resource) ProtectedResource {
	return ProtectedResource{
		Resource:             resource.URL,
		AuthorizationServers: []string{issuer},
		ScopesSupported:      resource.Scopes,
		BearerMethods:        []string{"header"},
		Name:                 resource.Name,
	}
}

// Document returns a handler that answers every request with v as JSON.
func Document(v any) http.Handler {
	body, err := json.Marshal(v)
	if err != nil {
		panic("discovery: " + err.Error()) // only for a type that JSON cannot hold
	}
	var (
		mediaType = []string{"application/json"}
		length    = []string{strconv.Itoa(len(body))}
		caching   = []string{"public, max-age=300"} // as long as Claude keeps it by itself
		noSniff   = []string{"nosniff"}
	)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Content-Type"] = mediaType
		h["Content-Length"] = length
		h["Cache-Control"] = caching
		h["X-Content-Type-Options"] = noSniff
		w.Write(body)
	})
}
