package store

import (
	"context"
	"errors"
	"time"
)

// UnusedClient is how long a registration is kept that nobody has approved yet.
const UnusedClient = 30 * 24 * time.Hour

// RegisterClient stores a client that registered itself. It is forgotten after
// UnusedClient, unless somebody approves it. ErrConflict: the ID is taken.
func (s *Store) RegisterClient(ctx context.Context, client *Client) error {
	return s.backend.Create(ctx, Key{KindClient, client.ID}, client, wall().Add(UnusedClient))
}

// Client returns a client that registered itself.
func (s *Store) Client(ctx context.Context, id string) (*Client, error) {
	return get[Client](ctx, s, Key{KindClient, id})
}

// keepClient makes a registration permanent at its first approval.
func (s *Store) keepClient(ctx context.Context, client *Client) error {
	key := Key{KindClient, client.ID}
	next := *client
	next.ApprovedAt = wall()
	for {
		record, err := s.backend.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			// Swept away since the caller looked it up.
			err = s.backend.Create(ctx, key, &next, time.Time{})
		case err != nil:
			return err
		case record.ExpiresAt.IsZero():
			return nil
		default:
			err = s.backend.Replace(ctx, key, record.Version, &next, time.Time{})
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
}
