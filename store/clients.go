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
	key := Key{KindClient, client.ID}
	for {
		now := wall()
		err := s.backend.Create(ctx, key, client, now.Add(UnusedClient))
		if !errors.Is(err, ErrConflict) {
			return err
		}
		record, err := s.backend.Get(ctx, key)
		switch {
		case errors.Is(err, ErrNotFound):
			continue // swept just now
		case err != nil:
			return err
		case record.ExpiresAt.IsZero():
			return nil // approved
		}
		kept := record.Value
		if expired(record.ExpiresAt, now) {
			kept = client
		}
		// By its version: somebody may be approving it.
		err = s.backend.Replace(ctx, key, record.Version, kept, now.Add(UnusedClient))
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
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
