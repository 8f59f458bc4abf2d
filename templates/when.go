package templates

import (
	"fmt"
	"html/template"
	"time"
)

// A When is a time as people say it. The zero When is never.
type When struct {
	Words   string // "3 hours ago", "in 2 days"
	Exact   string // "21 Nov 2026, 09:30 UTC"
	Machine string // RFC 3339
}

// NewWhen returns how far at is from now. The zero time is never.
func NewWhen(at, now time.Time) When {
	if at.IsZero() {
		return When{}
	}
	at = at.UTC()
	words := ""
	switch past := now.Sub(at); {
	case past >= 0 && past < time.Minute:
		words = "just now"
	case past >= 0:
		words = span(past) + " ago"
	case past > -time.Minute:
		words = "in a moment"
	default:
		words = "in " + span((-past).Round(time.Minute)) // three days, a second after they began
	}
	return When{Words: words, Exact: at.Format("2 Jan 2006, 15:04 UTC"), Machine: at.Format(time.RFC3339)}
}

// span says a duration of at least a minute in its largest unit.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{365 * day, "year"}, {30 * day, "month"}, {day, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := d / unit.size; {
		case n == 1 && unit.size == 30*day:
			// "45 days" says more than "1 month".
		case n == 1:
			return "1 " + unit.name
		case n > 1:
			return fmt.Sprintf("%d %ss", n, unit.name)
		}
	}
	return "a moment"
}

// timeElement is the template function "when".
func timeElement(w When) template.HTML {
	if w == (When{}) {
		return "never"
	}
	escape := template.HTMLEscapeString
	return template.HTML(`<time datetime="` + escape(w.Machine) + `" title="` + escape(w.Exact) + `">` + escape(w.Words) + `</time>`)
}
