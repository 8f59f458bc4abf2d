package perf

import (
	"runtime"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// mostWarm is how often as long as in pure memory a look-up of what is kept may take.
const mostWarm = 3

// LookUps measures the look-up before every request to a guarded handler: from this process's
// memory, and with a round trip to the database. Pure memory is the floor.
func LookUps(b *testing.B, ratios *Table, database store.Backend) {
	floor, warm, cold := newLookUps(b, pureMemory(b)), newLookUps(b, database), newLookUps(b, onlyBackend{database})
	b.Run("warm", func(b *testing.B) { ratios.Against(b, mostWarm, floor.op(b), warm.op(b)) })
	b.Run("warm, all processors", func(b *testing.B) { ratios.Against(b, mostWarm, floor.parallel(b), warm.parallel(b)) })
	b.Run("cold", func(b *testing.B) { ratios.Against(b, 0, floor.op(b), cold.op(b)) })
	b.Run("cold, all processors", func(b *testing.B) { ratios.Against(b, 0, floor.parallel(b), cold.parallel(b)) })
}

// Refreshes measures what a durable change costs, and how it is with many at once. Pure
// memory is the floor.
func Refreshes(b *testing.B, ratios *Table, database store.Backend) {
	inMemory := pureMemory(b)
	b.Run("one", func(b *testing.B) { ratios.Against(b, 0, rotations(b, inMemory), rotations(b, database)) })
	b.Run("eight at once", func(b *testing.B) {
		var floor, ours []Op
		for range 8 {
			floor, ours = append(floor, rotations(b, inMemory)), append(ours, rotations(b, database))
		}
		ratios.Against(b, 0, Parallel(b, floor...), Parallel(b, ours...))
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

func (l *lookUps) op(b *testing.B) Op { return l.of(b, l.tokens) }

func (l *lookUps) of(b *testing.B, tokens []string) Op {
	i, now := 0, time.Now()
	return Op{Run: func(n int) {
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
func (l *lookUps) parallel(b *testing.B) Op {
	ops := make([]Op, runtime.GOMAXPROCS(0))
	for i := range ops {
		ops[i] = l.of(b, l.tokens[i*len(l.tokens)/len(ops):(i+1)*len(l.tokens)/len(ops)])
	}
	return Parallel(b, ops...)
}

// rotations rotate one grant again and again.
func rotations(b *testing.B, backend store.Backend) Op {
	s := store.New(backend, store.Lifetimes{})
	tokens := connected(b, s)
	return Op{Run: func(n int) {
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
		UserID: store.OwnerID, Client: &store.Client{ID: "client"}, RedirectURI: RedirectURI,
		Resource: Resource, Scopes: []string{Scope}, Challenge: Challenge,
	})
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := s.ConsumeCode(b.Context(), store.Redemption{
		Code: code, ClientID: "client", Verifier: Verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	return tokens
}
