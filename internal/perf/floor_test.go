package perf_test

import (
	"context"
	"crypto/sha256"
	"hash/maphash"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A floor is the least code that gives the answers of the bearer check: it is written to
// be measured, and not to be used.
type floor struct {
	shards   [256]floorShard
	limits   [64]floorLimits
	seed     maphash.Seed
	resource string
	scope    string
	next     http.Handler
}

type floorShard struct {
	mu     sync.RWMutex
	tokens map[[sha256.Size]byte]*floorToken
}

type floorLimits struct {
	mu      sync.Mutex
	callers map[netip.Addr]*rate.Limiter
}

type floorToken struct {
	user, client, resource string
	scopes                 []string
	expires                time.Time
}

func newFloor(resource, scope string, next http.Handler) *floor {
	f := &floor{seed: maphash.MakeSeed(), resource: resource, scope: scope, next: next}
	for i := range f.shards {
		f.shards[i].tokens = make(map[[sha256.Size]byte]*floorToken)
	}
	for i := range f.limits {
		f.limits[i].callers = make(map[netip.Addr]*rate.Limiter)
	}
	return f
}

func (f *floor) add(token string) {
	hash := sha256.Sum256([]byte(token))
	f.shards[hash[0]].tokens[hash] = &floorToken{
		user: "owner", client: "client", resource: f.resource, scopes: []string{f.scope}, expires: time.Now().Add(time.Hour),
	}
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := r.Header["Authorization"]
	if len(header) != 1 || len(header[0]) < 7 || !strings.EqualFold(header[0][:7], "bearer ") {
		f.refuse(w)
		return
	}
	var buf [128]byte
	hash := sha256.Sum256(append(buf[:0], header[0][7:]...))
	s := &f.shards[hash[0]]
	s.mu.RLock()
	token := s.tokens[hash]
	s.mu.RUnlock()
	now := time.Now()
	if token == nil || !now.Before(token.expires) || token.resource != f.resource || !slices.Contains(token.scopes, f.scope) {
		f.refuse(w)
		return
	}
	if !f.allow(r.RemoteAddr, now) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.next.ServeHTTP(w, r.WithContext(&floorContext{r.Context(), token}))
}

func (f *floor) allow(remote string, now time.Time) bool {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	l := &f.limits[maphash.Comparable(f.seed, addr.Addr())%uint64(len(f.limits))]
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.callers[addr.Addr()]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Inf, 1)
		l.callers[addr.Addr()] = limiter
	}
	return limiter.AllowN(now, 1)
}

func (f *floor) refuse(w http.ResponseWriter) {
	h := w.Header()
	h["Www-Authenticate"] = []string{`Bearer error="invalid_token", resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp"`}
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	w.WriteHeader(http.StatusUnauthorized)
	w.Write([]byte(`{"error":"invalid_token"}`))
}

type floorContext struct {
	context.Context
	token *floorToken
}

func (c *floorContext) Value(key any) any {
	if key == (floorKey{}) {
		return c.token
	}
	return c.Context.Value(key)
}

type floorKey struct{}
