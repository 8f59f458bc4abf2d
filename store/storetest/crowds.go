package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var crowds = []rule{
	{"each version of a record has one successor, whoever comes", func(s *subject) {
		s.create("a", number(-1))
		for range 5 {
			version := s.get("a").Version
			winner := s.race(store.ErrConflict, func(n int) error {
				return s.backend.Replace(s.Context(), s.key("a"), version, number(n), time.Time{})
			})
			s.holds("a", number(winner))
		}
	}},
	{"each version of many records has one successor, whoever comes", func(s *subject) {
		const count, each = 20, 4
		for id := range count {
			s.create(strconv.Itoa(id), number(0))
		}
		wins := s.compete(count, each)
		for id := range count {
			won := wins[id]
			for version, times := range won {
				if times != 1 {
					s.Errorf("%d callers replaced version %d of record %d, want one", times, version, id)
				}
			}
			// As many as there are versions, so that none was lost either.
			s.holds(strconv.Itoa(id), number(len(won)))
			if len(won) == 0 {
				s.Errorf("nobody could replace record %d", id)
			}
		}
	}},
	{"pages beside many writers have every record that stays, once", func(s *subject) {
		const staying, limit = 60, 7
		var ids []string
		for n := range staying {
			ids = append(ids, fmt.Sprintf("%03d", n))
			s.create(ids[n], number(0))
		}
		defer meanwhile(4, func(n int, stop <-chan struct{}) { s.churn(ids, n, stop) })()
		for range 10 {
			s.walks(limit, ids)
		}
	}},
}

// compete lets many callers try to count up many records, each a few times: who loses
// does not try again. It returns how often each version of each record was replaced.
func (s *subject) compete(count, each int) []map[uint64]int {
	wins := make([]map[uint64]int, count)
	for id := range wins {
		wins[id] = make(map[uint64]int)
	}
	var winsMu sync.Mutex
	var callers sync.WaitGroup
	for n := range many {
		callers.Go(func() {
			for try := range each {
				id := (n + try*7) % count
				version, err := s.countUp(strconv.Itoa(id))
				switch {
				case err == nil:
					winsMu.Lock()
					wins[id][version]++
					winsMu.Unlock()
				case !is(err, store.ErrConflict):
					s.Errorf("a loser got %v, want %v", err, store.ErrConflict)
				}
			}
		})
	}
	callers.Wait()
	return wins
}

// churn changes records that stay and makes others come and go between them.
func (s *subject) churn(ids []string, n int, stop <-chan struct{}) {
	for round := 0; ; round++ {
		select {
		case <-stop:
			return
		default:
		}
		id := ids[(round*13+n)%len(ids)]
		if err := s.visit(id, fmt.Sprintf("%s-%d", id, n)); err != nil {
			s.Error(err)
			return
		}
	}
}

// visit makes a record beside one that stays, changes that one and leaves again.
func (s *subject) visit(stays, passes string) error {
	if err := s.backend.Create(s.Context(), s.key(passes), number(0), time.Time{}); err != nil {
		return err
	}
	if _, err := s.countUp(stays); err != nil && !errors.Is(err, store.ErrConflict) {
		return err
	}
	return s.backend.Delete(s.Context(), s.key(passes))
}

// walks requires that all pages together have each of want once, and in order.
func (s *subject) walks(limit int, want []string) {
	s.Helper()
	missing := make(map[string]bool)
	for _, id := range want {
		missing[id] = true
	}
	last := ""
	for {
		page := s.list("", last, limit)
		for _, record := range page {
			if id := record.Key.ID; strings.Compare(id, last) <= 0 {
				s.Fatalf("%q came after %q", id, last)
			}
			last = record.Key.ID
			delete(missing, last)
		}
		if len(page) < limit {
			break
		}
	}
	if len(missing) > 0 {
		s.Fatalf("these were there all the time, and on no page: %q", slices.Sorted(maps.Keys(missing)))
	}
}
