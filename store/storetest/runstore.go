package storetest

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// RunStore tests that store.Store keeps its own promises on the backends that open
// returns, as in Run. Most rules that need time to pass are tested with Store itself:
// they do not depend on a backend. For the others it waits some tenths of a second.
func RunStore(t *testing.T, open func(t *testing.T) store.Backend) {
	for _, rules := range [][]storeRule{people, ceremonies, clients, consents, assertions, codes, refreshing, revoking, account, passing} {
		for _, r := range rules {
			t.Run(r.sentence, func(t *testing.T) {
				f := &fixture{T: t, backend: open(t)}
				f.use(store.Lifetimes{})
				r.prove(f)
			})
		}
	}
}

type storeRule struct {
	sentence string
	prove    func(f *fixture)
}

// A fixture is a Store on a fresh backend, and what a client and a person do to it.
type fixture struct {
	*testing.T
	backend store.Backend
	store   *store.Store
}

// RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

	otherVerifier = "another-verifier-of-at-least-43-characters-length"
)

const (
	client      = "client"
	otherClient = "other-client"
)

var scopes = []string{"mcp:tools", "notes:read"}

// use puts a Store of these lifetimes on the backend.
func (f *fixture) use(life store.Lifetimes) { f.store = store.New(f.backend, life) }

func (f *fixture) approve() (code string) {
	f.Helper()
	code, err := f.store.Approve(f.Context(), store.Approval{
		UserID:      store.OwnerID,
		Client:      &store.Client{ID: client, Name: "A client"},
		RedirectURI: "https://client.example/callback",
		Resource:    "https://mcp.example.com/mcp",
		Scopes:      scopes,
		Challenge:   challenge,
	})
	f.ok(err)
	return code
}

func redemption(code string) store.Redemption {
	return store.Redemption{
		Code: code, ClientID: client, Verifier: verifier, Refresh: always, Accept: anyGrant,
	}
}

func always([]string) bool        { return true }
func never([]string) bool         { return false }
func anyGrant(*store.Grant) error { return nil }

func (f *fixture) redeem(code string) (store.Tokens, error) {
	return f.store.ConsumeCode(f.Context(), redemption(code))
}

// connect is an approval and its redemption.
func (f *fixture) connect() store.Tokens {
	f.Helper()
	tokens, err := f.redeem(f.approve())
	f.ok(err)
	return tokens
}

func all(g *store.Grant) ([]string, error) { return g.Scopes, nil }

func (f *fixture) rotate(token string) (store.Tokens, error) {
	return f.store.RotateRefresh(f.Context(), token, client, all)
}

func (f *fixture) rotated(token string) store.Tokens {
	f.Helper()
	tokens, err := f.rotate(token)
	f.ok(err)
	return tokens
}

// lives requires that an access token opens its grant.
func (f *fixture) lives(access string) *store.AccessToken {
	f.Helper()
	grant, token, err := f.store.Access(f.Context(), access, time.Now())
	f.ok(err)
	if grant.ClientID != client || grant.UserID != store.OwnerID {
		f.Fatalf("the token opens a grant of %q to %q", grant.UserID, grant.ClientID)
	}
	return token
}

func (f *fixture) dead(access string) {
	f.Helper()
	_, _, err := f.store.Access(f.Context(), access, time.Now())
	f.fails(err, store.ErrNotFound)
}

// ended requires that nothing of these tokens' grant is left.
func (f *fixture) ended(tokens ...store.Tokens) {
	f.Helper()
	for _, t := range tokens {
		f.dead(t.Access)
		if t.Refresh != "" {
			_, err := f.rotate(t.Refresh)
			f.fails(err, store.ErrNotFound)
		}
	}
	left, err := f.backend.List(f.Context(), store.KindGrant, "", "", 1)
	f.ok(err)
	if len(left) != 0 {
		f.Fatalf("the grant is still there: %v", left[0].Key)
	}
}

func (f *fixture) sameTokens(got, want store.Tokens) {
	f.Helper()
	if got.Access != want.Access || got.Refresh != want.Refresh || !slices.Equal(got.Scopes, want.Scopes) {
		f.Fatal("a repeat got other tokens than the first answer had")
	}
	if !got.Repeated {
		f.Fatal("the answer does not say that it is a repeat")
	}
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) fails(err, want error) {
	f.Helper()
	if !is(err, want) {
		f.Fatalf("got the error %v, want %v", err, want)
	}
}

// together runs try from n goroutines at once and returns their errors.
func together(n int, try func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = try(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// once requires that one of errs is nil and the others are lost.
func (f *fixture) once(errs []error, lost error) {
	f.Helper()
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
		} else {
			f.fails(err, lost)
		}
	}
	if winners != 1 {
		f.Fatalf("%d of %d succeeded, want exactly one", winners, len(errs))
	}
}
