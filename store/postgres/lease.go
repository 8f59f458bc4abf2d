package postgres

import (
	"sync/atomic"
	"time"
)

// MaxStaleness is the longest time for which GetCached may answer with a record that
// another replica has changed or deleted, whatever happens to connections, servers and
// this process.
const MaxStaleness = 2 * time.Second

// A lease is the permission to answer from memory. It is renewed by each beat that came
// back, and counts from when that was sent: PostgreSQL delivers notifications in the
// order of commits, so whatever was committed before has been heard.
type lease struct {
	sent atomic.Pointer[time.Time]
}

func (l *lease) renew(sent time.Time) { l.sent.Store(&sent) }

func (l *lease) end() { l.sent.Store(nil) }

func (l *lease) holds(now time.Time) bool {
	sent := l.sent.Load()
	if sent == nil {
		return false
	}
	// The clock that nobody sets, and the one that goes on while a machine sleeps.
	awake, wall := now.Sub(*sent), now.Round(0).Sub(*sent)
	return max(awake, wall) < MaxStaleness
}
