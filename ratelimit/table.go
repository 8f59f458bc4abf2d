package ratelimit

import (
	"hash/maphash"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	shards = 64
	ways   = 4 // places that a caller may have in a shard, side by side in memory
)

// A Table holds a token bucket for each caller. It is bounded: where there is no place
// left, a caller gives way who has not asked for long, whose bucket is full again
// anyway. A nil Table allows everything.
type Table[K comparable] struct {
	limit    rate.Limit
	burst    int
	perShard int // sets
	seed     maphash.Seed
	shards   [shards]shard

	hit  func(caller K) // nil: nobody is told
	told *Table[K]      // lets each caller be told of once a minute
}

type shard struct {
	mu   sync.Mutex    // guards sets
	sets [][ways]place // nil until somebody comes
}

// A place is a caller's, who is known by a hash: nobody outside knows its seed, so
// nobody can choose to share the bucket of somebody else.
type place struct {
	caller uint64
	bucket *rate.Limiter // nil: a free place
}

// NewTable returns a table in which each caller may ask perMinute times a minute,
// all at once if they like, and that holds up to capacity callers, at least 256. A
// negative perMinute returns nil, and zero lets nobody through.
func NewTable[K comparable](perMinute, capacity int) *Table[K] {
	if perMinute < 0 {
		return nil
	}
	return &Table[K]{
		limit:    rate.Limit(float64(perMinute) / time.Minute.Seconds()),
		burst:    perMinute,
		perShard: max(1, capacity/shards/ways),
		seed:     maphash.MakeSeed(),
	}
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
	hash := maphash.Comparable(t.seed, caller)
	s := &t.shards[hash%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		s.sets = make([][ways]place, t.perShard)
	}
	set := &s.sets[hash/shards%uint64(t.perShard)] // where the caller's place can be
	return t.bucket(set, hash, now).AllowN(now, 1)
}

// bucket returns the caller's bucket, a new one if need be. Of a full set the bucket that
// is the fullest gives way: a flood from many addresses may gain a few requests by that,
// and costs an honest caller nothing.
func (t *Table[K]) bucket(set *[ways]place, hash uint64, now time.Time) *rate.Limiter {
	for i := range set {
		if set[i].caller == hash && set[i].bucket != nil {
			return set[i].bucket
		}
	}
	chosen, most := &set[0], math.Inf(-1)
	for i := range set {
		if set[i].bucket == nil {
			chosen = &set[i]
			break
		}
		if tokens := set[i].bucket.TokensAt(now); tokens > most {
			chosen, most = &set[i], tokens
		}
	}
	*chosen = place{hash, rate.NewLimiter(t.limit, t.burst)}
	return chosen.bucket
}

// RetryAfter is how long a refused caller waits for the next request.
func (t *Table[K]) RetryAfter() time.Duration {
	return max(time.Second, time.Duration(float64(time.Second)/float64(t.limit)))
}
