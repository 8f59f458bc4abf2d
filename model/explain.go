package model

import (
	"fmt"
	"slices"
)

// beliefs are the states that a server may be in, for all that it has answered so far.
// Mostly there is one.
type beliefs []*model

// maxBeliefs is how many are followed. A history that leaves more open is given up.
const maxBeliefs = 64

// A told call is one with its answer, and when in the course of a race it began and ended.
type told struct {
	call
	answer
	began, ended int
}

// explain returns what can be believed after a call was answered, or why the answer is
// wrong.
func (b beliefs) explain(t told) (after beliefs, wrong string) {
	for _, m := range b {
		for guesses, ways := uint(0), uint(1); guesses < ways; guesses++ {
			next := m.clone()
			next.guesses, next.asked = guesses, 0
			problem := next.apply(t.call, t.answer)
			ways = max(ways, 1<<min(next.asked, 6))
			if problem != "" {
				wrong = problem
				continue
			}
			after = after.with(next)
		}
	}
	return after, wrong
}

// with adds a belief, if it is a new one.
func (b beliefs) with(m *model) beliefs {
	m.guesses, m.asked = 0, 0
	if len(b) == 0 {
		return beliefs{m}
	}
	state := m.state()
	if slices.ContainsFunc(b, func(other *model) bool { return other.state() == state }) {
		return b
	}
	return append(b, m)
}

func (m *model) state() string { return fmt.Sprint(m.people, m.ending, m.grants) }

// explainRace returns what can be believed after calls that were under way at once: each
// order counts in which every call comes after those that had ended when it began.
func (b beliefs) explainRace(calls []told) (after beliefs) {
	for _, m := range b {
		racing := m.clone()
		racing.racing = true
		after = racing.orders(calls, 0, -1, after)
	}
	var settled beliefs
	for _, m := range after {
		m.racing = false
		for i := range m.grants {
			m.grants[i].raced = false
			for j := range m.grants[i].chain {
				m.grants[i].chain[j].raced = false
			}
		}
		settled = settled.with(m)
	}
	return settled
}

// orders adds to after what can be believed when the calls that are not done yet happen in
// any order. open is the call that ends all grants of a person and is half done, or -1.
func (m *model) orders(calls []told, did uint, open int, after beliefs) beliefs {
	if did == 1<<len(calls)-1 {
		return after.with(m)
	}
	for i, t := range calls {
		if did&(1<<i) != 0 || !mayBeNext(calls, did, t) {
			continue
		}
		switch {
		case i == open:
			next := m.clone()
			next.ending[t.person] = false
			next.endAll(t.person)
			after = next.orders(calls, did|1<<i, -1, after)
		case open < 0 && t.operation != resume && t.endsAll():
			next := m.clone()
			next.guesses, next.asked = 0, 0
			if next.apply(t.call, t.answer) != "" {
				continue
			}
			next = m.clone()
			next.people[t.person].suspended = next.people[t.person].suspended || t.operation == suspend
			next.people[t.person].gone = next.people[t.person].gone || t.operation == remove
			next.ending[t.person] = true
			after = next.orders(calls, did, i, after)
		default:
			nexts, _ := beliefs{m}.explain(t)
			for _, next := range nexts {
				after = next.orders(calls, did|1<<i, open, after)
			}
		}
	}
	return after
}

// endsAll reports whether a call changes more than one record, so that others may happen
// in the middle of it.
func (t told) endsAll() bool {
	return t.verdict == yes && t.person != everybody && (t.operation == revokeAll || t.operation == suspend || t.operation == remove)
}

func mayBeNext(calls []told, did uint, t told) bool {
	for i, other := range calls {
		if did&(1<<i) == 0 && other.ended < t.began {
			return false
		}
	}
	return true
}
