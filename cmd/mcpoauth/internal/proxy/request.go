package proxy

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/mcpoauth/mcpoauth"
)

// The headers that tell the upstream who is calling. It may believe them, because no
// caller's header of the family gets through, if nobody else can reach it.
const (
	UserID   = "Mcpoauth-User-Id"
	UserName = "Mcpoauth-User-Name" // percent-encoded UTF-8, as KeyName is
	ClientID = "Mcpoauth-Client-Id" // or KeyName, for an API key
	KeyName  = "Mcpoauth-Key-Name"
	GrantID  = "Mcpoauth-Grant-Id"
	Resource = "Mcpoauth-Resource"
	Scopes   = "Mcpoauth-Scopes" // separated by spaces
)

// rewrite makes the upstream's request of a caller's. The caller's hop-by-hop headers
// are gone by now, with whatever Connection listed, so that it cannot list ours.
func (u Upstream) rewrite(r *httputil.ProxyRequest) {
	out := r.Out
	out.URL.Scheme, out.URL.Host = u.URL.Scheme, u.URL.Host
	out.URL.Path, out.URL.RawPath = u.path(r.In.URL.Path), ""
	out.Host = u.URL.Host // many servers refuse another, against DNS rebinding
	out.Trailer = nil     // some servers take trailers for headers

	// Nothing here is upgraded; streams are answers.
	out.Header.Del("Connection")
	out.Header.Del("Upgrade")
	for name := range out.Header {
		if !isPlain(name) || isPrivate(name) {
			delete(out.Header, name)
		}
	}
	for name := range u.Header {
		out.Header.Del(folded(name)) // which some server takes for the operator's
	}
	out.Header.Set("X-Forwarded-Host", u.Public.Host)
	out.Header.Set("X-Forwarded-Proto", u.Public.Scheme)
	if from := u.Proxies.Client(r.In); from.IsValid() {
		out.Header.Set("X-Forwarded-For", from.String())
	}
	identify(out.Header, r.In)
	for name, values := range u.Header {
		out.Header[name] = slices.Clone(values)
	}
}

// path returns where a path of ours is at the upstream. It goes by the decoded path,
// as the guard did: what was looked at is what is sent.
func (u Upstream) path(path string) string {
	rest := strings.TrimPrefix(path, u.Path)
	if rest == "" {
		return u.URL.Path
	}
	return strings.TrimSuffix(u.URL.Path, "/") + rest
}

// identify sets the headers of the identity. One that would be empty is left out.
func identify(h http.Header, r *http.Request) {
	identity, _ := mcpoauth.IdentityFromContext(r.Context())
	for name, value := range map[string]string{
		UserID:   identity.UserID,
		UserName: url.PathEscape(identity.UserName),
		ClientID: identity.ClientID,
		KeyName:  url.PathEscape(identity.KeyName),
		GrantID:  identity.GrantID,
		Resource: identity.Resource,
		Scopes:   strings.Join(identity.Scopes, " "),
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
}

// private are headers that a caller does not get to set: its credentials for this
// server; where it comes from, which is of no concern to a server that is not in
// a browser's reach; what servers believe of the proxies in front of them; and what makes
// another request of this one: a method or a URL, or Proxy, which CGI programs take for
// where to send their own requests (httpoxy).
var private = []string{
	"authorization", "cookie", "cookie2", "origin", "referer", "forwarded", "x-forwarded", "via", "client-ip", "true-client-ip", "x-real-ip", "x-cluster-client-ip",
	"x-host", "x-url", "x-rewrite-url", "x-scheme", "script-name", "x-script-name", "http-method-override", "x-sendfile-type", "proxy",
}

// privateFamilies are such headers by how they begin: first those that any server may
// believe, then those of certain gateways and clouds.
var privateFamilies = []string{
	"mcpoauth-", "sec-", "x-forwarded-", "x-original-", "x-http-method", "x-method", "remote-", "x-remote-", "x-auth-", "x-authenticated-", "x-webauth-", "x-user",
	"x-email", "x-token-", "x-jwt-", "x-credential-", "x-client-", "client-cert", "x-ssl-", "ssl-client-", "x-tls-", "x-accel-",
	"tailscale-", "cf-", "fly-", "x-goog-authenticated-", "x-goog-iap-", "x-ms-client-principal", "x-amzn-", "x-apigateway-", "x-appengine-", "x-endpoint-",
	"x-authentik-", "x-consumer-", "x-envoy-", "x-okta-", "x-pomerium-", "x-vouch-",
}

// isPlain reports whether a name has one spelling alone for all servers.
func isPlain(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool { return !isAlphanumeric(c) && c != '-' })
}

func isPrivate(name string) bool {
	name = folded(name)
	return slices.Contains(private, name) ||
		slices.ContainsFunc(privateFamilies, func(family string) bool { return strings.HasPrefix(name, family) })
}

// folded returns the one spelling of all names that some server takes for the same:
// CGI and its heirs make every letter a capital and everything else an underscore, so
// that Mcpoauth_User_Id and mcpoauth.user.id are Mcpoauth-User-Id there.
func folded(name string) string {
	return strings.Map(func(c rune) rune {
		if !isAlphanumeric(c) {
			return '-'
		}
		return unicode.ToLower(c)
	}, name)
}
