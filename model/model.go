package model

import (
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A model is all that matters of a server.
type model struct {
	now    time.Time
	life   store.Lifetimes
	people []person // the owner first
	grants []grant

	// While several requests are under way.
	racing bool
	ending []bool // by person: somebody is ending their grants, one after the other

	// What nobody promised is guessed, each way once: see explain.
	guesses, asked uint
}

type person struct{ suspended, gone bool }

// noClient is the client of an API key.
const noClient = -1

// A grant is one approval, or an API key. Its chain begins with the code; each further link is
// a pair of tokens that the one before was exchanged for.
type grant struct {
	id             string
	person, client int
	redeemed       bool
	over           bool     // revoked, or ended by a reuse
	raced          bool     // it ended in the race that is on
	until          deadline // the last of its tokens lives so long
	idle           deadline // its refresh token does; zero: it has none
	chain          []link
}

// A link is a pair of tokens, or the code, which has no access token.
type link struct {
	secret string // the refresh token; empty: the client gets none
	spent  bool
	raced  bool     // in the race that is on
	window deadline // so long whoever presents it again gets the newest pair
	faded  bool     // it may have been forgotten that it was spent so shortly ago
	lost   bool     // it has been: too many exchanges since

	access     string
	accessLife deadline
	accessOver bool // revoked, or pushed out by newer ones
}

// A deadline has passed when the clock says so. If the clock was put back since, what it ended
// may be there still or not.
type deadline struct {
	at     time.Time
	passed bool
}

func (m *model) in(d time.Duration) deadline {
	return deadline{at: m.now.Add(d), passed: d <= 0}
}

func (m *model) past(d deadline) bool {
	return !m.now.Before(d.at) || d.passed && m.guess()
}

// surely is past without a guess.
func (m *model) surely(d deadline) (past, not bool) {
	past = !m.now.Before(d.at)
	return past, !past && !d.passed
}

// guess says what happened of two things that both may have.
func (m *model) guess() bool {
	yes := m.guesses>>m.asked&1 != 0
	m.asked++
	return yes
}

// jump puts the clock forward or back.
func (m *model) jump(d time.Duration) {
	m.now = m.now.Add(d)
	for d := range m.deadlines {
		d.passed = d.passed || !m.now.Before(d.at)
	}
}

// deadlines calls visit with all there are.
func (m *model) deadlines(visit func(*deadline) bool) {
	for i := range m.grants {
		g := &m.grants[i]
		all := []*deadline{&g.until, &g.idle}
		for j := range g.chain {
			all = append(all, &g.chain[j].window, &g.chain[j].accessLife)
		}
		for _, d := range all {
			if !d.at.IsZero() && !visit(d) {
				return
			}
		}
	}
}

func (m *model) clone() *model {
	next := *m
	next.people, next.ending = slices.Clone(m.people), slices.Clone(m.ending)
	next.grants = slices.Clone(m.grants)
	for i := range next.grants {
		next.grants[i].chain = slices.Clone(next.grants[i].chain)
	}
	return &next
}

func (m *model) present(person int) bool {
	return !m.people[person].suspended && !m.people[person].gone
}

// find returns the grant and the link of a code, refresh token, access token or API key.
func (m *model) find(token string) (g *grant, at int) {
	for i := range m.grants {
		for j, l := range m.grants[i].chain {
			if token != "" && (l.secret == token || l.access == token) {
				return &m.grants[i], j
			}
		}
	}
	return nil, 0
}

// end ends a grant with every token of it.
func (m *model) end(g *grant) {
	g.raced = g.raced || m.racing && !g.over
	g.over = true
}

func (m *model) endAll(person int) {
	for i := range m.grants {
		if person == everybody || m.grants[i].person == person {
			m.end(&m.grants[i])
		}
	}
}

// isOver reports whether nothing is left of a grant.
func (m *model) isOver(g *grant) bool {
	if !g.over && m.ending[g.person] && m.guess() {
		m.end(g)
	}
	return g.over || m.past(g.until)
}

// newest returns the last pair of a grant, or its code.
func (g *grant) newest() *link { return &g.chain[len(g.chain)-1] }

func (m *model) opensLink(l *link) bool { return !l.accessOver && !m.past(l.accessLife) }

// opens says of an access token or API key whether it must open its grant, or must not.
// Neither: nobody promised.
func (m *model) opens(g *grant, l *link) (must, mustNot bool) {
	if g.over || l.accessOver {
		return false, true
	}
	over, kept := m.surely(l.accessLife)
	_, there := m.surely(g.until)
	return kept && there && !m.ending[g.person], over
}

// lives says of a grant whether it must be among a person's connections, or must not be.
func (m *model) lives(g *grant) (must, mustNot bool) {
	if g.over || !g.redeemed {
		return false, true
	}
	over, kept := m.surely(g.until)
	return kept, over
}
