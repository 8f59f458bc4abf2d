package perf

import "runtime"

// A Heap is what is alive in this process.
type Heap struct {
	Bytes, Objects float64
	Collecting     float64 // milliseconds of processors that one collection takes
}

// Alive collects all garbage and returns what is left.
func Alive() Heap {
	runtime.GC()
	var cpu []float64
	for range 3 {
		before := Processors()
		runtime.GC()
		cpu = append(cpu, float64((Processors()-before).Microseconds())/1000)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Heap{float64(m.HeapAlloc), float64(m.HeapObjects), Median(cpu)}
}

// Each returns what each of n things occupies that came to be since before. Collecting
// is that of all of them.
func (h Heap) Each(before Heap, n int) Heap {
	return Heap{(h.Bytes - before.Bytes) / float64(n), (h.Objects - before.Objects) / float64(n), h.Collecting - before.Collecting}
}
