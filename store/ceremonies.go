package store

import (
	"context"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// CeremonyLife is how long a person has to answer a passkey prompt, and then to
// send the decision that it allows.
const CeremonyLife = 5 * time.Minute

// BeginCeremony stores a challenge that waits for its answer, and returns the ID
// that it gave it.
func (s *Store) BeginCeremony(ctx context.Context, ceremony Ceremony) (id string, err error) {
	ceremony.ID = secret.NewID()
	err = s.backend.Create(ctx, Key{KindCeremony, ceremony.ID}, &ceremony, wall().Add(CeremonyLife))
	return ceremony.ID, err
}

// TakeCeremony returns a ceremony that waits for its answer and removes it: of many
// calls one succeeds.
func (s *Store) TakeCeremony(ctx context.Context, id string) (*Ceremony, error) {
	return s.take(ctx, KindCeremony, id)
}

// AnswerCeremony stores what a person proved in a ceremony, for TakeApproval. It is
// a kind of its own because anybody can begin ceremonies, in floods that push each
// other out of a bounded store, but only a passkey answers one.
func (s *Store) AnswerCeremony(ctx context.Context, ceremony Ceremony) error {
	return s.backend.Create(ctx, Key{KindApproval, ceremony.ID}, &ceremony, wall().Add(CeremonyLife))
}

// TakeApproval returns a ceremony that was answered and removes it: of many calls
// one succeeds.
func (s *Store) TakeApproval(ctx context.Context, id string) (*Ceremony, error) {
	return s.take(ctx, KindApproval, id)
}

func (s *Store) take(ctx context.Context, kind Kind, id string) (*Ceremony, error) {
	if !secret.ValidID(id) {
		return nil, ErrNotFound
	}
	key := Key{kind, id}
	ceremony, err := get[Ceremony](ctx, s, key)
	if err != nil {
		return nil, err
	}
	if err := s.backend.Delete(ctx, key); err != nil {
		return nil, err
	}
	return ceremony, nil
}
