package memory_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// One durable change, beside as many registrations as strangers can make.
func BenchmarkCreate(b *testing.B) {
	for _, clients := range []int{10, memory.DefaultClients} {
		b.Run(fmt.Sprintf("beside %d clients", clients), func(b *testing.B) {
			m, err := memory.Open(optionsIn(b.TempDir()))
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			done := make(chan error, clients)
			for n := range clients {
				client := &store.Client{ID: fmt.Sprint(n), Name: "A client", RedirectURIs: []string{"https://client.example/callback"}, GrantTypes: []string{"authorization_code", "refresh_token"}, CreatedAt: time.Now()}
				go func() {
					done <- m.Create(b.Context(), clientKey(n), client, time.Now().Add(time.Hour))
				}()
			}
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := m.Create(b.Context(), grantKey(fmt.Sprint(n)), object, time.Time{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A refresh, which is one durable change, beside as many grants: by one caller, and
// by 64 at once, who share the waiting.
func BenchmarkRefresh(b *testing.B) {
	for _, grants := range []int{10, 100, 1_000, 10_000, 100_000} {
		o := optionsIn(b.TempDir())
		tokens := stateOf(b, o.StateFile, grants)
		m, err := memory.Open(o)
		if err != nil {
			b.Fatal(err)
		}
		s := store.New(m, store.Lifetimes{})
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("grants=%d/writers=%d", grants, writers), func(b *testing.B) {
				b.ReportAllocs()
				b.ResetTimer()
				slowest := refreshAtOnce(b, s, tokens, min(writers, grants), b.N)
				b.ReportMetric(float64(slowest.Microseconds())/1e3, "ms-slowest")
			})
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// refreshAtOnce lets each of some writers refresh grants of its own, n times in all. It
// returns how long the slowest took.
func refreshAtOnce(b *testing.B, s *store.Store, tokens []store.Tokens, writers, n int) time.Duration {
	var turn atomic.Int64
	slowest := make([]time.Duration, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; turn.Add(1) <= int64(n); i = (i + writers) % (len(tokens) / writers * writers) {
				began := time.Now()
				tokens[i] = rotated(b, s, tokens[i])
				slowest[w] = max(slowest[w], time.Since(began))
			}
		})
	}
	wg.Wait()
	return slices.Max(slowest)
}

// One grant that is refreshed again and again, beside a few and beside many:
// with -benchtime 200000x, what it occupies in the end.
func BenchmarkRefreshForEver(b *testing.B) {
	for _, grants := range []int{1, 1_000} {
		b.Run(fmt.Sprintf("grants=%d", grants), func(b *testing.B) {
			o := optionsIn(b.TempDir())
			tokens := stateOf(b, o.StateFile, grants)[0]
			m, err := memory.Open(o)
			if err != nil {
				b.Fatal(err)
			}
			s := store.New(m, store.Lifetimes{})
			tokens = rotateMany(b, s, tokens, 100)
			before := inUse()
			var most int64
			for n := 0; b.Loop(); n++ {
				tokens = rotated(b, s, tokens)
				if n%100 == 0 {
					most = max(most, sizeOf(b, filepath.Dir(o.StateFile)))
				}
			}
			b.ReportMetric(float64(int64(inUse().bytes)-int64(before.bytes)), "B-more-heap")
			b.ReportMetric(float64(most), "B-most-on-disk")
			if err := m.Close(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(sizeOf(b, filepath.Dir(o.StateFile))), "B-at-the-end")
		})
	}
}
