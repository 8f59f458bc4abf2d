package mcpoauth

import (
	"cmp"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/passkey"
)

// serverURL returns the origin without a trailing slash, in lower case and without
// a default port: the spelling that issuer, resource and origin are compared in.
func (v *validator) serverURL(s string) string {
	const field = "ServerURL"
	if s == "" {
		v.report(field, "is missing; set it to the public origin, such as https://mcp.example.com or http://localhost:8080")
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" {
		v.report(field, "is not an origin, got %q; use the form https://mcp.example.com", redact(s))
		return ""
	}
	host := strings.ToLower(u.Hostname())
	_, notIP := netip.ParseAddr(host)
	port, errPort := strconv.ParseUint(cmp.Or(u.Port(), "443"), 10, 16)
	switch {
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		v.report(field, "has more than scheme, host and port, got %q; use https://%s", redact(s), u.Host)
	case strings.Trim(u.Path, "/") != "":
		v.report(field, "has a path, got %q; use https://%s, and Config.Resources for the path of the MCP endpoint", s, u.Host)
	case notIP == nil:
		v.report(field, "is an IP address, got %q, which browsers refuse as the relying party of a passkey; use a host name, or http://localhost%s for this machine", s, portOf(u))
	case strings.ContainsFunc(host, func(c rune) bool { return !isHostRune(c) }):
		v.report(field, "has a character that a host name does not have, got %q; use letters, digits, - and ., and the punycode form (xn--...) of an international name", s)
	case u.Scheme == "http" && host != "localhost" && !strings.HasSuffix(host, ".localhost"):
		v.report(field, "is plain http on a host that is not loopback, got %q; use https://%s, with TLS at the reverse proxy or tunnel in front", s, u.Host)
	case u.Scheme != "http" && u.Scheme != "https":
		v.report(field, "is neither https nor http, got %q; use https://%s", s, u.Host)
	case errPort != nil || port == 0:
		v.report(field, "has a port that is none, got %q; use one from 1 to 65535, or leave it out", s)
	case strings.HasPrefix(u.Port(), "0"):
		// No browser keeps them, so no origin of a page would ever be this one.
		v.report(field, "has a port with a zero in front, got %q; write it without, as :%d", s, port)
	default:
		origin, _ := oauth.CanonicalResource(u.Scheme + "://" + u.Host)
		if _, err := passkey.RelyingParty(origin, defaultAppName); err != nil {
			v.report(field, "is not at a host that passkeys can be made for, got %q; use a domain name, such as https://mcp.example.com", s)
			return ""
		}
		return origin
	}
	return ""
}

// redact cuts off what may hold a password.
func redact(s string) string {
	if i := strings.LastIndex(s, "@"); i >= 0 {
		return "..." + s[i:]
	}
	return s
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return ":" + p
	}
	return ""
}

func isHostRune(c rune) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.'
}
