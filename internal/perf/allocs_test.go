package perf_test

import (
	"net/http"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

// What a request allocates, with what makes the request, which net/http would do, and the
// form. That of the bearer check is tested beside it.
func TestWhatTheEndpointsAllocate(t *testing.T) {
	f := setUp(t, false)
	approve := func() string { return f.approve(store.OwnerID) }
	rarely := setUp(t, false, seldom)
	for _, test := range []struct {
		name          string
		op            perf.Op
		allocs, bytes float64
	}{
		{"discovery of the server", get(t, f.router, http.StatusOK, "/.well-known/oauth-authorization-server"), 14, 2_000},
		{"discovery of the resource", get(t, f.router, http.StatusOK, "/.well-known/oauth-protected-resource/mcp"), 14, 2_000},
		{"a registration", registers(t, f.router, "none"), 52, 6_000},
		{"a confidential registration", registers(t, f.router, "client_secret_basic"), 52, 5_200},
		{"an authorization request that is checked", checks(t, f, onlyChecks(f)), 45, 4_000},
		{"a code exchange", exchanges(t, f.router, f.client, approve), 60, 6_600},
		{"a refresh", refreshes(t, f.router, f.client, f.refresh), 55, 6_500},
		{"a refresh beside as many access tokens as may live", rotates(t, rarely.router, rarely.client, rarely.refresh()), 55, 6_900},
	} {
		t.Run(test.name, func(t *testing.T) {
			const runs = 300
			if raceEnabled { // which empties pools at random
				test.allocs, test.bytes = test.allocs*1.2, test.bytes*1.2
			}
			if test.op.Prepare != nil {
				test.op.Prepare(4*runs + 1)
			}
			test.op.Run(2 * runs) // until what keeps its memory has it
			if got := testing.AllocsPerRun(runs, func() { test.op.Run(1) }); got > test.allocs {
				t.Errorf("it costs %v allocations, want at most %v", got, test.allocs)
			}
			if _, got := perf.Allocated(test.op, runs); got > test.bytes {
				t.Errorf("it costs %.0f bytes, want at most %.0f", got, test.bytes)
			}
		})
	}
}
