package replicas

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A crowd is many clients at work at once. Each has some sessions of its own.
type crowd struct {
	d       *deployment
	clients []*client
	stop    context.CancelFunc
	working sync.WaitGroup
}

const maxSessions, maxEnded = 4, 10

// A client does one thing after the other.
type client struct {
	d     *deployment
	rng   *rand.Rand
	live  []*session
	ended []endedToken
}

// An endedToken is an access token that was revoked, alone or with its grant.
type endedToken struct {
	s      *session
	access string
}

// gather sends n clients to work.
func (d *deployment) gather(n int, seed uint64) *crowd {
	ctx, stop := context.WithCancel(context.Background())
	c := &crowd{d: d, stop: stop}
	for i := range n {
		one := &client{d: d, rng: rand.New(rand.NewPCG(seed, uint64(i)))}
		c.clients = append(c.clients, one)
		c.working.Go(func() {
			for ctx.Err() == nil {
				one.act()
				time.Sleep(time.Duration(one.rng.IntN(20)) * time.Millisecond)
			}
		})
	}
	return c
}

// rest ends the work, each client after what it is doing.
func (c *crowd) rest() {
	c.stop()
	c.working.Wait()
}

// act does one thing.
func (c *client) act() {
	ctx := context.Background()
	c.live = dropOver(c.live)
	if len(c.live) == 0 || len(c.live) < maxSessions && c.rng.IntN(20) == 0 {
		if s := c.d.connect(ctx, c.rng.IntN(2) == 0); s != nil {
			c.live = append(c.live, s)
		}
		return
	}
	s := c.live[c.rng.IntN(len(c.live))]
	switch n := c.rng.IntN(100); {
	case n < 50:
		s.use(ctx, s.newest().access, next)
	case n < 64:
		s.refresh(ctx, next)
	case n < 71:
		c.d.tally.concurrent.Add(1)
		s.volley(ctx, s.newest().refresh)
	case n < 78:
		c.repeat(ctx, s)
	case n < 84:
		c.hangUp(s)
	case n < 87:
		c.revoke(ctx, s)
	case n < 90:
		c.revokeAccess(ctx, s)
	case n < 92:
		s.forge(ctx)
	case len(c.ended) > 0:
		token := c.ended[c.rng.IntN(len(c.ended))]
		token.s.use(ctx, token.access, next)
	}
}

func dropOver(sessions []*session) (kept []*session) {
	for _, s := range sessions {
		if !s.over() {
			kept = append(kept, s)
		}
	}
	return kept
}

// repeat presents an older refresh token, as a process does that was not told of the newer one.
func (c *client) repeat(ctx context.Context, s *session) {
	tokens := s.repeatable(time.Now())
	if len(tokens) == 0 {
		return
	}
	c.d.tally.repeats.Add(1)
	s.exchange(ctx, tokens[c.rng.IntN(len(tokens))], next)
}

// hangUp refreshes and does not wait for the answer, then asks again.
func (c *client) hangUp(s *session) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.rng.IntN(8_000))*time.Microsecond)
	defer cancel()
	s.exchange(ctx, s.newest().refresh, next)
	s.refresh(context.Background(), next)
}

// revoke ends a session until that is acknowledged, and sees how long it takes.
func (c *client) revoke(ctx context.Context, s *session) {
	access := s.newest().access
	for range 4 {
		if s.revoke(ctx, next) {
			c.remember(s, access)
			s.watch(ctx, access)
			s.exchange(ctx, s.newest().refresh, next)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *client) revokeAccess(ctx context.Context, s *session) {
	access := s.newest().access
	if s.revokeAccess(ctx, access) {
		c.remember(s, access)
		s.watch(ctx, access)
	}
	s.refresh(ctx, next)
}

func (c *client) remember(s *session, access string) {
	c.ended = append(c.ended, endedToken{s, access})
	if len(c.ended) > maxEnded {
		c.ended = c.ended[1:]
	}
}
