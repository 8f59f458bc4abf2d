package oauth

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// dangerous are schemes that run or show content in the page they are opened from,
// reach into the machine, or hand a URL on to a browser or to another host. Every
// other private-use scheme is an app's own (RFC 8252 §7.1), with or without the dot
// that the RFC wants: Cursor's is "cursor".
var dangerous = []string{
	"about", "blob", "content", "data", "file", "filesystem", "jar", "javascript", "mailto", "res", "resource", "sip", "sips", "sms", "tel", "vbscript", "view-source",
	"brave", "chrome", "chrome-extension", "edge", "firefox", "firefox-focus", "googlechrome", "googlechrome-x-callback", "googlechromes", "microsoft-edge", "moz-extension", "opera", "safari", "x-web-search",
	"afp", "cifs", "dav", "davs", "feed", "ftp", "ftps", "git", "gopher", "imap", "irc", "ircs", "ldap", "ldaps", "magnet", "mms", "nfs", "rtsp", "sftp", "smb", "ssh", "steam", "svn", "telnet", "vnc", "webcal", "ws", "wss", "xmpp",
	"android-app", "hcp", "help", "intent", "itms", "itms-apps", "itms-services", "market", "search", "search-ms", "shell", "shortcuts", "x-apple.systempreferences",
}

// isDangerous knows Windows' own handlers by their prefix: ms-msdt, ms-settings,
// ms-appinstaller and dozens more; those that a website put itself up for by web+; and
// browsers that are handed a URL by what they put before its scheme: x-safari-https.
func isDangerous(scheme string) bool {
	return slices.Contains(dangerous, scheme) || strings.HasPrefix(scheme, "ms-") || strings.HasPrefix(scheme, "web+") ||
		strings.HasSuffix(scheme, "-http") || strings.HasSuffix(scheme, "-https")
}

// MaxRedirectURI is the longest redirect URI that is taken, in bytes.
const MaxRedirectURI = 2048

// CheckRedirectURI says why s cannot be a redirect URI, or "" if it can:
// https anywhere, http on loopback (RFC 8252 §7.3), or an app's private-use scheme.
func CheckRedirectURI(s string) (problem string) {
	if s == "" {
		return "is empty"
	}
	if len(s) > MaxRedirectURI {
		return "is longer than 2048 bytes"
	}
	for _, c := range []byte(s) {
		// A browser drops or rewrites these where net/url keeps them, so the
		// two would not agree on where the code is sent.
		if c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' {
			return "has a character that a URI does not have"
		}
	}
	if strings.Contains(s, "#") {
		return "has a fragment" // RFC 6749 §3.1.2
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return "is not an absolute URI"
	}
	if u.User != nil {
		return "has a user name in it"
	}
	if query, err := url.ParseQuery(u.RawQuery); err != nil {
		return "has a query that clients read in different ways"
	} else if forged := answerIn(query); forged != "" {
		return "has " + forged + " in its query, which belongs to the answer"
	}
	switch u.Scheme {
	case "https":
		if u.Hostname() == "" || u.Opaque != "" {
			return "has no host"
		}
		if strings.ContainsFunc(u.Host, func(c rune) bool { return !isHostRune(c) }) {
			return "has a character that a host name does not have"
		}
		if endsInNumber(u.Hostname()) {
			return "has an address in place of a host name that browsers read in another way"
		}
	case "http":
		if u.Opaque != "" || !isLoopback(u.Hostname()) || strings.HasSuffix(u.Hostname(), ".") {
			return "is plain http on a host that is not loopback"
		}
	default:
		if isDangerous(u.Scheme) {
			return "has the scheme " + u.Scheme + ", which is not an app's"
		}
		if strings.Contains(u.Opaque, ":") {
			return "holds another address after its scheme" // as microsoft-edge:https://... does
		}
	}
	return ""
}

// answerIn returns the parameter of an answer that a query already has, or "". Whoever
// registers another's address with iss=https://evil.example behind it would have that
// client read the issuer there, before ours, and send the code to evil.example (RFC
// 9207 §4, RFC 9700 §4.4). Continue has its own state there, which proves nothing.
func answerIn(query url.Values) string {
	for _, name := range []string{"iss", "code", "error"} {
		for have := range query {
			if strings.EqualFold(have, name) { // as ASP.NET reads them
				return name
			}
		}
	}
	return ""
}

// isHostRune reports whether c can be in a host with its port. An escape cannot:
// browsers decode it, and then the page would name another host than they go to.
func isHostRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-._:[]", c)
}

// endsInNumber reports whether a browser takes host for an IPv4 address that is not
// written as four numbers, such as 127.1 or 0x7f.1 (WHATWG URL, "ends in a number").
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	number := strings.HasPrefix(last, "0x") || last != "" && strings.Trim(last, "0123456789") == ""
	if !number {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

// MatchRedirectURI reports whether requested is one of registered. The match is
// exact (RFC 9700 §2.1), except that a loopback http URI may carry any port
// (RFC 8252 §7.3): Claude Code, Codex and Zed listen on a fresh one each time.
// localhost counts as loopback for them.
func MatchRedirectURI(registered []string, requested string) bool {
	if slices.Contains(registered, requested) {
		return true
	}
	want, ok := withoutLoopbackPort(requested)
	if !ok {
		return false
	}
	return slices.ContainsFunc(registered, func(s string) bool {
		have, ok := withoutLoopbackPort(s)
		return ok && have == want
	})
}

// withoutLoopbackPort returns s with its port cut out, if s is http on loopback.
// All else stays byte for byte: the host's spelling, path and query.
func withoutLoopbackPort(s string) (string, bool) {
	if CheckRedirectURI(s) != "" {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return "", false
	}
	rest, _ := strings.CutPrefix(s, "http://")
	hostPort := rest
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		hostPort = rest[:i]
	}
	host := strings.TrimSuffix(strings.TrimSuffix(hostPort, u.Port()), ":")
	return host + rest[len(hostPort):], true
}

// IsLoopbackRedirect reports whether the code would be sent to a program on the
// person's own machine, which any other program there can pretend to be.
func IsLoopbackRedirect(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761 §6.3
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

// WithQuery returns uri with values added to its query; a query that is there
// already is kept as it stands (RFC 6749 §4.1.2).
func WithQuery(uri string, values url.Values) string {
	switch {
	case !strings.Contains(uri, "?"):
		uri += "?"
	case !strings.HasSuffix(uri, "?") && !strings.HasSuffix(uri, "&"):
		uri += "&"
	}
	return uri + values.Encode()
}

// ClientHost returns the host that is proven to be a client's: that of its document, or
// else of the https redirect that gets the code. What answers on somebody's own computer
// or device proves nothing: it is empty then.
func ClientHost(clientID, redirectURI string) string {
	redirect, err := url.Parse(redirectURI)
	if err != nil || redirect.Scheme != "https" || IsLoopbackRedirect(redirectURI) {
		return ""
	}
	if id, err := url.Parse(clientID); err == nil && id.Scheme == "https" {
		return id.Host
	}
	return redirect.Host
}
