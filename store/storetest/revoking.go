package storetest

import "github.com/mcpoauth/mcpoauth/store"

var revoking = []storeRule{
	{"an access token that nobody issued opens nothing", func(f *fixture) {
		a, b := f.connect(), f.connect()
		for _, wrong := range append(forgeries(a.Access, b.Access), a.Refresh, a.Grant.ID) {
			f.dead(wrong)
		}
		f.lives(a.Access)
	}},
	{"revoking an access token ends it alone", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		grant, err := f.store.RevokeToken(f.Context(), first.Access, client)
		f.ok(err)
		if grant.ID != first.Grant.ID {
			f.Error("another grant came back")
		}
		f.dead(first.Access)
		f.lives(second.Access)
		f.rotated(second.Refresh)
		_, err = f.store.RevokeToken(f.Context(), first.Access, client)
		f.fails(err, store.ErrNotFound)
	}},
	{"revoking a refresh token ends its grant with every token", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		_, err := f.store.RevokeToken(f.Context(), second.Refresh, client)
		f.ok(err)
		f.ended(first, second)
	}},
	{"revoking a refresh token that was rotated ends its grant too", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		_, err := f.store.RevokeToken(f.Context(), first.Refresh, client)
		f.ok(err)
		f.ended(first, second)
	}},
	{"another client revokes nothing", func(f *fixture) {
		tokens := f.connect()
		for _, token := range []string{tokens.Access, tokens.Refresh} {
			_, err := f.store.RevokeToken(f.Context(), token, otherClient)
			f.fails(err, store.ErrNotFound)
		}
		f.lives(tokens.Access)
		f.rotated(tokens.Refresh)
	}},
	{"a token that nobody issued revokes nothing", func(f *fixture) {
		a, b := f.connect(), f.connect()
		wrong := append(forgeries(a.Access, b.Access), forgeries(a.Refresh, b.Refresh)[:7]...)
		for _, token := range wrong {
			_, err := f.store.RevokeToken(f.Context(), token, client)
			f.fails(err, store.ErrNotFound)
		}
		f.lives(a.Access)
		f.lives(b.Access)
	}},
	{"revoking a grant ends every token of it, and again is no error", func(f *fixture) {
		first := f.connect()
		second := f.rotated(first.Refresh)
		f.ok(f.store.RevokeGrant(f.Context(), first.Grant.ID))
		f.ok(f.store.RevokeGrant(f.Context(), first.Grant.ID))
		f.ended(first, second)
	}},
	{"an unredeemed code ends with its grant", func(f *fixture) {
		code := f.approve()
		listed, err := f.backend.List(f.Context(), store.KindGrant, "", "", 1)
		f.ok(err)
		f.ok(f.store.RevokeGrant(f.Context(), listed[0].Key.ID))
		_, err = f.redeem(code)
		f.fails(err, store.ErrNotFound)
	}},
}
