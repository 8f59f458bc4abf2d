package perf_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

// How what a request costs grows with what there is, as a picture.
func BenchmarkGrowth(b *testing.B) {
	if !*write {
		b.Skip("-docs draws it")
	}
	picture := drawing{
		title: "What one request costs, in processor time, against how much there is",
		panels: []panel{
			byGrants(b), byClients(b), byConnections(b), byScopes(b), byResources(b),
		},
	}
	if err := os.WriteFile(docs+"growth.svg", picture.svg(), 0o644); err != nil {
		b.Fatal(err)
	}
}

func byGrants(b *testing.B) panel {
	f := setUp(b, true)
	f.person("someone")
	f.connectTimes("someone", 10)
	mine := f.connect().Refresh
	return measured(b, "live grants", []int{10, 100, 1_000, 10_000, 100_000, 1_000_000}, func(n int) []sample {
		f.grow(n)
		refresh := rotates(b, f.router, f.client, mine)
		defer func() { mine = f.connect().Refresh }()
		return []sample{
			{"bearer check", perf.Calls(b, f.router, http.StatusOK, perf.Spread(f.tokens)...)},
			{"refresh", refresh},
			{"a list of 10", lists(b, f.count, 10)},
		}
	})
}

// Clients that were approved: there is no bound to those.
func byClients(b *testing.B) panel {
	f := setUp(b, false)
	clients := 0
	return measured(b, "approved clients", []int{1, 10, 100, 1_000, 10_000, 100_000}, func(n int) []sample {
		for ; clients < n; clients++ {
			f.client, f.known = f.registered(fmt.Sprint("App ", clients))
			f.approve(store.OwnerID)
		}
		return []sample{
			{"refresh", rotates(b, f.router, f.client, f.refresh())},
			{"registration", registers(b, f.router, "none")},
			{"approval page", get(b, f.router, http.StatusOK, "/authorize?"+authorization(f.client, perf.Scope).Encode())},
		}
	})
}

func byConnections(b *testing.B) panel {
	f := setUp(b, true)
	var tokens []store.Tokens
	return measured(b, "connections of one person", []int{1, 10, 100, 1_000, 10_000}, func(n int) []sample {
		tokens = append(tokens, f.connectTimes(store.OwnerID, n-len(tokens))...)
		last := tokens[len(tokens)-1]
		return []sample{
			{"bearer check", perf.Calls(b, f.router, http.StatusOK, last.Access)},
			{"revocation", revokes(b, f.router, f.client, func() string { return f.connect().Refresh })},
			{"the list of all", lists(b, func(string) int { return f.count(store.OwnerID) }, n)},
		}
	})
}

// Scopes that there are, of which the token has all.
func byScopes(b *testing.B) panel {
	return measured(b, "scopes of a token", []int{1, 3, 10, 30, 100}, func(n int) []sample {
		names := []string{perf.Scope}
		for i := range n - 1 {
			names = append(names, fmt.Sprint("scope:", i))
		}
		f := setUp(b, true, func(cfg *mcpoauth.Config) {
			cfg.Scopes = nil
			for _, name := range names {
				cfg.Scopes = append(cfg.Scopes, mcpoauth.Scope{Name: name})
			}
		})
		tokens := f.redeem(f.store, f.approve(store.OwnerID, names...))
		return []sample{
			{"bearer check", perf.Calls(b, f.router, http.StatusOK, tokens.Access)},
			{"refresh", rotates(b, f.router, f.client, tokens.Refresh)},
			{"discovery", get(b, f.router, http.StatusOK, "/.well-known/oauth-authorization-server")},
		}
	})
}

// Guarded endpoints, of which the one with the shortest path is looked for last.
func byResources(b *testing.B) panel {
	return measured(b, "resources", []int{1, 3, 10, 30, 100}, func(n int) []sample {
		f := setUp(b, true, func(cfg *mcpoauth.Config) {
			for i := range n - 1 {
				cfg.Resources = append(cfg.Resources, mcpoauth.Resource{Path: fmt.Sprint("/server/", i), Scopes: []string{perf.Scope}})
			}
		})
		tokens := f.connect()
		return []sample{
			{"bearer check", perf.Calls(b, f.router, http.StatusOK, tokens.Access)},
			{"refresh", rotates(b, f.router, f.client, tokens.Refresh)},
			{"discovery", get(b, f.router, http.StatusOK, "/.well-known/oauth-authorization-server")},
		}
	})
}

// A sample is one point of one line.
type sample struct {
	line string
	op   perf.Op
}

// measured makes a panel of what at returns for each size.
func measured(b *testing.B, title string, sizes []int, at func(n int) []sample) panel {
	p := panel{title: title}
	for _, n := range sizes {
		for i, s := range at(n) {
			if i == len(p.lines) {
				p.lines = append(p.lines, line{name: s.line})
			}
			cost := perf.Compare(s.op)[0]
			p.lines[i].points = append(p.lines[i].points, point{float64(n), cost.CPU / 1000})
			b.Logf("%s %d: %s %.2f µs", title, n, s.line, cost.CPU/1000)
		}
	}
	return p
}

// connectTimes returns the tokens of n new grants of a person.
func (f *fixture) connectTimes(userID string, n int) (all []store.Tokens) {
	for range n {
		all = append(all, f.redeem(f.store, f.approve(userID)))
	}
	return all
}

// count returns how many grants a person has.
func (f *fixture) count(userID string) (n int) {
	for _, err := range f.store.Grants(context.Background(), userID) {
		if err != nil {
			f.tb.Fatal(err)
		}
		n++
	}
	return n
}
