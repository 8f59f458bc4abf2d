package storetest

import (
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
		for n := range s.times(50, 10) {
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
		other := &subject{T: s.T, backend: s.backend, kind: another}
		other.gone("a")
		other.create("a", number(2))
		other.delete("a")
		s.holds("a", number(1))
	}},
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
	{"Replace takes the version that List returned", func(s *subject) {
		s.create("a", number(1))
		s.replace("a", s.list("", "", 1)[0].Version, number(2))
		s.holds("a", number(2))
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
		for n := range s.times(20, 7) {
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
}
