package register

import (
	"context"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// Clients answers who a client is, whichever way it came in.
type Clients struct {
	Preregistered map[string]*store.Client // by ID, from the configuration
	ApprovedOnly  bool                     // of those that registered themselves, only the ones somebody approved
	Documents     *Documents               // reads metadata documents; nil: only those of clients that were approved are known
	AllowHost     func(host string) bool   // of such a client; nil: any
	Store         interface {
		Client(ctx context.Context, id string) (*store.Client, error)
	}
}

// Client returns a client by its ID, or store.ErrNotFound, or a *DocumentError.
func (c *Clients) Client(ctx context.Context, id string) (*store.Client, error) {
	if client, ok := c.Preregistered[id]; ok {
		return client, nil
	}
	if strings.HasPrefix(id, "https://") {
		if c.Documents != nil {
			return c.Documents.Client(ctx, id)
		}
		if CheckDocumentURL(id) != "" {
			return nil, store.ErrNotFound
		}
		if host, _ := fetch.CheckURL(id); c.AllowHost != nil && !c.AllowHost(host) {
			return nil, store.ErrNotFound
		}
		return c.Store.Client(ctx, id)
	}
	if !secret.ValidID(id) { // every ID of a registration is of that form
		return nil, store.ErrNotFound
	}
	client, err := c.Store.Client(ctx, id)
	if err == nil && c.ApprovedOnly && client.ApprovedAt.IsZero() {
		return nil, store.ErrNotFound
	}
	return client, err
}
