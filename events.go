package mcpoauth

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/mcpoauth/mcpoauth/account"
	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/token"
)

// An Event is something that happened, under a name that stays: see the table of the
// README. Nothing in it is secret.
type Event = store.Event

// Events returns the last n events of all processes on the store, the newest first, and
// of those that have ended; at most 300. Of events that anybody can cause it has at most
// 100, so that a flood of them hides no others. What is older is in the log.
func (rt *Router) Events(ctx context.Context, n int) ([]Event, error) {
	return rt.journal.Recent(ctx, n)
}

// A recorder says on the account pages what happened.
type recorder struct{ *audit.Journal }

func (r recorder) Recent(ctx context.Context, n int) ([]account.Event, error) {
	events, err := r.Journal.Recent(ctx, n)
	if err != nil {
		return nil, err
	}
	shown := make([]account.Event, len(events))
	for i, e := range events {
		shown[i] = account.Event{At: e.Time, Name: e.Name, Text: audit.Words(e.Name), Detail: e.Detail, UserID: e.UserID, ClientID: e.ClientID, GrantID: e.GrantID, From: e.From}
	}
	return shown, nil
}

// minGrantCallers is how many grants in use have a rate that is remembered, whatever
// Capacity.Callers: nobody makes grants without a person, and who has many uses them all.
const minGrantCallers = 1 << 17

// perGrant returns the limit on how often a grant may be used.
func (s settings) perGrant() token.Limiter {
	return s.limitedByGrant("mcp", max(minGrantCallers, s.capacity.Callers))
}

// strangers returns the limit on tokens that nobody issued. Where records are in this
// process's memory there is none: the look-up costs less than the limit.
func (s settings) strangers() token.Strangers {
	if _, remote := s.backend.(store.CachingBackend); !remote {
		return nil
	}
	const name = "unknown tokens"
	return ratelimit.Failures{Addresses: s.limited(name, s.rates.General), Names: s.limitedByGrant(name, s.capacity.Callers), Proxies: s.proxies}
}

// limitedByGrant returns a limit by the ID of a grant.
func (s settings) limitedByGrant(name string, capacity int) *ratelimit.Table[string] {
	table := ratelimit.NewTable[string](s.rates.General, capacity)
	table.Tell(s.capacity.Callers, func(grantID string) {
		s.log.Info("limit.hit", "limit", name, "grant_id", grantID)
	})
	return table
}

// limited returns a limit by address; name is what the log calls it.
func (s settings) limited(name string, perMinute int) *ratelimit.Table[netip.Addr] {
	table := ratelimit.NewTable[netip.Addr](perMinute, s.capacity.Callers)
	table.Tell(s.capacity.Callers, func(caller netip.Addr) {
		s.log.Info("limit.hit", "limit", name, "from", network(caller))
	})
	return table
}

func network(caller netip.Addr) string {
	around := ratelimit.Around(caller)
	if !around.IsValid() {
		return ""
	}
	return around.String()
}

// asked lets the events of the requests to next tell where these came from.
func (s settings) asked(next http.Handler) http.Handler { return audit.Asked(next, s.proxies.Network) }
