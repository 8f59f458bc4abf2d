package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var records = []rule{
	{"Get returns the record under key", func(s *subject) {
		s.create("a", number(1))
		s.create("b", number(2))
		s.holds("a", number(1))
		s.holds("b", number(2))
	}},
	{"Get returns ErrNotFound if there is none", func(s *subject) {
		s.create("a", number(1))
		s.gone("b")
	}},
	{"Get sees every write that was acknowledged before it was called", func(s *subject) {
		s.create("a", number(0))
		for n := range 50 {
			s.replace("a", s.get("a").Version, number(n))
			s.holds("a", number(n))
		}
		s.delete("a")
		s.gone("a")
	}},
	{"Create of a key that is taken changes nothing and returns ErrConflict", func(s *subject) {
		s.create("a", number(1))
		before := s.get("a")
		s.fails(s.backend.Create(s.Context(), s.key("a"), number(2), time.Time{}), store.ErrConflict)
		s.holds("a", number(1))
		if after := s.get("a"); after.Version != before.Version {
			s.Errorf("the version went from %d to %d", before.Version, after.Version)
		}
	}},
	{"Create keeps a record again after Delete", func(s *subject) {
		s.create("a", number(1))
		s.delete("a")
		s.create("a", number(2))
		s.holds("a", number(2))
	}},
	{"an ID names one record of each kind", func(s *subject) {
		s.create("a", number(1))
		other := &subject{s.T, s.backend, "another"}
		other.gone("a")
		other.create("a", number(2))
		other.delete("a")
		s.holds("a", number(1))
	}},
	{"no method does anything once ctx is done", func(s *subject) {
		s.create("a", number(1))
		version := s.get("a").Version
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		for method, call := range map[string]func() error{
			"Get":     func() error { _, err := s.backend.Get(ctx, s.key("a")); return err },
			"Create":  func() error { return s.backend.Create(ctx, s.key("b"), number(2), time.Time{}) },
			"Replace": func() error { return s.backend.Replace(ctx, s.key("a"), version, number(2), time.Time{}) },
			"Delete":  func() error { return s.backend.Delete(ctx, s.key("a")) },
			"List":    func() error { _, err := s.backend.List(ctx, s.kind, "", "", 1); return err },
		} {
			if err := call(); !errors.Is(err, context.Canceled) {
				s.Errorf("%s returned %v", method, err)
			}
		}
		s.holds("a", number(1))
		s.gone("b")
	}},
}

var limits = []rule{
	{"a value of a mebibyte is kept", func(s *subject) {
		large := text(strings.Repeat("0123456789abcdef", 1<<16))
		s.create("large", large)
		s.holds("large", large)
		s.replace("large", s.get("large").Version, number(1))
		s.holds("large", number(1))
	}},
	{"a value keeps every character", func(s *subject) {
		odd := text("\x00 \t\r\n \" \\ ' ` % $1 <&> \u2028 é 漢 🔑")
		s.create("odd", odd)
		s.holds("odd", odd)
	}},
	{"an ID may be any printable ASCII, in 2048 bytes", func(s *subject) {
		ids := oddIDs()
		for i, id := range ids {
			s.create(id, number(i))
		}
		for i, id := range ids {
			s.holds(id, number(i))
		}
		for i, id := range ids {
			s.delete(id)
			for j, other := range ids[i+1:] {
				s.holds(other, number(i+1+j))
			}
		}
	}},
}

// oddIDs are legal, and each is another record for somebody who quotes, folds,
// trims or cuts.
func oddIDs() []string {
	var printable strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		printable.WriteByte(c)
	}
	long := strings.Repeat("x", 2047)
	return []string{
		"a", "A", "a.", "a-", "a_", "a~", "..", ".", "-", "~",
		"https://client.example/oauth?x=1&y=%20#z", "https://client.example/oauth?x=1&y= #z",
		"a/b", "a//b", "a:b", "a*", "a%", "a?", "a[b]", "{a}", `a\`, `a"`, "a'", "a'; --", "$1", " a", "a ",
		"null", "0", "00", "true", printable.String(), long + "1", long + "2",
	}
}

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
	}},
}

func (s *subject) expires(id string, want time.Time) {
	s.Helper()
	listed, err := s.backend.List(s.Context(), s.kind, "", "", 1)
	if err != nil || len(listed) != 1 {
		s.Fatalf("List = %d records, %v", len(listed), err)
	}
	for method, record := range map[string]store.Record{"Get": s.get(id), "List": listed[0]} {
		if got := record.ExpiresAt; got.IsZero() != want.IsZero() || !got.Truncate(time.Microsecond).Equal(want) {
			s.Errorf("%s: the record expires at %v, want %v", method, got, want)
		}
	}
}

var replacing = []rule{
	{"Replace puts value in the place of the version that Get returned", func(s *subject) {
		s.create("a", number(1))
		before := s.get("a")
		s.replace("a", before.Version, number(2))
		s.holds("a", number(2))
		if s.get("a").Version == before.Version {
			s.Error("the version stayed the same")
		}
	}},
	{"Replace of a version that is not the present one changes nothing and returns ErrConflict", func(s *subject) {
		s.create("a", number(1))
		old := s.get("a").Version
		s.replace("a", old, number(2))
		for _, version := range []uint64{0, old, s.get("a").Version + 1} {
			s.fails(s.backend.Replace(s.Context(), s.key("a"), version, number(3), time.Time{}), store.ErrConflict)
		}
		s.holds("a", number(2))
	}},
	{"Replace returns ErrNotFound if the record is gone", func(s *subject) {
		s.fails(s.backend.Replace(s.Context(), s.key("a"), 1, number(1), time.Time{}), store.ErrNotFound)
		s.create("a", number(1))
		version := s.get("a").Version
		s.delete("a")
		s.fails(s.backend.Replace(s.Context(), s.key("a"), version, number(2), time.Time{}), store.ErrNotFound)
		s.gone("a")
	}},
	{"a version is never used twice for a key, not even after Delete and Create", func(s *subject) {
		seen := make(map[uint64]bool)
		s.create("a", number(0))
		for n := range 20 {
			version := s.get("a").Version
			if seen[version] {
				s.Fatalf("version %d came back", version)
			}
			seen[version] = true
			switch n % 3 {
			case 0:
				s.delete("a")
				s.create("a", number(0))
			default:
				s.replace("a", version, number(0)) // the same value is a new version too
			}
			s.fails(s.backend.Replace(s.Context(), s.key("a"), version, number(1), time.Time{}), store.ErrConflict)
		}
		s.holds("a", number(0))
	}},
}

var deleting = []rule{
	{"Delete removes the record", func(s *subject) {
		s.create("a", number(1))
		s.create("b", number(2))
		s.delete("a")
		s.gone("a")
		s.holds("b", number(2))
	}},
	{"Delete returns ErrNotFound if there was none", func(s *subject) {
		s.fails(s.backend.Delete(s.Context(), s.key("a")), store.ErrNotFound)
		s.create("a", number(1))
		s.delete("a")
		s.fails(s.backend.Delete(s.Context(), s.key("a")), store.ErrNotFound)
	}},
	{"a record made anew is not the one that was deleted", func(s *subject) {
		s.create("a", number(1))
		old := s.get("a")
		s.delete("a")
		s.create("a", number(1))
		if fresh := s.get("a"); fresh.Version == old.Version {
			s.Fatal(fmt.Sprint("both have version ", old.Version))
		}
	}},
}
