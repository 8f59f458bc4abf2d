package perf_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

// The grants of one person, alone and among those of others. The floor keeps a list for
// each person.
func BenchmarkList(b *testing.B) {
	const grants = 500
	f := setUp(b, false)
	f.person("someone")
	floor := newLists()
	for range grants {
		floor.add(f.redeem(f.store, f.approve("someone")).Grant)
	}
	for _, others := range []int{0, 100_000} {
		if testing.Short() && others > 0 {
			break
		}
		b.Run(fmt.Sprintf("%d grants beside %s", grants, perf.Number(float64(others))), func(b *testing.B) {
			for range others {
				floor.add(f.connect().Grant)
			}
			ratios.Against(b, 0, lists(b, floor.grants, grants), lists(b, f.count, grants))
		})
	}
}

func lists(b *testing.B, list func(userID string) int, want int) perf.Op {
	return perf.Op{Run: func(n int) {
		for range n {
			if got := list("someone"); got != want {
				b.Fatalf("got %d grants, want %d", got, want)
			}
		}
	}}
}

func (f *fixture) person(id string) {
	if err := f.store.CreateUser(context.Background(), store.User{ID: id, Name: called, Handle: []byte(id)}); err != nil {
		f.tb.Fatal(err)
	}
}

type listFloor struct {
	mu    sync.RWMutex
	users map[string][]*store.Grant
}

func newLists() *listFloor { return &listFloor{users: make(map[string][]*store.Grant)} }

func (l *listFloor) add(g *store.Grant) { l.users[g.UserID] = append(l.users[g.UserID], g) }

func (l *listFloor) grants(userID string) (n int) {
	now := time.Now()
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, g := range l.users[userID] {
		if now.Before(g.UsedAt.Time().Add(store.DefaultRefreshIdle)) {
			n++
		}
	}
	return n
}
