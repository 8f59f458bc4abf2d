package storetest

import (
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var expiry = []rule{
	{"a record is kept until it expires, and the time comes back with it", func(s *subject) {
		first := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		second := first.Add(30 * 24 * time.Hour)
		s.createUntil("a", number(1), first)
		s.expires("a", first)
		if err := s.backend.Replace(s.Context(), s.key("a"), s.get("a").Version, number(2), second); err != nil {
			s.Fatal(err)
		}
		s.expires("a", second)
	}},
	{"the zero time means never", func(s *subject) {
		s.create("a", number(1))
		s.expires("a", time.Time{})
	}},
	{"Replace with the zero time makes a record permanent", func(s *subject) {
		s.createUntil("a", number(1), time.Now().Add(time.Hour))
		s.replace("a", s.get("a").Version, number(1))
		s.expires("a", time.Time{})
	}},
	{"Replace can bring the time forward", func(s *subject) {
		sooner := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		s.create("a", number(1))
		if err := s.backend.Replace(s.Context(), s.key("a"), s.get("a").Version, number(1), sooner); err != nil {
			s.Fatal(err)
		}
		s.expires("a", sooner)
	}},
	{"a record that got more time is there when its first time is over", func(s *subject) {
		first := s.prolong("a", time.Now().Add(time.Hour))
		s.prolong("b", time.Time{})
		if err := until(s.Context(), func() bool { return time.Now().After(first.Add(20 * time.Millisecond)) }); err != nil {
			s.Fatal(err)
		}
		s.holds("a", number(2))
		s.holds("b", number(2))
		s.lists("", "", 10, "a", "b")
	}},
	{"a record that has expired is answered with its time, or is not found", func(s *subject) {
		past := time.Now().Add(-time.Hour).Truncate(time.Microsecond)
		s.createUntil("a", number(1), past)
		record, err := s.backend.Get(s.Context(), s.key("a"))
		if err == nil && !record.ExpiresAt.Equal(past) {
			s.Errorf("it expires at %v, want %v", record.ExpiresAt, past)
		}
		if err != nil {
			s.fails(err, store.ErrNotFound)
		}
		for _, record := range s.list("", "", 10) {
			if !record.ExpiresAt.Truncate(time.Microsecond).Equal(past) {
				s.Errorf("List: it expires at %v, want %v", record.ExpiresAt, past)
			}
		}
	}},
	{"a key that is not found because its record has expired can be taken", func(s *subject) {
		s.createUntil("a", number(1), time.Now().Add(-time.Hour))
		record, err := s.backend.Get(s.Context(), s.key("a"))
		if err == nil {
			// It is still there, so that it is for Store to take its place.
			err = s.backend.Replace(s.Context(), s.key("a"), record.Version, number(2), time.Time{})
		}
		if err != nil {
			s.fails(err, store.ErrNotFound)
			s.create("a", number(2))
		}
		s.holds("a", number(2))
	}},
}

// prolong makes a record that expires soon and gives it another time before that. A
// slow backend gets a longer first time, which is returned.
func (s *subject) prolong(id string, second time.Time) (first time.Time) {
	s.Helper()
	for life := 50 * time.Millisecond; life < time.Minute; life *= 2 {
		first = time.Now().Add(life)
		s.createUntil(id, number(1), first)
		record, err := s.backend.Get(s.Context(), s.key(id))
		if err == nil {
			err = s.backend.Replace(s.Context(), s.key(id), record.Version, number(2), second)
		}
		switch {
		case err == nil:
			return first
		case !is(err, store.ErrNotFound):
			s.Fatal(err)
		}
		// Too late. A backend may have kept it for others than Replace.
		if err := s.backend.Delete(s.Context(), s.key(id)); err != nil && !errors.Is(err, store.ErrNotFound) {
			s.Fatal(err)
		}
	}
	s.Fatal("a record was gone within a minute, each time before it could be replaced")
	return first
}

func (s *subject) expires(id string, want time.Time) {
	s.Helper()
	listed := s.list("", "", 1)
	if len(listed) != 1 {
		s.Fatalf("List = %d records", len(listed))
	}
	for method, record := range map[string]store.Record{"Get": s.get(id), "List": listed[0]} {
		if got := record.ExpiresAt; got.IsZero() != want.IsZero() || !got.Truncate(time.Microsecond).Equal(want) {
			s.Errorf("%s: the record expires at %v, want %v", method, got, want)
		}
	}
}
