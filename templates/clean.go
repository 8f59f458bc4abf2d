package templates

import (
	"fmt"
	"strings"
	"unicode"
)

// Longest texts on a page, in characters.
const (
	maxHeading = 60
	maxGiven   = 64 // of a name that somebody here gave, which is never cut
	maxName    = 200
	maxText    = 2000
	maxURI     = 2048
)

// maxMarks is how many combining marks may follow each other. Every script needs
// fewer; a name with dozens paints over what stands above and below it.
const maxMarks = 3

// line returns s as one line of at most limit characters that cannot disguise
// itself or what surrounds it. A client writes its own name, so it may try to turn
// the reading order around (bidi controls), to hide letters (format and ignorable
// characters) or to look like more than one line.
func line(s string, limit int) string {
	var out strings.Builder
	count, marks := 0, 0
	visible := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case isBlank(r):
			r = ' '
			if out.Len() == 0 || strings.HasSuffix(out.String(), " ") {
				continue
			}
		case isHidden(r):
			continue
		}
		if unicode.In(r, unicode.M) {
			if marks++; marks > maxMarks || out.Len() == 0 {
				continue
			}
		} else {
			marks = 0
			visible = visible || (r != ' ' && !isJoiner(r))
		}
		if count++; count > limit {
			return strings.TrimSpace(out.String()) + "…"
		}
		out.WriteRune(r)
	}
	if !visible {
		return ""
	}
	return strings.TrimSpace(out.String())
}

func isBlank(r rune) bool {
	const brailleBlank = '\u2800' // a symbol that draws nothing
	return unicode.IsSpace(r) || unicode.In(r, unicode.Z) || r == brailleBlank
}

func isHidden(r rune) bool {
	return !isJoiner(r) && unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point)
}

// isJoiner: Persian and the scripts of India are misspelt without these two, and
// emoji fall apart.
func isJoiner(r rune) bool { return r == '\u200C' || r == '\u200D' }

// host returns a host or scheme with every byte that neither has in plain ASCII
// as %XX: a host in other letters can look exactly like a known one.
func host(s string) string {
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._:[]+", c) >= 0
	}
	var out strings.Builder
	for _, c := range []byte(s) {
		if plain(c) {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// Clean returns s as pages show it: one line that cannot disguise itself or what surrounds
// it, or "" if it would draw nothing. A name that is kept should be kept so.
func Clean(s string) string { return line(s, maxName) }
