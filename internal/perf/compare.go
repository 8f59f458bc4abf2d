package perf

import (
	"runtime"
	"testing"
	"time"
)

const (
	slice = 20 * time.Millisecond // how long each takes its turn
	many  = 60                    // rounds
	few   = 15                    // rounds with -short
)

// An Op is something that is measured.
type Op struct {
	Prepare func(n int) // makes what the next n runs use up, and is not measured; nil: nothing
	Run     func(n int) // runs n times
}

// A Cost is what one run of an Op takes. What the other processor does for it, mostly
// the garbage collector, is in CPU and not in Nanos.
type Cost struct {
	Nanos, CPU    float64 // nanoseconds; CPU is zero where the system does not tell
	Ratio         float64 // to the first Op, the median over the rounds
	CPURatio      float64 // to the first Op, the median over the rounds
	Allocs, Bytes float64
}

// Compare lets ops take turns and returns what each costs. The first is the floor.
func Compare(ops ...Op) []Cost {
	costs, counts := make([]Cost, len(ops)), make([]int, len(ops))
	for i, op := range ops {
		counts[i] = calibrated(op)
		costs[i].Allocs, costs[i].Bytes = Allocated(op, min(counts[i], 1000))
	}
	nanos, ratios, cpus := make([][]float64, len(ops)), make([][]float64, len(ops)), make([][]float64, len(ops))
	for round := range rounds() {
		for turn := range ops {
			i := (turn + round) % len(ops) // who comes second finds the caches of the first
			wall, cpu := timed(ops[i], counts[i])
			nanos[i], cpus[i] = append(nanos[i], wall), append(cpus[i], max(cpu, 1))
		}
		for i := range ops {
			ratios[i] = append(ratios[i], nanos[i][round]/nanos[0][round])
		}
	}
	for i := range costs {
		var perCPU []float64
		for round := range cpus[i] {
			perCPU = append(perCPU, cpus[i][round]/cpus[0][round])
		}
		costs[i].CPURatio = Median(perCPU)
	}
	for i := range costs {
		costs[i].Nanos, costs[i].Ratio, costs[i].CPU = Median(nanos[i]), Median(ratios[i]), Median(cpus[i])
	}
	return costs
}

// rounds is how often each of what is compared has its turn.
func rounds() int {
	if testing.Short() {
		return few
	}
	return many
}

// timed returns the nanoseconds that one of n runs takes, and those of processors.
func timed(op Op, n int) (wall, cpu float64) {
	if op.Prepare != nil {
		op.Prepare(n)
	}
	before, began := Processors(), time.Now()
	op.Run(n)
	took := time.Since(began)
	return float64(took.Nanoseconds()) / float64(n), float64((Processors() - before).Nanoseconds()) / float64(n)
}

// calibrated returns how often op runs in a slice.
func calibrated(op Op) int {
	for n := 1; ; n *= 2 {
		wall, _ := timed(op, n)
		if took := wall * float64(n); took > float64(slice/4) {
			return max(1, int(float64(slice)/wall))
		}
	}
}

// Allocated returns the allocations and bytes of one of n runs.
func Allocated(op Op, n int) (allocs, bytes float64) {
	if op.Prepare != nil {
		op.Prepare(n)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	op.Run(n)
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(n), float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
}
