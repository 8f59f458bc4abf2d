package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

const (
	// SessionIdle is how long a browser stays signed in that nobody uses.
	SessionIdle = time.Hour

	// SessionLife is how long a browser stays signed in at most.
	SessionLife = 12 * time.Hour

	// sessionStep is how much later than the last time a session has to be seen for
	// that to be written down.
	sessionStep = 5 * time.Minute
)

// A Session is a browser that is signed in.
type Session struct {
	ID         string    `json:"id"`
	SecretHash Hash      `json:"secret_hash"` // of the cookie's secret
	UserID     string    `json:"user_id"`
	PasskeyID  []byte    `json:"passkey_id"` // that signed in: without it the session is over
	Epoch      int       `json:"epoch,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	SeenAt     time.Time `json:"seen_at"`
}

// Encode implements Value.
func (s *Session) Encode() ([]byte, error) { return json.Marshal(s) }

func (s *Session) expiresAt() time.Time {
	idle, last := s.SeenAt.Add(SessionIdle), s.CreatedAt.Add(SessionLife)
	if idle.Before(last) {
		return idle
	}
	return last
}

// SignIn stores a new session of a user and returns its token, which is nowhere else. Of
// more than MaxSessions it ends the one that was not used for longest.
func (s *Store) SignIn(ctx context.Context, userID string, passkeyID []byte) (token string, err error) {
	user, err := s.User(ctx, userID)
	if err != nil {
		return "", err
	}
	now, own := wall(), secret.New()
	session := &Session{
		ID: secret.NewIDWith(personTag(userID)), SecretHash: secret.Sum(own), UserID: userID, PasskeyID: passkeyID, Epoch: user.Epoch, CreatedAt: now, SeenAt: now,
	}
	if err := s.backend.Create(ctx, Key{KindSession, session.ID}, session, session.expiresAt()); err != nil {
		return "", err
	}
	err = bound(ctx, s, KindSession, userID, MaxSessions, func(other *Session) (string, time.Time, bool) {
		return other.ID, other.SeenAt, other.UserID == userID
	})
	if err != nil {
		return "", err
	}
	return sessionPrefix + session.ID + own, nil
}

// Session returns who is signed in by token. ErrNotFound: nobody, any more.
func (s *Store) Session(ctx context.Context, token string) (*Session, *User, error) {
	id, own, ok := parseSingle(sessionPrefix, token)
	if !ok {
		return nil, nil, ErrNotFound
	}
	key := Key{KindSession, id}
	session, err := get[Session](ctx, s, key)
	if err != nil {
		return nil, nil, err
	}
	if !session.SecretHash.Matches(own) {
		return nil, nil, ErrNotFound
	}
	user, err := s.User(ctx, session.UserID)
	if err != nil {
		return nil, nil, err
	}
	if user.Suspended() || user.Epoch != session.Epoch || !user.HasPasskey(session.PasskeyID) {
		return nil, nil, ErrNotFound
	}
	return session, user, s.see(ctx, key, session)
}

// see writes down that a session is in use, now and then.
func (s *Store) see(ctx context.Context, key Key, session *Session) error {
	if wall().Sub(session.SeenAt) < sessionStep {
		return nil
	}
	err := update(ctx, s, key, func(current *Session, now time.Time) (change, error) {
		next := *current
		next.SeenAt = now
		return change{&next, next.expiresAt()}, nil
	})
	if errors.Is(err, ErrNotFound) {
		return ErrNotFound // signed out just now
	}
	return err
}

// SignOut ends a session.
func (s *Store) SignOut(ctx context.Context, id string) error {
	return s.remove(ctx, Key{KindSession, id})
}

// SignOutEverywhere ends all sessions of a user, and the links made for them.
func (s *Store) SignOutEverywhere(ctx context.Context, userID string) error {
	return s.updateUser(ctx, userID, func(u *User, _ time.Time) error {
		u.Epoch++
		return nil
	})
}
