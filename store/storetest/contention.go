package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var contention = []rule{
	{"of many who create a record exactly one succeeds", func(s *subject) {
		winner := s.race(store.ErrConflict, func(n int) error {
			return s.backend.Create(s.Context(), s.key("a"), number(n), time.Time{})
		})
		s.holds("a", number(winner))
	}},
	{"of many who replace a version exactly one succeeds", func(s *subject) {
		s.create("a", number(-1))
		version := s.get("a").Version
		winner := s.race(store.ErrConflict, func(n int) error {
			return s.backend.Replace(s.Context(), s.key("a"), version, number(n), time.Time{})
		})
		s.holds("a", number(winner))
	}},
	{"of many who delete a record exactly one succeeds", func(s *subject) {
		s.create("a", number(-1))
		s.race(store.ErrNotFound, func(int) error {
			return s.backend.Delete(s.Context(), s.key("a"))
		})
		s.gone("a")
	}},
	{"one of Replace and Delete comes first", func(s *subject) {
		for range s.times(10, 3) {
			s.create("a", number(1))
			version := s.get("a").Version
			var replaced, deleted error
			var wg sync.WaitGroup
			wg.Go(func() { replaced = s.backend.Replace(s.Context(), s.key("a"), version, number(2), time.Time{}) })
			wg.Go(func() { deleted = s.backend.Delete(s.Context(), s.key("a")) })
			wg.Wait()
			if deleted != nil {
				s.Fatal(deleted)
			}
			if replaced != nil {
				s.fails(replaced, store.ErrNotFound)
			}
			s.gone("a")
		}
	}},
	{"no write of many who read, change and replace is lost", func(s *subject) {
		writers, each := 20, s.times(10, 3)
		s.create("a", number(0))
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if err := s.increment("a"); err != nil {
						s.Error(err)
					}
				}
			})
		}
		wg.Wait()
		s.holds("a", number(writers*each))
	}},
	{"a reader beside many writers sees each record or none of it", func(s *subject) {
		defer meanwhile(4, func(_ int, stop <-chan struct{}) { s.readUntil(stop) })()
		var writers sync.WaitGroup
		for n := range 20 {
			writers.Go(func() {
				id := strconv.Itoa(n)
				for range s.times(5, 2) {
					if err := s.flash(id, number(n)); err != nil {
						s.Error(err)
					}
				}
				if err := s.backend.Create(s.Context(), s.key(id), number(n), time.Time{}); err != nil {
					s.Error(err)
				}
			})
		}
		writers.Wait()
	}},
}

// meanwhile lets goroutines do something until end is called, which waits for them. A
// rule defers it, so that none of them outlives a test that has failed.
func meanwhile(goroutines int, do func(n int, stop <-chan struct{})) (end func()) {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for n := range goroutines {
		all.Go(func() { do(n, stop) })
	}
	return sync.OnceFunc(func() {
		close(stop)
		all.Wait()
	})
}

// flash makes a record and deletes it. Goroutines beside the test's own call it.
func (s *subject) flash(id string, value store.Value) error {
	if err := s.backend.Create(s.Context(), s.key(id), value, time.Time{}); err != nil {
		return err
	}
	return s.backend.Delete(s.Context(), s.key(id))
}

// race lets many callers try the same at once. One has to succeed, the others to
// fail with the error lost. It returns the winner's number.
func (s *subject) race(lost error, try func(n int) error) (winner int) {
	s.Helper()
	var errs [many]error
	start := make(chan struct{})
	var wg sync.WaitGroup
	for n := range errs {
		wg.Go(func() {
			<-start
			errs[n] = try(n)
		})
	}
	close(start)
	wg.Wait()
	winners := 0
	for n, err := range errs {
		switch {
		case err == nil:
			winners++
			winner = n
		case !is(err, lost):
			s.Errorf("a loser got %v, want %v", err, lost)
		}
	}
	if winners != 1 {
		s.Fatalf("%d of %d succeeded, want exactly one", winners, many)
	}
	return winner
}

// increment counts a record up, however often others come first.
func (s *subject) increment(id string) error {
	for {
		if _, err := s.countUp(id); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// countUp tries once to count a record up. It returns the version that it read.
func (s *subject) countUp(id string) (version uint64, err error) {
	record, err := s.backend.Get(s.Context(), s.key(id))
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(fmt.Sprint(s.content(record.Value)["content"]))
	if err != nil {
		return 0, err
	}
	return record.Version, s.backend.Replace(s.Context(), s.key(id), record.Version, number(n+1), time.Time{})
}

// readUntil lists and reads while others write: what it finds is whole.
func (s *subject) readUntil(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		listed, err := s.backend.List(s.Context(), s.kind, "", "", many)
		if err != nil {
			s.Error(err)
			return
		}
		for _, record := range listed {
			if got := s.content(record.Value)["content"]; got != record.Key.ID || record.Version == 0 {
				s.Errorf("record %v of version %d holds %v", record.Key, record.Version, got)
			}
		}
	}
}
