package replicas

import (
	"slices"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// How long before the end of the grace period a repeat may already come too late: it
// has to pass the proxy, and its client has to be looked up, before its time is taken.
const (
	codeWindow    = store.CodeRetry - 6*time.Second
	refreshWindow = store.DefaultRefreshGrace - 20*time.Second
)

// A grant is what is known of one: what was acknowledged, and what may have happened
// besides. Requests whose outcome nobody knows may take effect at any later time.
type grant struct {
	*checker

	mu       sync.Mutex // guards the fields below
	chain    []link     // in the order of the exchanges
	doomed   bool       // something was presented so late that the grant may have ended
	revoking bool       // somebody has begun to end it
	revoked  ack
}

// A link is what an exchange gave. The first one is the code, without an access token.
type link struct {
	secret   string    // the code or refresh token, which gives the next link
	access   string    //
	spent    time.Time // from when on secret may have been spent; zero: it has not been
	revoking bool      // somebody has begun to revoke the access token alone
	revoked  ack
}

// An ack is when, and by which replica, something was acknowledged; zero: never.
type ack struct {
	at      time.Time
	replica int
}

type pair struct{ access, refresh string }

func newGrant(c *checker, code string) *grant {
	return &grant{checker: c, chain: []link{{secret: code}}}
}

// newest returns the last pair that was acknowledged.
func (g *grant) newest() pair {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.chain[len(g.chain)-1]
	return pair{last.access, last.secret}
}

// repeatable returns the refresh tokens that may be presented at that time without
// passing for stolen, the newest first.
func (g *grant) repeatable(at time.Time) (tokens []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.chain) - 1; i > 0 && !g.late(i, at); i-- {
		tokens = append(tokens, g.chain[i].secret)
	}
	return tokens
}

// over reports whether nothing can be said of the grant any more but that what was
// revoked stays so.
func (g *grant) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.doomed || g.revoking
}

// late reports whether the secret of link i may count as stolen.
func (g *grant) late(i int, at time.Time) bool {
	window := refreshWindow
	if i == 0 {
		window = codeWindow
	}
	spent := g.chain[i].spent
	// One more than are known may have been spent.
	return !spent.IsZero() && (at.Sub(spent) >= window || len(g.chain)-i >= store.MaxSpent-1)
}

// An exchange is a request that presents a code or a refresh token.
type exchange struct {
	g           *grant
	begun       time.Time
	from, floor int // indices of what is presented, and of what was the newest
}

func (g *grant) present(secret string, at time.Time) *exchange {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.chain, func(l link) bool { return l.secret == secret })
	g.doomed = g.doomed || g.late(i, at)
	g.spend(i, at)
	head := len(g.chain) - 1
	if g.chain[head].revoking {
		g.spend(head, at) // a repeat cannot answer with a dead access token, and goes on from here
	}
	return &exchange{g: g, begun: at, from: i, floor: head}
}

func (g *grant) spend(i int, at time.Time) {
	if g.chain[i].spent.IsZero() {
		g.chain[i].spent = at
	}
}

// granted is told of an answer with tokens.
func (e *exchange) granted(p pair) {
	g := e.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.revoked.at.IsZero() && e.begun.After(g.revoked.at) {
		g.violation(lostRevocation, "tokens were issued %v after the grant was revoked", e.begun.Sub(g.revoked.at))
	}
	k := forked
	if e.from == 0 {
		k = doubleSpent
	}
	head := len(g.chain) - 1
	i := slices.IndexFunc(g.chain, func(l link) bool { return l.secret == p.refresh })
	switch {
	case i >= 0 && g.chain[i].access != p.access:
		g.violation(k, "one refresh token came with two access tokens")
	case i >= 0 && (i < e.floor || i <= e.from):
		g.violation(k, "exchange %d was answered with pair %d when pair %d was the newest", e.from, i, e.floor)
	case i < 0 && g.chain[head].spent.IsZero():
		g.violation(k, "exchange %d gave another pair than pair %d, which nobody had exchanged", e.from, head)
	}
	if i < 0 {
		g.chain = append(g.chain, link{secret: p.refresh, access: p.access})
	}
}

// refused is told of a final refusal.
func (e *exchange) refused() {
	g := e.g
	g.mu.Lock()
	defer g.mu.Unlock()
	gone := func(l link) bool { return l.revoking }
	switch {
	case g.doomed, g.revoking:
	case e.from == 0 && slices.ContainsFunc(g.chain, gone): // no repeat with a dead access token
	default:
		g.violation(lostToken, "the secret of pair %d of %d was refused", e.from, len(g.chain)-1)
		g.doomed = true // once is enough
	}
}
