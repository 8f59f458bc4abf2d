// Package register lets clients register themselves (RFC 7591) and answers who a
// client is.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package register

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Limits of a registration.
const (
	MaxRedirectURIs = 20      // VS Code sends 4, Cursor 5
	MaxName         = 200     // characters of client_name
	MaxText         = 500     // bytes of any other text
	MaxRecord       = 8 << 10 // bytes of all that is stored of one
	maxContacts     = 10      // that are kept
	maxListed       = 50      // entries of any other list; the longest that a client sends has five
)

// defaultName is what a client is called that gives no name.
const defaultName = "MCP Client"

// metadata is the body of a registration request (RFC 7591 §2). Members that are
// not here are ignored: real clients send many.
type metadata struct {
	keys
	RedirectURIs             []string `json:"redirect_uris"`
	TokenEndpointAuthMethod  string   `json:"token_endpoint_auth_method"`
	TokenEndpointAuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	GrantTypes               []string `json:"grant_types"`
	ResponseTypes            []string `json:"response_types"`
	Name                     string   `json:"client_name"`
	Scope                    string   `json:"scope"`
	ApplicationType          string   `json:"application_type"`
	URI                      string   `json:"client_uri"`
	LogoURI                  string   `json:"logo_uri"`
	PolicyURI                string   `json:"policy_uri"`
	TermsURI                 string   `json:"tos_uri"`
	Contacts                 []string `json:"contacts"`
	SoftwareID               string   `json:"software_id"`
	SoftwareVersion          string   `json:"software_version"`
}

func parse(body []byte) (metadata, error) {
	var m metadata
	if problem := oauth.CheckDepth(body); problem != "" {
		return m, oauth.Errorf(oauth.InvalidClientMetadata, "the body "+problem)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, oauth.Errorf(oauth.InvalidClientMetadata, "the body must be a JSON object with the members of RFC 7591")
	}
	return m, m.checkLists()
}

// checkLists refuses lists that nobody needs: their entries are compared with one another.
func (m metadata) checkLists() error {
	for _, list := range []struct {
		name    string
		entries []string
	}{
		{"token_endpoint_auth_methods_supported", m.TokenEndpointAuthMethods}, {"grant_types", m.GrantTypes}, {"response_types", m.ResponseTypes},
	} {
		if len(list.entries) > maxListed {
			return oauth.Errorf(oauth.InvalidClientMetadata, list.name+" has more than 50 entries")
		}
	}
	return nil
}

// client returns the client that is registered for m: what this server supports of
// what was asked. It is lenient where that harms nobody (VS Code asks for the device
// grant too, Inspector for the empty scope) and exact about redirect URIs.
func (m metadata) client(method string, allowed []string, scopes oauth.Scopes) (*store.Client, error) {
	redirects, err := m.redirects(allowed)
	if err != nil {
		return nil, err
	}
	grants, err := m.grants()
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(m.Name) > MaxName {
		return nil, oauth.Errorf(oauth.InvalidClientMetadata, "client_name is longer than 200 characters")
	}
	client := &store.Client{
		RedirectURIs:            redirects,
		TokenEndpointAuthMethod: method,
		GrantTypes:              grants,
		ResponseTypes:           oauth.ResponseTypes,
		Name:                    strings.TrimSpace(m.Name),
		Scope:                   m.scope(scopes),
		URI:                     webURL(m.URI),
		LogoURI:                 webURL(m.LogoURI),
		PolicyURI:               webURL(m.PolicyURI),
		TermsURI:                webURL(m.TermsURI),
		Contacts:                m.Contacts[:min(len(m.Contacts), maxContacts)],
		SoftwareID:              text(m.SoftwareID),
		SoftwareVersion:         text(m.SoftwareVersion),
	}
	if method == oauth.AuthPrivateKeyJWT {
		client.JWKSURI = m.JWKSURI
		if client.JWKS, err = m.plain(); err != nil {
			return nil, oauth.Errorf(oauth.InvalidClientMetadata, err.Error())
		}
	}
	client.Contacts = slices.DeleteFunc(slices.Clone(client.Contacts), func(s string) bool { return text(s) == "" })
	if client.Name == "" {
		client.Name = defaultName
	}
	// Advice and nothing more: Cursor calls itself "web" and comes back to cursor://.
	if m.ApplicationType == "native" || m.ApplicationType == "web" {
		client.ApplicationType = m.ApplicationType
	}
	return client, nil
}

// redirects returns the redirect URIs to store. One that can never be right
// refuses the registration (RFC 7591 §3.2.2). One that is fine but not among those
// the operator allows is left out, if another is: Cursor sends five at once.
func (m metadata) redirects(allowed []string) ([]string, error) {
	if len(m.RedirectURIs) == 0 {
		return nil, oauth.Errorf(oauth.InvalidRedirectURI, "redirect_uris is missing or empty")
	}
	if len(m.RedirectURIs) > MaxRedirectURIs {
		return nil, oauth.Errorf(oauth.InvalidRedirectURI, "there are more than 20 redirect_uris")
	}
	var kept []string
	for _, uri := range m.RedirectURIs {
		if problem := oauth.CheckRedirectURI(uri); problem != "" {
			return nil, oauth.Errorf(oauth.InvalidRedirectURI, "one of the redirect_uris "+problem)
		}
		if (allowed == nil || oauth.MatchRedirectURI(allowed, uri)) && !slices.Contains(kept, uri) {
			kept = append(kept, uri)
		}
	}
	if len(kept) == 0 {
		return nil, oauth.Errorf(oauth.InvalidRedirectURI, "this server's operator does not allow any of the redirect_uris")
	}
	return kept, nil
}

// authMethod picks what the client can do and we support. ChatGPT names its best
// method in the singular member and all of them in the plural one.
func (m metadata) authMethod() (string, error) {
	asked := m.TokenEndpointAuthMethods
	if m.TokenEndpointAuthMethod != "" {
		asked = append([]string{m.TokenEndpointAuthMethod}, asked...)
	}
	if len(asked) == 0 {
		return oauth.AuthBasic, nil // the default of RFC 7591 §2
	}
	for _, method := range asked {
		switch {
		case method != oauth.AuthPrivateKeyJWT && slices.Contains(oauth.AuthMethods, method):
			return method, nil
		case method == oauth.AuthPrivateKeyJWT && m.hasKeys() && !slices.Contains(asked, oauth.AuthNone):
			// Who can do without gets none: its keys are one more server
			// that may not answer.
			return method, nil
		}
	}
	return "", oauth.Errorf(oauth.InvalidClientMetadata, "token_endpoint_auth_method must be one of "+
		strings.Join(oauth.AuthMethods, ", ")+"; private_key_jwt needs jwks or jwks_uri")
}

func (m metadata) grants() ([]string, error) {
	if len(m.GrantTypes) == 0 {
		return oauth.GrantTypes, nil // who lists nothing gets a refresh token too
	}
	kept := make([]string, 0, len(oauth.GrantTypes))
	for _, grant := range oauth.GrantTypes {
		if slices.Contains(m.GrantTypes, grant) {
			kept = append(kept, grant)
		}
	}
	if !slices.Contains(kept, oauth.GrantCode) {
		return nil, oauth.Errorf(oauth.InvalidClientMetadata, "grant_types must have authorization_code")
	}
	return kept, nil
}

func (m metadata) scope(known oauth.Scopes) string {
	names := oauth.ParseScope(m.Scope)
	return oauth.FormatScope(slices.DeleteFunc(names, func(name string) bool {
		return name != oauth.OfflineAccess && known.Find(name) == nil
	}))
}

// webURL returns s if it is one a person could be shown a link to, else nothing.
// It is never fetched.
func webURL(s string) string {
	if s == "" {
		return ""
	}
	u, err := url.Parse(text(s))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return s
}

// text returns s if it is of a length that is worth keeping, else nothing.
func text(s string) string {
	if len(s) > MaxText {
		return ""
	}
	return s
}
