package storetest

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// caching holds for backends that are a store.CachingBackend; the others have nothing
// to prove.
var caching = []rule{
	ifCaching("GetCached answers as Get does", func(s *subject, cached cachedGet) {
		first := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		s.createUntil("a", number(1), first)
		for range 3 {
			got, want := cached("a"), s.get("a")
			s.same(got.Value, want.Value)
			if got.Key != want.Key || got.Version != want.Version || !got.ExpiresAt.Equal(want.ExpiresAt) {
				s.Fatalf("GetCached = %v of version %d, which expires at %v; Get = %v of version %d, which expires at %v",
					got.Key, got.Version, got.ExpiresAt, want.Key, want.Version, want.ExpiresAt)
			}
		}
		s.replace("a", cached("a").Version, number(2))
		s.same(cached("a").Value, number(2))
	}),
	ifCaching("GetCached returns ErrNotFound if there is none", func(s *subject, cached cachedGet) {
		s.uncached("a")
		s.create("a", number(1)) // that there was none must not be remembered
		s.same(cached("a").Value, number(1))
		s.delete("a")
		s.uncached("a")
		s.uncached("a")
	}),
	ifCaching("GetCached sees every write that the backend acknowledged before", func(s *subject, cached cachedGet) {
		for range s.times(10, 3) {
			s.create("a", number(0))
			for n := range 3 {
				s.replace("a", cached("a").Version, number(n))
				s.same(cached("a").Value, number(n))
			}
			s.delete("a")
			s.uncached("a")
			s.create("a", number(9))
			s.same(cached("a").Value, number(9))
			s.delete("a")
		}
	}),
	ifCaching("a write that failed does not show in GetCached", func(s *subject, cached cachedGet) {
		s.create("a", number(1))
		before := cached("a")
		s.fails(s.backend.Create(s.Context(), s.key("a"), number(2), time.Time{}), store.ErrConflict)
		s.fails(s.backend.Replace(s.Context(), s.key("a"), before.Version+1, number(2), time.Time{}), store.ErrConflict)
		s.same(cached("a").Value, number(1))
		if after := cached("a"); after.Version != before.Version {
			s.Errorf("the version went from %d to %d", before.Version, after.Version)
		}
	}),
	ifCaching("GetCached beside a writer never goes back behind what was acknowledged", func(s *subject, cached cachedGet) {
		s.create("a", number(0))
		var acknowledged atomic.Int64
		end := meanwhile(8, func(_ int, stop <-chan struct{}) { s.neverBack(&acknowledged, stop) })
		defer end()
		rounds := s.times(100, 20)
		for n := range rounds {
			s.replace("a", s.get("a").Version, number(n+1))
			acknowledged.Store(int64(n + 1))
			s.same(cached("a").Value, number(n+1))
		}
		end()
		s.same(cached("a").Value, number(rounds)) // no reader was late with an old one
	}),
	ifCaching("of what many change at once GetCached has the end", func(s *subject, cached cachedGet) {
		writers, each := 8, s.times(10, 3)
		s.create("a", number(0))
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if err := s.increment("a"); err != nil {
						s.Error(err)
						return
					}
					if _, err := s.backend.(store.CachingBackend).GetCached(s.Context(), s.key("a")); err != nil {
						s.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		s.same(cached("a").Value, number(writers*each))
	}),
}

// A cachedGet is GetCached of an ID that must be there.
type cachedGet func(id string) store.Record

func ifCaching(sentence string, prove func(*subject, cachedGet)) rule {
	return rule{sentence, func(s *subject) {
		b, ok := s.backend.(store.CachingBackend)
		if !ok {
			return
		}
		prove(s, func(id string) store.Record {
			s.Helper()
			record, err := b.GetCached(s.Context(), s.key(id))
			if err != nil {
				s.Fatalf("GetCached(%q): %v", id, err)
			}
			return record
		})
	}}
}

func (s *subject) uncached(id string) {
	s.Helper()
	_, err := s.backend.(store.CachingBackend).GetCached(s.Context(), s.key(id))
	s.fails(err, store.ErrNotFound)
}

// neverBack reads until it is stopped, and once more then.
func (s *subject) neverBack(acknowledged *atomic.Int64, stop <-chan struct{}) {
	for last := false; !last; {
		select {
		case <-stop:
			last = true
		default:
		}
		least := acknowledged.Load()
		record, err := s.backend.(store.CachingBackend).GetCached(s.Context(), s.key("a"))
		if err != nil {
			s.Error(err)
			return
		}
		got, err := strconv.ParseInt(fmt.Sprint(s.content(record.Value)["content"]), 10, 64)
		if err != nil || got < least {
			s.Errorf("it read %d (%v) after %d was acknowledged", got, err, least)
			return
		}
	}
}
