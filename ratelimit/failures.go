package ratelimit

import (
	"net/http"
	"net/netip"
	"time"
)

// Failures bound how often an address may fail at something that costs a lot to find
// wrong. Who succeeds is never counted.
type Failures struct {
	Table   *Table[netip.Addr]
	Proxies Proxies
}

// TooMany reports whether who asks has failed too often to try again now.
func (f Failures) TooMany(r *http.Request, now time.Time) bool {
	caller := f.Proxies.Address(r)
	return f.Table.spent(caller, now) && !f.Table.Allow(caller, now) // which tells of it
}

// Note counts a failure.
func (f Failures) Note(r *http.Request, now time.Time) { f.Table.Allow(f.Proxies.Address(r), now) }

// RetryAfter is how long who failed too often waits.
func (f Failures) RetryAfter() time.Duration { return f.Table.RetryAfter() }
