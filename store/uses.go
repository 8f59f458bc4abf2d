package store

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
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
	From    string    `json:"from"` // a network, not an address; empty: it is not known

	// Places are the networks that it was used from before, the last ones last. They
	// are kept of API keys alone: others' clients call from clouds and from trains.
	Places []string `json:"places,omitempty"`
}

// maxPlaces is how many networks are remembered of an API key.
const maxPlaces = 32

// Encode implements Value.
func (u *Use) Encode() ([]byte, error) { return json.Marshal(u) }

// NoteUse keeps u, unless a later use is kept already, and adds its Places to those that
// are kept. It returns what was kept before, or nil.
func (s *Store) NoteUse(ctx context.Context, u Use) (before *Use, err error) {
	key := Key{KindUse, u.GrantID}
	expires := u.At.Add(useLife)
	for {
		err := update(ctx, s, key, func(current *Use, _ time.Time) (change, error) {
			before = current
			next := u
			if !u.At.After(current.At) {
				next = *current
			}
			next.Places = addPlaces(current.Places, u.Places)
			if reflect.DeepEqual(next, *current) {
				return change{}, nil
			}
			return change{&next, next.At.Add(useLife)}, nil
		})
		if !errors.Is(err, ErrNotFound) {
			return before, err
		}
		err = s.backend.Create(ctx, key, &u, expires)
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		// Somebody else's first use, or one that expired and is not forgotten yet.
		record, err := s.backend.Get(ctx, key)
		if err == nil && expired(record.ExpiresAt, wall()) {
			err = s.remove(ctx, key)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
}

// addPlaces returns places with more at its end, and without the oldest that are too many.
func addPlaces(places, more []string) []string {
	for _, place := range more {
		if !slices.Contains(places, place) {
			places = append(slices.Clone(places), place)
		}
	}
	return places[max(0, len(places)-maxPlaces):]
}

// Uses returns the last use of each grant of a user, or of everybody if userID is empty,
// by the grant's ID. There may be others among them. What cannot be read counts as none.
func (s *Store) Uses(ctx context.Context, userID string) (map[string]Use, error) {
	tag := ""
	if userID != "" {
		tag = grantTag(userID)
	}
	uses := make(map[string]Use)
	for u, err := range list[Use](ctx, s, KindUse, tag) {
		if errors.Is(err, ErrUnreadable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		uses[u.GrantID] = *u
	}
	return uses, nil
}
