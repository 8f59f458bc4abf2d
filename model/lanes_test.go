package model

import (
	"context"
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A lane is one of several requests that are under way at once. It stops before each call of
// the backend until it is its turn, so that one at a time moves, in an order that a history
// decides and a shrunk one repeats.
type lane struct {
	turn  chan struct{}
	state chan bool // false: it waits for its turn; true: it has ended
}

type laneKey struct{}

// stop waits for the turn of the lane that a request is in, if it is in one.
func stop(ctx context.Context) {
	if l, ok := ctx.Value(laneKey{}).(*lane); ok {
		l.state <- false
		<-l.turn
	}
}

var errStuck = errors.New("a request that was alone under way did not end")

// patience is how long a request may take to its next call of the backend.
const patience = time.Minute

// interleave runs requests at once. It returns when each began and ended, in turns.
func interleave(ctx context.Context, requests []func(context.Context), schedule []int) (began, ended []int, err error) {
	began, ended = make([]int, len(requests)), make([]int, len(requests))
	lanes := make([]*lane, len(requests))
	var waiting []int
	for i, request := range requests {
		l := &lane{make(chan struct{}), make(chan bool, 1)}
		lanes[i], waiting, began[i] = l, append(waiting, i), -1
		go func() {
			<-l.turn
			request(context.WithValue(ctx, laneKey{}, l))
			l.state <- true
		}()
	}
	for turn := 0; len(waiting) > 0; turn++ {
		at := 0
		if turn < len(schedule) {
			at = schedule[turn] % len(waiting)
		}
		i := waiting[at]
		if began[i] < 0 {
			began[i] = turn
		}
		lanes[i].turn <- struct{}{}
		select {
		case over := <-lanes[i].state:
			if over {
				ended[i] = turn
				waiting = append(waiting[:at], waiting[at+1:]...)
			}
		case <-time.After(patience):
			return nil, nil, errStuck
		}
	}
	return began, ended, nil
}

// gated is a backend whose callers stop before each call, if they are in a lane.
type gated struct{ store.Backend }

// gate returns b behind a gate.
func gate(b store.Backend) store.Backend {
	if caching, ok := b.(store.CachingBackend); ok {
		return gatedCaching{gated{b}, caching}
	}
	return gated{b}
}

func (b gated) Get(ctx context.Context, key store.Key) (store.Record, error) {
	stop(ctx)
	return b.Backend.Get(ctx, key)
}

func (b gated) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	stop(ctx)
	return b.Backend.Create(ctx, key, value, expires)
}

func (b gated) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	stop(ctx)
	return b.Backend.Replace(ctx, key, version, value, expires)
}

func (b gated) Delete(ctx context.Context, key store.Key) error {
	stop(ctx)
	return b.Backend.Delete(ctx, key)
}

func (b gated) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	stop(ctx)
	return b.Backend.List(ctx, kind, prefix, after, limit)
}

type gatedCaching struct {
	gated
	caching store.CachingBackend
}

func (b gatedCaching) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	stop(ctx)
	return b.caching.GetCached(ctx, key)
}
