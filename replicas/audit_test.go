package replicas

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// audit asks for everything that is known, once nothing is broken any more: every good
// token is accepted by every replica, every revoked one by none, and whatever refresh
// token is presented wherever, there is one newest pair.
func (c *crowd) audit() {
	c.d.t.Helper()
	c.d.awaitHealth()
	var all sync.WaitGroup
	for _, one := range c.clients {
		all.Go(func() { one.audit(context.Background()) })
	}
	all.Wait()
}

func (c *client) audit(ctx context.Context) {
	for _, s := range dropOver(c.live) {
		s.mustRefresh(ctx)
		for _, token := range s.repeatable(time.Now()) {
			s.volley(ctx, token)
		}
		for i := range c.d.replicas {
			c.d.insist("a good token", func() bool { return s.over() || s.use(ctx, s.newest().access, i).status == http.StatusOK })
		}
	}
	for _, token := range c.ended {
		for i := range c.d.replicas {
			c.d.insist("a revoked token", func() bool { return token.s.use(ctx, token.access, i).status == http.StatusUnauthorized })
		}
	}
}

func (s *session) mustRefresh(ctx context.Context) {
	for i := range s.d.replicas {
		s.d.insist("a refresh", func() bool { return s.over() || s.exchange(ctx, s.newest().refresh, i) })
	}
}

// insist tries for some seconds, because broken connections show when they are used.
func (d *deployment) insist(on string, done func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			d.check.violation(stuck, "%s has no answer, or the wrong one, although everything works again", on)
			return
		}
	}
}
