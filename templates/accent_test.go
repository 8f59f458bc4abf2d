package templates

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// value returns what a style sheet sets a property to, last.
func value(t *testing.T, style, property string) string {
	t.Helper()
	found := regexp.MustCompile(regexp.QuoteMeta(property)+`: ([^;]+);`).FindAllStringSubmatch(style, -1)
	if found == nil {
		t.Fatalf("%s is not set in\n%s", property, style)
	}
	return found[len(found)-1][1]
}

func must(t *testing.T, s string) colour {
	t.Helper()
	c, ok := parseColour(s)
	if !ok {
		t.Fatalf("%q is no colour", s)
	}
	return c
}

// Every colour there is, in steps: on all of them text can be read, hovered over or not,
// and where one is too faint for a mark it is not used as one.
func TestTextOnAnyAccentCanBeRead(t *testing.T) {
	for r := 0; r <= 255; r += 15 {
		for g := 0; g <= 255; g += 15 {
			for b := 0; b <= 255; b += 15 {
				accent := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				style := accentStyle(accent)
				text := must(t, value(t, style, "--on-accent"))
				for _, under := range []string{value(t, style, "--accent"), value(t, style, "--accent-hover")} {
					if c := contrast(text, must(t, under)); c < minContrast {
						t.Fatalf("%s: text on %s has a contrast of %.2f", accent, under, c)
					}
				}
				for scheme, list := range surfaces {
					mark := markOn(scheme, must(t, accent))
					for _, surface := range list {
						if mark != "var(--text)" && contrast(must(t, mark), must(t, surface)) < minContrast {
							t.Fatalf("%s: the mark %s on %s", accent, mark, surface)
						}
					}
				}
			}
		}
	}
}

func TestTheSurfacesAreThoseOfTheStyleSheet(t *testing.T) {
	css, err := os.ReadFile("files/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(css), "prefers-color-scheme: dark")
	dark, _, _ = strings.Cut(dark, "\n}")
	long := strings.NewReplacer("#fff;", "#ffffff;")
	for scheme, part := range map[string]string{"light": long.Replace(light), "dark": dark} {
		for i, property := range []string{"--card", "--page"} {
			if got := value(t, part, property); got != surfaces[scheme][i] {
				t.Errorf("%s of %s is %s in style.css, and %s in accent.go", property, scheme, got, surfaces[scheme][i])
			}
		}
	}
}

func TestAnAccentIsPartOfTheServedStyleAndOfNoPage(t *testing.T) {
	p, err := Parse(App{Name: "Notes", Accent: "#ffcc00"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	css := getAsset(p, AssetPath+"style.css", nil).Body.String()
	if value(t, css, "--accent") != "#ffcc00" || value(t, css, "--on-accent") != "#000000" {
		t.Errorf("the style is\n%s", css[len(css)-400:])
	}
	if body := render(t, p, Problem{}); strings.Contains(body, "ffcc00") || link(t, body, "style.css") == link(t, render(t, parse(t), Problem{}), "style.css") {
		t.Error("the accent is in the page, or its style has the version of another")
	}
}

func TestWhatIsNoColourIsNoAccent(t *testing.T) {
	for s, want := range map[string]bool{
		"#2f4fd0": true, "#FFFFFF": true, "": false, "#fff": false, "2f4fd0": false, "#2f4fd0;": false, "#2f4fdg": false, "#+12345": false, "# 12345": false, "red": false, "#2f4fd0ff": false,
	} {
		if got := ValidAccent(s); got != want {
			t.Errorf("ValidAccent(%q) = %v", s, got)
		}
		if !want && accentStyle(s) != "" {
			t.Errorf("%q has a style", s)
		}
	}
}
