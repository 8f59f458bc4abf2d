package token

import (
	"context"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// An Identity says on whose behalf a request comes, and through which client.
// Nothing of the token is in it.
type Identity struct {
	UserID    string // stable; "owner" for the person who set the server up
	UserName  string // what they are called, for people to read; it may change
	ClientID  string // empty: an API key
	KeyName   string // of an API key; empty: no key
	GrantID   string // the approval that the token belongs to
	Resource  string // the URL of the resource that was entered
	Scopes    []string
	ExpiresAt time.Time // of the access token
}

// IdentityFromContext returns who is calling. ok is false outside a guarded handler.
func IdentityFromContext(ctx context.Context) (identity Identity, ok bool) {
	admitted, ok := ctx.Value(admittedKey{}).(*admitted)
	if !ok {
		return Identity{}, false
	}
	return Identity{
		UserID:    admitted.grant.UserID,
		UserName:  admitted.grant.UserName,
		ClientID:  admitted.grant.ClientID,
		KeyName:   admitted.grant.KeyName,
		GrantID:   admitted.grant.ID,
		Resource:  admitted.grant.Resource,
		Scopes:    slices.Clone(admitted.access.Scopes), // the store's own must not change
		ExpiresAt: admitted.access.ExpiresAt.Time(),
	}, true
}

// admitted is the context of a request that the guard let in. It is a context of
// its own, and makes an Identity only when asked, because it is one of the two
// things that the guard allocates.
type admitted struct {
	context.Context
	grant  *store.Grant
	access *store.AccessToken
	guard  *guard
}

type admittedKey struct{}

func (a *admitted) Value(key any) any {
	if key == (admittedKey{}) {
		return a
	}
	return a.Context.Value(key)
}
