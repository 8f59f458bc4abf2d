package replicas

import (
	"testing"
	"time"
)

const crowdSize = 10

func TestReplicasAreKilledInTurn(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		d := deploy(t, bound, three(db.url)...)
		d.during(func() {
			for i := range 6 {
				d.kill(i % len(d.replicas))
				time.Sleep(700 * time.Millisecond)
			}
		})
	})
}

func TestTheDatabaseIsKilled(t *testing.T) {
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		d := deploy(t, bound, three(db.url)...)
		d.during(func() {
			for i := range 3 {
				d.tally.kills.Add(1)
				db.Kill()
				time.Sleep(time.Duration(i) * time.Second)
				db.Start()
				d.awaitHealth()
				time.Sleep(time.Second)
			}
		})
	})
}

// during sets the server up, breaks something while clients are at work, and asks for
// everything afterwards.
func (d *deployment) during(broken func()) {
	d.t.Helper()
	d.own()
	c := d.gather(crowdSize, 1)
	time.Sleep(time.Second)
	broken()
	d.awaitHealth()
	time.Sleep(time.Second)
	c.rest()
	c.audit()
	d.mustHaveWorked()
}

// kill kills a replica, which comes back by itself.
func (d *deployment) kill(replica int) {
	d.tally.kills.Add(1)
	d.replicas[replica].kill()
	time.Sleep(50 * time.Millisecond) // until the port is closed
}

// mustHaveWorked fails the test unless there was something to check.
func (d *deployment) mustHaveWorked() {
	d.t.Helper()
	if n := d.tally; n.signIns.Load() < 5 || n.refreshes.Load() < 10 || n.revocations.Load() == 0 || n.calls.Load() < 50 {
		d.t.Errorf("too little happened to prove anything: %s", n)
	}
}
