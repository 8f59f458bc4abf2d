package account

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A connection is a grant with what is known of its use.
type connection struct {
	*store.Grant
	used     time.Time // zero: never
	from     string    // the network of the last use
	host     string    // that is proven to be the client's, or ""
	loopback bool      // the client is a program on somebody's computer
}

// whose is the ID of the user whose grants v may see and end: empty is everybody's.
func (v *visit) whose() string {
	if v.user.Owner() {
		return ""
	}
	return v.user.ID
}

// grants are those of a user, or of everybody if userID is empty. Of one that cannot be read
// the log tells: it opens nothing, and must not keep the owner from ending the others.
func (h *Handler) grants(ctx context.Context, userID string) iter.Seq2[*store.Grant, error] {
	return func(yield func(*store.Grant, error) bool) {
		for g, err := range h.Store.Grants(ctx, userID) {
			if errors.Is(err, store.ErrUnreadable) {
				h.Log.ErrorContext(ctx, "page.failed", "error", err)
				continue
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

// connections returns the grants of a user, or of everybody if userID is empty.
func (h *Handler) connections(ctx context.Context, userID string) ([]connection, error) {
	uses, err := h.Store.Uses(ctx, userID)
	if err != nil {
		return nil, wrap("listing uses", err)
	}
	var found []connection
	for g, err := range h.grants(ctx, userID) {
		if err != nil {
			return nil, wrap("listing grants", err)
		}
		c := connection{Grant: g, used: uses[g.ID].At, from: uses[g.ID].From}
		if !c.key() {
			c.host, c.loopback = oauth.ClientHost(g.ClientID, g.RedirectURI), oauth.IsLoopbackRedirect(g.RedirectURI)
			c.used = latest(c.used, g.UsedAt.Time()) // when tokens were last issued
		}
		found = append(found, c)
	}
	return found, nil
}

// key reports whether the grant is an API key.
func (c *connection) key() bool { return c.ClientID == "" }

// seen is when anything was last heard of the connection.
func (c *connection) seen() time.Time { return latest(c.used, c.CreatedAt.Time()) }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// clientName returns what a client calls itself, or its ID if it is not known any more.
func (h *Handler) clientName(ctx context.Context, id string) (string, error) {
	client, err := h.Clients.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return id, nil
	}
	if err != nil {
		return "", wrap("looking up a client", err)
	}
	return client.Name, nil
}

// clientNames returns what the clients of connections call themselves, by their IDs.
func (h *Handler) clientNames(ctx context.Context, of []connection) (map[string]string, error) {
	names := make(map[string]string)
	for _, c := range of {
		if _, known := names[c.ClientID]; known || c.key() {
			continue
		}
		name, err := h.clientName(ctx, c.ClientID)
		if err != nil {
			return nil, err
		}
		names[c.ClientID] = name
	}
	return names, nil
}

// personNames returns what people are called, by their IDs.
func (h *Handler) personNames(ctx context.Context) (map[string]string, error) {
	users, err := h.Store.Users(ctx)
	names := make(map[string]string)
	for _, u := range users {
		names[u.ID] = u.Name
	}
	return names, wrap("listing people", err)
}

// describe returns a connection as a page has it.
func (h *Handler) describe(c connection, person string, now time.Time) templates.Connection {
	shown := templates.Connection{
		ID: c.ID, KeyName: c.KeyName, Person: person, Scopes: h.scopes(c.Scopes), Resource: h.resourceName(c.Resource),
		Created: templates.NewWhen(c.CreatedAt.Time(), now), Used: templates.NewWhen(c.used, now), From: c.from,
	}
	if c.key() && len(c.Access) > 0 {
		shown.Expires = templates.NewWhen(c.Access[0].ExpiresAt.Time(), now)
	}
	return shown
}

// offlineAccess says in words what the scope of that name lets a client do.
const offlineAccess = "Stay connected without asking again"

func (h *Handler) scopes(names []string) []templates.Scope {
	var scopes []templates.Scope
	for _, name := range names {
		scope := templates.Scope{Name: name}
		if known := h.Scopes.Find(name); known != nil {
			scope.Description = known.Description
		} else if name == oauth.OfflineAccess {
			scope.Description = offlineAccess
		}
		scopes = append(scopes, scope)
	}
	return scopes
}

// resourceName is what a resource is called, or "" where there is only one.
func (h *Handler) resourceName(resourceURL string) string {
	for _, r := range h.Resources {
		if r.URL == resourceURL {
			if len(h.Resources) == 1 {
				return ""
			}
			return r.Name + " (" + r.Path + ")"
		}
	}
	return resourceURL // of an earlier configuration
}

// arrange sorts connections for a page: those of one client stand together, and who was
// heard of last stands first.
func arrange(list []connection) {
	newest := make(map[string]time.Time)
	for i := range list {
		key := list[i].group()
		newest[key] = latest(newest[key], list[i].seen())
	}
	slices.SortFunc(list, func(a, b connection) int {
		return cmp.Or(
			newest[b.group()].Compare(newest[a.group()]),
			strings.Compare(a.group(), b.group()),
			b.seen().Compare(a.seen()),
			strings.Compare(a.ID, b.ID),
		)
	})
}

// group is the same for the connections that stand under one heading.
func (c *connection) group() string { return c.ClientID + "\n" + c.host }
