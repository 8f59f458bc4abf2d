package store

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Grants returns the grants of a user, API keys among them, or of everybody if userID is
// empty. An approval that no client has redeemed is none yet. One that cannot be read is
// ErrUnreadable, after which the next one comes; any other error is the end.
func (s *Store) Grants(ctx context.Context, userID string) iter.Seq2[*Grant, error] {
	tag := ""
	if userID != "" {
		tag = grantTag(userID)
	}
	return func(yield func(*Grant, error) bool) {
		for g, err := range list[Grant](ctx, s, KindGrant, tag) {
			if err == nil && (g.Code != nil || userID != "" && g.UserID != userID) {
				continue
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

// Grant returns a grant by ID.
func (s *Store) Grant(ctx context.Context, id string) (*Grant, error) {
	if !secret.ValidID(id) {
		return nil, ErrNotFound
	}
	return get[Grant](ctx, s, Key{KindGrant, id})
}

// RevokeGrants ends every grant of a user, or of everybody if userID is empty, that
// which chooses, codes that wait to be redeemed among them; nil chooses all. It returns
// those that have ended, also with an error; expired ones among them, which end too, because a
// clock that is put back must not bring them back.
//
// A record that cannot be read keeps none of the others from ending. It ends too if all of
// everybody's do; else it stays, and the error is ErrUnreadable.
func (s *Store) RevokeGrants(ctx context.Context, userID string, which func(*Grant) bool) (ended []*Grant, err error) {
	tag := ""
	if userID != "" {
		tag = grantTag(userID)
	}
	var unread error
	for record, err := range records(ctx, s, KindGrant, tag) {
		if err != nil {
			return ended, err
		}
		g, err := decode[Grant](record.Value)
		switch {
		case err != nil && userID == "" && which == nil:
			g = &Grant{ID: record.Key.ID}
		case err != nil:
			unread = cmp.Or(unread, fmt.Errorf("%w: %v: %w", ErrUnreadable, record.Key, err))
			continue
		case userID != "" && g.UserID != userID || which != nil && !which(g):
			continue
		}
		if err := s.RevokeGrant(ctx, record.Key.ID); err != nil {
			return ended, err
		}
		ended = append(ended, g)
	}
	return ended, unread
}

// A NewKey is an API key to be made: for programs that have nobody to sign in.
type NewKey struct {
	UserID   string
	Name     string
	Resource string // as the configuration spells it
	Scopes   []string
	Life     time.Duration
}

// CreateKey stores a grant of one access token, which is the key, and returns it. It is
// nowhere else. A user who is suspended or gone has none: ErrNotFound.
func (s *Store) CreateKey(ctx context.Context, k NewKey) (token string, grant *Grant, err error) {
	user, err := s.User(ctx, k.UserID)
	if err != nil {
		return "", nil, err
	}
	now, own, scopes := wall(), secret.New(), shared(k.Scopes)
	grant = &Grant{
		ID:        newGrantID(k.UserID),
		UserID:    k.UserID,
		UserName:  user.Name,
		KeyName:   k.Name,
		Resource:  k.Resource,
		Scopes:    scopes,
		CreatedAt: At(now),
		UsedAt:    At(now),
		Access:    []AccessToken{{Hash: secret.Sum(own), Scopes: scopes, ExpiresAt: At(now.Add(k.Life))}},
	}
	grant = grant.packed()
	if err := s.create(ctx, grant, now.Add(k.Life)); err != nil {
		return "", nil, err
	}
	return keyPrefix + grant.ID + own, grant, nil
}

// create stores a new grant of a person who may have one. Who suspends, removes or
// renames a person writes that down before looking for grants to change; here the grant
// comes first and then the look at the person. So whichever of the two comes last sees
// the other, and no grant is left behind.
func (s *Store) create(ctx context.Context, g *Grant, expires time.Time) error {
	if err := s.backend.Create(ctx, Key{KindGrant, g.ID}, g, expires); err != nil {
		return err
	}
	if g.UserID == OwnerID {
		return nil // who is neither suspended nor removed
	}
	user, err := s.User(ctx, g.UserID)
	switch {
	case err == nil && user.Suspended():
		err = ErrNotFound
	case err == nil && user.Name != g.UserName:
		err = s.nameGrant(ctx, g.ID, user.Name)
	}
	if err != nil {
		if failed := s.RevokeGrant(context.WithoutCancel(ctx), g.ID); failed != nil {
			return failed
		}
	}
	return err
}

// nameGrant writes into a grant what its user is called.
func (s *Store) nameGrant(ctx context.Context, id, name string) error {
	return update(ctx, s, Key{KindGrant, id}, func(current *Grant, now time.Time) (change, error) {
		if current.UserName == name {
			return change{}, nil
		}
		next := current.packed()
		next.UserName = name
		return s.keep(next, now), nil
	})
}
