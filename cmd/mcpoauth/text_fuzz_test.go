package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// Whatever clients and people call themselves: a row is one line of the terminal, no wider
// than it should be.
func FuzzARowIsOneLine(f *testing.F) {
	for _, cell := range []string{"", "notes", "a\nb", "\x1b[2J", "\u202eevil", strings.Repeat("é", 300), "\xff\xfe", "e" + strings.Repeat("\u0301", 100), "a\u2028b", "\t", "\u0085", "…", "\u200b\u200d", strings.Repeat(" ", 50) + "x"} {
		f.Add(cell, 5)
		f.Add(cell, 1)
	}
	f.Fuzz(func(t *testing.T, cell string, width int) {
		if width < 1 || width > 1000 {
			return
		}
		if got := cut(cell, width); utf8.RuneCountInString(got) > width || !utf8.ValidString(got) {
			t.Errorf("%q, cut to %d, is %q", cell, width, got)
		}
		var out bytes.Buffer
		(&printer{out: &out}).row([]column{{"A", width}, {"B", 3}}, cell, cell)
		line, ended := strings.CutSuffix(out.String(), "\n")
		if !ended || utf8.RuneCountInString(line) > width+7 || strings.ContainsFunc(line, func(c rune) bool {
			return unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
		}) {
			t.Errorf("%q is written as %q", cell, out.String())
		}
	})
}

// However far off a time is: it is told in a word or two.
func FuzzAgo(f *testing.F) {
	const first, last = -62135596800, 253402300799 // years of four digits, as records have them
	for _, seconds := range []int64{0, -1, 59, 60, 7199, 7200, 1 << 33, first, last} {
		f.Add(seconds, int64(0))
		f.Add(int64(0), seconds)
	}
	f.Fuzz(func(t *testing.T, at, now int64) {
		if min(at, now) < first || max(at, now) > last {
			return
		}
		if said := ago(time.Unix(at, 0), time.Unix(now, 0)); len(said) > 13 || strings.Contains(said, "-") || at >= now && said != "just now" && said != "never" {
			t.Errorf("%d, seen from %d, is %q", at, now, said)
		}
	})
}

// Whatever somebody says for a store: no error and no name of it has its password.
func FuzzAPlaceHasNoPassword(f *testing.F) {
	const password = "hunter2hunter2"
	for _, around := range [][2]string{
		{"redis://:", "@h"}, {"rediss://u:", "@h/0"}, {"postgres://u:", "@h/db?x"}, {"postgresql://h/db?password=", ""}, {"http://", "@h"}, {"mysql://u:", "@h"}, {"", ""}, {"u:", "@h"}, {"redis://:%zz", "@h"}, {"unix:///s?password=", ""}, {"redis://u:", "#@h"}, {"redis:", ""}, {"postgres://", "/x@h"},
	} {
		f.Add(around[0], around[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		name := before + password + after
		if strings.HasPrefix(name, filesStore+":") || !strings.Contains(before, "://") && strings.Contains(after, "://") {
			return // a directory, or a scheme, is no password
		}
		p, err := parsePlace(name, "data")
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		if p.url != name || p.kind != "redis" && p.kind != "postgres" {
			t.Errorf("%q is %+v", name, p)
		}
		_, rest, _ := strings.Cut(name, "://")
		user, _, found := strings.Cut(rest, "@")
		if found && strings.Contains(user, password) && !strings.ContainsAny(user, "/?#") && strings.Contains(p.String(), password) {
			t.Errorf("%q is called %q", name, p)
		}
	})
}
