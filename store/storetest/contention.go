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
		for range 10 {
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
		const writers, each = 20, 10
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
		stop := make(chan struct{})
		var readers, writers sync.WaitGroup
		for range 4 {
			readers.Go(func() { s.readUntil(stop) })
		}
		for n := range 20 {
			writers.Go(func() {
				id := strconv.Itoa(n)
				for range 5 {
					s.create(id, number(n))
					s.delete(id)
				}
				s.create(id, number(n))
			})
		}
		writers.Wait()
		close(stop)
		readers.Wait()
	}},
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
		case !errors.Is(err, lost):
			s.Errorf("a loser got %v, want %v", err, lost)
		}
	}
	if winners != 1 {
		s.Fatalf("%d of %d succeeded, want exactly one", winners, many)
	}
	return winner
}

func (s *subject) increment(id string) error {
	for {
		record, err := s.backend.Get(s.Context(), s.key(id))
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(fmt.Sprint(s.content(record.Value)["content"]))
		if err != nil {
			return err
		}
		err = s.backend.Replace(s.Context(), s.key(id), record.Version, number(n+1), time.Time{})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
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
