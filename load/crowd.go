package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/load/wire"
)

// A crowd is connections from one address that send requests as fast as they are
// answered, each the next of a list.
type crowd struct {
	conns    []*wire.Conn
	requests [][]byte
	next     []int // request of each connection
	allowed  func(status int) bool
}

func newCrowd(ctx context.Context, from, addr string, conns int, requests [][]byte, allowed func(status int) bool) (*crowd, error) {
	c := &crowd{requests: requests, allowed: allowed}
	for i := range conns {
		conn, err := wire.Dial(ctx, from, addr)
		if err != nil {
			c.close()
			return nil, err
		}
		c.conns, c.next = append(c.conns, conn), append(c.next, i*len(requests)/conns)
	}
	return c, nil
}

func (c *crowd) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// drive sends requests until a time and returns how long each answer took.
func (c *crowd) drive(until time.Time) (took []time.Duration, err error) {
	all := make([][]time.Duration, len(c.conns))
	errs := make([]error, len(c.conns))
	var wg sync.WaitGroup
	for i := range c.conns {
		wg.Go(func() { all[i], errs[i] = c.driveOne(i, until) })
	}
	wg.Wait()
	return slices.Concat(all...), errors.Join(errs...)
}

func (c *crowd) driveOne(i int, until time.Time) (took []time.Duration, err error) {
	conn := c.conns[i]
	if err := conn.Extend(); err != nil {
		return nil, err
	}
	for began := time.Now(); began.Before(until); {
		request := c.requests[c.next[i]%len(c.requests)]
		c.next[i]++
		status, err := conn.Do(request)
		if err != nil {
			return took, fmt.Errorf("asking: %w", err)
		}
		if !c.allowed(status) {
			return took, fmt.Errorf("%.40q is answered with %d", request, status)
		}
		now := time.Now()
		took = append(took, now.Sub(began))
		began = now
	}
	return took, nil
}

func ok(status int) bool { return status == 200 }
