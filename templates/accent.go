package templates

import (
	"fmt"
	"math"
	"strconv"
)

// Contrasts of WCAG 2.2 §1.4.3: of text with what is behind it.
const minContrast = 4.5

// A colour is red, green and blue, each from 0 to 1.
type colour [3]float64

var (
	black = colour{}
	white = colour{1, 1, 1}
)

// What the accent stands on besides its own surface: --card and --page of style.css.
var surfaces = map[string][]string{
	"light": {"#ffffff", "#f3f4f7"},
	"dark":  {"#171a22", "#0e1016"},
}

// ValidAccent reports whether s can be App.Accent: #rrggbb.
func ValidAccent(s string) bool {
	_, ok := parseColour(s)
	return ok
}

func parseColour(s string) (c colour, ok bool) {
	if len(s) != len("#rrggbb") || s[0] != '#' {
		return c, false
	}
	for i := range c {
		n, err := strconv.ParseUint(s[1+2*i:3+2*i], 16, 8)
		if err != nil {
			return c, false
		}
		c[i] = float64(n) / 255
	}
	return c, true
}

func (c colour) String() string {
	to := func(x float64) int { return int(math.Round(255 * x)) }
	return fmt.Sprintf("#%02x%02x%02x", to(c[0]), to(c[1]), to(c[2]))
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	linear := func(x float64) float64 {
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func contrast(a, b colour) float64 {
	x, y := a.luminance(), b.luminance()
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// mixed returns c with a part of other.
func (c colour) mixed(other colour, part float64) colour {
	for i := range c {
		c[i] += (other[i] - c[i]) * part
	}
	return c
}

// accentStyle returns the rules that make accent the colour of buttons and marks. The text
// on it is black or white, of which one always has enough contrast; where the accent itself
// would be too faint as a mark on the page, the colour of text takes its place.
func accentStyle(accent string) string {
	c, ok := parseColour(accent)
	if !ok {
		return ""
	}
	text, hover := white, c.mixed(black, 0.15)
	if contrast(c, black) > contrast(c, white) {
		text, hover = black, c.mixed(white, 0.15)
	}
	style := fmt.Sprintf("\n:root { --accent: %s; --accent-hover: %s; --on-accent: %s; --mark: %s; }\n", c, hover, text, markOn("light", c))
	return style + fmt.Sprintf("@media (prefers-color-scheme: dark) { :root { --accent: %s; --accent-hover: %s; --on-accent: %s; --mark: %s; } }\n", c, hover, text, markOn("dark", c))
}

func markOn(scheme string, c colour) string {
	for _, surface := range surfaces[scheme] {
		if under, _ := parseColour(surface); contrast(c, under) < minContrast {
			return "var(--text)"
		}
	}
	return c.String()
}
