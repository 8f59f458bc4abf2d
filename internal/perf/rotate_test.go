package perf_test

import (
	"runtime"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

// 22 years of a client that refreshes each hour. That the files do not grow either is
// tested beside them.
func TestAGrantThatWasRefreshed200000TimesIsAsSmallAsBefore(t *testing.T) {
	rotations := 200_000
	if testing.Short() || raceEnabled {
		rotations = 10_000
	}
	f := setUp(t, false)
	tokens := f.rotated(f.connect(), 100) // it has as many spent tokens as it can have
	before := perf.Alive()
	tokens = f.rotated(tokens, rotations)
	if more := perf.Alive().Bytes - before.Bytes; more > 1<<20 {
		t.Errorf("after %d rotations %.0f bytes more are alive", rotations, more)
	}
	tokens = f.rotated(tokens, 1)
	perf.Calls(t, f.router, 200, tokens.Access).Run(1)
	runtime.KeepAlive(f)
}

func (f *fixture) rotated(tokens store.Tokens, n int) store.Tokens {
	for range n {
		var err error
		tokens, err = f.store.RotateRefresh(f.tb.Context(), tokens.Refresh, f.client, func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
		if err != nil {
			f.tb.Fatal(err)
		}
	}
	return tokens
}

// What a refresh costs in the store alone, without HTTP.
func BenchmarkRefreshInTheStore(b *testing.B) {
	f := setUp(b, false, seldom)
	tokens := f.connect()
	cost := perf.Compare(perf.Op{Run: func(n int) { tokens = f.rotated(tokens, n) }})[0]
	b.ReportMetric(cost.Nanos, "ns/op")
	b.ReportMetric(cost.Allocs, "allocs/op")
}
