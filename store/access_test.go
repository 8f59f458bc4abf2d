package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestTheLookUpBeforeEveryRequestDoesNotAllocate(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	token, now := s.connect().Access, time.Now()
	unknown := token[:len(token)-1] + "_"
	check := func(t *testing.T, s *store.Store) {
		for name, c := range map[string]struct {
			token string
			want  error
		}{"a live token": {token, nil}, "an unknown one": {unknown, store.ErrNotFound}, "none": {"", store.ErrNotFound}} {
			if got := testing.AllocsPerRun(1000, func() {
				if _, _, err := s.Access(t.Context(), c.token, now); err != c.want {
					t.Fatal(err)
				}
			}); got != 0 {
				t.Errorf("%s: %v allocations, want none", name, got)
			}
		}
	}
	t.Run("in the backend that issued it", func(t *testing.T) { check(t, s.Store) })
	t.Run("read back from a file", func(t *testing.T) {
		dir := t.TempDir()
		o := memory.Options{PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json")}
		copied := open(t, o)
		for record := range everything(t, s.backend) {
			if err := copied.Create(t.Context(), record.Key, record.Value, record.ExpiresAt); err != nil {
				t.Fatal(err)
			}
		}
		if err := copied.Close(); err != nil {
			t.Fatal(err)
		}
		check(t, store.New(open(t, o), store.Lifetimes{}))
	})
}

func open(t *testing.T, o memory.Options) *memory.Backend {
	t.Helper()
	b, err := memory.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func everything(t *testing.T, b *memory.Backend) func(yield func(store.Record) bool) {
	return func(yield func(store.Record) bool) {
		for _, kind := range []store.Kind{store.KindClient, store.KindGrant} {
			listed, err := b.List(t.Context(), kind, "", "", 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, record := range listed {
				if !yield(record) {
					return
				}
			}
		}
	}
}

func BenchmarkAccess(b *testing.B) {
	for _, grants := range []int{1_000, 100_000} {
		s := newServer(b, store.Lifetimes{})
		tokens := make([]string, grants)
		for i := range tokens {
			tokens[i] = s.connect().Access
		}
		now := time.Now()
		b.Run(fmt.Sprintf("%d grants", grants), func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				// A prime stride: no two neighbours share a cache line.
				if _, _, err := s.Access(ctx, tokens[i*7919%grants], now); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%d grants, parallel", grants), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				ctx := b.Context()
				for i := 0; pb.Next(); i++ {
					if _, _, err := s.Access(ctx, tokens[i*7919%grants], now); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
