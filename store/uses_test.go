package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

func (s *server) use(u store.Use) *store.Use {
	s.Helper()
	before, err := s.NoteUse(s.Context(), u)
	s.is(err, nil)
	return before
}

func (s *server) used(grantID string) store.Use {
	s.Helper()
	uses, err := s.Uses(s.Context(), "")
	s.is(err, nil)
	return uses[grantID]
}

func TestTheLatestUseIsKeptWhicheverIsNotedLast(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	now := time.Now().UTC().Round(0)
	id := secret.NewID()
	if before := s.use(store.Use{GrantID: id, At: now, From: "a"}); before != nil {
		t.Errorf("before the first there was %+v", before)
	}
	if before := s.use(store.Use{GrantID: id, At: now.Add(-time.Hour), From: "b"}); before.From != "a" {
		t.Errorf("before there was %+v", before)
	}
	if got := s.used(id); got.From != "a" || !got.At.Equal(now) {
		t.Errorf("an earlier use took the place of a later one: %+v", got)
	}
	s.use(store.Use{GrantID: id, At: now.Add(time.Second), From: "c"})
	if got := s.used(id); got.From != "c" {
		t.Errorf("kept %+v", got)
	}
}

func TestOfManyUsesAtOnceTheLatestIsKept(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	now, id := time.Now().UTC().Round(0), secret.NewID()
	const callers = 100
	var all sync.WaitGroup
	firsts := make([]bool, callers)
	for i := range callers {
		all.Go(func() {
			before, err := s.NoteUse(t.Context(), store.Use{GrantID: id, At: now.Add(time.Duration(i)), From: fmt.Sprint(i)})
			if err != nil {
				t.Error(err)
			}
			firsts[i] = before == nil
		})
	}
	all.Wait()
	if got := s.used(id); got.From != fmt.Sprint(callers-1) {
		t.Errorf("kept %+v", got)
	}
	if n := len(slices.DeleteFunc(firsts, func(first bool) bool { return !first })); n != 1 {
		t.Errorf("%d were told that they are the first", n)
	}
}

func TestThePlacesOfAKeyAreKeptAndBounded(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	now, id := time.Now().UTC().Round(0), secret.NewID()
	note := func(at int, place string) *store.Use {
		return s.use(store.Use{GrantID: id, At: now.Add(time.Duration(at)), From: place, Places: []string{place}})
	}
	note(0, "a")
	note(1, "b")
	note(0, "c") // from a process that was slower
	if got := s.used(id); fmt.Sprint(got.Places) != "[a b c]" || got.From != "b" {
		t.Errorf("kept %+v", got)
	}
	if before := note(2, "a"); fmt.Sprint(before.Places) != "[a b c]" {
		t.Errorf("before there was %+v", before)
	}
	if got := s.used(id); fmt.Sprint(got.Places) != "[a b c]" {
		t.Errorf("kept %+v", got)
	}
	for i := range 100 {
		note(3+i, fmt.Sprint(i))
	}
	if got := s.used(id).Places; len(got) != 32 || got[31] != "99" {
		t.Errorf("kept %v", got)
	}
}

// Between its expiry and the next sweep a record is there and yet is not.
func TestAUseThatRanOutIsNotedAnew(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	id, now := secret.NewID(), time.Now()
	old := &store.Use{GrantID: id, At: now.Add(-time.Hour), From: "a", Places: []string{"a"}}
	s.is(s.backend.Create(t.Context(), store.Key{Kind: store.KindUse, ID: id}, old, now.Add(-time.Second)), nil)
	if got := s.used(id); got.GrantID != "" {
		t.Errorf("kept is %+v", got)
	}
	if before := s.use(store.Use{GrantID: id, At: now, From: "b"}); before != nil {
		t.Errorf("before there was %+v", before)
	}
	if got := s.used(id); got.From != "b" || got.Places != nil {
		t.Errorf("kept %+v", got)
	}
}

func TestTheUsesOfOnePersonAreListedByTheirGrants(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann, bob := s.person("Ann"), s.person("Bob")
	for _, u := range []*store.User{ann, bob} {
		_, grant, err := s.newKey(u.ID, "ci")
		s.is(err, nil)
		s.use(store.Use{GrantID: grant.ID, At: time.Now(), From: u.Name})
	}
	uses, err := s.Uses(t.Context(), ann.ID)
	s.is(err, nil)
	for g, err := range s.Grants(t.Context(), ann.ID) {
		if s.is(err, nil); uses[g.ID].From != "Ann" {
			t.Errorf("it was used from %q", uses[g.ID].From)
		}
	}
	if all, err := s.Uses(t.Context(), ""); err != nil || len(all) != 2 {
		t.Errorf("everybody has %d, %v", len(all), err)
	}
}
