package mcpoauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/register"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// admin is what the methods need by which a program sees and rules what the owner does on
// the account pages. They ask nobody for a touch: whoever lets others call them, over a
// network above all, has to know that these are the owner. All work while the server runs,
// on every process of the store.
type admin struct {
	store     *store.Store
	clients   *register.Clients
	issuer    string
	resources oauth.Resources
	scopes    oauth.Scopes
	log       *slog.Logger
}

const maxName = 64 // characters, as the account pages have it

// name returns a name as pages show it, or what is wrong with it.
func (admin) name(raw string) (string, error) {
	name := templates.Clean(raw)
	switch {
	case name == "":
		return "", errors.New("the name is empty; give one that people will know it by")
	case utf8.RuneCountInString(name) > maxName:
		return "", fmt.Errorf("the name has %d characters; use at most %d", utf8.RuneCountInString(name), maxName)
	}
	return name, nil
}

// person returns a user, or an error that wraps store.ErrNotFound.
func (a admin) person(ctx context.Context, id string) (*store.User, error) {
	if id != store.OwnerID && !secret.ValidID(id) { // it must not get as far as a database
		return nil, fmt.Errorf("there is no person of the ID %q: %w", id, store.ErrNotFound)
	}
	user, err := a.store.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("there is no person of the ID %q: %w", id, err)
	}
	return user, err
}

// revoked logs the end of grants.
func (a admin) revoked(ctx context.Context, ended ...*store.Grant) {
	for _, g := range ended {
		a.log.InfoContext(ctx, "grant.revoked", "user_id", g.UserID, "client_id", g.ClientID, "grant_id", g.ID)
	}
}
