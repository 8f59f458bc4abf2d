package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestOfTooManySessionsTheOneThatWasNotUsedForLongestEnds(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		ann, bob := s.person("Ann"), s.person("Bob")
		others := s.signIn(bob)
		var tokens []string
		for range store.MaxSessions {
			tokens = append(tokens, s.signIn(ann))
			time.Sleep(time.Second)
		}
		for i, token := range tokens {
			if err := s.session(token); err != nil {
				s.Errorf("of %d sessions the %d. is over: %v", len(tokens), i+1, err)
			}
		}
		time.Sleep(6 * time.Minute)
		s.is(s.session(tokens[0]), nil) // is used again
		last := s.signIn(ann)
		for token, want := range map[string]error{tokens[0]: nil, tokens[1]: store.ErrNotFound, tokens[2]: nil, last: nil, others: nil} {
			if err := s.session(token); !errors.Is(err, want) {
				s.Errorf("after one more: %v, want %v", err, want)
			}
		}
	})
}

func TestOfTooManyAdditionsTheOldestEnds(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		ann, bob := s.person("Ann"), s.person("Bob")
		add := func(user *store.User) string {
			token, err := s.EnrolAddition(s.Context(), user, user.Passkeys[0].ID, store.Hash{1})
			s.is(err, nil)
			time.Sleep(time.Second)
			return token
		}
		recovery, others := s.enrol(store.ForRecovery, ann.ID, ""), add(bob)
		var tokens []string
		for range store.MaxAdditions {
			tokens = append(tokens, add(ann))
		}
		for i, token := range tokens {
			if err := s.enrolment(token); err != nil {
				s.Errorf("of %d additions the %d. is void: %v", len(tokens), i+1, err)
			}
		}
		last := add(ann)
		for token, want := range map[string]error{tokens[0]: store.ErrNotFound, tokens[1]: nil, last: nil, others: nil, recovery: nil} {
			if err := s.enrolment(token); !errors.Is(err, want) {
				s.Errorf("after one more: %v, want %v", err, want)
			}
		}
	})
}
