package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A connection is a client that somebody let in, or an API key.
type connection struct {
	ID         string    `json:"id"`
	UserID     string    `json:"user_id"`
	UserName   string    `json:"user_name,omitempty"`
	KeyName    string    `json:"key_name,omitempty"`    // of an API key
	ClientID   string    `json:"client_id,omitempty"`   // empty: an API key
	ClientName string    `json:"client_name,omitempty"` // as it calls itself
	ClientHost string    `json:"client_host,omitempty"` // that is proven to be the client's
	Resource   string    `json:"resource"`
	Scopes     []string  `json:"scopes"`
	CreatedAt  time.Time `json:"created_at"`
	UsedAt     time.Time `json:"used_at,omitzero"`
	UsedFrom   string    `json:"used_from,omitempty"` // a network, not an address
	ExpiresAt  time.Time `json:"expires_at,omitzero"` // of an API key
}

func runConnections(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("connections", t)
	who := v.String("person", "", "only those of the person with this `name or ID`")
	if err := v.parseNone("connections [--person NAME] [FLAGS]", args); err != nil {
		return err
	}
	return v.do(ctx, func(a admin) error {
		userID := ""
		if *who != "" {
			person, err := a.person(ctx, *who)
			if err != nil {
				return err
			}
			userID = person.ID
		}
		list, unread, err := a.connections(ctx, userID)
		if err != nil {
			return err
		}
		err = a.show(map[string]any{"connections": list}, func(p *printer) {
			if len(list) == 0 {
				p.printf("Nothing is connected.\n")
				return
			}
			p.connections(list, time.Now())
			p.printf("\n%s\n", connected(list))
		})
		return errors.Join(err, unread)
	})
}

// connections returns those of a person, or of everybody if userID is empty: who was used
// last comes first. unread says of the first that cannot be read why: it opens nothing, and
// must not keep anybody from ending the others. If there are no others, it is the error.
func (a admin) connections(ctx context.Context, userID string) (list []connection, unread, err error) {
	uses, err := a.store.Uses(ctx, userID)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the last uses: %w", err)
	}
	list = []connection{} // [] in JSON
	names := make(map[string]string)
	for g, err := range a.store.Grants(ctx, userID) {
		if errors.Is(err, store.ErrUnreadable) {
			unread = cmp.Or(unread, err)
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading the connections: %w", err)
		}
		c := newConnection(g, uses[g.ID])
		if c.ClientName, err = a.clientName(ctx, names, g.ClientID); err != nil {
			return nil, nil, fmt.Errorf("reading the client %s: %w", g.ClientID, err)
		}
		list = append(list, c)
	}
	slices.SortStableFunc(list, func(a, b connection) int {
		return cmp.Or(b.UsedAt.Compare(a.UsedAt), b.CreatedAt.Compare(a.CreatedAt))
	})
	if len(list) == 0 && unread != nil {
		return nil, nil, unread
	}
	return list, unread, nil
}

func newConnection(g *store.Grant, use store.Use) connection {
	c := connection{
		ID: g.ID, UserID: g.UserID, UserName: g.UserName, KeyName: g.KeyName,
		ClientID: g.ClientID, ClientHost: oauth.ClientHost(g.ClientID, g.RedirectURI),
		Resource: g.Resource, Scopes: g.Scopes, CreatedAt: g.CreatedAt.Time(), UsedAt: use.At, UsedFrom: use.From,
	}
	switch {
	case g.ClientID == "" && len(g.Access) > 0:
		c.ExpiresAt = g.Access[0].ExpiresAt.Time()
	case g.ClientID != "" && g.UsedAt.After(c.UsedAt):
		c.UsedAt = g.UsedAt.Time() // when its tokens were last issued
	}
	return c
}

// clientName asks each client's name once. A client of the server's configuration is in
// no store, and has none here.
func (a admin) clientName(ctx context.Context, names map[string]string, id string) (string, error) {
	if name, ok := names[id]; ok || id == "" {
		return name, nil
	}
	client, err := a.store.Client(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		names[id] = ""
	case err != nil:
		return "", err
	default:
		names[id] = client.Name
	}
	return names[id], nil
}

// called is how a connection is called where there is little room.
func (c connection) called() string {
	if c.ClientID == "" {
		return "API key " + c.KeyName
	}
	return cmp.Or(templates.Clean(c.ClientName), c.ClientID)
}

var connectionColumns = []column{{"ID", 22}, {"CLIENT", 28}, {"CREATED", 11}, {"LAST USED", 11}}

func (p *printer) connections(list []connection, now time.Time) {
	p.headings(connectionColumns)
	for _, c := range list {
		p.row(connectionColumns, c.ID, c.called(), ago(c.CreatedAt, now), ago(c.UsedAt, now))
		p.details("  ", c.parts(now)...)
	}
}

// parts is what is said of a connection below its line.
func (c connection) parts(now time.Time) []string {
	parts := []string{"of " + cut(cmp.Or(c.UserName, c.UserID), 64), "for " + c.Resource}
	if len(c.Scopes) > 0 {
		parts = append(parts, strings.Join(c.Scopes, " "))
	}
	switch {
	case c.ClientID == "":
		parts = append(parts, "expires in "+span(c.ExpiresAt.Sub(now)))
	case c.ClientHost != "":
		parts = append(parts, "verified "+cut(c.ClientHost, lineWidth))
	default:
		parts = append(parts, "unverified")
	}
	if c.UsedFrom != "" {
		parts = append(parts, "last from "+c.UsedFrom)
	}
	if c.ClientID != "" {
		parts = append(parts, "client "+cut(c.ClientID, 2048))
	}
	return parts
}

// connected counts a list in words.
func connected(list []connection) string {
	keys := 0
	for _, c := range list {
		if c.ClientID == "" {
			keys++
		}
	}
	switch keys {
	case 0:
		return count(len(list), "connection")
	case len(list):
		return count(keys, "API key")
	}
	return count(len(list)-keys, "connection") + " and " + count(keys, "API key")
}
