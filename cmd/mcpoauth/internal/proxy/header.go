package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ReadHeader reads headers for the upstream, each on a line as "Name: value"; empty lines
// and those that begin with # are left out. Its errors name the line and never what is in
// it.
func ReadHeader(r io.Reader) (http.Header, error) {
	header := make(http.Header)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !found || value == "":
			return nil, fmt.Errorf("line %d is not of the form Name: value", n)
		case !isToken(name) || strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			return nil, fmt.Errorf("line %d has a character that no header has", n)
		case isOurs(name):
			return nil, fmt.Errorf("line %d sets a header that is not for you to set: Host, Content-Length, hop-by-hop headers, X-Forwarded-... and Mcpoauth-... are the proxy's", n)
		}
		header.Add(name, value)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading headers: %w", err)
	}
	return header, nil
}

func isToken(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return !isAlphanumeric(c) && !strings.ContainsRune(others, c)
	})
}

func isAlphanumeric(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isOurs reports whether the proxy itself decides about the header.
func isOurs(name string) bool {
	name = folded(name)
	switch name {
	case "host", "content-length", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return strings.HasPrefix(name, "mcpoauth-") || strings.HasPrefix(name, "x-forwarded-")
}
