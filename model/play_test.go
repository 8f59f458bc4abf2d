package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A stage is what histories are played on.
type stage struct {
	ground ground
	open   func(store.Backend, store.Lifetimes) (door, error)

	// real is how long a history may take where the clock is the real one; zero: it is that
	// of a bubble, and stands still but for jumps.
	real time.Duration

	// bound is how long a revocation may take to reach another replica.
	bound time.Duration
}

// A player plays one history.
type player struct {
	stage
	history
	beliefs
	backends []store.Backend
	doors    []door
	begun    time.Time
	dead     map[string]bool // tokens that were found dead since they have to be
	report   []string
	made     int // calls
}

var (
	// errLong: a history took so long, or left so much open, that nothing more can be said of it.
	errLong = errors.New("the history is too long")

	// errStays: a token works that must not, which is wrong however much time has passed.
	errStays = errors.New("wrong: a dead token works")
)

// play plays a history and returns what went wrong, with all that happened until then.
func (s stage) play(ctx context.Context, h history) (made int, err error) {
	p := &player{stage: s, history: h, begun: time.Now(), dead: make(map[string]bool)}
	p.beliefs = beliefs{{now: p.begun, life: h.life, people: make([]person, len(peopleIDs)), ending: make([]bool, len(peopleIDs))}}
	p.say("lifetimes: %+v", h.life)
	err = p.begin(ctx)
	for i := 0; i < len(h.steps) && err == nil; i++ {
		err = p.step(ctx, h.steps[i])
	}
	if err == nil {
		err = p.finish(ctx)
	}
	if err != nil && !errors.Is(err, errStays) && p.long() {
		err = errLong // so much later than in the model, anything may have expired
	}
	if err != nil && !errors.Is(err, errLong) {
		err = fmt.Errorf("%s\n%w", strings.Join(p.report, "\n"), err)
	}
	return p.made, errors.Join(err, p.end())
}

func (p *player) long() bool {
	return p.real > 0 && time.Since(p.begun) > p.real || len(p.beliefs) > maxBeliefs
}

func (p *player) begin(ctx context.Context) (err error) {
	if p.backends, err = p.ground.start(ctx); err != nil {
		return err
	}
	if err := settle(ctx, p.backends[0]); err != nil {
		return err
	}
	for _, b := range p.backends {
		d, err := p.open(gate(b), p.life)
		if err != nil {
			return err
		}
		p.doors = append(p.doors, d)
	}
	return nil
}

func (p *player) end() (err error) {
	for _, d := range p.doors {
		err = errors.Join(err, d.close())
	}
	return errors.Join(err, p.ground.end())
}

func (p *player) say(format string, args ...any) {
	p.report = append(p.report, fmt.Sprintf("%3d  ", len(p.report)+1)+fmt.Sprintf(format, args...))
}

func (p *player) step(ctx context.Context, s step) error {
	if p.long() {
		return errLong
	}
	said := len(p.report)
	replica := s.replica % len(p.doors)
	var err error
	switch s.operation {
	case jump, back:
		err = p.jump(ctx, s)
	case restart, kill:
		err = p.restart(ctx, replica, s.operation == kill)
	case race:
		err, replica = p.race(ctx, s), -1
	case connect:
		err = p.connect(ctx, s, replica)
	case burst:
		err = p.burst(ctx, s, replica)
	default:
		if c, ok := s.choose(p.beliefs[0]); ok {
			err = p.call(ctx, replica, c)
		}
	}
	if err != nil || len(p.report) == said {
		return err
	}
	if s.operation == back || s.operation == restart || s.operation == kill {
		clear(p.dead) // now they might be back
	}
	return p.presentAll(ctx, replica)
}

// call makes a call and compares its answer.
func (p *player) call(ctx context.Context, replica int, c call) error {
	before := p.beliefs[0]
	a, err := p.ask(ctx, replica, c)
	if err != nil {
		p.say("%s", before.tell(c))
		return err
	}
	after, wrong := p.explain(told{call: c, answer: a})
	if after == nil {
		p.say("%s: %s", before.tell(c), before.tellAnswer(a))
		return fmt.Errorf("wrong: %s", wrong)
	}
	p.beliefs = after
	p.say("%s: %s", before.tell(c), after[0].tellAnswer(a))
	return nil
}

func (p *player) ask(ctx context.Context, replica int, c call) (answer, error) {
	p.made++
	a, err := p.doors[replica].ask(ctx, c)
	a.slack += p.real
	return a, err
}

func (p *player) connect(ctx context.Context, s step, replica int) error {
	if err := p.call(ctx, replica, call{operation: approve, person: s.person, client: s.client}); err != nil {
		return err
	}
	m := p.beliefs[0]
	if !m.present(s.person) {
		return nil
	}
	code := m.grants[len(m.grants)-1].chain[0].secret
	return p.call(ctx, replica, call{operation: redeem, token: code, client: s.client, verifier: true})
}

func (p *player) burst(ctx context.Context, s step, replica int) error {
	s.operation = refresh
	for range s.times {
		c, ok := s.choose(p.beliefs[0])
		if !ok {
			return nil
		}
		if err := p.call(ctx, replica, c); err != nil {
			return err
		}
	}
	return nil
}

// race makes several calls at once.
func (p *player) race(ctx context.Context, s step) error {
	before := p.beliefs[0]
	var calls []told
	var requests []func(context.Context)
	errs := make([]error, len(s.lanes))
	answers := make([]answer, len(s.lanes))
	for _, lane := range s.lanes {
		c, ok := lane.choose(before)
		if !ok || c.operation == revokeAll && c.person == everybody {
			continue
		}
		i := len(calls)
		calls = append(calls, told{call: c})
		requests = append(requests, func(ctx context.Context) {
			answers[i], errs[i] = p.doors[lane.replica%len(p.doors)].ask(ctx, c)
		})
	}
	if len(calls) == 0 {
		return nil
	}
	began, ended, err := interleave(ctx, requests, s.turns)
	if err = errors.Join(append(errs, err)...); err != nil {
		return err
	}
	for i := range calls {
		answers[i].slack += p.real
		calls[i].answer, calls[i].began, calls[i].ended = answers[i], began[i], ended[i]
	}
	p.made += len(calls)
	after, shown := p.explainRace(calls), before
	if len(after) > 0 {
		shown, p.beliefs = after[0], after
	}
	for i, t := range calls {
		p.say("at once, from turn %d to %d: %s: %s", t.began, t.ended, shown.tell(t.call), shown.tellAnswer(answers[i]))
	}
	if len(after) == 0 {
		return errors.New("wrong: there is no order in which these are the answers")
	}
	return nil
}

func (p *player) restart(ctx context.Context, replica int, killed bool) error {
	p.say("replica %d is restarted, killed: %t", replica, killed)
	if err := p.doors[replica].close(); err != nil {
		return err
	}
	b, err := p.ground.restart(ctx, replica, killed)
	if err != nil {
		return err
	}
	p.backends[replica] = b
	p.doors[replica], err = p.open(gate(b), p.life)
	return err
}

// jump puts the clock to about a deadline, or by some seconds.
func (p *player) jump(ctx context.Context, s step) error {
	m := p.beliefs[0]
	var candidates []time.Time
	for d := range m.deadlines {
		if d.at.After(m.now) == (s.operation == jump) && !d.at.Equal(m.now) {
			candidates = append(candidates, d.at)
		}
	}
	slices.SortFunc(candidates, time.Time.Compare)
	candidates = slices.CompactFunc(candidates, time.Time.Equal)
	if s.operation == back {
		slices.Reverse(candidates)
	}
	by := time.Duration(s.moment+1) * 7 * time.Second
	if s.operation == back {
		by = -by
	}
	if len(candidates) > 0 && s.edge < 3 {
		step := max(time.Nanosecond, p.real+time.Millisecond)
		by = candidates[min(s.moment, len(candidates)-1)].Sub(m.now) + time.Duration(s.edge-1)*step
	}
	if s.operation == back && by >= 0 || s.operation == jump && by <= 0 {
		return nil
	}
	return p.setClock(ctx, p.keepOff(by))
}

// keepOff returns a jump that ends so long before any deadline as a history may take.
func (p *player) keepOff(by time.Duration) time.Duration {
	for again := p.real > 0; again; {
		again = false
		for _, m := range p.beliefs {
			for d := range m.deadlines {
				if left := d.at.Sub(m.now.Add(by)); left > 0 && left <= p.real {
					by, again = by+left, true
				}
			}
		}
	}
	return by
}

func (p *player) setClock(ctx context.Context, by time.Duration) error {
	p.say("the clock jumps by %v", by)
	for _, m := range p.beliefs {
		m.jump(by)
	}
	if p.real == 0 && by > 0 {
		time.Sleep(by)
		synctest.Wait() // for what happens at the same instant
		return nil
	}
	return shift(ctx, p.backends[0], -by)
}

// presentAll presents every access token there ever was to every replica, but those that were found dead
// and stay so. The replica that made the last change knows it at once.
func (p *player) presentAll(ctx context.Context, changed int) error {
	for replica := range p.doors {
		patient := p.bound > 0 && replica != changed
		for _, g := range p.beliefs[0].grants {
			for _, l := range g.chain {
				if l.access == "" || p.dead[l.access] {
					continue
				}
				if err := p.present(ctx, replica, l.access, patient); err != nil {
					return err
				}
			}
		}
	}
	for _, g := range p.beliefs[0].grants {
		for _, l := range g.chain {
			p.dead[l.access] = g.over || l.accessOver
		}
	}
	return nil
}

func (p *player) present(ctx context.Context, replica int, token string, patient bool) error {
	for began := time.Now(); ; {
		a, err := p.ask(ctx, replica, call{operation: access, token: token})
		if err != nil {
			return err
		}
		var agree beliefs
		for _, m := range p.beliefs {
			g, i := m.find(token)
			must, mustNot := m.opens(g, &g.chain[i])
			if a.verdict == yes && !mustNot || a.verdict != yes && !must {
				agree = append(agree, m)
			}
		}
		if len(agree) > 0 {
			p.beliefs = agree
			return nil
		}
		if !patient || time.Since(began) > p.bound {
			wrong := errors.New("wrong: a good token does not work")
			if a.verdict == yes {
				wrong = errStays
			}
			return fmt.Errorf("%w: %s, at replica %d", wrong, p.beliefs[0].name(token), replica)
		}
		time.Sleep(time.Millisecond)
	}
}

// finish looks at the connections, and takes every grant to its end.
func (p *player) finish(ctx context.Context) error {
	var last []step
	last = append(last, step{operation: connections})
	for i := range p.beliefs[0].grants {
		last = append(last, step{operation: refresh, grant: i}, step{operation: revokeToken, grant: i})
	}
	for _, s := range last {
		if err := p.step(ctx, s); err != nil {
			return err
		}
	}
	clear(p.dead)
	return p.presentAll(ctx, -1)
}
