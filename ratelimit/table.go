package ratelimit

import (
	"hash/maphash"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const shards = 64

// A Table holds a token bucket for each caller. It is bounded: when it is full,
// callers who have not asked for long give way, whose buckets are full again
// anyway. A nil Table allows everything.
type Table[K comparable] struct {
	limit    rate.Limit
	burst    int
	perShard int
	seed     maphash.Seed
	shards   [shards]shard[K]

	hit  func(caller K) // nil: nobody is told
	told *Table[K]      // lets each caller be told of once a minute
}

type shard[K comparable] struct {
	mu      sync.Mutex // guards buckets
	buckets map[K]*rate.Limiter
}

// NewTable returns a table in which each caller may ask perMinute times a minute,
// all at once if they like, and that holds about capacity callers, at least 64. A
// negative perMinute returns nil, and zero lets nobody through.
func NewTable[K comparable](perMinute, capacity int) *Table[K] {
	if perMinute < 0 {
		return nil
	}
	t := &Table[K]{
		limit:    rate.Limit(float64(perMinute) / time.Minute.Seconds()),
		burst:    perMinute,
		perShard: max(1, capacity/shards),
		seed:     maphash.MakeSeed(),
	}
	for i := range t.shards {
		t.shards[i].buckets = make(map[K]*rate.Limiter)
	}
	return t
}

// Tell has hit called when a caller is refused, at most about once a minute for each: a
// flood does not become one of the log. It is called before the first Allow.
func (t *Table[K]) Tell(capacity int, hit func(caller K)) {
	if t != nil {
		t.hit, t.told = hit, NewTable[K](1, capacity)
	}
}

// Allow counts a request and reports whether the caller may make it.
func (t *Table[K]) Allow(caller K, now time.Time) bool {
	if t == nil || t.take(caller, now) {
		return true
	}
	if t.hit != nil && t.told.take(caller, now) {
		t.hit(caller)
	}
	return false
}

func (t *Table[K]) take(caller K, now time.Time) bool {
	s := t.shard(caller)
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket := s.buckets[caller]
	if bucket == nil {
		if len(s.buckets) >= t.perShard {
			t.makeRoom(s, now)
		}
		bucket = rate.NewLimiter(t.limit, t.burst)
		s.buckets[caller] = bucket
	}
	return bucket.AllowN(now, 1)
}

func (t *Table[K]) shard(caller K) *shard[K] {
	return &t.shards[maphash.Comparable(t.seed, caller)%shards]
}

// RetryAfter is how long a refused caller waits for the next request.
func (t *Table[K]) RetryAfter() time.Duration {
	return max(time.Second, time.Duration(float64(time.Second)/float64(t.limit)))
}

// makeRoom drops the buckets that are full, which are as good as new, or else any
// one: a flood from many addresses may gain a few requests by that, and costs an
// honest caller nothing.
func (t *Table[K]) makeRoom(s *shard[K], now time.Time) {
	for caller, bucket := range s.buckets {
		if bucket.TokensAt(now) >= float64(t.burst) {
			delete(s.buckets, caller)
		}
	}
	for caller := range s.buckets {
		if len(s.buckets) < t.perShard {
			return
		}
		delete(s.buckets, caller)
	}
}
