package replicas

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

const (
	soakClients = 20
	defaultSoak = 10 * time.Second
)

// Half of the time goes to each kind of database.
func TestSoak(t *testing.T) {
	duration, seed := soakLength(t), soakSeed(t)
	t.Logf("the seed is %d", seed)
	onEach(t, func(t *testing.T, db database, bound time.Duration) {
		soak(t, db, bound, seed, duration/time.Duration(len(backends)))
	})
}

func soakLength(t *testing.T) time.Duration {
	text := os.Getenv("MCPOAUTH_SOAK")
	if text == "" {
		return defaultSoak
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("MCPOAUTH_SOAK is %q, want a duration such as 5m", text)
	}
	return d
}

func soakSeed(t *testing.T) uint64 {
	text := os.Getenv("MCPOAUTH_SOAK_SEED")
	if text == "" {
		return rand.Uint64()
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("MCPOAUTH_SOAK_SEED is %q, want a number", text)
	}
	return seed
}

func soak(t *testing.T, db database, bound time.Duration, seed uint64, duration time.Duration) {
	v := &vandal{db: db, rng: rand.New(rand.NewPCG(seed, 0))}
	var stores []string
	for range 3 {
		cable := realserver.NewCable(t, db.Addr)
		v.cables = append(v.cables, cable)
		stores = append(stores, db.via(cable))
	}
	v.d = deploy(t, bound, stores...)
	v.d.own()
	c := v.d.gather(soakClients, seed)
	v.end = time.Now().Add(duration)
	for time.Now().Before(v.end) {
		v.rest(500, 2000)
		v.act()
	}
	v.d.awaitHealth()
	c.rest()
	c.audit()
	v.d.mustHaveWorked()
}

// A vandal breaks one thing after the other, and mends it.
type vandal struct {
	d      *deployment
	db     database
	cables []*realserver.Cable
	rng    *rand.Rand
	end    time.Time
}

func (v *vandal) act() {
	replica := v.rng.IntN(len(v.cables))
	cable := v.cables[replica]
	switch v.rng.IntN(7) {
	case 0, 1:
		v.d.kill(replica)
	case 2:
		v.d.tally.kills.Add(1)
		v.db.Kill()
		v.rest(0, 2000)
		v.db.Start()
	case 3:
		v.fault(cable.Cut, 500, 8000)
		cable.Mend()
	case 4:
		v.fault(cable.Reset, 0, 500)
	case 5:
		v.fault(func() { cable.Delay(time.Duration(50+v.rng.IntN(450)) * time.Millisecond) }, 1000, 4000)
		cable.Delay(0)
	case 6:
		v.fault(v.db.Pause, 200, 3000)
		v.db.Resume()
	}
}

func (v *vandal) fault(do func(), least, most int) {
	v.d.tally.faults.Add(1)
	do()
	v.rest(least, most)
}

// rest waits for so many milliseconds, but not for long after the end.
func (v *vandal) rest(least, most int) {
	d := time.Duration(least+v.rng.IntN(most-least)) * time.Millisecond
	time.Sleep(min(d, max(time.Until(v.end), time.Second)))
}
