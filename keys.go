package mcpoauth

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
)

// How long an API key lives.
const (
	defaultKeyLife = 30 * 24 * time.Hour
	maxKeyLife     = 366 * 24 * time.Hour
)

// A NewKey is an API key to be made, for a program that has nobody to approve it.
type NewKey struct {
	UserID   string        // on whose behalf it comes; if empty, the owner
	Name     string        // for people to know it by; required, at most 64 characters
	Resource string        // the URL that it is good for; if empty, the first of Config.Resources
	Scopes   []string      // if empty, those that are needed to enter the resource
	Life     time.Duration // if zero, 30 days; else from a minute to 366 days
}

// CreateKey makes an API key and returns it: it is kept as a hash only. It goes into the
// Authorization header like an access token, and ends by RevokeConnection. All mistakes in
// k come back at once; store.ErrNotFound is for a UserID that nobody has.
func (rt *Router) CreateKey(ctx context.Context, k NewKey) (key string, err error) {
	asked, err := rt.admin.checkKey(k)
	if err != nil {
		return "", err
	}
	user, err := rt.admin.person(ctx, asked.UserID)
	if err == nil && user.Suspended() {
		err = errors.New("the person is suspended; resume them first")
	}
	if err != nil {
		return "", fmt.Errorf("mcpoauth: NewKey.UserID: %w", err)
	}
	key, grant, err := rt.admin.store.CreateKey(ctx, asked)
	if err != nil {
		return "", fmt.Errorf("mcpoauth: storing the API key: %w", err)
	}
	rt.admin.log.InfoContext(ctx, "key.created", "user_id", grant.UserID, "grant_id", grant.ID,
		"name", grant.KeyName, "resource", grant.Resource, "scopes", grant.Scopes, "expires", grant.Access[0].ExpiresAt.Time())
	return key, nil
}

// checkKey returns k with every default in place, or all that is wrong with it.
func (a admin) checkKey(k NewKey) (store.NewKey, error) {
	var problems []error
	report := func(field, format string, args ...any) {
		problems = append(problems, fmt.Errorf("mcpoauth: NewKey.%s: %s", field, fmt.Sprintf(format, args...)))
	}
	name, err := a.name(k.Name)
	if err != nil {
		report("Name", "%v", err)
	}
	asked := store.NewKey{
		UserID: cmp.Or(k.UserID, store.OwnerID), Name: name, Resource: cmp.Or(k.Resource, a.resources[0].URL),
		Scopes: slices.Clone(k.Scopes), Life: cmp.Or(k.Life, defaultKeyLife),
	}
	for _, scope := range asked.Scopes {
		if a.scopes.Find(scope) == nil {
			report("Scopes", "%q is none of Config.Scopes; use one that is", scope)
		}
	}
	i := slices.IndexFunc(a.resources, func(r oauth.Resource) bool { return r.URL == asked.Resource })
	switch {
	case i < 0:
		report("Resource", "there is none at %q; use the URL of one of Config.Resources, such as %s", k.Resource, a.resources[0].URL)
	case len(asked.Scopes) == 0:
		asked.Scopes = slices.Clone(a.resources[i].Scopes)
	case !a.scopes.Cover(asked.Scopes, a.resources[i].Scopes):
		report("Scopes", "with %q alone the key is not let in at %s; add %s", asked.Scopes, asked.Resource, strings.Join(a.resources[i].Scopes, ", "))
	}
	if asked.Life < time.Minute || asked.Life > maxKeyLife {
		report("Life", "must be from a minute to %d days, got %v", maxKeyLife/(24*time.Hour), k.Life)
	}
	return asked, errors.Join(problems...)
}
