package bench_test

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

// lines are those of the table.
var lines []string

func TestMain(m *testing.M) {
	code := perf.Main(m)
	if lines != nil {
		fmt.Printf("\n| | %s |\n|---|%s\n%s\n", heading(), strings.Repeat("---|", len(names)), strings.Join(lines, "\n"))
	}
	os.Exit(code)
}

// heading is names, with the versions that go.mod has.
func heading() string {
	module, _ := os.ReadFile("go.mod")
	cells := slices.Clone(names)
	for line := range strings.Lines(string(module)) {
		for i, name := range cells[2:] {
			if version := strings.Fields(line); strings.Contains(line, "/"+name) {
				cells[2+i] += " " + version[1]
			}
		}
	}
	return strings.Join(cells, " | ")
}

// row adds a line; what stays empty is what a library does not do.
func row(b *testing.B, cells []string) {
	for i := range cells {
		cells[i] = cmp.Or(cells[i], "–")
	}
	lines = append(lines, "| "+strings.Join(append([]string{perf.Name(b)}, cells...), " | ")+" |")
}

// compare measures what op returns for each, if anything, in turn with the floor's, which
// is that of the first.
func compare(b *testing.B, all []*server, op func(*server) *perf.Op) {
	cells := make([]string, len(all))
	var floors []float64
	for i, s := range all[1:] {
		theirs := op(s)
		if theirs == nil {
			continue
		}
		c := perf.Compare(*op(all[0]), *theirs)
		floors = append(floors, c[0].Nanos)
		cells[0] = fmt.Sprintf("%s ns, %.0f, %s B", perf.Number(perf.Median(floors)), c[0].Allocs, perf.Number(c[0].Bytes))
		cells[i+1] = fmt.Sprintf("**%.2f** (%.2f), %.0f, %s B", c[1].Ratio, c[1].CPURatio, c[1].Allocs, perf.Number(c[1].Bytes))
		b.ReportMetric(c[1].Ratio, names[i+1]+"-x")
	}
	b.ReportMetric(0, "ns/op")
	row(b, cells)
}

// servesTokens makes an op for those that are authorization servers.
func servesTokens(op func(*server) perf.Op) func(*server) *perf.Op {
	return func(s *server) *perf.Op {
		if s.approve == nil {
			return nil
		}
		return new(op(s))
	}
}

func BenchmarkCheck(b *testing.B) {
	all := servers(b)
	for _, tokens := range []int{1_000, 100_000} {
		if testing.Short() && tokens > 1_000 {
			break
		}
		for _, s := range all {
			s.grow(tokens)
		}
		b.Run(perf.Number(float64(tokens))+" tokens", func(b *testing.B) {
			for _, s := range all[1:] {
				perf.Calls(b, s, 200, perf.Spread(s.tokens)...).Run(1 << 16) // none comes for the first time
			}
			compare(b, all, func(s *server) *perf.Op { return new(perf.Calls(b, s, 200, perf.Spread(s.tokens)...)) })
		})
	}
	b.Run("unknown token", func(b *testing.B) {
		compare(b, all, func(s *server) *perf.Op { return new(perf.Calls(b, s, 401, spoilt(s.tokens[0]))) })
	})
	if testing.Short() {
		return
	}
	b.Run("two processors beside one", func(b *testing.B) {
		cells := make([]string, len(all))
		for i, s := range all {
			tokens := perf.Spread(s.tokens)
			cells[i] = fmt.Sprintf("%.2f", perf.Compare(perf.Calls(b, s, 200, tokens...), perf.ParallelCalls(b, s, tokens...))[1].Ratio)
		}
		row(b, cells)
	})
}

func BenchmarkExchange(b *testing.B) {
	compare(b, servers(b), servesTokens(func(s *server) perf.Op { return s.exchanges(b) }))
}

func BenchmarkRefresh(b *testing.B) {
	compare(b, servers(b), servesTokens(func(s *server) perf.Op { return s.refreshes(b) }))
}

func BenchmarkAuthorize(b *testing.B) {
	compare(b, servers(b), servesTokens(func(s *server) perf.Op { return s.authorizes(b) }))
}

func BenchmarkDiscovery(b *testing.B) {
	compare(b, servers(b), func(s *server) *perf.Op {
		if !s.documented {
			return nil
		}
		return new(s.discovers(b))
	})
}

func BenchmarkMemory(b *testing.B) {
	b.Run("an access token", func(b *testing.B) { occupied(b, func(s *server) { s.add() }) })
	b.Run("access and refresh", func(b *testing.B) {
		occupied(b, func(s *server) {
			if s.approve != nil {
				s.connect()
			}
		})
	})
}

// occupied notes what each of many things occupies that make leaves behind.
func occupied(b *testing.B, make func(*server)) {
	n := 50_000
	if testing.Short() {
		n = 5_000
	}
	var cells []string
	for i, s := range servers(b) {
		before := perf.Alive()
		for range n {
			make(s)
		}
		h := perf.Alive().Each(before, n)
		runtime.KeepAlive(s)
		cell := ""
		if h.Objects > 0.5 {
			cell = fmt.Sprintf("%s B, %.1f objects", perf.Number(h.Bytes), h.Objects)
		}
		cells = append(cells, cell)
		b.ReportMetric(h.Bytes, names[i]+"-B")
	}
	b.ReportMetric(0, "ns/op")
	row(b, cells)
}
