package ratelimit

import (
	"net/http"
	"net/netip"
	"time"
)

// Failures bound how often an address, and how often anybody under one name, may fail at
// something that costs a lot to find wrong. Who succeeds is never counted.
type Failures struct {
	Addresses *Table[netip.Addr]
	Names     *Table[string]
	Proxies   Proxies
}

// TooMany reports whether who asks has failed too often to try again now.
func (f Failures) TooMany(r *http.Request, now time.Time) bool {
	return f.Addresses.failed(f.Proxies.Address(r), now)
}

// TooManyOf reports whether too many have failed under the name.
func (f Failures) TooManyOf(name string, now time.Time) bool { return f.Names.failed(name, now) }

// Note counts a failure of who asks.
func (f Failures) Note(r *http.Request, now time.Time) { f.Addresses.Allow(f.Proxies.Address(r), now) }

// NoteOf counts a failure under the name.
func (f Failures) NoteOf(name string, now time.Time) { f.Names.Allow(name, now) }

// RetryAfter is how long who failed too often waits.
func (f Failures) RetryAfter() time.Duration { return f.Addresses.RetryAfter() }

// failed reports whether nothing is left for a caller who is counted only when they fail.
func (t *Table[K]) failed(caller K, now time.Time) bool {
	return t.spent(caller, now) && !t.Allow(caller, now) // which tells of it
}
