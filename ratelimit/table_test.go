package ratelimit

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// spend makes n requests and returns how many were allowed.
func spend[K comparable](t *Table[K], caller K, n int, now time.Time) (allowed int) {
	for range n {
		if t.Allow(caller, now) {
			allowed++
		}
	}
	return allowed
}

func TestR30_ACallerMayMakeAMinutesRequestsAtOnceAndNoMore(t *testing.T) {
	table := NewTable[string](10, 100)
	if got := spend(table, "a", 25, start); got != 10 {
		t.Errorf("at once: %d, want 10", got)
	}
	if got := spend(table, "a", 25, start.Add(12*time.Second)); got != 2 {
		t.Errorf("after a fifth of a minute: %d, want 2", got)
	}
	if got := spend(table, "a", 25, start.Add(time.Hour)); got != 10 {
		t.Errorf("after an hour: %d, want 10 and not an hour's", got)
	}
}

func TestR60_EachCallerHasALimitOfTheirOwn(t *testing.T) {
	table := NewTable[string](3, 100)
	spend(table, "a", 10, start)
	if got := spend(table, "b", 10, start); got != 3 {
		t.Errorf("b may make %d requests after a's, want 3", got)
	}
}

func TestR30_ANegativeNumberIsNoLimit(t *testing.T) {
	table := NewTable[string](-1, 1)
	if got := spend(table, "a", 1000, start); got != 1000 {
		t.Errorf("got %d of 1000", got)
	}
}

func TestR30_WhoWaitsAsLongAsToldIsLetIn(t *testing.T) {
	for _, perMinute := range []int{1, 2, 7, 43, 60, 61, 120, 6000} {
		table := NewTable[string](perMinute, 100)
		spend(table, "a", perMinute, start)
		if table.Allow("a", start) {
			t.Errorf("%d a minute: one more is let in at once", perMinute)
		}
		if !table.Allow("a", start.Add(table.RetryAfter())) {
			t.Errorf("%d a minute: after %v it is still refused", perMinute, table.RetryAfter())
		}
		if table.RetryAfter() < time.Second || table.RetryAfter() > time.Minute {
			t.Errorf("%d a minute: %v is nothing to tell a client", perMinute, table.RetryAfter())
		}
	}
}

func TestR60_TheTableIsBounded(t *testing.T) {
	for _, capacity := range []int{0, 1, 256, 2560} {
		table := NewTable[netip.Addr](5, capacity)
		addr := netip.MustParseAddr("10.0.0.0")
		for range 10_000 {
			table.Allow(addr, start)
			addr = addr.Next()
		}
		if n := size(table); n > max(capacity, shards*ways) {
			t.Errorf("%d callers are remembered, with a capacity of %d", n, capacity)
		}
	}
}

func TestR60_WhoHasNotAskedForLongGivesWayFirst(t *testing.T) {
	table := NewTable[int](5, 2*shards*ways)
	for i := range 20 * shards * ways {
		table.Allow(-i-1, start)
	}
	// A minute later those are as good as new, and whoever is over their limit
	// now stays so, however many others come.
	now := start.Add(time.Minute)
	for i := range table.shards {
		callers := callersOf(table, i, ways)
		busy, others := callers[:2], callers[2:]
		for _, caller := range busy {
			if got := spend(table, caller, 9, now); got != 5 {
				t.Fatalf("caller %d may make %d requests, want 5", caller, got)
			}
		}
		for _, caller := range others {
			table.Allow(caller, now)
		}
		for _, caller := range busy {
			if table.Allow(caller, now) {
				t.Errorf("caller %d got a new allowance, while idle ones were there to give way", caller)
			}
		}
	}
}

// callersOf returns the first n callers that belong into the second set of a shard.
func callersOf(table *Table[int], shard, n int) (callers []int) {
	for caller := 1; len(callers) < n; caller++ {
		hash := maphash.Comparable(table.seed, caller)
		if hash%shards == uint64(shard) && hash/shards%uint64(table.perShard) == 1 {
			callers = append(callers, caller)
		}
	}
	return callers
}

func size[K comparable](t *Table[K]) (n int) {
	for i := range t.shards {
		for _, set := range t.shards[i].sets {
			for _, place := range set {
				if place.bucket != nil {
					n++
				}
			}
		}
	}
	return n
}

func TestR60_RequestsAtOnceGetNoMoreThanOneAfterTheOther(t *testing.T) {
	table := NewTable[string](100, 10_000)
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 100 {
				allowed.Add(int64(spend(table, "a", 1, start)))
				table.Allow(fmt.Sprint(i, j), start)
			}
		})
	}
	wg.Wait()
	if got := allowed.Load(); got != 100 {
		t.Errorf("%d were let in, want 100", got)
	}
}

func TestR30_TheRefusalSaysWhenToComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served int
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ })
		var refused *oauth.Error
		handler := ByAddress(NewTable[netip.Addr](2, 100), nil, next, func(w http.ResponseWriter, _ *http.Request, e *oauth.Error) {
			refused = e
			w.WriteHeader(e.Status)
		})
		ask := func(peer string) int {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = peer
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w.Code
		}
		for _, want := range []int{200, 200, 429, 429} {
			if got := ask("192.0.2.1:1"); got != want {
				t.Errorf("got %d, want %d", got, want)
			}
		}
		if served != 2 || refused == nil || refused.Code != oauth.TooManyRequests || refused.RetryAfter != 30*time.Second {
			t.Fatalf("%d were served, the refusal is %#v", served, refused)
		}
		if got := ask("192.0.2.2:1"); got != 200 {
			t.Errorf("the neighbour got %d", got)
		}
		if got := ask("192.0.2.1:2"); got != 429 {
			t.Errorf("from another port: %d", got)
		}
		time.Sleep(refused.RetryAfter)
		if got := ask("192.0.2.1:1"); got != 200 {
			t.Errorf("after the wait: %d", got)
		}
	})
}

// A caller gets several requests from its bucket at once, and no more for that than a few that
// were left over from before a pause.
func TestWhatACallerGetsInAdvanceIsCounted(t *testing.T) {
	for _, perMinute := range []int{1, 255, 256, 511, 512, 4095, 4096, 6000, 1 << 20} {
		table := NewTable[string](perMinute, 256)
		if got := spend(table, "a", perMinute+1, start); got != perMinute {
			t.Errorf("%d a minute: %d at once", perMinute, got)
		}
		if !table.spent("a", start) {
			t.Errorf("%d a minute: it may still ask", perMinute)
		}
		one := start.Add(time.Duration(float64(time.Minute)/float64(perMinute)) + time.Nanosecond)
		if got := spend(table, "a", 3, one); got != 1 {
			t.Errorf("%d a minute: %d when there is one again", perMinute, got)
		}
		later := start.Add(time.Hour)
		spend(table, "b", 1, start)
		got, most := spend(table, "b", perMinute+advance+1, later), perMinute+min(advance, max(1, perMinute/advanceOf))-1
		if got != most || most >= perMinute+advance {
			t.Errorf("%d a minute: %d after a pause, want %d", perMinute, got, most)
		}
	}
}
