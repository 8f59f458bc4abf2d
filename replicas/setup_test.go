package replicas

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestTheSetupLinkOfAnyReplicaWorksAtAnyOther(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		d := deploy(t, bound, three(db.url)...)
		owner, status := d.setUp(t.Context(), d.setupToken(0), func(step int) int { return 1 + step })
		if status != http.StatusOK {
			t.Fatalf("the link of replica 0 is answered with %d by the others", status)
		}
		d.owner = owner
		if d.connect(t.Context(), true) == nil {
			t.Error("the owner cannot approve a client")
		}
		for i := range d.replicas {
			if _, status := d.setUp(t.Context(), d.setupToken(i), func(int) int { return (i + 1) % 3 }); status == http.StatusOK {
				d.check.owners(2)
			}
		}
	})
}

func TestOfManyWhoSetUpAtOnceOneIsTheOwner(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		d := deploy(t, bound, three(db.url)...)
		var owners atomic.Int64
		var all sync.WaitGroup
		for i := range 12 {
			token := d.setupToken(i % 3)
			all.Go(func() {
				if _, status := d.setUp(t.Context(), token, func(step int) int { return (i + step) % 3 }); status == http.StatusOK {
					owners.Add(1)
				}
			})
		}
		all.Wait()
		d.check.owners(int(owners.Load()))
		if owners.Load() == 0 {
			t.Error("nobody became the owner")
		}
	})
}
