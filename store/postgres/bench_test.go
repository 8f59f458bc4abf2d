package postgres_test

import (
	"os"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
)

// ratios are to pure memory, which is the floor here.
var ratios perf.Table

func TestMain(m *testing.M) { os.Exit(perf.Main(m, &ratios)) }

// The look-up before every request to a guarded handler, to a server on the same machine.
func BenchmarkLookUp(b *testing.B) { perf.LookUps(b, &ratios, replicated(b)) }

// Commits that notify wait for one another.
func BenchmarkRefresh(b *testing.B) { perf.Refreshes(b, &ratios, replicated(b)) }

// replicated is a backend that another one hears of.
func replicated(b *testing.B) store.Backend {
	url := realserver.Postgres(b).URL
	backend, _ := pair(b, url, url)
	return backend
}
