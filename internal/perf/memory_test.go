package perf_test

import (
	"runtime"
	"testing"
)

// One grant with one access and one refresh token, with every field, in pure memory.
func BenchmarkMemoryPerGrant(b *testing.B) {
	const grants = 200_000
	var before, after runtime.MemStats
	settle := func(m *runtime.MemStats) {
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(m)
	}
	f := newFixture(b, 0)
	settle(&before)
	for range grants {
		f.connect(b)
	}
	settle(&after)
	runtime.KeepAlive(f)
	for b.Loop() {
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/grants, "B/grant")
	b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/grants, "objects/grant")
}
