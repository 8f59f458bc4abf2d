package redis_test

import (
	"os"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// ratios are to pure memory, which is the floor here.
var ratios perf.Table

func TestMain(m *testing.M) { os.Exit(perf.Main(m, &ratios)) }

// The look-up before every request to a guarded handler, to a server on the same machine.
func BenchmarkLookUp(b *testing.B) { perf.LookUps(b, &ratios, server(b)) }

func BenchmarkRefresh(b *testing.B) { perf.Refreshes(b, &ratios, server(b)) }

func server(b *testing.B) store.Backend {
	return open(b, at(realserver.Redis(b).Addr), redis.Options{})
}
