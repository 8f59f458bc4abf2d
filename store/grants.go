package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// An Approval is what a person agreed to.
type Approval struct {
	UserID      string
	UserName    string
	Client      *Client
	RedirectURI string
	Resource    string
	Scopes      []string
	Challenge   string // PKCE S256
	Browser     Hash   // in which the person agreed
}

// Approve stores a new grant and returns the code that redeems it. A client that
// registered itself is kept for good from now on. For a user who is suspended or gone
// it returns ErrNotFound.
func (s *Store) Approve(ctx context.Context, a Approval) (code string, err error) {
	if !a.Client.Preregistered {
		if err := s.keepClient(ctx, a.Client); err != nil {
			return "", err
		}
	}
	if err := s.remember(ctx, a.Browser, ConsentTo{a.Client.ID, a.RedirectURI, a.Resource}, a.Scopes); err != nil {
		return "", err
	}
	now := wall()
	own := secret.New()
	grant := &Grant{
		ID:          newGrantID(a.UserID),
		UserID:      a.UserID,
		UserName:    a.UserName,
		ClientID:    a.Client.ID,
		RedirectURI: a.RedirectURI,
		Resource:    a.Resource,
		Scopes:      shared(a.Scopes),
		CreatedAt:   At(now),
		CodeHash:    secret.Sum(own),
		Code:        &Code{Challenge: a.Challenge, ExpiresAt: now.Add(s.life.Code)},
	}
	if err := s.create(ctx, grant, grant.Code.ExpiresAt); err != nil {
		return "", err
	}
	return formatCode(grant.ID, own), nil
}

// Access returns the grant of a live access token, and what the grant says of the
// token. It is the look-up before every request to a guarded handler: one read, from
// this process's memory where the backend can, one hash, no write.
func (s *Store) Access(ctx context.Context, token string, now time.Time) (*Grant, *AccessToken, error) {
	grantID, own, isKey, ok := parseAccess(token)
	if !ok {
		return nil, nil, ErrNotFound
	}
	grant, access, err := opened(s.cached, ctx, grantID, own, now)
	if s.caching && errors.Is(err, ErrNotFound) {
		// Another process may have issued the token since this one last asked.
		grant, access, err = opened(s.backend.Get, ctx, grantID, own, now)
	}
	if err == nil && isKey != (grant.ClientID == "") {
		return nil, nil, ErrNotFound // under the other's prefix no scanner would find it
	}
	return grant, access, err
}

// opened returns the grant, as get finds it, that a live access token opens. It hashes the
// token's own secret last: meanwhile the processor waits for what it asked of memory.
func opened(get func(context.Context, Key) (Record, error), ctx context.Context, grantID, own string, now time.Time) (*Grant, *AccessToken, error) {
	record, err := get(ctx, Key{KindGrant, grantID})
	if err != nil {
		return nil, nil, err
	}
	grant, err := decode[Grant](record.Value)
	if err != nil {
		return nil, nil, err
	}
	var hash Hash
	for i := len(grant.Access) - 1; i >= 0; i-- {
		access := &grant.Access[i]
		if !access.ExpiresAt.After(now) {
			continue
		}
		if (hash == Hash{}) {
			hash = secret.Sum(own)
		}
		if access.Hash.Equal(hash) {
			return grant, access, nil
		}
	}
	return nil, nil, ErrNotFound
}

// grantTag is what the IDs of all grants of a user begin with, so that a list of them
// reads no others. Users may share one: 24 bits are few.
func grantTag(userID string) string { return secret.Tag(userID) }

func newGrantID(userID string) string { return secret.NewIDWith(grantTag(userID)) }

// RevokeGrant ends a grant with every token of it.
func (s *Store) RevokeGrant(ctx context.Context, id string) error {
	return s.remove(ctx, Key{KindGrant, id})
}

// RevokeToken ends what token stands for, if it is a live one of that client's
// (RFC 7009 §2.1): an access token alone, or the whole grant of a refresh token. It
// returns the grant, or ErrNotFound.
func (s *Store) RevokeToken(ctx context.Context, token, clientID string) (*Grant, error) {
	if l, ok := parseRefresh(token); ok {
		grant, err := get[Grant](ctx, s, Key{KindGrant, l.grantID})
		if errors.Is(err, ErrNotFound) {
			// It may be gone since a try that failed, because too few replicas had
			// it: a backend that waits for them waits again, and nothing else happens.
			if failed := s.RevokeGrant(ctx, l.grantID); failed != nil {
				return nil, failed
			}
		}
		if err != nil {
			return nil, err
		}
		// The family is proof enough: a client that kept a token from before
		// the last rotation, and logs out with it, means this grant.
		if grant.ClientID != clientID || !grant.FamilyHash.Matches(l.family) {
			return nil, ErrNotFound
		}
		return grant, s.RevokeGrant(ctx, grant.ID)
	}
	grantID, own, ok := parseSingle(accessPrefix, token)
	if !ok {
		return nil, ErrNotFound
	}
	var revoked *Grant
	err := update(ctx, s, Key{KindGrant, grantID}, func(current *Grant, now time.Time) (change, error) {
		hash := secret.Sum(own)
		i := slices.IndexFunc(current.Access, func(a AccessToken) bool { return a.Hash.Equal(hash) })
		if i < 0 || current.ClientID != clientID {
			return change{}, ErrNotFound
		}
		revoked = current.with(slices.Delete(slices.Clone(current.Access), i, i+1), current.Spent)
		return s.keep(revoked, now), nil
	})
	return revoked, err
}

// keep is the change that stores g, to live as long as its code or, once that was redeemed,
// the last of its tokens.
func (s *Store) keep(g *Grant, now time.Time) change {
	if g.Code != nil {
		return change{value: g, expires: g.Code.ExpiresAt}
	}
	expires := now
	if (g.RefreshHash != Hash{}) {
		expires = later(expires, g.UsedAt.Time().Add(s.life.RefreshIdle))
	}
	for _, access := range g.Access {
		expires = later(expires, access.ExpiresAt.Time())
	}
	return change{value: g, expires: expires}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
