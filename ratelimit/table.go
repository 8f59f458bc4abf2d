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
	ways   = 4 // places that a caller may have, side by side in memory

	// advance is how many requests a caller gets from its bucket at once, but no more than one
	// in advanceOf of the limit. The bucket lies elsewhere in memory, and is not looked at before
	// each request. What is left over from before a pause comes on top of the limit.
	advance   = 16
	advanceOf = 256
)

// A Table holds a token bucket for each caller. It is bounded: where there is no place
// left, a caller gives way who has not asked for long, whose bucket is full again
// anyway. A nil Table allows everything.
type Table[K comparable] struct {
	shards   [shards]shard // first, so that each has a cache line
	limit    rate.Limit
	burst    int
	advance  uint32 // at least 1
	perShard int    // sets
	seed     maphash.Seed

	hit  func(caller K) // nil: nobody is told
	told *Table[K]      // lets each caller be told of once a minute
}

type shard struct {
	mu   sync.Mutex // guards sets
	sets []set      // nil until somebody comes
	_    [32]byte   // to a cache line: what one processor writes is no wait for the other
}

// A set is the places that a caller may have.
type set [ways]place

// A place is a caller's, who is known by half a hash: nobody outside knows its seed, so
// nobody can choose to share the bucket of somebody else.
type place struct {
	caller uint32
	left   uint32        // requests that the caller has got from its bucket, and not made yet
	bucket *rate.Limiter // nil: a free place
}

func (p *place) is(hash uint64) bool { return p.caller == uint32(hash>>32) && p.bucket != nil }

// tokens is how many requests the caller may make now.
func (p *place) tokens(now time.Time) float64 { return p.bucket.TokensAt(now) + float64(p.left) }

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
		advance:  uint32(max(1, min(advance, perMinute/advanceOf))),
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
	hash, s := t.shard(caller)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		s.sets = make([]set, t.perShard)
	}
	p := t.place(t.set(s, hash), hash, now)
	if p.left == 0 {
		switch {
		case p.bucket.AllowN(now, int(t.advance)):
			p.left = t.advance
		case t.advance > 1 && p.bucket.AllowN(now, 1):
			p.left = 1
		default:
			return false
		}
	}
	p.left--
	return true
}

// spent reports whether a caller may not make a request now. It counts nothing.
func (t *Table[K]) spent(caller K, now time.Time) bool {
	if t == nil {
		return false
	}
	hash, s := t.shard(caller)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sets == nil {
		return false
	}
	p := t.set(s, hash).find(hash)
	return p != nil && p.tokens(now) < 1
}

func (t *Table[K]) shard(caller K) (hash uint64, s *shard) {
	hash = maphash.Comparable(t.seed, caller)
	return hash, &t.shards[hash%shards]
}

// set returns the places that a caller may have in its shard.
func (t *Table[K]) set(s *shard, hash uint64) *set { return &s.sets[hash/shards%uint64(t.perShard)] }

// find returns the place of a caller, or nil.
func (s *set) find(hash uint64) *place {
	for i := range s {
		if s[i].is(hash) {
			return &s[i]
		}
	}
	return nil
}

// place returns the caller's place, with a new bucket if need be. Of a full set the bucket
// that is the fullest gives way: a flood from many addresses may gain a few requests by that,
// and costs an honest caller nothing.
func (t *Table[K]) place(places *set, hash uint64, now time.Time) *place {
	if p := places.find(hash); p != nil {
		return p
	}
	chosen, most := &places[0], math.Inf(-1)
	for i := range places {
		if places[i].bucket == nil {
			chosen = &places[i]
			break
		}
		if tokens := places[i].tokens(now); tokens > most {
			chosen, most = &places[i], tokens
		}
	}
	*chosen = place{caller: uint32(hash >> 32), bucket: rate.NewLimiter(t.limit, t.burst)}
	return chosen
}

// RetryAfter is how long a refused caller waits for the next request.
func (t *Table[K]) RetryAfter() time.Duration {
	return max(time.Second, time.Duration(float64(time.Second)/float64(t.limit)))
}
