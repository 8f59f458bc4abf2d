package storetest

import (
	"errors"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
)

var errRefused = errors.New("refused")

var codes = []storeRule{
	{"a code is exchanged for tokens of what was approved", func(f *fixture) {
		tokens := f.connect()
		if tokens.Repeated || tokens.ExpiresIn != store.DefaultAccess || !slices.Equal(tokens.Scopes, scopes) {
			f.Errorf("the answer is %+v", tokens)
		}
		if g := tokens.Grant; g.Resource != "https://mcp.example.com/mcp" || g.ClientID != client || g.Code != nil {
			f.Errorf("the grant is %+v", g)
		}
		if got := f.lives(tokens.Access).Scopes; !slices.Equal(got, scopes) {
			f.Errorf("the access token has the scopes %q", got)
		}
		f.rotated(tokens.Refresh)
	}},
	{"a repeat of the exchange gets the same tokens", func(f *fixture) {
		code := f.approve()
		first, err := f.redeem(code)
		f.ok(err)
		for range 3 {
			again, err := f.redeem(code)
			f.ok(err)
			f.sameTokens(again, first)
		}
		f.lives(first.Access)
	}},
	{"many exchanges of a code at once all get the same tokens", func(f *fixture) {
		code := f.approve()
		var answers [50]store.Tokens
		for _, err := range together(len(answers), func(i int) (err error) {
			answers[i], err = f.redeem(code)
			return err
		}) {
			f.ok(err)
		}
		for _, a := range answers {
			if a.Access != answers[0].Access || a.Refresh != answers[0].Refresh {
				f.Fatal("two answers differ")
			}
		}
		f.lives(answers[0].Access)
	}},
	{"a repeat after a refresh gets the newest tokens", func(f *fixture) {
		code := f.approve()
		first, err := f.redeem(code)
		f.ok(err)
		second := f.rotated(first.Refresh)
		again, err := f.redeem(code)
		f.ok(err)
		f.sameTokens(again, second)
	}},
	{"an exchange without refresh gets none, and so does its repeat", func(f *fixture) {
		r := redemption(f.approve())
		r.Refresh = never
		first, err := f.store.ConsumeCode(f.Context(), r)
		f.ok(err)
		again, err := f.store.ConsumeCode(f.Context(), r)
		f.ok(err)
		f.sameTokens(again, first)
		if first.Refresh != "" {
			f.Error("there is a refresh token")
		}
	}},
	{"a wrong verifier does not spend the code", func(f *fixture) {
		code := f.approve()
		r := redemption(code)
		r.Verifier = otherVerifier
		_, err := f.store.ConsumeCode(f.Context(), r)
		f.fails(err, store.ErrWrongVerifier)
		_, err = f.redeem(code)
		f.ok(err)
	}},
	{"a wrong verifier after the exchange ends the grant", func(f *fixture) {
		r := redemption(f.approve())
		tokens, err := f.store.ConsumeCode(f.Context(), r)
		f.ok(err)
		r.Verifier = otherVerifier
		_, err = f.store.ConsumeCode(f.Context(), r)
		f.fails(err, store.ErrReused)
		f.ended(tokens)
	}},
	{"another client neither spends the code nor ends its grant", func(f *fixture) {
		r := redemption(f.approve())
		other := r
		other.ClientID = otherClient
		_, err := f.store.ConsumeCode(f.Context(), other)
		f.fails(err, store.ErrWrongClient)
		tokens, err := f.store.ConsumeCode(f.Context(), r)
		f.ok(err)
		_, err = f.store.ConsumeCode(f.Context(), other)
		f.fails(err, store.ErrWrongClient)
		f.lives(tokens.Access)
	}},
	{"what Accept refuses changes nothing", func(f *fixture) {
		r := redemption(f.approve())
		refusing := r
		refusing.Accept = func(*store.Grant) error { return errRefused }
		_, err := f.store.ConsumeCode(f.Context(), refusing)
		f.fails(err, errRefused)
		_, err = f.store.ConsumeCode(f.Context(), r)
		f.ok(err)
	}},
	{"a code that nobody issued is not found and ends nothing", func(f *fixture) {
		code := f.approve()
		for _, wrong := range forgeries(code, f.approve()) {
			_, err := f.redeem(wrong)
			f.fails(err, store.ErrNotFound)
		}
		tokens, err := f.redeem(code)
		f.ok(err)
		_, err = f.redeem(tokens.Refresh)
		f.fails(err, store.ErrNotFound)
		f.lives(tokens.Access)
	}},
	{"a repeat after the tokens were revoked gets nothing, and is no theft", func(f *fixture) {
		code := f.approve()
		tokens, err := f.redeem(code)
		f.ok(err)
		_, err = f.store.RevokeToken(f.Context(), tokens.Access, client)
		f.ok(err)
		_, err = f.redeem(code)
		f.fails(err, store.ErrNotFound)
		f.rotated(tokens.Refresh)
	}},
}

// forgeries are secrets that look much like a and b, two of the same kind, and
// were never issued.
func forgeries(a, b string) []string {
	half := len(a) / 2
	return []string{
		"", a[:len(a)-1], a + "A", " " + a, strings.ToUpper(a),
		a[:half] + b[half:], b[:half] + a[half:],
		a[:len(a)-1] + string(flip(a[len(a)-1])),
		strings.Repeat("A", len(a)), a[:13] + strings.Repeat("A", len(a)-13),
	}
}

// flip returns another character of the alphabet that may stand last in a secret.
func flip(c byte) byte {
	if c == 'A' {
		return 'E'
	}
	return 'A'
}
