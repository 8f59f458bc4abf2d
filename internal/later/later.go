// Package later does work that can wait, off the path of whoever asks for it: once for
// all who ask in a while, again if it failed, and a last time at the end.
package later

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// Retry is how long after a failure a Task is tried again.
	Retry = time.Minute

	// Timeout bounds one try, so that Close ends.
	Timeout = 10 * time.Second
)

// A Task is work that is done Delay after it was first asked for. Nothing of it runs
// while nobody asks. It must not be copied.
type Task struct {
	Delay  time.Duration
	Do     func(ctx context.Context) error // never at once with itself
	Failed func(err error)                 // told of each failure: at most once a minute, and of one in Close

	asked atomic.Bool // for; set under mu, and no more once do begins

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	trying bool
	closed bool

	doing sync.WaitGroup // a try under way
}

// Soon asks for the work. Who is not the first to ask pays for one load.
func (t *Task) Soon() {
	if t.asked.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.asked.Swap(true) && !t.trying {
		t.arm(t.Delay)
	}
}

// arm has the work done after a wait. The caller holds mu.
func (t *Task) arm(wait time.Duration) {
	if !t.closed {
		t.timer = time.AfterFunc(wait, t.try)
	}
}

func (t *Task) try() {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return // Close does it
	}
	t.trying = true
	t.doing.Add(1)
	t.mu.Unlock()
	defer t.doing.Done()
	err := t.do()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trying = false
	switch {
	case err != nil:
		t.asked.Store(true)
		t.arm(Retry)
	case t.asked.Load(): // while it was done
		t.arm(t.Delay)
	}
}

// do does the work. What is asked for from now on is not part of it.
func (t *Task) do() error {
	t.asked.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	err := t.Do(ctx)
	if err != nil {
		t.Failed(err)
	}
	return err
}

// Close waits for a try under way, does at once what was asked for, and ends the
// Task: what is asked for later is not done. A second call does nothing.
func (t *Task) Close() {
	t.mu.Lock()
	again := t.closed
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
	t.mu.Unlock()
	t.doing.Wait()
	if !again && t.asked.Load() {
		t.do()
	}
}
