package store

import (
	"context"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Limits of what one person has at once. One more ends the oldest, so that who made many
// shuts nobody out, themselves included.
const (
	MaxSessions  = 50 // browsers that are signed in; the one not used for longest ends
	MaxAdditions = 5  // links for one more passkey
)

// personTag is what the IDs of a person's sessions and additions begin with, as those of
// their grants do, so that a list of them reads few others.
func personTag(userID string) string { return secret.Tag(userID) }

// A held is something that a person has, and since when.
type held struct {
	id string
	at time.Time
}

// bound ends the oldest of a kind that a person has more than most of. It comes after the
// new one was stored: of two at the same moment the later one sees both. own returns when
// the record was last of use, and whether it counts.
func bound[T any](ctx context.Context, s *Store, kind Kind, userID string, most int, own func(*T) (id string, at time.Time, ok bool)) error {
	var all []held
	for record, err := range list[T](ctx, s, kind, personTag(userID)) {
		if err != nil {
			return err
		}
		if id, at, ok := own(record); ok {
			all = append(all, held{id, at})
		}
	}
	slices.SortStableFunc(all, func(a, b held) int { return a.at.Compare(b.at) })
	for _, old := range all[:max(0, len(all)-most)] {
		if err := s.remove(ctx, Key{kind, old.id}); err != nil {
			return err
		}
	}
	return nil
}
