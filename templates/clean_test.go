package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"plain text stays":                              {"Claude Code", "Claude Code"},
		"other scripts stay":                            {"クロード · Клод · كلود", "クロード · Клод · كلود"},
		"Persian keeps its joiner":                      {"می\u200cخواهم", "می\u200cخواهم"},
		"an emoji keeps its joiner and its selector":    {"👩\u200d💻 ❤\ufe0f", "👩\u200d💻 ❤\ufe0f"},
		"bidi controls go":                              {"a\u202Eb\u2066c\u200Fd\u061Ce", "abcde"},
		"control characters go":                         {"a\x00b\x1b[31mc\u0085d", "ab[31mc d"},
		"invisible characters go":                       {"a\u200Bb\u00ADc\uFEFFd\u2060e\U000E0041f\u3164g", "abcdefg"},
		"private-use characters go":                     {"a\uE000b", "ab"},
		"line breaks and other spaces become one":       {" a \r\n\t b\u2028\u00a0\u3000c ", "a b c"},
		"bytes that are not UTF-8 show as such":         {"a\xffb", "a\uFFFDb"},
		"marks do not pile up":                          {"e" + strings.Repeat("\u0301", 50) + "f\u0301", "e\u0301\u0301\u0301f\u0301"},
		"a name that draws nothing is none":             {" \u200d\u2800\u200c\ufe0f ", ""},
		"a mark does not land on what stands before":    {"\u0489a", "a"},
		"Hangul fillers and blank braille draw nothing": {"\u115f\u1160\u3164\uffa0\u2800", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := line(tc.in, maxName); got != tc.want {
				t.Errorf("line(%q) = %q, want %q", tc.in, got, tc.want)
			}
		})
	}
}

func TestALineIsCutAtItsLimit(t *testing.T) {
	if got, want := line(strings.Repeat("é", 300), 200), strings.Repeat("é", 200)+"…"; got != want {
		t.Errorf("got %d characters", utf8.RuneCountInString(got))
	}
	if got, want := line(strings.Repeat("é", 200), 200), strings.Repeat("é", 200); got != want {
		t.Errorf("a line of just the limit was cut: %q", got)
	}
}

func TestAHostThatIsNotPlainASCIIShowsItsBytes(t *testing.T) {
	for in, want := range map[string]string{
		"claude.ai":              "claude.ai",
		"localhost:1234":         "localhost:1234",
		"[::1]:8080":             "[::1]:8080",
		"com.example.app+x":      "com.example.app+x",
		"сlaude.ai":              "%D1%81laude.ai",
		"claude.ai\u2215x.evil":  "claude.ai%E2%88%95x.evil",
		"claude.ai/x@evil <b>\"": "claude.ai%2Fx%40evil%20%3Cb%3E%22",
		"a\u202Eb":               "a%E2%80%AEb",
	} {
		if got := host(in); got != want {
			t.Errorf("host(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, tc := range hostile {
		f.Add(tc.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := line(s, maxName)
		if n := utf8.RuneCountInString(got); n > maxName+1 {
			t.Errorf("%d characters", n)
		}
		if strings.ContainsAny(got, "\r\n\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c") {
			t.Errorf("line(%q) = %q", s, got)
		}
		if again := line(got, maxName+1); again != got {
			t.Errorf("line is not done after once: %q, then %q", got, again)
		}
	})
}
