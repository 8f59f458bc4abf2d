package perf

import (
	"sync"
	"testing"
)

// Parallel runs ops at the same time, each its share of the runs.
func Parallel(tb testing.TB, ops ...Op) Op {
	return Op{Run: func(n int) {
		var all sync.WaitGroup
		for i, op := range ops {
			all.Go(func() { op.Run(n*(i+1)/len(ops) - n*i/len(ops)) })
		}
		all.Wait()
		if tb.Failed() {
			tb.FailNow()
		}
	}}
}
