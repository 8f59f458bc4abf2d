package later_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/later"
)

var errBroken = errors.New("the disk is on fire")

// A worker is a Task that notes when it is done and how it went.
type worker struct {
	later.Task
	began  time.Time
	done   []time.Duration
	failed []time.Duration
	broken atomic.Bool
	takes  time.Duration // of each
}

func newWorker() *worker {
	w := &worker{began: time.Now()}
	w.Delay = 10 * time.Second
	w.Do = func(ctx context.Context) error {
		if w.takes > 0 {
			select {
			case <-time.After(w.takes):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		w.done = append(w.done, time.Since(w.began))
		if w.broken.Load() {
			return errBroken
		}
		return nil
	}
	w.Failed = func(error) { w.failed = append(w.failed, time.Since(w.began)) }
	return w
}

func wantTimes(t *testing.T, what string, times *[]time.Duration, want ...time.Duration) {
	t.Helper()
	synctest.Wait()
	got := *times
	if len(got) != len(want) {
		t.Fatalf("%s at %v, want %v", what, got, want)
	}
	for i := range want {
		if got[i] != want[i]*time.Second {
			t.Fatalf("%s at %v, want %v", what, got, want)
		}
	}
}

func TestAllWhoAskInAWhileAreServedByOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker()
		defer w.Close()
		for range 100 {
			go w.Soon()
		}
		time.Sleep(time.Minute)
		wantTimes(t, "done", &w.done, 10)
		w.Soon()
		time.Sleep(time.Minute)
		wantTimes(t, "done", &w.done, 10, 70)
	})
}

func TestWhatIsAskedForDuringATryIsDoneAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker()
		defer w.Close()
		w.takes = 5 * time.Second
		w.Soon()
		time.Sleep(12 * time.Second)
		w.Soon()
		time.Sleep(time.Minute)
		wantTimes(t, "done", &w.done, 15, 30)
	})
}

func TestAFailureIsTriedAgainOnceAMinuteHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker()
		defer w.Close()
		w.broken.Store(true)
		for range 150 { // seconds
			w.Soon()
			time.Sleep(time.Second)
		}
		wantTimes(t, "failed", &w.failed, 10, 70, 130)
		w.broken.Store(false)
		time.Sleep(time.Hour)
		wantTimes(t, "done", &w.done, 10, 70, 130, 190)
	})
}

func TestATryThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorker()
		w.takes = time.Hour
		w.Soon()
		time.Sleep(15 * time.Second)
		w.Close()
		wantTimes(t, "failed", &w.failed, 20, 30)
	})
}

func TestCloseDoesWhatWasAskedForAndNothingAfterIt(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration
		use   func(w *worker)
		want  []time.Duration
	}{
		{"nothing was asked for", 0, func(*worker) {}, nil},
		{"it was asked for", 0, func(w *worker) { w.Soon() }, []time.Duration{0}},
		{"it was done", 0, func(w *worker) { w.Soon(); time.Sleep(10 * time.Second); synctest.Wait() }, []time.Duration{10}},
		{"it is being done", 5 * time.Second, func(w *worker) { w.Soon(); time.Sleep(12 * time.Second) }, []time.Duration{15}},
		{"it is being done and asked for again", 5 * time.Second, func(w *worker) {
			w.Soon()
			time.Sleep(12 * time.Second)
			w.Soon()
		}, []time.Duration{15, 20}},
		{"closed twice", 0, func(w *worker) { w.Soon(); w.Close(); w.Soon() }, []time.Duration{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorker()
				w.takes = test.takes
				test.use(w)
				w.Close()
				wantTimes(t, "done", &w.done, test.want...)
				w.Soon()
				time.Sleep(time.Hour)
				wantTimes(t, "done", &w.done, test.want...)
			})
		})
	}
}

func TestOfManyWhoAskAndCloseAtOnceNothingIsLost(t *testing.T) {
	for range 200 {
		var asked, done int
		var w later.Task
		w.Delay = time.Nanosecond
		w.Do = func(context.Context) error { done = asked; return nil }
		asked = 1
		w.Soon()
		w.Close()
		if done != 1 {
			t.Fatal("what was asked for before Close is not done after it")
		}
	}
}
