package perf

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// A Limit is what the bearer check of a Floor counts requests by.
type Limit int

const (
	NoLimit   Limit = iota
	ByAddress       // each as often as it likes
	ByGrant         // each PerMinute times; a grant of a Floor is its access token
)

// PerMinute is a limit that is counted and that nobody reaches.
const PerMinute = 1 << 30

func (f *Floor) allow(r *http.Request, token secret.Hash, now time.Time) bool {
	switch f.Limit {
	case ByAddress:
		remote, err := netip.ParseAddrPort(r.RemoteAddr)
		return err == nil && f.addresses.allow(maphash.Comparable(f.seed, remote.Addr()), remote.Addr(), now)
	case ByGrant:
		return f.grants.allow(uint64(token[0]), token, now)
	}
	return true
}

type floorLimits[K comparable] struct {
	limit  rate.Limit
	burst  int
	shards [64]floorShard[K]
}

type floorShard[K comparable] struct {
	mu      sync.Mutex
	callers map[K]*rate.Limiter
}

func newFloorLimits[K comparable](limit rate.Limit, burst int) *floorLimits[K] {
	l := &floorLimits[K]{limit: limit, burst: burst}
	for i := range l.shards {
		l.shards[i].callers = make(map[K]*rate.Limiter)
	}
	return l
}

func (l *floorLimits[K]) allow(shard uint64, caller K, now time.Time) bool {
	s := &l.shards[shard%uint64(len(l.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	limiter := s.callers[caller]
	if limiter == nil {
		limiter = rate.NewLimiter(l.limit, l.burst)
		s.callers[caller] = limiter
	}
	return limiter.AllowN(now, 1)
}
