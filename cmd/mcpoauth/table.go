package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/templates"
)

// lineWidth is what fits on a line of a terminal.
const lineWidth = 80

// A column of a table has a heading and a width in characters; the last one's is its limit
// only.
type column struct {
	heading string
	width   int
}

// row writes what stands in the columns of a table, cut where it does not fit.
func (p *printer) row(columns []column, cells ...string) {
	var line strings.Builder
	for i, c := range columns {
		fmt.Fprintf(&line, "%-*s  ", c.width, cut(cells[i], c.width))
	}
	p.printf("%s\n", strings.TrimRight(line.String(), " "))
}

func (p *printer) headings(columns []column) {
	var headings []string
	for _, c := range columns {
		headings = append(headings, c.heading)
	}
	p.row(columns, headings...)
}

// details writes parts behind one another, with commas between, on as many lines as
// they need. No part is broken.
func (p *printer) details(indent string, parts ...string) {
	line := indent
	for i, part := range parts {
		if i < len(parts)-1 {
			part += ","
		}
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(part) > lineWidth {
			p.printf("%s\n", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += part
	}
	p.printf("%s\n", line)
}

// cut shortens s to at most limit characters, and makes one line of it that cannot disguise
// itself: clients and people choose their own names.
func cut(s string, limit int) string {
	s = templates.Clean(s)
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// ago says how long before now a time was, in at most 11 characters.
func ago(at, now time.Time) string {
	switch {
	case at.IsZero():
		return "never"
	case now.Sub(at) < time.Minute:
		return "just now"
	}
	return span(now.Sub(at)) + " ago"
}

// span says how long d is, roughly.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d < 100*day:
		return fmt.Sprintf("%d days", d/day)
	case d < 730*day:
		return fmt.Sprintf("%d mon", d/(30*day))
	}
	return fmt.Sprintf("%d years", d/(365*day))
}

// count is a number of things: "1 passkey", "2 passkeys".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
