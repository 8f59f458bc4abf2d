package perf_test

import (
	"slices"
	"testing"
	"time"
)

const (
	slice  = 20 * time.Millisecond // how long each takes its turn
	rounds = 60
	tries  = 3
	slack  = 1.1 // what a shared machine may add to a ratio
)

// An op does something n times.
type op func(n int)

// against reports what ours costs in terms of floor, and fails if that is over target
// in each of three tries.
func against(b *testing.B, target float64, floor, ours op) {
	b.Helper()
	var ratio, ns float64
	for try := range tries {
		ratio, ns = paired(floor, ours)
		if ratio <= target*slack {
			break
		}
		if try == tries-1 {
			b.Errorf("%.2f times its floor, want at most %.2f", ratio, target)
		}
	}
	for b.Loop() { // the framework wants its loop; the numbers below are the result
	}
	b.ReportMetric(ns, "ns/op")
	b.ReportMetric(ratio, "x-floor")
	b.ReportMetric(target, "target")
}

// paired returns the median over the rounds of what ours takes in terms of floor, and
// the median time of ours in nanoseconds.
func paired(floor, ours op) (ratio, ns float64) {
	ops := []op{floor, ours}
	counts := []int{calibrated(floor), calibrated(ours)}
	var ratios, times []float64
	for round := range rounds {
		var took [2]float64
		for turn := range ops {
			i := (turn + round) % len(ops) // who comes second finds the caches of the first
			began := time.Now()
			ops[i](counts[i])
			took[i] = float64(time.Since(began).Nanoseconds()) / float64(counts[i])
		}
		ratios = append(ratios, took[1]/took[0])
		times = append(times, took[1])
	}
	return median(ratios), median(times)
}

// calibrated returns how often o runs in a slice.
func calibrated(o op) int {
	for n := 1; ; n *= 2 {
		began := time.Now()
		o(n)
		if took := time.Since(began); took > slice/4 {
			return max(1, int(float64(n)*float64(slice)/float64(took)))
		}
	}
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
