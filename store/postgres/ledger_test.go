package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// gone is the outcome of a Delete.
const gone = -1

// A ledger notes what was acknowledged to its writers, to be compared with what is
// there at the end.
type ledger struct {
	*testing.T
	backend store.Backend

	mu           sync.Mutex
	outcomes     map[string][]int // more than one: an answer was lost
	acknowledged int
}

func newLedger(t *testing.T, b store.Backend) *ledger {
	return &ledger{T: t, backend: b, outcomes: make(map[string][]int)}
}

// write creates, replaces and deletes records until stop is closed. Nobody else touches
// them, so that a sentinel would be a lie.
func (l *ledger) write(writer int, stop <-chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		if err := l.live(fmt.Sprintf("%d-%d", writer, n), n%3 == 0); sentinel(err) {
			l.Errorf("a write that nobody interfered with returned %v", err)
		} else if err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// live is the life of one record. It ends with the first answer that is lost.
func (l *ledger) live(id string, remove bool) error {
	key := grant(id)
	ctx := l.Context()
	if err := l.note(id, gone, 1, l.backend.Create(ctx, key, number(1), time.Time{})); err != nil {
		return err
	}
	record, err := l.backend.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := l.note(id, 1, 2, l.backend.Replace(ctx, key, record.Version, number(2), time.Time{})); err != nil || !remove {
		return err
	}
	return l.note(id, 2, gone, l.backend.Delete(ctx, key))
}

func (l *ledger) note(id string, before, after int, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.outcomes[id] = []int{before, after}
		return err
	}
	l.acknowledged++
	l.outcomes[id] = []int{after}
	return nil
}

// reaches waits until so many more writes are acknowledged.
func (l *ledger) reaches(more int) {
	l.Helper()
	count := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.acknowledged
	}
	goal := count() + more
	until(l, func() bool { return count() >= goal })
}

// balance requires that everything is as it was acknowledged.
func (l *ledger) balance() {
	l.Helper()
	unknown := 0
	for id, outcomes := range l.outcomes {
		if len(outcomes) > 1 {
			unknown++
		}
		found := gone
		record, err := l.backend.Get(l.Context(), grant(id))
		if err == nil {
			found = numberOf(l, record)
		} else if !errors.Is(err, store.ErrNotFound) {
			l.Fatal(err)
		}
		if found != outcomes[0] && found != outcomes[len(outcomes)-1] {
			l.Errorf("record %s is %d, and acknowledged was %d", id, found, outcomes)
		}
	}
	l.Logf("%d writes were acknowledged and are there; of %d nobody knows", l.acknowledged, unknown)
}

// during has writers at work while something happens, and then balances.
func (l *ledger) during(happens func()) {
	l.Helper()
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() { l.write(w, stop) })
	}
	l.reaches(200)
	happens()
	l.reaches(200)
	close(stop)
	writers.Wait()
	l.balance()
}
