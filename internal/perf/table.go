package perf

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

const (
	tries = 3
	slack = 1.1 // what other work on the machine may add to a ratio
)

// A Table collects results, as lines of Markdown.
type Table struct {
	Missed []string // what did not reach its target
	lines  []string
}

// Against measures ours beside its floor and adds a line of that. It is missed if ours
// takes more than target times its floor in each of three tries. Zero: no target. The
// benchmark does not fail by that, or the framework would not show its numbers.
func (t *Table) Against(b *testing.B, target float64, floor, ours Op) {
	b.Helper()
	var c []Cost
	for range tries {
		c = Compare(floor, ours)
		if target == 0 || c[1].Ratio <= target*slack {
			break
		}
	}
	if target > 0 && c[1].Ratio > target*slack {
		t.Miss(b, fmt.Sprintf("%.2f times its floor, want at most %.3g", c[1].Ratio, target))
	}
	b.ReportMetric(c[1].Nanos, "ns/op")
	b.ReportMetric(c[0].Nanos, "floor-ns")
	b.ReportMetric(c[1].Ratio, "x-floor")
	b.ReportMetric(c[1].CPURatio, "x-cpu")
	b.ReportMetric(target, "target")
	b.ReportMetric(c[1].Allocs, "allocs/op")
	b.ReportMetric(c[1].Bytes, "B/op")
	t.Row(Name(b), fmt.Sprintf("**%.2f**", c[1].Ratio), atMost(target), fmt.Sprintf("%.2f", c[1].CPURatio), Number(c[1].Nanos), Number(c[0].Nanos),
		fmt.Sprintf("%.0f", c[1].Allocs), fmt.Sprintf("%.0f", c[0].Allocs), Number(c[1].Bytes))
}

// Miss notes that b did not reach a target.
func (t *Table) Miss(b *testing.B, why string) { t.Missed = append(t.Missed, Name(b)+": "+why) }

func atMost(target float64) string {
	if target == 0 {
		return "–"
	}
	return fmt.Sprintf("≤ %.3g", target)
}

// Row adds a line of cells.
func (t *Table) Row(cells ...string) {
	t.lines = append(t.lines, "| "+strings.Join(cells, " | ")+" |\n")
}

// Name is what a benchmark is called in a table.
func Name(b *testing.B) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(b.Name(), "Benchmark"), "#")
	return strings.NewReplacer("_", " ", "/", ", ").Replace(name)
}

// Number writes a number of thousands with a mark that no reader takes for a point.
func Number(f float64) string {
	digits := fmt.Sprintf("%.0f", f)
	if f < 10 {
		digits = fmt.Sprintf("%.2g", f)
	}
	for i := len(digits) - 3; i > 0 && f >= 10; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Save puts the lines into a file of Markdown, below the heading of the table that
// stands between the comments <!-- name --> and <!-- end -->. A table without lines
// changes nothing.
func (t *Table) Save(file, name string) error {
	if len(t.lines) == 0 {
		return nil
	}
	heading, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(heading, []byte("<!-- "+name+" -->\n"))
	old, after, ended := bytes.Cut(rest, []byte("<!-- end -->"))
	lines := bytes.SplitAfterN(old, []byte("\n"), 3)
	if !found || !ended || len(lines) < 3 {
		return fmt.Errorf("%s has no table between <!-- %s --> and <!-- end -->", file, name)
	}
	text := fmt.Sprintf("%s<!-- %s -->\n%s%s%s<!-- end -->%s", before, name, lines[0], lines[1], strings.Join(t.lines, ""), after)
	return os.WriteFile(file, []byte(text), 0o644)
}
