package perf_test

import (
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

// What a refresh costs in the store alone, without HTTP.
func BenchmarkRefreshInTheStore(b *testing.B) {
	f := newFixture(b, 0)
	tokens := f.connect(b)
	for b.Loop() {
		var err error
		tokens, err = f.store.RotateRefresh(b.Context(), tokens.Refresh, "client", func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
		if err != nil {
			b.Fatal(err)
		}
	}
}
