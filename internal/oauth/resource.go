package oauth

import (
	"net/url"
	"strings"
)

// A Resource is a protected MCP endpoint (RFC 8707, RFC 9728).
type Resource struct {
	URL    string // what its metadata, challenges and grants say
	Path   string // of URL; "/" for the origin
	Name   string
	Scopes []string // that a token needs to enter
}

// Resources are all resources of a server, the default one first.
type Resources []Resource

// Select returns the one resource that the resource parameters of a request name
// (RFC 8707 §2), in any spelling. Codex sends the same one twice; clients of 2025
// and x/oauth2 send none and mean the default.
func (rs Resources) Select(requested []string) (*Resource, error) {
	selected := &rs[0]
	for i, s := range requested {
		found := rs.find(s)
		switch {
		case found == nil:
			return nil, Errorf(InvalidTarget, "the resource is none of this server's; use the resource from its protected resource metadata")
		case i > 0 && found != selected:
			return nil, Errorf(InvalidTarget, "a token is good for one resource; ask for one")
		}
		selected = found
	}
	return selected, nil
}

func (rs Resources) find(s string) *Resource {
	for i := range rs {
		if rs[i].URL == s { // as its metadata spells it, and so nearly every client
			return &rs[i]
		}
	}
	canonical, ok := CanonicalResource(s)
	if !ok {
		return nil
	}
	for i := range rs {
		if own, _ := CanonicalResource(rs[i].URL); own == canonical {
			return &rs[i]
		}
	}
	return nil
}

// MetadataPath returns where the metadata of the resource is (RFC 9728 §3.1).
func (r Resource) MetadataPath() string {
	return ProtectedResourcePath + strings.TrimSuffix(r.Path, "/")
}

// Paths of the metadata documents (RFC 9728 §3, RFC 8414 §3).
const (
	ProtectedResourcePath   = "/.well-known/oauth-protected-resource"
	AuthorizationServerPath = "/.well-known/oauth-authorization-server"
)

// CanonicalResource returns the one spelling under which resource URIs are
// compared (RFC 8707 §2, MCP authorization "canonical server URI"): lower-case
// scheme and host, no default port, no trailing slash, no query. Clients differ in
// all of these: the TypeScript SDK adds a slash to an origin, ChatGPT has been seen
// to add a query. It reports false for what is not an http(s) URI, or has a
// fragment, which RFC 8707 forbids.
func CanonicalResource(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.User != nil || strings.Contains(s, "#") {
		return "", false
	}
	scheme, host := u.Scheme, strings.ToLower(u.Host)
	switch {
	case u.Hostname() == "", strings.Contains(host, "%"): // a zone means something on one machine only
		return "", false
	case scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	host = strings.TrimSuffix(host, ":") // "https://host:/x" names the default port
	return scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), true
}
