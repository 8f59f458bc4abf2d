package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func (s *server) signIn(user *store.User) (token string) {
	s.Helper()
	token, err := s.SignIn(s.Context(), user.ID, user.Passkeys[0].ID)
	s.is(err, nil)
	return token
}

func (s *server) session(token string) error {
	_, _, err := s.Session(s.Context(), token)
	return err
}

func TestASessionSaysWhoIsSignedIn(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	token := s.signIn(ann)
	session, user, err := s.Session(t.Context(), token)
	s.is(err, nil)
	if user.ID != ann.ID || session.UserID != ann.ID || string(session.PasskeyID) != "Ann" {
		t.Errorf("it says %+v, %+v", session, user)
	}
	for _, record := range s.records(store.KindSession) {
		if strings.Contains(token, record) || strings.Contains(record, token[len(token)-43:]) {
			t.Error("the store has the cookie's secret")
		}
	}
}

// records returns the JSON of all records of a kind.
func (s *server) records(kind store.Kind) (all []string) {
	s.Helper()
	listed, err := s.backend.List(s.Context(), kind, "", "", 1000)
	s.is(err, nil)
	for _, record := range listed {
		data, err := record.Value.Encode()
		s.is(err, nil)
		all = append(all, string(data))
	}
	return all
}

func TestWhatIsNoSessionsTokenSignsNobodyIn(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	token, other := s.signIn(ann), s.signIn(ann)
	for _, wrong := range []string{
		"", "x", token[:len(token)-1], token + "A",
		token[:len(token)-43] + other[len(other)-43:], // the one's ID with the other's secret
		"mcpoauth_at_" + token[12:], strings.ToUpper(token),
		s.key(ann.ID, "ci"),
	} {
		s.is(s.session(wrong), store.ErrNotFound)
	}
	s.is(s.session(token), nil)
}

func TestHowLongASessionLasts(t *testing.T) {
	tests := []struct {
		name  string
		every time.Duration // somebody comes
		until time.Duration
	}{
		{"an hour that nobody uses it", 0, store.SessionIdle},
		{"half a day that somebody does", 10 * time.Minute, store.SessionLife},
		{"half a day that somebody does all the time", time.Minute, store.SessionLife},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			timed(t, store.Lifetimes{}, func(s *server) {
				began := time.Now()
				token := s.signIn(s.person("Ann"))
				for test.every > 0 && time.Since(began)+test.every < test.until {
					time.Sleep(test.every)
					s.is(s.session(token), nil)
				}
				time.Sleep(test.until - time.Since(began))
				s.is(s.session(token), store.ErrNotFound)
			})
		})
		t.Run(test.name+", to the last moment", func(t *testing.T) {
			timed(t, store.Lifetimes{}, func(s *server) {
				began := time.Now()
				token := s.signIn(s.person("Ann"))
				for test.every > 0 && time.Since(began)+test.every < test.until {
					time.Sleep(test.every)
					s.is(s.session(token), nil)
				}
				time.Sleep(test.until - time.Since(began) - time.Nanosecond)
				s.is(s.session(token), nil)
			})
		})
	}
}

func TestASessionIsNotWrittenAtEveryRequest(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		token := s.signIn(s.person("Ann"))
		version := func() uint64 {
			listed, err := s.backend.List(s.Context(), store.KindSession, "", "", 2)
			if s.is(err, nil); len(listed) != 1 {
				s.Fatalf("%d sessions", len(listed))
			}
			return listed[0].Version
		}
		before := version()
		for range 299 {
			time.Sleep(time.Second)
			s.is(s.session(token), nil)
		}
		if version() != before {
			s.Error("it was written within five minutes")
		}
		time.Sleep(time.Second)
		s.is(s.session(token), nil)
		if version() == before {
			s.Error("it was not written after five minutes")
		}
	})
}

func TestWhatEndsASession(t *testing.T) {
	tests := []struct {
		name    string
		end     func(s *server, user *store.User, token string) error
		others  error // of another session of the same person
		forever bool  // nor can anybody sign in again
	}{
		{"signing out", func(s *server, _ *store.User, token string) error {
			session, _, err := s.Session(s.Context(), token)
			s.is(err, nil)
			return s.SignOut(s.Context(), session.ID)
		}, nil, false},
		{"signing out everywhere", func(s *server, u *store.User, _ string) error {
			return s.SignOutEverywhere(s.Context(), u.ID)
		}, store.ErrNotFound, false},
		{"removing the passkey that signed in", func(s *server, u *store.User, _ string) error {
			return s.RemovePasskey(s.Context(), u.ID, u.Passkeys[0].ID)
		}, nil, false},
		{"replacing all passkeys", func(s *server, u *store.User, _ string) error {
			return s.ReplacePasskeys(s.Context(), recovery(u), store.Passkey{ID: []byte("new")})
		}, store.ErrNotFound, false},
		{"suspending", func(s *server, u *store.User, _ string) error {
			_, err := s.SuspendUser(s.Context(), u.ID)
			return err
		}, store.ErrNotFound, true},
		{"suspending and resuming", func(s *server, u *store.User, _ string) error {
			if _, err := s.SuspendUser(s.Context(), u.ID); err != nil {
				return err
			}
			return s.ResumeUser(s.Context(), u.ID)
		}, store.ErrNotFound, false},
		{"removing the person", func(s *server, u *store.User, _ string) error {
			_, err := s.RemoveUser(s.Context(), u.ID)
			return err
		}, store.ErrNotFound, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			timed(t, store.Lifetimes{}, func(s *server) {
				ann, bob := s.person("Ann"), s.person("Bob")
				s.is(s.AddPasskey(s.Context(), addition(ann), store.Passkey{ID: []byte("two")}), nil)
				ann = s.user(ann.ID)
				token, bobs := s.signIn(ann), s.signIn(bob)
				other, err := s.SignIn(s.Context(), ann.ID, []byte("two"))
				s.is(err, nil)
				time.Sleep(time.Second)
				s.is(test.end(s, ann, token), nil)
				s.is(s.session(token), store.ErrNotFound)
				s.is(s.session(other), test.others)
				s.is(s.session(bobs), nil)
				time.Sleep(time.Second)
				if !test.forever {
					s.is(s.session(s.signIn(s.user(ann.ID))), nil)
				}
			})
		})
	}
}

func TestSigningOutTwiceIsNoError(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	session, _, err := s.Session(t.Context(), s.signIn(s.person("Ann")))
	s.is(err, nil)
	s.is(s.SignOut(t.Context(), session.ID), nil)
	s.is(s.SignOut(t.Context(), session.ID), nil)
}
