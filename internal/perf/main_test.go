package perf_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

const docs = "../../docs/"

var write = flag.Bool("docs", false, "measure everything and write it into "+docs)

// The tables of docs/performance.md.
var (
	ratios        perf.Table
	sizes         perf.Table
	startAndSweep perf.Table

	machine perf.Table
)

func TestMain(m *testing.M) {
	code := perf.Main(m, &ratios, &sizes, &startAndSweep)
	machine.Row(time.Now().Format(time.DateOnly), runtime.Version(), fmt.Sprintf("%d × %s", runtime.NumCPU(), processor()))
	for name, table := range map[string]*perf.Table{"ratios": &ratios, "sizes": &sizes, "start and sweep": &startAndSweep, "machine": &machine} {
		if *write {
			if err := table.Save(docs+"performance.md", name); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
	}
	os.Exit(code)
}

// processor returns what kind of processor this is, as far as Linux tells.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	found := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(info)
	if err != nil || found == nil {
		return runtime.GOARCH
	}
	return string(found[1])
}
