package redis_test

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// The look-up before every request to a guarded handler, from this process's memory.
func BenchmarkGetCached(b *testing.B) {
	inMemory := memory.New(memory.Options{})
	defer inMemory.Close()
	for _, c := range []struct {
		name    string
		backend store.Backend
	}{
		{"memory", inMemory},
		{"redis", open(b, at(realserver.Redis(b).Addr), redis.Options{})},
	} {
		s := store.New(c.backend, store.Lifetimes{})
		tokens := make([]string, 1000)
		for i := range tokens {
			tokens[i] = connected(b, s).Access
		}
		now := time.Now()
		check := func(i int) {
			// A prime stride: no two neighbours share a cache line.
			if _, _, err := s.Access(b.Context(), tokens[i*7919%len(tokens)], now); err != nil {
				b.Error(err)
			}
		}
		for i := range tokens {
			check(i)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				check(i)
			}
		})
		b.Run(c.name+", parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					check(i)
				}
			})
		})
	}
}

// What the others of the store cost, a round trip to the same machine included.
func BenchmarkRoundTrips(b *testing.B) {
	backend := open(b, at(realserver.Redis(b).Addr), redis.Options{})
	key := grantKey()
	create(b, backend, key)
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			if _, err := backend.Get(b.Context(), key); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refresh", func(b *testing.B) {
		s := store.New(backend, store.Lifetimes{})
		tokens := connected(b, s)
		for b.Loop() {
			var err error
			tokens, err = s.RotateRefresh(b.Context(), tokens.Refresh, "client", func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// connected returns the tokens of a new grant.
func connected(tb testing.TB, s *store.Store) store.Tokens {
	tb.Helper()
	const verifier = "0123456789-0123456789-0123456789-0123456789"
	code, err := s.Approve(tb.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "client", Preregistered: true},
		RedirectURI: "http://localhost/cb", Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools"},
		Challenge: secret.S256(verifier),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := s.ConsumeCode(tb.Context(), store.Redemption{
		Code: code, ClientID: "client", Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}
