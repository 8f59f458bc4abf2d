package perf_test

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"testing"
)

// A drawing is panels with the same scale of microseconds. Both axes are logarithmic.
type drawing struct {
	title  string
	panels []panel
}

type panel struct {
	title string
	lines []line
}

type line struct {
	name   string
	points []point
}

type point struct{ x, µs float64 }

const (
	columns              = 3
	panelWide, panelTall = 330, 250
	left, top            = 62, 76 // of the first plot
	plotWide, plotTall   = 170, 170
	least, decades       = 0.1, 6 // microseconds, and powers of ten above that
)

func (d drawing) svg() []byte {
	var out bytes.Buffer
	rows := (len(d.panels) + columns - 1) / columns
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">
<style>
svg { --paper: #fff; --ink: #1f2328; --faint: #59636e; --grid: #d1d9e0; --c0: #0550ae; --c1: #a04100; --c2: #6639ba; }
@media (prefers-color-scheme: dark) { svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9198a1; --grid: #3d444d; --c0: #58a6ff; --c1: #f0883e; --c2: #bc8cff; } }
.paper { fill: var(--paper); } .grid { stroke: var(--grid); }
text { font: 12px system-ui, sans-serif; fill: var(--faint); } .title { font-size: 14px; font-weight: 600; fill: var(--ink); }
.l0 { stroke: var(--c0); } .l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); } polyline { fill: none; stroke-width: 2; }
.t0 { fill: var(--c0); } .t1 { fill: var(--c1); } .t2 { fill: var(--c2); }
</style>
<rect class="paper" width="100%%" height="100%%"/>
<text class="title" x="%d" y="28">%s</text>
`, columns*panelWide+10, rows*panelTall+top-20, html.EscapeString(d.title), left-50, html.EscapeString(d.title))
	for i, p := range d.panels {
		p.draw(&out, left+i%columns*panelWide, top+i/columns*panelTall)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (p panel) draw(out *bytes.Buffer, x, y int) {
	points := p.lines[0].points
	first, last := points[0].x, points[len(points)-1].x
	across := func(n float64) float64 { return float64(x) + plotWide*math.Log(n/first)/math.Log(last/first) }
	up := func(µs float64) float64 {
		return float64(y) + plotTall*(1-math.Log10(max(µs, least)/least)/decades)
	}
	fmt.Fprintf(out, "<text class=\"title\" x=\"%d\" y=\"%d\">%s</text>\n", x, y-14, html.EscapeString(p.title))
	for i := 0; i <= decades; i += 2 {
		µs := least * math.Pow10(i)
		fmt.Fprintf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			x, x+plotWide, up(µs), up(µs), x-6, up(µs)+4, duration(µs))
	}
	for _, at := range points {
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", across(at.x), y+plotTall+18, count(at.x))
	}
	for i, l := range p.lines {
		fmt.Fprintf(out, `<polyline class="l%d" points="`, i)
		for _, at := range l.points {
			fmt.Fprintf(out, "%.1f,%.1f ", across(at.x), up(at.µs))
		}
		out.WriteString("\"/>\n")
	}
	for i, y := range p.labels(up) {
		fmt.Fprintf(out, "<text class=\"t%d\" x=\"%d\" y=\"%.1f\">%s</text>\n", i, x+plotWide+6, y+4, html.EscapeString(p.lines[i].name))
	}
}

// labels returns where the names of the lines stand: at their ends, and none on another.
func (p panel) labels(up func(µs float64) float64) []float64 {
	at, order := make([]float64, len(p.lines)), make([]int, len(p.lines))
	for i, l := range p.lines {
		at[i], order[i] = up(l.points[len(l.points)-1].µs), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	for n := 1; n < len(order); n++ {
		at[order[n]] = max(at[order[n]], at[order[n-1]]+14)
	}
	return at
}

func duration(µs float64) string {
	if µs < 1000 {
		return fmt.Sprintf("%g µs", µs)
	}
	return fmt.Sprintf("%g ms", µs/1000)
}

func count(n float64) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%gM", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%gk", n/1e3)
	}
	return fmt.Sprint(n)
}

func TestAPictureHasEveryPointWithinItsPanel(t *testing.T) {
	p := panel{"things", []line{{"a <line>", []point{{1, 0.01}, {1_000_000, 1e5}}}}}
	svg := string(drawing{"costs", []panel{p}}.svg())
	for _, want := range []string{
		fmt.Sprintf(`points="%d.0,%d.0 %d.0,%d.0 "`, left, top+plotTall, left+plotWide, top), ">a &lt;line&gt;<", ">1M<", ">100 ms<",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in\n%s", want, svg)
		}
	}
}
