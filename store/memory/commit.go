package memory

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var errClosed = errors.New("memory: the store is closed")

// A file keeps the records of some tables on disk, with logs beside it if it is large.
// The disk holds a change before the tables do: a record that somebody has seen is
// durable.
//
// Changes that arrive while a write is under way share the next one. One key has at
// most one change under way; whoever wants another waits for the outcome. So no
// change builds on one that may yet fail, and a failed write takes back
// its own changes only, by not making them.
type file struct {
	path   string
	tables []kept
	cure   string // what moving the file away means
	lock   *os.File
	spare  bool // nobody waits for it, so that it may wait itself

	diskMu sync.Mutex // guards saved and the files on the disk
	saved
	merger sync.WaitGroup

	pendingMu sync.Mutex // guards the fields below
	pending   map[store.Key]*batch
	next      *batch // waits for the write under way; nil: nothing waits
	writing   bool
	stale     bool // the disk may hold what the tables have refused or forgotten
	closed    bool
	writer    sync.WaitGroup

	closing chan struct{} // closed with the file
}

// A batch is the changes that become durable in one write.
type batch struct {
	changes []change
	done    chan struct{}
	err     error // set before done is closed
}

type change struct {
	table *table
	key   store.Key
	next  entry
}

// settled is the batch of a change that waits for no write.
var settled = func() *batch {
	b := &batch{done: make(chan struct{})}
	close(b.done)
	return b
}()

func (b *batch) wait(ctx context.Context) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// change makes one change durable, then visible, then returns.
func (f *file) change(ctx context.Context, t *table, key store.Key, decide decision) error {
	for {
		b, joined, err := f.join(t, key, decide)
		if err != nil {
			return err
		}
		if err := b.wait(ctx); err != nil || joined {
			return err
		}
	}
}

// join adds a change to the batch that it returns. If the key has a change under
// way, it returns that one's batch instead, and joined is false.
func (f *file) join(t *table, key store.Key, decide decision) (b *batch, joined bool, err error) {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	if f.closed {
		return nil, false, errClosed
	}
	if b := f.pending[key]; b != nil {
		return b, false, nil
	}
	current := t.get(key.ID)
	next, err := decide(current)
	if err != nil {
		return nil, false, err
	}
	if t.spare != nil && !current.lasts() && !next.lasts() {
		// Only the sweep changes such a record without pendingMu, by removing
		// it when its time is over.
		t.update(key.ID, becomes(next))
		t.spare.markStale()
		t.spare.refresh()
		return settled, true, nil
	}
	b = f.waiting()
	b.changes = append(b.changes, change{t, key, next})
	f.pending[key] = b
	return b, true, nil
}

// waiting returns the batch that is written next and sees to it that it is. The
// caller holds pendingMu.
func (f *file) waiting() *batch {
	if f.next == nil {
		f.next = &batch{done: make(chan struct{})}
	}
	if !f.writing {
		f.writing = true
		f.writer.Go(f.commit)
	}
	return f.next
}

// commit writes until nothing waits.
func (f *file) commit() {
	for b := f.take(); b != nil; b = f.take() {
		began := time.Now()
		f.finish(b, f.write(b.changes))
		f.considerMerge(len(b.changes) == 0)
		if f.spare {
			f.pause(restFactor * time.Since(began))
		}
	}
}

// restFactor is how much longer the spare file is left alone after a write than the
// write took: strangers who fill it get one part in twenty of the disk.
const restFactor = 20

func (f *file) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.closing:
	}
}

func (f *file) take() *batch {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	b := f.next
	f.next = nil
	f.writing = b != nil
	if b != nil {
		f.stale = false
	}
	return b
}

func (f *file) finish(b *batch, err error) {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	for _, c := range b.changes {
		delete(f.pending, c.key)
		if err != nil {
			continue
		}
		evicted, _ := c.table.update(c.key.ID, becomes(c.next))
		f.stale = f.stale || evicted
		if c.table.spare != nil {
			// It may hold the record from before it was permanent: deleted
			// here, that one would come back at the next start.
			c.table.spare.markStale()
		}
	}
	if err != nil {
		// The last step may have failed after the rename: the file then holds
		// what its callers were told did not happen.
		f.stale = true
		b.err = unusable("writing", f.path, err, "")
	}
	close(b.done)
}

func (f *file) markStale() {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	f.stale = true
}

// refresh has the file written again if it holds what the tables do not. Nobody
// waits for it, and if it fails the next sweep tries again.
func (f *file) refresh() {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	if f.stale && !f.closed {
		f.waiting()
	}
}

// close writes what is under way, leaves all of it in the file itself, and lets another
// process have it.
func (f *file) close() error {
	f.refresh()
	f.pendingMu.Lock()
	f.closed = true
	f.pendingMu.Unlock()
	close(f.closing)
	f.writer.Wait()
	f.merger.Wait()
	return errors.Join(f.complete(), f.lock.Close())
}

// notClosing returns an error once the file is being closed: a merge under way would
// be for nothing.
func (f *file) notClosing() error {
	select {
	case <-f.closing:
		return errClosed
	default:
		return nil
	}
}
