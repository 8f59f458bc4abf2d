package memory_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// What starting with that many grants takes, after a stop and after a kill when each
// grant was refreshed since the last merge, and what they then occupy.
func BenchmarkOpen(b *testing.B) {
	for _, grants := range []int{10_000, 100_000} {
		o := optionsIn(b.TempDir())
		tokens := stateOf(b, o.StateFile, grants)
		m, err := memory.Open(o)
		if err == nil {
			err = m.Close() // in the present format
		}
		if err == nil {
			m, err = memory.Open(o)
		}
		if err != nil {
			b.Fatal(err)
		}
		s := store.New(m, store.Lifetimes{})
		refreshAtOnce(b, s, tokens, 64, grants)
		killed := copyOf(b, o)
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
		for _, c := range []struct {
			name string
			from memory.Options
		}{{"stopped", o}, {"killed", killed}} {
			b.Run(fmt.Sprintf("grants=%d/%s", grants, c.name), func(b *testing.B) {
				for b.Loop() {
					b.StopTimer()
					o := copyOf(b, c.from)
					before := inUse()
					b.StartTimer()
					m, err := memory.Open(o)
					b.StopTimer()
					if err != nil {
						b.Fatal(err)
					}
					reportPerGrant(b, before, grants)
					if err := m.Close(); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
			})
		}
	}
}

func copyOf(b *testing.B, o memory.Options) memory.Options {
	b.Helper()
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(dirOf(o))); err != nil {
		b.Fatal(err)
	}
	return optionsIn(dir)
}

// What a grant occupies that was made by this process.
func BenchmarkGrantsInMemory(b *testing.B) {
	const grants = 200_000
	for _, c := range []struct {
		name  string
		files bool
		spent bool
	}{{"pure", false, false}, {"pure, spent", false, true}, {"files", true, false}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				before := inUse()
				var o memory.Options
				if c.files {
					o = optionsIn(b.TempDir())
				}
				m, err := memory.Open(o)
				if err != nil {
					b.Fatal(err)
				}
				s := store.New(m, store.Lifetimes{})
				grow(b, s, grants, c.spent)
				reportPerGrant(b, before, grants)
				runtime.KeepAlive(s)
				if err := m.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type usage struct{ bytes, objects uint64 }

func inUse() usage {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{m.HeapAlloc, m.HeapObjects}
}

func reportPerGrant(b *testing.B, before usage, grants int) {
	after := inUse()
	b.ReportMetric(float64(after.bytes-before.bytes)/float64(grants), "B/grant")
	b.ReportMetric(float64(after.objects-before.objects)/float64(grants), "objects/grant")
}

// grow makes grants from many goroutines, and keeps no token of them.
func grow(b *testing.B, s *store.Store, grants int, spent bool) {
	const callers = 256
	done := make(chan struct{}, callers)
	for caller := range callers {
		go func() {
			defer func() { done <- struct{}{} }()
			for range (grants + callers - 1 - caller) / callers {
				if tokens := connected(b, s); spent {
					rotated(b, s, rotated(b, s, tokens))
				}
			}
		}()
	}
	for range callers {
		<-done
	}
}
