package model

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// An operation is a kind of request.
type operation string

const (
	approve     operation = "approve"
	createKey   operation = "create key"
	redeem      operation = "redeem"
	refresh     operation = "refresh"
	access      operation = "access"
	revokeToken operation = "revoke token"
	revokeGrant operation = "revoke grant"
	revokeAll   operation = "revoke all"
	suspend     operation = "suspend"
	resume      operation = "resume"
	remove      operation = "remove"
	connections operation = "connections"
)

// everybody is a person whose grants revokeAll ends.
const everybody = -1

// plainClient is the client that registered without refresh tokens.
const plainClient = 2

// keyLife is how long the API keys live that histories make.
const keyLife = 20 * time.Minute

// A call is one request.
type call struct {
	operation
	person   int    // who approves, or whom it happens to
	client   int    // who presents token
	token    string //
	grant    string // the ID, for revokeGrant
	verifier bool   // the PKCE verifier is right
}

// A verdict is what a call is answered, in one word. Over HTTP some are told apart by nobody.
type verdict string

const (
	yes           verdict = "yes"
	gone          verdict = "not found"
	anothers      verdict = "another client's"
	wrongVerifier verdict = "wrong verifier"
	reused        verdict = "reused"
	isOwner       verdict = "not the owner"

	refused verdict = "refused" // one of those above but yes
	done    verdict = "done"    // any of them
)

func (v verdict) is(want verdict) bool {
	return v == want || v == done || v == refused && want != yes
}

// An answer is what came back.
type answer struct {
	verdict
	token    string // a code, API key or access token
	refresh  string
	left     time.Duration // that token lives, to within slack
	slack    time.Duration
	repeated bool     // the same tokens as before
	coarse   bool     // it does not say whether they are
	ids      []string // of connections
}

// apply lets a call happen. It returns why its answer is wrong, or "".
func (m *model) apply(c call, a answer) (wrong string) {
	switch c.operation {
	case approve, createKey:
		return m.begin(c, a)
	case redeem:
		return m.redeem(c, a)
	case refresh:
		return m.refresh(c, a)
	case access:
		g, i := m.find(c.token)
		opened := !m.isOver(g) && m.opensLink(&g.chain[i])
		return expect(a, map[bool]verdict{true: yes, false: gone}[opened])
	case revokeToken:
		return m.revoke(c, a)
	case revokeGrant:
		i := slices.IndexFunc(m.grants, func(g grant) bool { return g.id == c.grant })
		if a.verdict == gone && m.isOver(&m.grants[i]) {
			return "" // who is told that there is nothing has ended nothing
		}
		m.end(&m.grants[i])
	case revokeAll:
		m.endAll(c.person)
	case suspend, resume, remove:
		return m.rule(c, a)
	case connections:
		return m.list(c, a)
	}
	return expect(a, yes)
}

func expect(a answer, want verdict) string {
	if a.verdict.is(want) {
		return ""
	}
	return fmt.Sprintf("want %q", want)
}

// begin: nobody who is suspended or gone approves anything or has keys made.
func (m *model) begin(c call, a answer) string {
	if !m.present(c.person) {
		return expect(a, gone)
	}
	if a.verdict != yes {
		return expect(a, yes)
	}
	g := grant{id: grantOf(a.token), person: c.person, client: c.client}
	if c.operation == createKey {
		g.client, g.redeemed, g.until = noClient, true, m.in(keyLife)
		g.chain = []link{{access: a.token, accessLife: g.until}}
	} else {
		g.until = m.in(m.life.Code)
		g.chain = []link{{secret: a.token}}
	}
	m.grants = append(m.grants, g)
	return ""
}

// redeem: a code is good once, for its client and with its verifier (RFC 7636 §4.6); the same
// request again shortly after gets the same tokens; and any other use after the first ends
// the grant (RFC 6749 §4.1.2).
func (m *model) redeem(c call, a answer) string {
	g, _ := m.find(c.token)
	if m.isOver(g) {
		return m.refuse(g, a)
	}
	code := &g.chain[0]
	switch {
	case g.client != c.client:
		return expect(a, anothers)
	case !m.present(g.person):
		return expect(a, gone)
	case g.redeemed && (!c.verifier || m.late(g, 0)):
		m.end(g)
		return expect(a, reused)
	case g.redeemed && !m.opensLink(g.newest()):
		return expect(a, gone) // there is nothing to repeat, and it is no theft
	case g.redeemed:
		return m.repeats(g, a)
	case !c.verifier:
		return expect(a, wrongVerifier)
	}
	return m.issues(g, code, store.CodeRetry, a)
}

// refresh: a refresh token is good once, for its client; within the grace period it gets
// the newest pair again, or one newer still if that one's access token is dead; and after it,
// it ends the grant (RFC 9700 §4.14.2).
func (m *model) refresh(c call, a answer) string {
	g, i := m.find(c.token)
	if m.isOver(g) {
		return m.refuse(g, a)
	}
	l := &g.chain[i]
	switch {
	case g.client != c.client:
		return expect(a, anothers)
	case !m.present(g.person):
		return expect(a, gone)
	case l.spent && m.late(g, i):
		m.end(g)
		return expect(a, reused)
	case l.spent && m.opensLink(g.newest()):
		return m.repeats(g, a)
	}
	return m.issues(g, g.newest(), m.life.RefreshGrace, a)
}

// late reports whether a spent secret passes for stolen: if it was spent too long ago, or
// nobody remembers the way from it to the newest pair. How long a request has waited for its
// turn does not count, so that of two at once the second may be in time without any grace.
func (m *model) late(g *grant, i int) bool {
	if g.chain[i].raced && m.guess() {
		return false
	}
	faded := slices.ContainsFunc(g.chain[i:], func(l link) bool { return l.faded })
	return m.past(g.chain[i].window) || g.chain[i].lost || faded && m.guess()
}

// refuse: of many who come while a grant ends, each may be told the reason for the end.
func (m *model) refuse(g *grant, a answer) string {
	if g.raced && a.verdict == reused {
		return ""
	}
	return expect(a, gone)
}

// issues: the answer has to be a new pair, in exchange for a link.
func (m *model) issues(g *grant, spent *link, window time.Duration, a answer) string {
	pair := link{secret: a.refresh, access: a.token, accessLife: m.in(m.life.Access)}
	refreshes := g.client != plainClient
	known := func(token string) bool { found, _ := m.find(token); return found != nil }
	switch {
	case a.verdict != yes:
		return "want a new pair"
	case known(pair.access) || known(pair.secret):
		return "want a pair that is new"
	case (pair.secret != "") != refreshes:
		return fmt.Sprintf("a refresh token: %t, want %t", pair.secret != "", refreshes)
	case (a.left - m.life.Access).Abs() > a.slack:
		return fmt.Sprintf("it lives for %v, want %v", a.left, m.life.Access)
	case a.repeated && !a.coarse:
		return "want no repeat"
	}
	g.redeemed, spent.spent, spent.raced, spent.window = true, true, m.racing, m.in(window)
	g.chain = append(g.chain, pair)
	if refreshes {
		g.idle = m.in(m.life.RefreshIdle)
	}
	m.forget(g)
	return ""
}

// repeats: the answer has to be the newest pair.
func (m *model) repeats(g *grant, a answer) string {
	newest := g.newest()
	left := newest.accessLife.at.Sub(m.now)
	switch {
	case a.verdict != yes || a.token != newest.access || a.refresh != newest.secret:
		return "want the newest pair again"
	case (a.left - left).Abs() > a.slack:
		return fmt.Sprintf("it lives for %v, want %v", a.left, left)
	case !a.repeated && !a.coarse:
		return "want a repeat"
	}
	return ""
}

// forget: what a grant need not keep any more, after an exchange.
func (m *model) forget(g *grant) {
	live := 0
	for i := len(g.chain) - 1; i >= 0; i-- {
		l := &g.chain[i]
		if l.access != "" && !l.accessOver {
			if over, _ := m.surely(l.accessLife); over || live == store.MaxAccess {
				l.accessOver = true
			} else {
				live++
			}
		}
		if l.spent {
			l.lost = l.lost || len(g.chain)-1-i > store.MaxSpent
			// The grace period is how long a grant remembers. If it is short, also a code.
			l.faded = l.faded || !m.now.Before(l.window.at) || m.life.RefreshGrace < store.CodeRetry && i < len(g.chain)-2
		}
	}
	m.settle(g)
}

// settle: a grant lives as long as the last of its tokens.
func (m *model) settle(g *grant) {
	last := m.now
	if g.idle.at.After(last) {
		last = g.idle.at
	}
	for _, l := range g.chain {
		if l.access != "" && !l.accessOver && l.accessLife.at.After(last) {
			last = l.accessLife.at
		}
	}
	g.until = deadline{at: last}
	g.raced = g.raced || m.racing && last.Equal(m.now)
}

// revoke: an access token ends alone, a refresh token of whatever age with its whole grant, and
// only its own client can do so (RFC 7009 §2.1). Nothing else is revoked that way.
func (m *model) revoke(c call, a answer) string {
	g, i := m.find(c.token)
	l := &g.chain[i]
	isRefresh := i > 0 && l.secret == c.token
	isAccess := g.client != noClient && l.access == c.token
	switch {
	case !isRefresh && !isAccess:
		return expect(a, gone)
	case m.isOver(g):
		if isRefresh && g.raced && a.verdict == yes {
			return "" // two who end the same grant at once have both ended it
		}
		return expect(a, gone)
	case g.client != c.client || isAccess && l.accessOver:
		return expect(a, gone)
	case isRefresh:
		m.end(g)
		return expect(a, yes)
	case m.past(l.accessLife) && m.guess():
		return expect(a, gone)
	}
	l.accessOver = true
	m.settle(g)
	return expect(a, yes)
}

// rule: who is suspended or removed is shut out, and nothing of theirs works again; the owner
// can be neither.
func (m *model) rule(c call, a answer) string {
	p := &m.people[c.person]
	switch {
	case c.operation != resume && c.person == 0:
		return expect(a, isOwner)
	case c.operation == remove:
		p.gone = true
	case p.gone:
		return expect(a, gone)
	default:
		p.suspended = c.operation == suspend
	}
	if c.operation != resume {
		m.endAll(c.person)
	}
	return expect(a, yes)
}

// list: connections are the grants that live, once redeemed.
func (m *model) list(c call, a answer) string {
	for i := range m.grants {
		g := &m.grants[i]
		must, mustNot := m.lives(g)
		listed := slices.Contains(a.ids, g.id)
		mine := c.person == everybody || c.person == g.person
		if listed && (mustNot || !mine) || !listed && must && mine {
			return fmt.Sprintf("grant %d is listed: %t", i+1, listed)
		}
	}
	return expect(a, yes)
}

// grantOf returns the ID of the grant that a code or API key names, which is all that the model
// knows of how one looks.
func grantOf(token string) string {
	const prefix = len("mcpoauth_ac_")
	if len(token) < prefix+secret.IDLen {
		return ""
	}
	return token[prefix : prefix+secret.IDLen]
}
