package oauth

import (
	"net/url"
	"strings"
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
	case u.Hostname() == "":
		return "", false
	case scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return "", false
	}
	host = strings.TrimSuffix(host, ":") // "https://host:/x" names the default port
	return scheme + "://" + host + strings.TrimSuffix(u.EscapedPath(), "/"), true
}
