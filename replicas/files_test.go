package replicas

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestNothingAcknowledgedIsLostWhenASingleProcessIsKilled(t *testing.T) {
	d := deploy(t, 0, "files")
	d.forgetful = true
	d.own()
	c := d.gather(8, 1)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		time.Sleep(time.Duration(300+rng.IntN(500)) * time.Millisecond)
		d.kill(0)
		d.awaitHealth()
	}
	c.rest()
	c.audit()
	d.mustHaveWorked()
}
