package doctor

import (
	"net/http"
	"regexp"
	"strings"
)

// A bearer is a WWW-Authenticate header, taken apart as forgivingly as clients do,
// which mostly use regular expressions.
type bearer struct {
	lines    []string
	scheme   string
	params   map[string]string
	unquoted []string // parameters that are not in quotation marks
}

var parameter = regexp.MustCompile(`([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",\s]+))`)

func parseBearer(header http.Header) bearer {
	b := bearer{lines: header.Values("WWW-Authenticate"), params: make(map[string]string)}
	if len(b.lines) == 0 {
		return b
	}
	line := strings.TrimSpace(b.lines[0])
	// The line that is the challenge, wherever it stands; that it should be alone
	// is another matter.
	for _, l := range b.lines {
		if strings.HasPrefix(strings.ToLower(l), "bearer") {
			line = l
		}
	}
	b.scheme, line, _ = strings.Cut(line, " ")
	for _, found := range parameter.FindAllStringSubmatch(line, -1) {
		name := strings.ToLower(found[1])
		b.params[name] = found[2] + found[3]
		if found[3] != "" {
			b.unquoted = append(b.unquoted, name)
		}
	}
	return b
}

// first reports whether the challenge is where a client looks that takes the header's
// beginning for all there is.
func (b bearer) first() bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(b.lines[0]), " ")
	return strings.EqualFold(scheme, "Bearer")
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}
