package register

import (
	"context"

	"github.com/mcpoauth/mcpoauth/store"
)

// Clients answers who a client is, whichever way it came in.
type Clients struct {
	Preregistered map[string]*store.Client // by ID, from the configuration
	Store         interface {
		Client(ctx context.Context, id string) (*store.Client, error)
	}
}

// Client returns a client by its ID, or store.ErrNotFound.
func (c *Clients) Client(ctx context.Context, id string) (*store.Client, error) {
	if client, ok := c.Preregistered[id]; ok {
		return client, nil
	}
	if !validID(id) {
		return nil, store.ErrNotFound
	}
	return c.Store.Client(ctx, id)
}

// validID keeps what could never be an ID of ours away from the backend.
func validID(id string) bool {
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return len(id) > 0 && len(id) <= 64
}
