package perf_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// Targets of what is alive.
const (
	grantBytes, grantObjects = 600, 5
	tokenBytes, tokenObjects = 260, 3
	collecting               = 1.5 // of the floor's
	starting                 = time.Second
	slack                    = 1.1
)

// What a grant occupies in pure memory, with an access and a refresh token; what each further
// access token of it does; and an API key, which is a grant of an access token alone.
func BenchmarkMemory(b *testing.B) {
	grants := 200_000
	switch {
	case testing.Short():
		grants = 50_000
	case *write:
		grants = 1_000_000
	}
	b.Run("access and refresh", func(b *testing.B) {
		f := setUp(b, false)
		floor := occupied(grants, func() { f.floor.Connect(f.client) })
		size(b, "the floor's access and refresh", floor, "–")
		f.floor = nil
		ours := occupied(grants, func() { f.connect() })
		runtime.KeepAlive(f)
		atMost(b, ours, grantBytes, grantObjects, fmt.Sprintf(", ≤ %v × the floor's collection", collecting))
		if ours.Collecting > collecting*slack*floor.Collecting {
			sizes.Miss(b, fmt.Sprintf("a collection takes %.0f ms of processors, and the floor's %.0f", ours.Collecting, floor.Collecting))
		}
	})
	b.Run("one more access token", func(b *testing.B) {
		const more = store.MaxAccess - 1
		f := setUp(b, false)
		old := store.New(f.backend, store.Lifetimes{RefreshGrace: -1})
		ours := occupied(grants/10, func() {
			tokens := f.connect()
			for range more {
				tokens = f.rotate(old, tokens.Refresh)
			}
		})
		alone := occupied(grants/10, func() { f.connect() })
		runtime.KeepAlive(f)
		atMost(b, perf.Heap{Bytes: (ours.Bytes - alone.Bytes) / more, Objects: (ours.Objects - alone.Objects) / more}, tokenBytes, tokenObjects, "")
	})
	b.Run("an API key", func(b *testing.B) {
		f := setUp(b, false)
		ours := occupied(grants, func() {
			if _, _, err := f.store.CreateKey(b.Context(), key); err != nil {
				b.Fatal(err)
			}
		})
		runtime.KeepAlive(f)
		atMost(b, ours, grantBytes, grantObjects, "")
	})
}

var key = store.NewKey{UserID: store.OwnerID, Name: "a key", Resource: perf.Resource, Scopes: []string{perf.Scope}, Life: time.Hour}

// occupied returns what each of n things occupies that make leaves behind.
func occupied(n int, make func()) perf.Heap {
	before := perf.Alive()
	for range n {
		make()
	}
	return perf.Alive().Each(before, n)
}

// atMost adds a row that must hold.
func atMost(b *testing.B, h perf.Heap, bytes, objects float64, more string) {
	size(b, perf.Name(b), h, fmt.Sprintf("≤ %.0f B, ≤ %.0f objects%s", bytes, objects, more))
	if h.Bytes > bytes*slack || h.Objects > objects*slack {
		sizes.Miss(b, fmt.Sprintf("%.0f B and %.1f objects, want at most %.0f and %.0f", h.Bytes, h.Objects, bytes, objects))
	}
}

func size(b *testing.B, name string, h perf.Heap, target string) {
	b.ReportMetric(h.Bytes, "B/each")
	b.ReportMetric(h.Objects, "objects/each")
	b.ReportMetric(h.Collecting, "GC-ms")
	b.ReportMetric(0, "ns/op")
	sizes.Row(name, fmt.Sprintf("%.0f", h.Bytes), fmt.Sprintf("%.1f", h.Objects), fmt.Sprintf("%.0f", h.Collecting), target)
}

// What it takes until the server answers, with a state file of many grants.
func BenchmarkStart(b *testing.B) {
	grants := 100_000
	if testing.Short() {
		grants = 10_000
	}
	b.Run(perf.Number(float64(grants))+" grants on disk", func(b *testing.B) {
		dir := b.TempDir()
		o := memory.Options{PasskeyFile: dir + "/passkeys.json", StateFile: dir + "/state.json"}
		fill(b, o, grants)
		var took []float64
		for range 5 {
			began := time.Now()
			router, err := mcpoauth.BuildOAuthRouter(perf.Handler(store.OwnerID, user), mcpoauth.Config{
				ServerURL: perf.Origin, PasskeyFile: o.PasskeyFile, StateFile: o.StateFile, Logger: quiet,
			})
			took = append(took, float64(time.Since(began).Milliseconds()))
			if err == nil {
				err = router.Close()
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		ms := perf.Median(took)
		b.ReportMetric(ms, "ms/start")
		b.ReportMetric(0, "ns/op")
		startAndSweep.Row(perf.Name(b), fmt.Sprintf("%.0f ms", ms), "≤ 1 s")
		if ms > slack*float64(starting.Milliseconds()) {
			startAndSweep.Miss(b, fmt.Sprintf("%.0f ms, want at most 1 s", ms))
		}
	})
}

// fill makes grants from many goroutines, which wait for the disk together.
func fill(b *testing.B, o memory.Options, grants int) {
	backend, err := memory.Open(o)
	if err != nil {
		b.Fatal(err)
	}
	s := store.New(backend, store.Lifetimes{})
	if err := s.CreateOwner(b.Context(), store.User{Name: called}); err != nil {
		b.Fatal(err)
	}
	const callers = 256
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			f := &fixture{tb: b, store: s, client: "client", known: &store.Client{ID: "client", Preregistered: true}}
			for range (grants + callers - 1 - caller) / callers {
				f.redeem(s, f.approve(store.OwnerID))
			}
		})
	}
	all.Wait()
	if err := backend.Close(); err != nil {
		b.Fatal(err)
	}
}
