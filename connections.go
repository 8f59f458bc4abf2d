package mcpoauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// A Connection is a client that a person let in, or an API key.
type Connection struct {
	ID         string // Identity.GrantID
	UserID     string
	UserName   string
	KeyName    string   // of an API key; empty: no key
	ClientID   string   // empty: an API key
	ClientName string   // what the client calls itself; nobody has checked it
	ClientHost string   // that is proven to be the client's; empty: nothing is
	Resource   string   // the URL that it is good for
	Scopes     []string // that were granted
	CreatedAt  time.Time
	UsedAt     time.Time // to about a minute or two; zero: never
	UsedFrom   string    // the network of the last use, such as 203.0.113.0/24; empty: not known
	ExpiresAt  time.Time // of an API key; zero: when it was not used for Config.RefreshIdleLifetime
}

// Connections returns what is connected, the newest first: of one person, or of everybody
// if userID is empty. One that cannot be read is store.ErrUnreadable; the methods that end
// connections end the others all the same.
func (rt *Router) Connections(ctx context.Context, userID string) ([]Connection, error) {
	uses, err := rt.admin.store.Uses(ctx, userID)
	if err != nil {
		return nil, fmt.Errorf("mcpoauth: reading the last uses: %w", err)
	}
	var connections []Connection
	names := make(map[string]string)
	for g, err := range rt.admin.store.Grants(ctx, userID) {
		if err != nil {
			return nil, fmt.Errorf("mcpoauth: reading the connections: %w", err)
		}
		c := connection(g, uses[g.ID])
		if c.ClientName, err = rt.admin.clientName(ctx, names, g.ClientID); err != nil {
			return nil, fmt.Errorf("mcpoauth: looking up the client %s: %w", g.ClientID, err)
		}
		connections = append(connections, c)
	}
	slices.SortStableFunc(connections, func(a, b Connection) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return connections, nil
}

func connection(g *store.Grant, use store.Use) Connection {
	c := Connection{
		ID: g.ID, UserID: g.UserID, UserName: g.UserName, KeyName: g.KeyName, ClientID: g.ClientID, ClientHost: oauth.ClientHost(g.ClientID, g.RedirectURI),
		Resource: g.Resource, Scopes: slices.Clone(g.Scopes), CreatedAt: g.CreatedAt.Time(), UsedAt: use.At, UsedFrom: use.From,
	}
	if g.ClientID == "" {
		for _, access := range g.Access { // of which a key has one
			c.ExpiresAt = access.ExpiresAt.Time()
		}
	} else if g.UsedAt.After(c.UsedAt) {
		c.UsedAt = g.UsedAt.Time() // when its tokens were last issued
	}
	return c
}

// clientName asks each client's name once; names has those that were asked.
func (a admin) clientName(ctx context.Context, names map[string]string, id string) (string, error) {
	if name, ok := names[id]; ok || id == "" {
		return name, nil
	}
	client, err := a.clients.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil // taken out of the configuration
	}
	if err != nil {
		return "", err
	}
	names[id] = client.Name
	return client.Name, nil
}

// RevokeConnection ends a connection or API key: its next request is refused. An ID that
// there is not is store.ErrNotFound.
func (rt *Router) RevokeConnection(ctx context.Context, id string) error {
	g, err := rt.admin.store.Grant(ctx, id)
	if err == nil {
		err = rt.admin.store.RevokeGrant(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("mcpoauth: revoking the connection %q: %w", id, err)
	}
	rt.admin.revoked(ctx, g)
	return nil
}

// RevokeClient ends every connection of a client, whoever let it in, and returns how many
// that were, also with an error.
func (rt *Router) RevokeClient(ctx context.Context, clientID string) (ended int, err error) {
	if clientID == "" {
		return 0, errors.New("mcpoauth: RevokeClient: the client ID is empty; API keys, which have none, are ended by RevokeConnection")
	}
	return rt.revoke(ctx, "", func(g *store.Grant) bool { return g.ClientID == clientID })
}

// RevokeAll ends every connection and API key of a person, or of everybody if userID is
// empty, and returns how many that were, also with an error.
func (rt *Router) RevokeAll(ctx context.Context, userID string) (ended int, err error) {
	return rt.revoke(ctx, userID, nil)
}

func (rt *Router) revoke(ctx context.Context, userID string, which func(*store.Grant) bool) (int, error) {
	ended, err := rt.admin.store.RevokeGrants(ctx, userID, which)
	rt.admin.revoked(ctx, ended...)
	if err != nil {
		return len(ended), fmt.Errorf("mcpoauth: revoking connections: %w", err)
	}
	return len(ended), nil
}
