package replicas

import (
	"fmt"
	"testing"
	"time"
)

// A history is what happened to one grant, told second by second.
type history struct {
	*grant
	now time.Time
}

const bound = 2 * time.Second

func newHistory() *history {
	return &history{newGrant(&checker{bound: bound}, "code"), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (h *history) wait(d time.Duration) { h.now = h.now.Add(d) }

func numbered(n int) pair { return pair{fmt.Sprint("access", n), fmt.Sprint("refresh", n)} }

func secretOf(n int) string {
	if n == 0 {
		return "code"
	}
	return numbered(n).refresh
}

// get exchanges secret number from for pair number to.
func (h *history) get(from, to int) { h.present(secretOf(from), h.now).granted(numbered(to)) }

func (h *history) lose(from int)   { h.present(secretOf(from), h.now) }
func (h *history) refuse(from int) { h.present(secretOf(from), h.now).refused() }

func (h *history) use(n, replica int, accepted bool) {
	h.call(numbered(n).access, h.now, replica, accepted)
}

func (h *history) end(replica int) {
	h.revokes()
	h.isRevoked(h.now, replica)
}

func (h *history) endAccess(n, replica int) {
	h.revokesAccess(numbered(n).access)
	h.accessIsRevoked(numbered(n).access, h.now, replica)
}

func (h *history) rotate(n int) {
	for i := range n {
		h.get(i, i+1)
	}
}

func TestTheCheckerFindsWhatMustNotHappen(t *testing.T) {
	for name, test := range map[string]struct {
		want   kind
		happen func(h *history)
	}{
		"a good access token is refused":    {lostToken, func(h *history) { h.rotate(1); h.use(1, 0, false) }},
		"an older one is, within the eight": {lostToken, func(h *history) { h.rotate(7); h.use(1, 0, false) }},
		"a good refresh token is refused":   {lostToken, func(h *history) { h.rotate(1); h.refuse(1) }},
		"a code is refused":                 {lostToken, func(h *history) { h.refuse(0) }},
		"a repeat is refused in time": {lostToken, func(h *history) {
			h.rotate(2)
			h.wait(refreshWindow - time.Second)
			h.refuse(1)
		}},
		"a repeat after a lost answer is refused": {lostToken, func(h *history) { h.rotate(1); h.lose(1); h.refuse(1) }},
		"a refresh token is refused because its access token was revoked": {lostToken, func(h *history) {
			h.rotate(1)
			h.endAccess(1, 0)
			h.refuse(1)
		}},
		"a token is accepted too long after its grant was revoked": {lostRevocation, func(h *history) {
			h.rotate(1)
			h.end(0)
			h.wait(bound + time.Millisecond)
			h.use(1, 1, true)
		}},
		"the replica that revoked it accepts it": {lostRevocation, func(h *history) {
			h.rotate(1)
			h.end(1)
			h.wait(time.Millisecond)
			h.use(1, 1, true)
		}},
		"an access token is accepted too long after it was revoked alone": {lostRevocation, func(h *history) {
			h.rotate(2)
			h.endAccess(1, 0)
			h.wait(bound + time.Millisecond)
			h.use(2, 1, true)
			h.use(1, 1, true)
		}},
		"a revoked grant is refreshed": {lostRevocation, func(h *history) {
			h.rotate(1)
			h.end(0)
			h.wait(time.Millisecond)
			h.get(1, 2)
		}},
		"a code gives two pairs": {doubleSpent, func(h *history) { h.get(0, 1); h.get(0, 2) }},
		"a code gives two pairs after a lost answer": {doubleSpent, func(h *history) {
			h.lose(0)
			h.get(0, 1)
			h.get(0, 2)
		}},
		"a code gives the first pair when there is a newer one": {doubleSpent, func(h *history) { h.rotate(2); h.get(0, 1) }},
		"a refresh token gives two pairs":                       {forked, func(h *history) { h.rotate(2); h.get(1, 3) }},
		"a refresh token gives two pairs to two who come at once": {forked, func(h *history) {
			h.rotate(1)
			first, second := h.present(secretOf(1), h.now), h.present(secretOf(1), h.now)
			first.granted(numbered(2))
			second.granted(numbered(3))
		}},
		"an older pair is handed out again": {forked, func(h *history) { h.rotate(3); h.get(1, 2) }},
		"a refresh token gives itself":      {forked, func(h *history) { h.rotate(1); h.get(1, 1) }},
		"the pairs are mixed up": {forked, func(h *history) {
			h.rotate(2)
			h.present(secretOf(1), h.now).granted(pair{numbered(1).access, numbered(2).refresh})
		}},
		"a stranger is let in": {letIn, func(h *history) { h.stranger(true) }},
		"there are two owners": {secondOwner, func(h *history) { h.owners(2) }},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory()
			test.happen(h)
			if len(h.found) != 1 || h.found[test.want] != 1 {
				t.Errorf("found %q %q, want one %s", h.violations(), h.said, test.want)
			}
		})
	}
}

func TestTheCheckerAllowsWhatMayHappen(t *testing.T) {
	for name, happen := range map[string]func(h *history){
		"a refresh after another":                     func(h *history) { h.rotate(20); h.use(20, 0, true) },
		"a repeat of a code":                          func(h *history) { h.get(0, 1); h.get(0, 1) },
		"a repeat after a lost answer":                func(h *history) { h.rotate(1); h.lose(1); h.wait(time.Minute); h.get(1, 2); h.get(1, 2) },
		"a lost answer that shows by an older token":  func(h *history) { h.rotate(2); h.lose(2); h.get(1, 3); h.get(2, 3) },
		"a repeat that skips what was issued since":   func(h *history) { h.rotate(5); h.get(1, 5); h.get(0, 5) },
		"the ninth access token from the end is gone": func(h *history) { h.rotate(9); h.use(1, 0, false) },
		"nothing is certain long after a lost answer": func(h *history) { h.rotate(1); h.lose(1); h.wait(refreshWindow); h.refuse(1); h.use(1, 0, false) },
		"a code comes again too late":                 func(h *history) { h.rotate(1); h.wait(codeWindow); h.refuse(0); h.use(1, 0, false); h.refuse(1) },
		"sixteen refreshes back are too many":         func(h *history) { h.rotate(17); h.refuse(1); h.use(17, 0, false) },
		"a revocation takes its time to the others":   func(h *history) { h.rotate(1); h.end(0); h.wait(bound); h.use(1, 1, true); h.use(1, 0, false) },
		"a revocation whose answer is lost may hold":  func(h *history) { h.rotate(1); h.revokes(); h.use(1, 0, false); h.refuse(1) },
		"a revocation whose answer is lost may fail":  func(h *history) { h.rotate(1); h.revokes(); h.wait(time.Hour); h.use(1, 0, true) },
		"a code is not repeated without its access":   func(h *history) { h.rotate(1); h.endAccess(1, 0); h.refuse(0) },
		"a refresh after its access token was revoked": func(h *history) {
			h.rotate(2)
			h.endAccess(2, 0)
			h.use(2, 0, false)
			h.get(1, 3)
			h.get(2, 3)
			h.use(3, 0, true)
		},
		"a slow answer is older than a quick one": func(h *history) {
			h.rotate(2)
			slow, quick := h.present(secretOf(1), h.now), h.present(secretOf(2), h.now)
			quick.granted(numbered(3))
			slow.granted(numbered(2))
		},
		"one owner and no stranger": func(h *history) { h.owners(1); h.stranger(false) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory()
			happen(h)
			if len(h.found) != 0 {
				t.Errorf("found %q", h.said)
			}
		})
	}
}

func TestTheCheckerMeasuresTheSlowestRevocation(t *testing.T) {
	h := newHistory()
	h.rotate(1)
	h.use(1, 1, true)
	h.end(0)
	for range 3 {
		h.wait(100 * time.Millisecond)
		h.use(1, 1, true)
	}
	h.wait(time.Second)
	h.use(1, 1, false)
	if h.slowest != 300*time.Millisecond {
		t.Errorf("the slowest took %v", h.slowest)
	}
}

func TestRepeatableTokensAreThoseThatDoNotPassForStolen(t *testing.T) {
	h := newHistory()
	h.get(0, 1)
	h.get(1, 2)
	h.wait(refreshWindow)
	h.get(2, 3)
	if got := fmt.Sprint(h.repeatable(h.now)); got != "[refresh3 refresh2]" {
		t.Errorf("they are %s", got)
	}
}
