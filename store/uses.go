package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// useLife is how long it is remembered when a grant was last used: longer than any
// grant lives without use, and no longer than an API key's owner would wonder.
const useLife = 400 * 24 * time.Hour

// A Use is when and from where a grant was last used. It is a record of its own: were
// it part of the grant, each note of it would take the grant out of every cache.
type Use struct {
	GrantID string    `json:"grant_id"`
	At      time.Time `json:"at"`
	From    string    `json:"from"` // a network, not an address
}

// Encode implements Value.
func (u *Use) Encode() ([]byte, error) { return json.Marshal(u) }

// NoteUse keeps u, unless a later use is kept already. It returns what was kept before,
// or nil.
func (s *Store) NoteUse(ctx context.Context, u Use) (before *Use, err error) {
	key := Key{KindUse, u.GrantID}
	expires := u.At.Add(useLife)
	for {
		err := s.backend.Create(ctx, key, &u, expires)
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		err = update(ctx, s, key, func(current *Use, _ time.Time) (change, error) {
			before = current
			if !u.At.After(current.At) {
				return change{}, nil
			}
			return change{&u, expires}, nil
		})
		if !errors.Is(err, ErrNotFound) {
			return before, err
		}
		// Expired, and not forgotten yet.
		if err := s.remove(ctx, key); err != nil {
			return nil, err
		}
	}
}

// Uses returns the last use of each grant of a user, or of everybody if userID is empty,
// by the grant's ID. There may be others among them.
func (s *Store) Uses(ctx context.Context, userID string) (map[string]Use, error) {
	tag := ""
	if userID != "" {
		tag = grantTag(userID)
	}
	uses := make(map[string]Use)
	for u, err := range list[Use](ctx, s, KindUse, tag) {
		if err != nil {
			return nil, err
		}
		uses[u.GrantID] = *u
	}
	return uses, nil
}
