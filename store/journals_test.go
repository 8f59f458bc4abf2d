package store_test

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func (s *server) journals() map[string]int {
	s.Helper()
	journals, err := s.Journals(s.Context())
	s.is(err, nil)
	events := make(map[string]int)
	for _, j := range journals {
		events[j.ID] = len(j.Events)
	}
	return events
}

func TestAJournalIsReplacedAsAWholeAndComesBackIfItWasForgotten(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	one, two := &store.Journal{ID: store.NewJournalID()}, &store.Journal{ID: store.NewJournalID()}
	s.is(s.SaveJournal(t.Context(), one), nil)
	s.is(s.SaveJournal(t.Context(), two), nil)
	s.is(s.SaveJournal(t.Context(), &store.Journal{ID: one.ID, Events: []store.Event{{Name: "a"}, {Name: "b"}}}), nil)
	if got := s.journals(); got[one.ID] != 2 || len(got) != 2 {
		t.Errorf("kept are %v", got)
	}
	s.is(s.ForgetJournal(t.Context(), one.ID), nil)
	s.is(s.ForgetJournal(t.Context(), one.ID), nil)
	if got := s.journals(); len(got) != 1 {
		t.Errorf("kept are %v", got)
	}
	s.is(s.SaveJournal(t.Context(), one), nil)
	if got := s.journals(); len(got) != 2 {
		t.Errorf("kept are %v", got)
	}
}

func TestAJournalLivesForThirtyDaysAfterItsLastEvent(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		j := &store.Journal{ID: store.NewJournalID(), Events: []store.Event{{Name: "a"}}}
		for range 2 {
			s.is(s.SaveJournal(s.Context(), j), nil)
			record, err := s.backend.Get(s.Context(), store.Key{Kind: store.KindJournal, ID: j.ID})
			if s.is(err, nil); !record.ExpiresAt.Equal(time.Now().Add(30 * 24 * time.Hour)) {
				s.Errorf("it lives until %v", record.ExpiresAt)
			}
			time.Sleep(time.Hour)
		}
	})
}

// Between its expiry and the next sweep a record is there and yet is not.
func TestAJournalThatRanOutIsSavedAnew(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	j := &store.Journal{ID: store.NewJournalID()}
	s.is(s.backend.Create(t.Context(), store.Key{Kind: store.KindJournal, ID: j.ID}, j, time.Now().Add(-time.Second)), nil)
	if got := s.journals(); len(got) != 0 {
		t.Errorf("kept are %v", got)
	}
	s.is(s.SaveJournal(t.Context(), j), nil)
	if got := s.journals(); len(got) != 1 {
		t.Errorf("kept are %v", got)
	}
}
