package store

import (
	"context"
	"errors"
	"reflect"
	"time"
)

// UnusedClient is how long a registration is kept that nobody has approved yet.
const UnusedClient = 30 * 24 * time.Hour

// RegisterClient stores a client that registered itself. It is forgotten after
// UnusedClient, unless somebody approves it. One that is there already under that ID
// stays as it is, and if nobody has approved it yet its time begins anew.
func (s *Store) RegisterClient(ctx context.Context, client *Client) error {
	key, expires := Key{KindClient, client.ID}, wall().Add(UnusedClient)
	for {
		err := s.backend.Create(ctx, key, client, expires)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		err = update(ctx, s, key, func(current *Client, _ time.Time) (change, error) {
			if !current.ApprovedAt.IsZero() {
				return change{}, nil
			}
			return change{value: current, expires: expires}, nil
		})
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		// Swept just now, or waiting to be.
		if err := s.remove(ctx, key); err != nil {
			return err
		}
	}
}

// Client returns a client that registered itself.
func (s *Store) Client(ctx context.Context, id string) (*Client, error) {
	return get[Client](ctx, s, Key{KindClient, id})
}

// keepClient makes a registration permanent at its first approval. A client that is
// known by a document is kept as it is now: at the token endpoint, which asks nobody
// else's server, this is all that is known of it.
func (s *Store) keepClient(ctx context.Context, client *Client) error {
	key := Key{KindClient, client.ID}
	next := *client
	next.ApprovedAt = wall()
	for {
		record, err := s.backend.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			// The first approval of a document, or a registration that was
			// swept away since the caller looked it up.
			err = s.backend.Create(ctx, key, &next, time.Time{})
		case err != nil:
			return err
		default:
			current, errDecode := decode[Client](record.Value)
			if errDecode != nil {
				return errDecode
			}
			if !current.ApprovedAt.IsZero() {
				next.CreatedAt, next.ApprovedAt = current.CreatedAt, current.ApprovedAt
				if record.ExpiresAt.IsZero() && reflect.DeepEqual(*current, next) {
					return nil
				}
			}
			err = s.backend.Replace(ctx, key, record.Version, &next, time.Time{})
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
}
