package store_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func (s *server) enrol(purpose store.Purpose, userID, name string) (token string) {
	s.Helper()
	if userID == store.OwnerID {
		_ = s.CreateOwner(s.Context(), store.User{}) // who may be there already
	}
	token, err := s.Enrol(s.Context(), purpose, userID, name)
	s.is(err, nil)
	return token
}

func (s *server) enrolment(token string) error {
	_, err := s.Enrolment(s.Context(), token)
	return err
}

func TestAnEnrolmentSaysWhosePasskeyAndForWhat(t *testing.T) {
	tests := []struct {
		purpose      store.Purpose
		userID, name string
	}{
		{store.ForSetup, store.OwnerID, ""},
		{store.ForInvitation, "", "Ann"},
		{store.ForRecovery, store.OwnerID, ""},
		{store.ForAddition, store.OwnerID, ""},
	}
	for _, test := range tests {
		t.Run(string(test.purpose), func(t *testing.T) {
			s := newServer(t, store.Lifetimes{})
			token := s.enrol(test.purpose, test.userID, test.name)
			e, err := s.Enrolment(t.Context(), token)
			s.is(err, nil)
			if e.Purpose != test.purpose || e.Name != test.name || test.userID != "" && e.UserID != test.userID {
				t.Errorf("it says %+v", e)
			}
			if test.purpose == store.ForInvitation {
				other, err := s.Enrolment(t.Context(), s.enrol(store.ForInvitation, store.OwnerID, "Bob"))
				if s.is(err, nil); other.UserID == e.UserID || other.UserID == store.OwnerID || e.UserID == "" {
					t.Errorf("two invitations are for %q and %q", e.UserID, other.UserID)
				}
			}
			for _, record := range s.records(store.KindEnrolment) {
				if strings.Contains(record, token[len(token)-43:]) {
					t.Error("the store has the link's secret")
				}
			}
		})
	}
}

func TestHowLongALinkWorks(t *testing.T) {
	for purpose, life := range map[store.Purpose]time.Duration{
		store.ForSetup: 24 * time.Hour, store.ForInvitation: 72 * time.Hour, store.ForRecovery: time.Hour, store.ForAddition: 10 * time.Minute,
	} {
		t.Run(string(purpose), func(t *testing.T) {
			timed(t, store.Lifetimes{}, func(s *server) {
				token := s.enrol(purpose, store.OwnerID, "")
				e, err := s.Enrolment(s.Context(), token)
				s.is(err, nil)
				time.Sleep(life - time.Nanosecond)
				s.is(s.enrolment(token), nil)
				time.Sleep(time.Nanosecond)
				s.is(s.enrolment(token), store.ErrNotFound)
				_, err = s.TakeEnrolment(s.Context(), e.ID)
				s.is(err, store.ErrNotFound)
			})
		})
	}
}

func TestAGuessedLinkWorksForNobody(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	token, other := s.enrol(store.ForInvitation, "", "Ann"), s.enrol(store.ForInvitation, "", "Bob")
	for _, wrong := range []string{
		"", "x", token[:len(token)-1], token + "A", token[:len(token)-43] + other[len(other)-43:],
		token[:len(token)-43] + strings.Repeat("A", 43), "mcpoauth_ss_" + token[12:],
	} {
		s.is(s.enrolment(wrong), store.ErrNotFound)
	}
	s.is(s.enrolment(token), nil)
	for _, wrong := range []string{"", "x", token, strings.Repeat("A", 22)} {
		_, err := s.TakeEnrolment(t.Context(), wrong)
		s.is(err, store.ErrNotFound)
	}
}

func TestLookingAtALinkUsesNothingUpAndOfManyWhoTakeItOneSucceeds(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	token := s.enrol(store.ForInvitation, "", "Ann")
	for range 3 {
		s.is(s.enrolment(token), nil)
	}
	e, err := s.Enrolment(t.Context(), token)
	s.is(err, nil)
	var taken atomic.Int32
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if got, err := s.TakeEnrolment(t.Context(), e.ID); err == nil && got.UserID == e.UserID {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if taken.Load() != 1 {
		t.Errorf("%d took it", taken.Load())
	}
	s.is(s.enrolment(token), store.ErrNotFound)
}

func TestInvitationsAreListedAndWithdrawnAndOtherLinksAreNot(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	invited, recovery := s.enrol(store.ForInvitation, "", "Ann"), s.enrol(store.ForRecovery, store.OwnerID, "")
	list, err := s.Invitations(t.Context())
	if s.is(err, nil); len(list) != 1 || list[0].Name != "Ann" {
		t.Fatalf("listed are %+v", list)
	}
	e, err := s.Enrolment(t.Context(), recovery)
	s.is(err, nil)
	for _, id := range []string{"", "x", e.ID} {
		s.is(s.WithdrawInvitation(t.Context(), id), store.ErrNotFound)
	}
	s.is(s.enrolment(recovery), nil)
	s.is(s.WithdrawInvitation(t.Context(), list[0].ID), nil)
	s.is(s.enrolment(invited), store.ErrNotFound)
	s.is(s.WithdrawInvitation(t.Context(), list[0].ID), store.ErrNotFound)
}
