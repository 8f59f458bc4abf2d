package storetest

import (
	"slices"

	"github.com/mcpoauth/mcpoauth/store"
)

var refreshing = []storeRule{
	{"a refresh token is exchanged for a new pair", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		if second.Access == first.Access || second.Refresh == first.Refresh || second.Repeated {
			f.Error("the pair is not new")
		}
		f.lives(first.Access) // it has not run out
		f.lives(second.Access)
	}},
	{"a repeat within the grace period gets the same pair", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		again := f.rotated(first.Refresh)
		f.sameTokens(again, second)
		f.rotated(again.Refresh)
	}},
	{"a repeat from several rotations back gets the newest pair", func(f *fixture) {
		first := f.connect()
		newest := first
		for range 5 {
			newest = f.rotated(newest.Refresh)
		}
		f.sameTokens(f.rotated(first.Refresh), newest)
		f.lives(newest.Access)
		f.rotated(newest.Refresh)
	}},
	{"a repeat after the grace period ends the grant with every token", func(f *fixture) {
		f.use(store.Lifetimes{RefreshGrace: -1})
		first := f.connect()
		second := f.rotated(first.Refresh)
		third := f.rotated(second.Refresh)
		_, err := f.rotate(first.Refresh)
		f.fails(err, store.ErrReused)
		f.ended(first, second, third)
	}},
	{"a token from more rotations back than are remembered ends the grant", func(f *fixture) {
		first := f.connect()
		newest := first
		for range store.MaxSpent + 2 {
			newest = f.rotated(newest.Refresh)
		}
		_, err := f.rotate(first.Refresh)
		f.fails(err, store.ErrReused)
		f.ended(first, newest)
	}},
	{"many refreshes with one token at once leave one chain and all get tokens that work", func(f *fixture) {
		first := f.connect()
		var answers [50]store.Tokens
		for _, err := range together(len(answers), func(i int) (err error) {
			answers[i], err = f.rotate(first.Refresh)
			return err
		}) {
			f.ok(err)
		}
		fresh := 0
		for _, a := range answers {
			if a.Access != answers[0].Access || a.Refresh != answers[0].Refresh {
				f.Fatal("a second branch opened")
			}
			if !a.Repeated {
				fresh++
			}
			f.lives(a.Access)
		}
		if fresh != 1 {
			f.Errorf("%d answers say that they are no repeat, want 1", fresh)
		}
		f.lives(f.rotated(answers[0].Refresh).Access)
	}},
	{"many processes that each go on with what they got all stay connected", func(f *fixture) {
		first := f.connect()
		const rotations = 4 // each: the winner's chain stays within MaxSpent
		for _, err := range together(3, func(int) error {
			tokens := first
			for range rotations {
				var err error
				if tokens, err = f.rotate(tokens.Refresh); err != nil {
					return err
				}
				if _, _, err := f.store.Access(f.Context(), tokens.Access, tokens.Grant.UsedAt.Time()); err != nil {
					return err
				}
			}
			return nil
		}) {
			f.ok(err)
		}
	}},
	{"another client neither rotates a token nor ends its grant", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		for _, token := range []string{first.Refresh, second.Refresh} {
			_, err := f.store.RotateRefresh(f.Context(), token, otherClient, all)
			f.fails(err, store.ErrWrongClient)
		}
		f.lives(second.Access)
		f.rotated(second.Refresh)
	}},
	{"a token that nobody issued is not found and ends nothing", func(f *fixture) {
		a, b := f.connect(), f.connect()
		for _, wrong := range append(forgeries(a.Refresh, b.Refresh)[:7], a.Access) {
			_, err := f.rotate(wrong)
			f.fails(err, store.ErrNotFound)
		}
		f.lives(a.Access)
		f.lives(b.Access)
	}},
	{"a token of the right family that was never issued ends the grant", func(f *fixture) {
		tokens := f.connect()
		forged := tokens.Refresh[:len(tokens.Refresh)-1] + string(flip(tokens.Refresh[len(tokens.Refresh)-1]))
		_, err := f.rotate(forged)
		f.fails(err, store.ErrReused)
		f.ended(tokens)
	}},
	{"scopes are narrowed for one access token and not for the grant", func(f *fixture) {
		first := f.connect()
		second, err := f.store.RotateRefresh(f.Context(), first.Refresh, client, func(g *store.Grant) ([]string, error) {
			return g.Scopes[:1], nil
		})
		f.ok(err)
		if got := f.lives(second.Access).Scopes; !slices.Equal(got, scopes[:1]) || !slices.Equal(second.Scopes, scopes[:1]) {
			f.Errorf("the narrowed token has %q", got)
		}
		third := f.rotated(second.Refresh)
		if got := f.lives(third.Access).Scopes; !slices.Equal(got, scopes) {
			f.Errorf("the next token has %q", got)
		}
		if got := f.lives(first.Access).Scopes; !slices.Equal(got, scopes) {
			f.Errorf("the first token has %q now", got)
		}
	}},
	{"what narrow refuses changes nothing", func(f *fixture) {
		first := f.connect()
		_, err := f.store.RotateRefresh(f.Context(), first.Refresh, client, func(*store.Grant) ([]string, error) { return nil, errRefused })
		f.fails(err, errRefused)
		if f.rotated(first.Refresh).Repeated {
			f.Error("the refused attempt spent the token")
		}
	}},
	{"a repeat whose access token was revoked gets a fresh pair", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		_, err := f.store.RevokeToken(f.Context(), second.Access, client)
		f.ok(err)
		third := f.rotated(first.Refresh)
		if third.Repeated || third.Access == second.Access || third.Refresh == second.Refresh {
			f.Error("the pair is not fresh")
		}
		f.dead(second.Access)
		f.lives(third.Access)
		f.lives(f.rotated(third.Refresh).Access)
	}},
	{"the oldest access token gives way to one too many", func(f *fixture) {
		tokens := []store.Tokens{f.connect()}
		for range store.MaxAccess {
			tokens = append(tokens, f.rotated(tokens[len(tokens)-1].Refresh))
		}
		f.dead(tokens[0].Access)
		for _, t := range tokens[1:] {
			f.lives(t.Access)
		}
	}},
}
