package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Whoever writes a text that a page shows, it has an end there.
func TestATextOnAPageIsAsLongAsItMayBe(t *testing.T) {
	text := func(n int) string { return strings.Repeat("é", n) }
	consent := func(name, uri string) Consent {
		return Consent{ClientName: name, RedirectURI: uri}.cleaned().(Consent)
	}
	for name, test := range map[string]struct {
		limit int
		shown func(s string) string
	}{
		"a client's name": {maxName, func(s string) string { return consent(s, "").ClientName }},
		"a redirect URI":  {maxURI, func(s string) string { return consent("", s).RedirectURI }},
		"a message":       {maxText, func(s string) string { return Problem{Message: s}.cleaned().(Problem).Message }},
		"a name in a list": {maxHeading, func(s string) string {
			return Connections{Groups: []Group{{Name: s}}}.cleaned().(Connections).Groups[0].Name
		}},
		"a person's name":   {maxGiven, func(s string) string { return People{People: []Person{{Name: s}}}.cleaned().(People).People[0].Name }},
		"a name to be kept": {maxName, Clean},
	} {
		if got := test.shown(text(test.limit)); got != text(test.limit) {
			t.Errorf("%s of %d characters is shown with %d", name, test.limit, utf8.RuneCountInString(got))
		}
		if got := test.shown(text(test.limit + 1)); got != text(test.limit)+"…" {
			t.Errorf("%s of one more is shown with %d", name, utf8.RuneCountInString(got))
		}
	}
}

func TestMarksThatFollowEachOtherAreFew(t *testing.T) {
	for _, n := range []int{maxMarks, maxMarks + 1} {
		if got := Clean("e" + strings.Repeat("\u0301", n)); strings.Count(got, "\u0301") != maxMarks {
			t.Errorf("of %d marks %d are shown", n, strings.Count(got, "\u0301"))
		}
	}
}
