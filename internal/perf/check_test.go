package perf_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

func BenchmarkCheck(b *testing.B) {
	f := setUp(b, true)
	unlimited := setUp(b, false)
	f.grow(1_000)
	good := f.tokens[0]
	for _, r := range []struct {
		name   string
		token  string
		status int
	}{
		{"unknown", good[:len(good)-4] + "AAAA", http.StatusUnauthorized},
		{"expired", f.expired(), http.StatusUnauthorized},
		{"no token", "", http.StatusUnauthorized},
		{"too little scope", f.scoped(), http.StatusForbidden},
	} {
		b.Run(r.name, func(b *testing.B) {
			ratios.Against(b, 1.5, perf.Calls(b, f.floor, r.status, r.token), perf.Calls(b, f.router, r.status, r.token))
		})
	}
	for _, grants := range []int{1_000, 100_000, 1_000_000} {
		if testing.Short() && grants > 100_000 {
			break
		}
		accepted(b, fmt.Sprintf("%s grants", perf.Number(float64(grants))), f, grants)
		if grants == 100_000 {
			accepted(b, "100,000 grants/without the grant's limit", unlimited, grants)
			fair(b, f)
			scaling(b, f)
			unlimited = nil
		}
	}
}

func accepted(b *testing.B, name string, f *fixture, grants int) {
	b.Run(name, func(b *testing.B) {
		f.grow(grants)
		tokens := perf.Spread(f.tokens)
		ratios.Against(b, 1.5, perf.Calls(b, f.floor, http.StatusOK, tokens...), perf.Calls(b, f.router, http.StatusOK, tokens...))
	})
}

// fair compares with a floor that must find something of the grant's own too, and not one
// of a few addresses that are always at hand.
func fair(b *testing.B, f *fixture) {
	b.Run("100,000 grants/a floor that limits each grant", func(b *testing.B) {
		f.floor.Limit = perf.ByGrant
		defer func() { f.floor.Limit = perf.ByAddress }()
		f.grow(100_000)
		tokens := perf.Spread(f.tokens)
		floor, ours := perf.Calls(b, f.floor, http.StatusOK, tokens...), perf.Calls(b, f.router, http.StatusOK, tokens...)
		for _, op := range []perf.Op{floor, ours} {
			op.Run(len(tokens)) // no grant comes for the first time
		}
		ratios.Against(b, 1.5, floor, ours)
	})
}

// scaling compares all processors with one. On a machine where others work too it says
// little.
func scaling(b *testing.B, f *fixture) {
	b.Run("100,000 grants/all processors beside the floor's", func(b *testing.B) {
		f.grow(100_000)
		ratios.Against(b, 0, perf.ParallelCalls(b, f.floor, perf.Spread(f.tokens)...), perf.ParallelCalls(b, f.router, perf.Spread(f.tokens)...))
	})
	b.Run("100,000 grants/two processors beside one", func(b *testing.B) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
		f.grow(100_000)
		ratios.Against(b, 0.75, perf.Calls(b, f.router, http.StatusOK, perf.Spread(f.tokens)...), perf.ParallelCalls(b, f.router, perf.Spread(f.tokens)...))
	})
}
