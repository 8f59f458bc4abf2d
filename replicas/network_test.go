package replicas

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

func TestTheNetworkOfOneReplicaIsCut(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		cable := realserver.NewCable(t, db.Addr)
		d := deploy(t, bound, db.via(cable), db.url, db.url)
		d.during(func() {
			s := d.mustConnect()
			access := s.newest().access
			for i := range d.replicas {
				s.use(t.Context(), access, i) // from now on each answers from memory
			}

			d.tally.faults.Add(1)
			cable.Cut()
			if !s.revoke(t.Context(), 1) {
				t.Error("the revocation was not acknowledged where the network is whole")
			}
			d.keepTrying(s, access, 15*time.Second)
			d.proxy.out.Store(0) // a load balancer sees by now what /health answers
			d.mustConnect()      // the others let people in
			d.keepTrying(s, access, 15*time.Second)
			d.proxy.out.Store(noReplica)
			cable.Mend()
			d.awaitHealth()
			for i := range d.replicas {
				if res := s.use(t.Context(), access, i); res.status != http.StatusUnauthorized {
					t.Errorf("replica %d answers %d for the revoked token when the network is whole again", i, res.status)
				}
			}
		})
	})
}

// keepTrying uses a revoked token at the replica that was cut off. Once the bound is over
// it must say that it does not know.
func (d *deployment) keepTrying(s *session, access string, duration time.Duration) {
	var trying sync.WaitGroup
	defer trying.Wait()
	for end := time.Now().Add(duration); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		trying.Go(func() {
			late := time.Since(s.revoked.at) > s.bound
			if res := s.use(d.t.Context(), access, 0); late && res.status != http.StatusServiceUnavailable {
				d.t.Errorf("the replica that was cut off answers %d for the revoked token, want 503", res.status)
			}
		})
	}
}

func TestTheDatabaseIsSlow(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		cable := realserver.NewCable(t, db.Addr)
		d := deploy(t, bound, db.url, db.via(cable), db.via(cable))
		d.during(func() {
			s := d.mustConnect()
			d.tally.faults.Add(1)
			cable.Delay(time.Second)
			begun, answered := time.Now(), 0
			for time.Since(begun) < 12*time.Second {
				if s.use(t.Context(), s.newest().access, 1).status == http.StatusOK {
					answered++
				}
				time.Sleep(100 * time.Millisecond)
			}
			if answered == 0 {
				t.Error("nothing was answered while the database was slow")
			}
			cable.Delay(0)
		})
	})
}

func TestConnectionsBreak(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		cable := realserver.NewCable(t, db.Addr)
		d := deploy(t, bound, db.via(cable), db.via(cable), db.url)
		d.during(func() {
			for range 10 {
				d.tally.faults.Add(1)
				cable.Reset()
				time.Sleep(500 * time.Millisecond)
			}
		})
	})
}

// mustConnect signs a client in, however often it takes.
func (d *deployment) mustConnect() (s *session) {
	d.t.Helper()
	d.eventually("somebody to sign in", func() bool {
		s = d.connect(d.t.Context(), false)
		return s != nil
	})
	return s
}
