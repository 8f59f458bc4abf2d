package redis_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// ratios are to pure memory, which is the floor here.
var ratios perf.Table

func TestMain(m *testing.M) { os.Exit(perf.Main(m, &ratios)) }

// mostWarm is how often as long as in pure memory a look-up of what is kept may take.
const mostWarm = 3

// The look-up before every request to a guarded handler: from this process's memory, and
// with a round trip to the same machine.
func BenchmarkLookUp(b *testing.B) {
	inMemory, backend := pureMemory(b), open(b, at(realserver.Redis(b).Addr), redis.Options{})
	floor, warm, cold := newLookUps(b, inMemory), newLookUps(b, backend), newLookUps(b, onlyBackend{backend})
	b.Run("warm", func(b *testing.B) { ratios.Against(b, mostWarm, floor.op(b), warm.op(b)) })
	b.Run("warm, all processors", func(b *testing.B) { ratios.Against(b, mostWarm, floor.parallel(b), warm.parallel(b)) })
	b.Run("cold", func(b *testing.B) { ratios.Against(b, 0, floor.op(b), cold.op(b)) })
	b.Run("cold, all processors", func(b *testing.B) { ratios.Against(b, 0, floor.parallel(b), cold.parallel(b)) })
}

// What a durable change costs, and how it is with many at once.
func BenchmarkRefresh(b *testing.B) {
	inMemory, backend := pureMemory(b), open(b, at(realserver.Redis(b).Addr), redis.Options{})
	b.Run("one", func(b *testing.B) { ratios.Against(b, 0, refreshes(b, inMemory), refreshes(b, backend)) })
	b.Run("eight at once", func(b *testing.B) {
		var floor, ours []perf.Op
		for range 8 {
			floor, ours = append(floor, refreshes(b, inMemory)), append(ours, refreshes(b, backend))
		}
		ratios.Against(b, 0, perf.Parallel(b, floor...), perf.Parallel(b, ours...))
	})
}

func pureMemory(b *testing.B) store.Backend {
	backend := memory.New(memory.Options{})
	b.Cleanup(func() { backend.Close() })
	return backend
}

// onlyBackend hides GetCached.
type onlyBackend struct{ store.Backend }

// lookUps are of grants that were all looked up before.
type lookUps struct {
	store  *store.Store
	tokens []string
}

func newLookUps(b *testing.B, backend store.Backend) *lookUps {
	l := &lookUps{store: store.New(backend, store.Lifetimes{})}
	for range 1000 {
		l.tokens = append(l.tokens, connected(b, l.store).Access)
	}
	l.op(b).Run(2 * len(l.tokens)) // the first answer may not be kept, as news of the grant came with it
	return l
}

func (l *lookUps) op(b *testing.B) perf.Op { return l.of(b, l.tokens) }

func (l *lookUps) of(b *testing.B, tokens []string) perf.Op {
	i, now := 0, time.Now()
	return perf.Op{Run: func(n int) {
		for range n {
			i++
			// A prime stride: no two neighbours share a cache line.
			if _, _, err := l.store.Access(b.Context(), tokens[i*7919%len(tokens)], now); err != nil {
				b.Fatal(err)
			}
		}
	}}
}

// parallel looks up from as many goroutines as there are processors.
func (l *lookUps) parallel(b *testing.B) perf.Op {
	ops := make([]perf.Op, runtime.GOMAXPROCS(0))
	for i := range ops {
		ops[i] = l.of(b, l.tokens[i*len(l.tokens)/len(ops):(i+1)*len(l.tokens)/len(ops)])
	}
	return perf.Parallel(b, ops...)
}

// refreshes rotates one grant again and again.
func refreshes(b *testing.B, backend store.Backend) perf.Op {
	s := store.New(backend, store.Lifetimes{})
	tokens := connected(b, s)
	return perf.Op{Run: func(n int) {
		for range n {
			var err error
			tokens, err = s.RotateRefresh(b.Context(), tokens.Refresh, "client", func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
			if err != nil {
				b.Fatal(err)
			}
		}
	}}
}

// connected returns the tokens of a new grant.
func connected(b *testing.B, s *store.Store) store.Tokens {
	b.Helper()
	code, err := s.Approve(b.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "client"}, RedirectURI: perf.RedirectURI,
		Resource: perf.Resource, Scopes: []string{perf.Scope}, Challenge: perf.Challenge,
	})
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := s.ConsumeCode(b.Context(), store.Redemption{
		Code: code, ClientID: "client", Verifier: perf.Verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	return tokens
}
