package replicas

import (
	"fmt"
	"sync/atomic"
	"time"
)

// A tally counts what happened.
type tally struct {
	requests, answered, unavailable, mute, broken, hungUp atomic.Int64
	signIns, refreshes, concurrent, repeats, revocations  atomic.Int64
	calls, kills, faults                                  atomic.Int64

	slowest time.Duration
}

func (n *tally) String() string {
	return fmt.Sprintf("%d requests, %d answered 200, %d 503s with Retry-After, %d without, %d connection failures, %d hung up on; "+
		"%d calls, %d sign-ins, %d refreshes, %d concurrent refreshes, %d repeats, %d revocations, the slowest %v; %d kills, %d other faults",
		n.requests.Load(), n.answered.Load(), n.unavailable.Load(), n.mute.Load(), n.broken.Load(), n.hungUp.Load(),
		n.calls.Load(), n.signIns.Load(), n.refreshes.Load(), n.concurrent.Load(), n.repeats.Load(), n.revocations.Load(),
		n.slowest.Round(time.Microsecond), n.kills.Load(), n.faults.Load())
}
