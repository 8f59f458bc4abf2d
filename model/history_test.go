package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/mcpoauth/mcpoauth/store"
)

// What a history can do besides making one call.
const (
	connect operation = "connect" // approve and redeem
	burst   operation = "burst"   // many refreshes one after the other
	race    operation = "race"    // several calls at once
	jump    operation = "jump"    // of the clock, forward
	back    operation = "back"    // of the clock, back
	restart operation = "restart"
	kill    operation = "kill"
)

// A history is what is going to happen. It says "the second newest grant" and not which that
// is, so that it means something also when parts of it are left out.
type history struct {
	life  store.Lifetimes
	steps []step
}

// GoString is what rapid prints of a history, which is told better by what came of it.
func (h history) GoString() string { return fmt.Sprintf("%d steps", len(h.steps)) }

// A step is one thing that happens. Which of its fields matter depends on the operation.
type step struct {
	operation
	person, client int
	grant, link    int // counted from the newest
	wrong          bool
	replica        int
	times          int
	moment         int // which deadline a clock jumps to
	edge           int // how far beyond it
	lanes          []step
	turns          []int
}

// lifetimes are short, because in a bubble a day has 1,440 sweeps. The first is like the
// default: a grace period that is much shorter than an access token lives.
var lifetimes = []store.Lifetimes{
	{Code: time.Minute, Access: 10 * time.Minute, RefreshIdle: 30 * time.Minute, RefreshGrace: 30 * time.Second},
	{Code: time.Minute, Access: 10 * time.Minute, RefreshIdle: 30 * time.Minute, RefreshGrace: 15 * time.Minute},
	{Code: time.Minute, Access: 10 * time.Minute, RefreshIdle: 30 * time.Minute, RefreshGrace: -1},
}

// often repeats an operation, so that it is drawn as often.
func often(times map[operation]int) (all []operation) {
	for _, o := range []operation{
		connect, refresh, jump, redeem, revokeToken, race, approve, createKey, burst, revokeGrant,
		revokeAll, suspend, resume, back, restart, kill, connections, remove,
	} { // the simplest first: what is shrunk becomes one of these
		all = append(all, slices.Repeat([]operation{o}, times[o])...)
	}
	return all
}

var (
	anything = often(map[operation]int{
		connect: 4, refresh: 8, jump: 7, redeem: 3, revokeToken: 4, race: 5, approve: 2, createKey: 2, burst: 2, revokeGrant: 1,
		revokeAll: 1, suspend: 1, resume: 2, back: 2, restart: 1, kill: 1, connections: 1, remove: 1,
	})
	atOnce = often(map[operation]int{refresh: 8, redeem: 4, revokeToken: 4, revokeGrant: 2, approve: 1, createKey: 1})
	ending = []operation{revokeAll, suspend, remove}
)

// draw returns a history of about as many steps as -rapid.steps says.
func draw(t *rapid.T) (h history) {
	h.life = rapid.SampledFrom(lifetimes).Draw(t, "lifetimes")
	t.Repeat(map[string]func(*rapid.T){"step": func(t *rapid.T) { h.steps = append(h.steps, drawStep(t, anything)) }})
	return h
}

func drawStep(t *rapid.T, from []operation) step {
	upTo := func(most int) int { return rapid.IntRange(0, most).Draw(t, "") }
	seldom := func() bool { return upTo(7) == 7 }
	s := step{operation: rapid.SampledFrom(from).Draw(t, "")}
	switch s.operation {
	case connect, approve, createKey, suspend, resume, remove, revokeAll, connections:
		s.person, s.client = upTo(len(peopleIDs)-1), upTo(len(clients)-1)
	case redeem, refresh, revokeToken:
		s.grant, s.link, s.wrong = upTo(3), upTo(3), seldom()
		s.person = upTo(1) // for revokeToken: which of the pair
	case revokeGrant:
		s.grant = upTo(3)
	case burst:
		s.grant, s.times = upTo(2), upTo(store.MaxSpent+2)
	case jump, back:
		s.moment, s.edge = upTo(9), upTo(3)
	case race:
		drawRace(t, &s)
	}
	if s.operation != jump && s.operation != back {
		s.replica = upTo(1)
	}
	return s
}

// drawRace draws two to four calls, of which one may end several grants.
func drawRace(t *rapid.T, s *step) {
	for range rapid.IntRange(2, 3).Draw(t, "") {
		s.lanes = append(s.lanes, drawStep(t, atOnce))
	}
	if rapid.IntRange(0, 3).Draw(t, "") == 3 {
		s.lanes = append(s.lanes, drawStep(t, ending))
	}
	s.turns = rapid.SliceOfN(rapid.IntRange(0, len(s.lanes)-1), 0, 16).Draw(t, "")
}

// choose turns a step into a call on what there is. There may be nothing to make it on.
func (s step) choose(m *model) (c call, ok bool) {
	c = call{operation: s.operation, person: s.person, client: s.client, verifier: true}
	switch s.operation {
	case revokeAll, connections:
		c.person = s.person - 1 // of everybody too
	case redeem, refresh, revokeToken, revokeGrant:
		return s.chooseToken(c, m)
	}
	return c, true
}

func (s step) chooseToken(c call, m *model) (call, bool) {
	var able []*grant
	for i := range m.grants {
		g := &m.grants[len(m.grants)-1-i]
		if s.operation == revokeGrant || g.client != noClient && (s.operation == redeem || g.newest().access != "") {
			able = append(able, g)
		}
	}
	if len(able) == 0 {
		return c, false
	}
	g := able[s.grant%len(able)]
	c.grant, c.client, c.person = g.id, max(g.client, 0), 0
	l := g.chain[len(g.chain)-1-s.link%len(g.chain)]
	switch s.operation {
	case redeem:
		c.token = g.chain[0].secret
		c.verifier = !s.wrong || s.person == 0
	case refresh:
		c.token = l.secret
		if c.token == g.chain[0].secret {
			c.token = g.newest().secret
		}
	case revokeToken:
		if c.token = l.secret; s.person == 0 && l.access != "" {
			c.token = l.access
		}
	}
	if s.wrong && c.verifier {
		c.client = (c.client + 1) % len(clients)
	}
	return c, s.operation == revokeGrant || c.token != ""
}

// name is what a token is called in a report: a letter, its grant and its place in the chain.
func (m *model) name(token string) string {
	g, at := m.find(token)
	if g == nil {
		return "one that is new"
	}
	grant := slices.IndexFunc(m.grants, func(other grant) bool { return other.id == g.id }) + 1
	switch l := g.chain[at]; {
	case g.client == noClient:
		return fmt.Sprintf("key %d", grant)
	case l.access == token:
		return fmt.Sprintf("access %d.%d", grant, at)
	case at == 0:
		return fmt.Sprintf("code %d", grant)
	}
	return fmt.Sprintf("refresh %d.%d", grant, at)
}

func (m *model) tell(c call) string {
	switch c.operation {
	case approve:
		return fmt.Sprintf("person %d approves client %d", c.person, c.client)
	case redeem:
		return fmt.Sprintf("client %d redeems %s, verifier right: %t", c.client, m.name(c.token), c.verifier)
	case refresh:
		return fmt.Sprintf("client %d refreshes with %s", c.client, m.name(c.token))
	case revokeToken:
		return fmt.Sprintf("client %d revokes %s", c.client, m.name(c.token))
	case access:
		return fmt.Sprintf("somebody presents %s", m.name(c.token))
	case revokeGrant:
		i := slices.IndexFunc(m.grants, func(g grant) bool { return g.id == c.grant })
		return fmt.Sprintf("revoke grant %d", i+1)
	case createKey, revokeAll, suspend, resume, remove, connections:
		if c.person == everybody {
			return fmt.Sprintf("%s of everybody", c.operation)
		}
		return fmt.Sprintf("%s of person %d", c.operation, c.person)
	}
	return string(c.operation)
}

// tellAnswer is called with what is believed after it.
func (m *model) tellAnswer(a answer) string {
	said := []string{string(a.verdict)}
	for _, token := range []string{a.token, a.refresh} {
		if token != "" {
			said = append(said, m.name(token))
		}
	}
	return strings.Join(said, ", ")
}
