package storetest

import (
	"fmt"
	"math"
	"slices"
)

var listing = []rule{
	{"List returns the records of a kind with their values and versions", func(s *subject) {
		s.create("a", number(1))
		s.create("b", number(2))
		(&subject{T: s.T, backend: s.backend, kind: another}).create("c", number(3))
		listed := s.list("", "", 10)
		if len(listed) != 2 {
			s.Fatalf("List = %d records, want 2", len(listed))
		}
		for i, id := range []string{"a", "b"} {
			if listed[i].Key != s.key(id) || listed[i].Version != s.get(id).Version {
				s.Errorf("record %d is %v of version %d", i, listed[i].Key, listed[i].Version)
			}
			s.same(listed[i].Value, number(i+1))
		}
	}},
	{"List returns nothing if there is nothing", func(s *subject) {
		s.lists("", "", 10)
		s.create("a", number(1))
		s.lists("", "a", 10)
		s.lists("b", "", 10)
		s.delete("a")
		s.lists("", "", 10)
	}},
	{"List sorts IDs in ascending byte order", func(s *subject) {
		ids := oddIDs()
		for _, id := range ids {
			s.create(id, number(1))
		}
		slices.Sort(ids)
		s.lists("", "", len(ids)+1, ids...)
		s.lists("", "", math.MaxInt32, ids...)
		if s.whole {
			for i, id := range ids {
				s.lists("", id, len(ids), ids[i+1:]...)
			}
		}
	}},
	{"List has IDs of the usual length among others in their order, on pages of any size", func(s *subject) {
		const usual = "abcdefghijklmnopqrstuv" // a backend may keep those of this length apart
		ids := []string{usual[:21], usual[:21] + "_", usual, usual + "0", usual + "1", usual[:21] + "w", usual[:20] + "z"}
		for _, id := range ids {
			s.create(id, number(1))
		}
		slices.Sort(ids)
		for limit := 1; limit <= len(ids)+1; limit++ {
			s.pages(limit, ids)
		}
		s.lists(usual, "", 10, usual, usual+"0", usual+"1")
		s.lists(usual+"0", "", 10, usual+"0")
		s.lists("", usual, 10, ids[slices.Index(ids, usual)+1:]...)
	}},
	{"List goes on after an ID that is not there", func(s *subject) {
		for _, id := range []string{"a", "c", "e"} {
			s.create(id, number(1))
		}
		s.lists("", "b", 10, "c", "e")
		s.lists("", "d", 10, "e")
		s.lists("", "A", 10, "a", "c", "e")
	}},
	{"List takes prefix literally", func(s *subject) {
		for _, id := range []string{"a%b", "a_b", "aXb", "A_b", "a*b", "a?b", "a[Xb", `a\b`, "a", "b"} {
			s.create(id, number(1))
		}
		s.lists("a%", "", 10, "a%b")
		s.lists("a_", "", 10, "a_b")
		s.lists("a*", "", 10, "a*b")
		s.lists("a?", "", 10, "a?b")
		s.lists("a[X", "", 10, "a[Xb")
		s.lists(`a\`, "", 10, `a\b`)
		s.lists("a", "", 10, "a", "a%b", "a*b", "a?b", "aXb", "a[Xb", `a\b`, "a_b")
		s.lists("a", "aXb", 10, "a[Xb", `a\b`, "a_b")
		s.lists("b", "a", 10, "b")
		s.lists("a", "b", 10)
	}},
	{"List returns up to limit, and fewer mean that there are no more", func(s *subject) {
		const total = 25
		var ids []string
		for n := range total {
			ids = append(ids, fmt.Sprintf("id-%02d", n))
		}
		for _, n := range []int{13, 2, 24, 7, 0, 19, 11, 5, 22, 16, 9, 3, 20, 14, 1, 23, 8, 17, 6, 12, 4, 21, 10, 18, 15} {
			s.create(ids[n], number(n))
		}
		limits := []int{7, total}
		if s.whole {
			limits = []int{1, 2, 5, 7, total - 1, total, total + 1, 10 * total}
		}
		for _, limit := range limits {
			s.pages(limit, ids)
		}
		s.lists("", "", 0)
	}},
}

// lists requires that List returns exactly these IDs.
func (s *subject) lists(prefix, after string, limit int, want ...string) {
	s.Helper()
	var got []string
	for _, r := range s.list(prefix, after, limit) {
		got = append(got, r.Key.ID)
	}
	if !slices.Equal(got, want) {
		s.Fatalf("List(prefix %q, after %q, limit %d) = %q, want %q", prefix, after, limit, got, want)
	}
}

// pages requires that all pages together are want.
func (s *subject) pages(limit int, want []string) {
	s.Helper()
	after := ""
	for len(want) > 0 {
		n := min(limit, len(want))
		s.lists("", after, limit, want[:n]...)
		after, want = want[n-1], want[n:]
	}
	s.lists("", after, limit)
}
