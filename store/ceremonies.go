package store

import (
	"context"
	"errors"
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

// TakeCeremony returns a ceremony and removes it: of many calls one succeeds.
func (s *Store) TakeCeremony(ctx context.Context, id string) (*Ceremony, error) {
	if !secret.ValidID(id) {
		return nil, ErrNotFound
	}
	key := Key{KindCeremony, id}
	ceremony, err := get[Ceremony](ctx, s, key)
	if err != nil {
		return nil, err
	}
	if err := s.backend.Delete(ctx, key); err != nil {
		return nil, err
	}
	return ceremony, nil
}

// AnswerCeremony puts what a person proved in the place of the challenge that
// they answered, under the same ID. It needs no compare-and-swap: TakeCeremony gave
// the challenge to one caller only.
func (s *Store) AnswerCeremony(ctx context.Context, ceremony Ceremony) error {
	err := s.backend.Create(ctx, Key{KindCeremony, ceremony.ID}, &ceremony, wall().Add(CeremonyLife))
	if errors.Is(err, ErrConflict) {
		return ErrNotFound
	}
	return err
}
