package store_test

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// expiries returns when the records of a kind expire. That what has expired is not there
// any more holds for all kinds alike.
func (s *server) expiries(kind store.Kind) (at []time.Time) {
	s.Helper()
	listed, err := s.backend.List(s.Context(), kind, "", "", 1000)
	s.is(err, nil)
	for _, record := range listed {
		at = append(at, record.ExpiresAt)
	}
	return at
}

func TestWhatWasApprovedIsRememberedForNinetyDays(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		_, err := s.Approve(s.Context(), store.Approval{
			UserID: store.OwnerID, Client: &store.Client{ID: clientID}, Challenge: challenge, Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools"}, Browser: store.Hash{1},
		})
		s.is(err, nil)
		if got := s.expiries(store.KindConsent); len(got) != 1 || !got[0].Equal(time.Now().Add(90*24*time.Hour)) {
			s.Errorf("it is remembered until %v", got)
		}
	})
}

func TestTheLastUseIsRememberedForFourHundredDays(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		s.use(store.Use{GrantID: secret.NewID(), At: time.Now().UTC(), From: "a"})
		if got := s.expiries(store.KindUse); len(got) != 1 || !got[0].Equal(time.Now().Add(400*24*time.Hour)) {
			s.Errorf("it is remembered until %v", got)
		}
	})
}
