package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

const (
	// CodeRetry is how long a code that was redeemed gets the same tokens again
	// from the same client with the same verifier: Claude repeats a request whose
	// answer was lost.
	CodeRetry = 10 * time.Second

	// MaxAccess is how many access tokens of one grant live at once; a further one
	// ends the oldest.
	MaxAccess = 8

	// MaxSpent is how many rotations back a repeated refresh token still gets its
	// successors, if all of them happened within the grace period.
	MaxSpent = 16
)

// Refusals of a code or refresh token that is, or was, ours.
var (
	// ErrWrongClient: it belongs to another client. Nothing changed, so that
	// nobody can spend or end what is another's.
	ErrWrongClient = errors.New("store: belongs to another client")

	// ErrWrongVerifier: the PKCE verifier does not belong to the code's challenge.
	ErrWrongVerifier = errors.New("store: wrong code verifier")

	// ErrReused: it was spent before, and too long ago for a lost answer.
	// Somebody else may hold it, so its whole grant has ended.
	ErrReused = errors.New("store: was used before; its grant has ended")
)

// Tokens is what a client gets for a code or a refresh token. With ErrReused only
// Grant is set: the grant that has ended.
type Tokens struct {
	Access    string
	Refresh   string // empty: none
	ExpiresIn time.Duration
	Scopes    []string
	Grant     *Grant
	Repeated  bool // the same tokens as before, for the same secret
}

// A Redemption is a request to exchange a code for tokens.
type Redemption struct {
	Code     string
	ClientID string // authenticated, if the client can be
	Verifier string // PKCE

	// Refresh says whether a refresh token is issued too, for these scopes.
	Refresh func(scopes []string) bool

	// Accept looks at the grant before anything changes. Its error is returned
	// as it is, and the code can still be redeemed.
	Accept func(*Grant) error
}

// ConsumeCode exchanges a code for tokens, once. A repeat within CodeRetry by the
// same client with the same verifier gets the same tokens; any other use after the
// first ends the grant with ErrReused (RFC 6749 §4.1.2).
func (s *Store) ConsumeCode(ctx context.Context, r Redemption) (Tokens, error) {
	grantID, own, ok := parseSingle(codePrefix, r.Code)
	if !ok {
		return Tokens{}, ErrNotFound
	}
	// The verifier is part of the key: code and challenge have been in a URL, and
	// they alone do not open what the code was exchanged for.
	key := own + r.Verifier
	code := link{grantID: grantID, family: secret.Derive(key, "family"), own: own}

	var tokens Tokens
	began := wall()
	err := update(ctx, s, Key{KindGrant, grantID}, func(g *Grant, now time.Time) (change, error) {
		switch {
		case !g.CodeHash.Matches(own):
			return change{}, ErrNotFound
		case g.ClientID != r.ClientID:
			return change{}, ErrWrongClient
		}
		if err := r.Accept(g); err != nil {
			return change{}, err
		}
		if err := s.present(ctx, g.UserID); err != nil {
			return change{}, err
		}
		if g.Code == nil {
			newest, err := follow(g, code, key, began)
			if err != nil {
				tokens.Grant = g
				return change{}, err
			}
			tokens, ok = repeat(g, newest, now)
			if !ok {
				return change{}, ErrNotFound // revoked since: nothing to repeat, and no theft
			}
			return change{}, nil
		}
		switch {
		case expired(g.Code.ExpiresAt, now):
			return change{}, ErrNotFound
		case !secret.VerifyS256(g.Code.Challenge, r.Verifier):
			return change{}, ErrWrongVerifier
		}
		var next change
		tokens, next = s.issue(g, exchange{code, key, CodeRetry}, g.Scopes, r.Refresh(g.Scopes), now)
		return next, nil
	})
	return s.ended(ctx, grantID, tokens, err)
}

// RotateRefresh exchanges a refresh token for a new pair of tokens in one
// compare-and-swap. A repeat within the grace period gets the newest pair again, so
// that a lost answer or a race of a client's processes costs nothing; a repeat
// after it ends the grant with ErrReused (RFC 9700 §4.14.2).
//
// narrow returns the scopes that a new access token shall have, or an error
// before anything changes.
func (s *Store) RotateRefresh(ctx context.Context, token, clientID string, narrow func(*Grant) ([]string, error)) (Tokens, error) {
	refresh, ok := parseRefresh(token)
	if !ok {
		return Tokens{}, ErrNotFound
	}
	var tokens Tokens
	began := wall()
	err := update(ctx, s, Key{KindGrant, refresh.grantID}, func(g *Grant, now time.Time) (change, error) {
		switch {
		case !g.FamilyHash.Matches(refresh.family):
			return change{}, ErrNotFound
		case g.ClientID != clientID:
			return change{}, ErrWrongClient
		}
		scopes, err := narrow(g)
		if err != nil {
			return change{}, err
		}
		if err := s.present(ctx, g.UserID); err != nil {
			return change{}, err
		}
		live := refresh
		if !g.RefreshHash.Matches(refresh.own) {
			newest, err := follow(g, refresh, refresh.own, began)
			if err != nil {
				tokens.Grant = g
				return change{}, err
			}
			if tokens, ok = repeat(g, newest, now); ok {
				return change{}, nil
			}
			live = newest.link // its access token has run out or was revoked
		}
		var next change
		tokens, next = s.issue(g, exchange{live, live.own, s.life.RefreshGrace}, scopes, true, now)
		return next, nil
	})
	return s.ended(ctx, refresh.grantID, tokens, err)
}

// ended carries the sentence out when a decision was ErrReused.
func (s *Store) ended(ctx context.Context, grantID string, tokens Tokens, err error) (Tokens, error) {
	if err == nil {
		return tokens, nil
	}
	if errors.Is(err, ErrReused) {
		// A caller who hangs up must not keep a stolen grant alive.
		if failed := s.RevokeGrant(context.WithoutCancel(ctx), grantID); failed != nil {
			return Tokens{}, failed
		}
		return Tokens{Grant: tokens.Grant}, err
	}
	return Tokens{}, err
}

// An exchange is what a new pair is issued for.
type exchange struct {
	spent link
	key   string        // that seals the pair
	again time.Duration // in which spent gets the pair again
}

// issue mints a new pair for g, and leaves it in what becomes of g, sealed, for whoever
// presents what it was issued for again.
func (s *Store) issue(g *Grant, e exchange, scopes []string, refresh bool, now time.Time) (Tokens, change) {
	access, successor := secret.New(), secret.New()
	kept := g.Scopes // they nearly always are the same
	if !slices.Equal(scopes, kept) {
		kept = shared(scopes)
	}
	var accesses [MaxAccess + 1]AccessToken // here, because with copies them
	var spents [MaxSpent + 1]Spent
	next := g.with(
		appendLiving(MaxAccess, accesses[:0], g.Access, func(old *AccessToken) bool { return old.ExpiresAt.After(now) },
			AccessToken{Hash: secret.Sum(access), Scopes: kept, ExpiresAt: At(now.Add(s.life.Access))}),
		appendLiving(MaxSpent, spents[:0], g.Spent, func(old *Spent) bool { return !old.over(now) },
			Spent{Until: At(now.Add(e.again)), Successors: secret.Seal(e.key, access, successor)}),
	)
	if next.Code != nil { // which is what was spent, and begins the family
		next.Code, next.FamilyHash = nil, secret.Sum(e.spent.family)
	}
	next.UsedAt = At(now)
	tokens := Tokens{Access: formatAccess(g.ID, access), ExpiresIn: s.life.Access, Scopes: scopes, Grant: next}
	if refresh {
		next.RefreshHash = secret.Sum(successor)
		tokens.Refresh = e.spent.next(successor).refresh()
	}
	return tokens, s.keep(next, now)
}

// appendLiving appends to next what still lives of list, and item behind it; if they are more
// than most, without the first.
func appendLiving[T any](most int, next, list []T, lives func(*T) bool, item T) []T {
	for i := range list {
		if lives(&list[i]) {
			next = append(next, list[i])
		}
	}
	next = append(next, item)
	return next[max(0, len(next)-most):]
}

// A pair is what a spent secret was exchanged for.
type pair struct {
	link   link   // of the refresh token
	access string // the access token's own secret
}

// follow returns the newest pair that descends from a secret of g's chain which is
// not the live one, or ErrReused if the time for a repeat was over when the request began. How
// long the request then waited for its turn does not count: while a disk
// stalls, a client's own repeat would look like a thief's. The successor may have
// been spent since, so it goes on to the chain's end: who comes late gets tokens that
// work, and no second branch opens.
func follow(g *Grant, presented link, key string, began time.Time) (pair, error) {
	found := false
	for i := range g.Spent { // the older first, so that each stands before its successor
		access, successor, ok := g.Spent[i].Successors.Open(key)
		switch {
		case !ok:
			continue
		case !found && g.Spent[i].over(began):
			return pair{}, ErrReused
		}
		found, presented, key = true, presented.next(successor), successor
		if (g.RefreshHash == Hash{}) || g.RefreshHash.Matches(successor) {
			return pair{presented, access}, nil
		}
	}
	return pair{}, ErrReused
}

// repeat answers with a pair that was issued before, if its access token still lives.
func repeat(g *Grant, newest pair, now time.Time) (Tokens, bool) {
	hash := secret.Sum(newest.access)
	i := slices.IndexFunc(g.Access, func(a AccessToken) bool { return a.Hash.Equal(hash) })
	if i < 0 || !g.Access[i].ExpiresAt.After(now) {
		return Tokens{}, false
	}
	tokens := Tokens{
		Access:    formatAccess(g.ID, newest.access),
		ExpiresIn: g.Access[i].ExpiresAt.Time().Sub(now),
		Scopes:    g.Access[i].Scopes,
		Grant:     g,
		Repeated:  true,
	}
	if (g.RefreshHash != Hash{}) {
		tokens.Refresh = newest.link.refresh()
	}
	return tokens, true
}
