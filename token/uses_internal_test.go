package token

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var somewhere = netip.MustParsePrefix("203.0.113.0/24")

type noStore struct{}

func (noStore) NoteUse(context.Context, store.Use) (*store.Use, error) { return nil, nil }

func newUses(tb testing.TB) *Uses {
	tb.Helper()
	u := NewUses(noStore{}, func(*http.Request) netip.Prefix { return somewhere }, slog.New(slog.DiscardHandler))
	return u
}

func grantsOf(n int) []*store.Grant {
	grants := make([]*store.Grant, n)
	for i := range grants {
		grants[i] = &store.Grant{ID: fmt.Sprintf("grant-%016d", i)}
	}
	return grants
}

func TestAUseAllocatesNothing(t *testing.T) {
	for name, n := range map[string]int{"of grants that are remembered": 100, "and where there is no room": 10 * MaxUses} {
		u, r, now := newUses(t), new(http.Request), time.Now()
		grants := grantsOf(n)
		for _, g := range grants {
			u.note(g.ID, g, r, now)
		}
		i := 0
		if got := testing.AllocsPerRun(2*n, func() {
			u.note(grants[i%n].ID, grants[i%n], r, now)
			i++
		}); got != 0 {
			t.Errorf("%s: %v allocations, want none", name, got)
		}
	}
}

// A client whose token is good is let in beside a flood from its address for an hour.
func TestAGrantIsRememberedForAnHour(t *testing.T) {
	u, now := newUses(t), time.Now().Truncate(time.Second)
	g := grantsOf(2)
	u.note(g[0].ID, g[0], new(http.Request), now)
	for name, test := range map[string]struct {
		id   string
		at   time.Time
		want bool
	}{
		"at once":             {g[0].ID, now, true},
		"almost an hour on":   {g[0].ID, now.Add(useKept - 1), true},
		"after an hour":       {g[0].ID, now.Add(useKept), false},
		"who was not here":    {g[1].ID, now, false},
		"a clock put back":    {g[0].ID, now.Add(-useKept / 2), true},
		"and by a whole hour": {g[0].ID, now.Add(-useKept), false},
	} {
		if got := u.remembers(test.id, test.at); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func BenchmarkAUse(b *testing.B) {
	for _, n := range []int{1, 1000, 20_000} {
		u, r, now := newUses(b), new(http.Request), time.Now()
		grants := grantsOf(n)
		for _, g := range grants {
			u.note(g.ID, g, r, now)
		}
		b.Run(fmt.Sprintf("%d grants", n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				u.note(grants[i*7919%n].ID, grants[i*7919%n], r, now)
			}
		})
		b.Run(fmt.Sprintf("%d grants, parallel", n), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					u.note(grants[i*7919%n].ID, grants[i*7919%n], r, now)
				}
			})
		})
	}
}
