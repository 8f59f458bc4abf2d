package postgres_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// The look-up before every request: in memory, here with a warm cache, and with a cold
// one.
func BenchmarkAccess(b *testing.B) {
	inMemory := memory.New(memory.Options{})
	defer inMemory.Close()
	url := realserver.Postgres(b).URL
	warm, cold := pair(b, url, url)
	cases := []struct {
		name    string
		backend store.Backend
		grants  int
	}{
		{"memory", inMemory, 1000},
		{"postgres warm", warm, 1000},
		{"postgres cold", onlyBackend{cold}, 1000},
	}
	for _, c := range cases {
		s := store.New(c.backend, store.Lifetimes{})
		tokens := connect(b, s, c.grants)
		now := time.Now()
		for _, token := range tokens { // fills what is to be warm
			if _, _, err := s.Access(b.Context(), token.Access, now); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, err := s.Access(b.Context(), tokens[i*7919%len(tokens)].Access, now); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+", parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, _, err := s.Access(b.Context(), tokens[i*7919%len(tokens)].Access, now); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// onlyBackend hides GetCached.
type onlyBackend struct{ store.Backend }

// connect returns the tokens of n grants.
func connect(b *testing.B, s *store.Store, n int) []store.Tokens {
	b.Helper()
	tokens := make([]store.Tokens, n)
	for i := range tokens {
		code, err := s.Approve(b.Context(), store.Approval{
			UserID: store.OwnerID, Client: &store.Client{ID: "client"}, RedirectURI: "https://client.example/callback",
			Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools"}, Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		})
		if err != nil {
			b.Fatal(err)
		}
		got, err := s.ConsumeCode(b.Context(), store.Redemption{
			Code: code, ClientID: "client", Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
			Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		tokens[i] = got
	}
	return tokens
}

// BenchmarkChange is what one durable change costs, and how it is with many at once:
// commits that notify wait for one another.
func BenchmarkChange(b *testing.B) {
	url := realserver.Postgres(b).URL
	backend, _ := pair(b, url, url)
	b.Run("Create", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := backend.Create(b.Context(), grant(fmt.Sprint("create-", time.Now().UnixNano(), i)), number(i), time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("refresh", func(b *testing.B) {
		s := store.New(backend, store.Lifetimes{})
		tokens := connect(b, s, 1)[0]
		for b.Loop() {
			tokens = refresh(b, s, tokens)
		}
	})
	b.Run("refresh, parallel", func(b *testing.B) {
		b.SetParallelism(4)
		s := store.New(backend, store.Lifetimes{})
		all := connect(b, s, 4*runtime.GOMAXPROCS(0))
		var next atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for tokens := all[next.Add(1)-1]; pb.Next(); {
				tokens = refresh(b, s, tokens)
			}
		})
	})
}

func refresh(b *testing.B, s *store.Store, tokens store.Tokens) store.Tokens {
	tokens, err := s.RotateRefresh(b.Context(), tokens.Refresh, "client", func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
	if err != nil {
		b.Error(err)
	}
	return tokens
}
