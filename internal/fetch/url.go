package fetch

import (
	"net/url"
	"strings"
)

// maxURL is the longest URL that is asked for, in bytes.
const maxURL = 2048

// CheckURL returns the host of a URL that can be asked for, or says why it cannot:
// https on its own port, a public host by its one spelling. An operator's rule about
// hosts would not recognise a second spelling.
func CheckURL(s string) (host, problem string) {
	if len(s) > maxURL {
		return "", "is longer than 2048 bytes"
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' {
			return "", "has a character that a URL does not have"
		}
	}
	u, err := url.Parse(s)
	switch {
	case !strings.HasPrefix(s, "https://") || err != nil:
		return "", "is not an https URL"
	case u.User != nil:
		return "", "has a user name in it"
	case strings.Contains(s, "#"):
		return "", "has a fragment"
	case strings.ContainsAny(u.Host, "[]"):
		return "", "names an address, not a host"
	case strings.Contains(u.Host, ":"):
		return "", "names a port"
	}
	return u.Host, checkHost(u.Host)
}

// checkHost says why nothing is asked of a host. This is to say it clearly and
// early; that no inner address is reached is the guard's promise.
func checkHost(host string) (problem string) {
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInHost) {
			return "names a host that is not written as host names are: lower case, without a dot at the end"
		}
	}
	last := labels[len(labels)-1]
	switch {
	case len(host) > 253:
		return "names a host that is too long"
	case last == "localhost" || len(labels) == 1:
		return "names a host that is not on the internet"
	case last[0] < 'a' || last[0] > 'z': // 127.1 and 0x7f.0.0.1 are addresses too
		return "names an address, not a host"
	}
	return ""
}

func notInHost(c rune) bool {
	return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-'
}
