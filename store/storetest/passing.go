package storetest

import (
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// brief is a life that is over soon. Nothing is required before its end, so that no
// machine is too slow.
const brief = 50 * time.Millisecond

// passing holds whether or not a backend still has what has expired.
var passing = []storeRule{
	{"a code that nobody redeemed in its time is not found", func(f *fixture) {
		f.use(store.Lifetimes{Code: brief})
		code := f.approve()
		f.pass(brief)
		_, err := f.redeem(code)
		f.fails(err, store.ErrNotFound)
		f.expired()
	}},
	{"an access token ends in its time, and its grant lives on by the refresh token", func(f *fixture) {
		f.use(store.Lifetimes{Access: brief})
		tokens := f.connect()
		f.pass(brief)
		f.dead(tokens.Access)
		f.use(store.Lifetimes{})
		f.lives(f.rotated(tokens.Refresh).Access)
	}},
	{"a grant ends with the last of its tokens", func(f *fixture) {
		f.use(store.Lifetimes{Access: brief, RefreshIdle: brief})
		tokens := f.connect()
		f.pass(brief)
		f.dead(tokens.Access)
		_, err := f.rotate(tokens.Refresh)
		f.fails(err, store.ErrNotFound)
		for _, token := range []string{tokens.Refresh, tokens.Access} {
			_, err := f.store.RevokeToken(f.Context(), token, client)
			f.fails(err, store.ErrNotFound)
		}
		f.expired()
	}},
	{"a grant outlives the time of its code", func(f *fixture) {
		tokens, life := f.connectInTime()
		f.pass(life)
		f.lives(tokens.Access)
		f.lives(f.rotated(tokens.Refresh).Access)
	}},
}

// pass waits until a life that has begun is over.
func (f *fixture) pass(life time.Duration) {
	f.Helper()
	end := time.Now().Add(life + 20*time.Millisecond)
	f.ok(until(f.Context(), func() bool { return time.Now().After(end) }))
}

// expired requires that what is left of grants says that it is over.
func (f *fixture) expired() {
	f.Helper()
	left, err := f.backend.List(f.Context(), store.KindGrant, "", "", 10)
	f.ok(err)
	for _, record := range left {
		if record.ExpiresAt.IsZero() || record.ExpiresAt.After(time.Now()) {
			f.Errorf("%v expires at %v", record.Key, record.ExpiresAt)
		}
	}
}

// connectInTime connects with a code of a life so brief that the rest of the test can
// wait for its end, and no briefer than the backend is fast.
func (f *fixture) connectInTime() (tokens store.Tokens, life time.Duration) {
	f.Helper()
	for life = brief; life < time.Minute; life *= 2 {
		f.use(store.Lifetimes{Code: life})
		tokens, err := f.redeem(f.approve())
		if !errors.Is(err, store.ErrNotFound) {
			f.ok(err)
			return tokens, life
		}
	}
	f.Fatal("no code was redeemed within a minute")
	return tokens, life
}
