package audit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/later"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// Kept is how many events are remembered.
	Kept = 300

	// saveDelay is how long an event waits for others to be saved with it: a crash
	// loses the last few seconds, of the journal and not of the log.
	saveDelay = 3 * time.Second
)

// A Store keeps the journals of all processes.
type Store interface {
	SaveJournal(ctx context.Context, j *store.Journal) error
	Journals(ctx context.Context) ([]*store.Journal, error)
	ForgetJournal(ctx context.Context, id string) error
}

// A Journal is what happened last in this process, and a way to the others'.
type Journal struct {
	store Store
	log   *slog.Logger // for trouble of its own
	save  later.Task
	hook  *hook // nil: nobody is told

	mu     sync.Mutex // guards events
	events []store.Event

	id   string
	tidy bool // once old journals were forgotten; the saving task has it alone
}

// New returns a Journal that tells onEvent, unless it is nil, of each event, and log of
// its own trouble. SaveTo has to follow before anything is to be kept.
func New(onEvent func(store.Event), log *slog.Logger) *Journal {
	j := &Journal{log: log, id: store.NewJournalID()}
	if onEvent != nil {
		j.hook = &hook{call: onEvent, log: log}
	}
	j.save.Delay, j.save.Do, j.save.Failed = saveDelay, j.saveNow, func(err error) {
		log.Warn("journal.unsaved", "error", err)
	}
	return j
}

// SaveTo says where the journal is kept. It comes before the first event.
func (j *Journal) SaveTo(s Store) { j.store = s }

// Close saves what is not saved yet, and waits a little for who is being told of events.
func (j *Journal) Close() {
	if j.store != nil {
		j.save.Close()
	}
	if j.hook != nil {
		j.hook.wait()
	}
}

func (j *Journal) note(e store.Event) {
	j.mu.Lock()
	j.events = append(j.events, e)
	if len(j.events) >= 2*Kept {
		j.events = slices.Delete(j.events, 0, len(j.events)-len(newest(j.events, Kept)))
	}
	j.mu.Unlock()
	if j.store != nil {
		j.save.Soon()
	}
	if j.hook != nil {
		j.hook.tell(e)
	}
}

// own returns a copy of what happened here: one that newest may put in order, and of what is
// left one more, which keeps nothing else in memory.
func (j *Journal) own() []store.Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(newest(slices.Clone(j.events), Kept))
}

// Recent returns the last n events of all processes, also of those that have ended, the
// newest first; at most Kept.
func (j *Journal) Recent(ctx context.Context, n int) ([]store.Event, error) {
	journals, err := j.store.Journals(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the journals: %w", err)
	}
	events := newest(j.merge(journals), max(0, min(n, Kept)))
	slices.Reverse(events)
	return events, nil
}

// merge returns the events of all journals and of this process, the oldest first.
func (j *Journal) merge(journals []*store.Journal) []store.Event {
	events := j.own()
	for _, other := range journals {
		if other.ID != j.id {
			events = append(events, other.Events...)
		}
	}
	slices.SortStableFunc(events, func(a, b store.Event) int { return a.Time.Compare(b.Time) })
	return events
}

func (j *Journal) saveNow(ctx context.Context) error {
	if err := j.store.SaveJournal(ctx, &store.Journal{ID: j.id, Events: j.own()}); err != nil {
		return fmt.Errorf("saving the journal: %w", err)
	}
	if j.tidy {
		return nil
	}
	if err := j.forgetOld(ctx); err != nil {
		return fmt.Errorf("forgetting old journals: %w", err)
	}
	j.tidy = true
	return nil
}

// forgetOld removes the journals that have nothing to add to the last events: a process
// that is started again and again leaves one each time.
func (j *Journal) forgetOld(ctx context.Context) error {
	journals, err := j.store.Journals(ctx)
	if err != nil {
		return err
	}
	last := make(map[store.Event]bool)
	for _, e := range newest(j.merge(journals), Kept) {
		last[e] = true
	}
	for _, other := range journals {
		adds := slices.ContainsFunc(other.Events, func(e store.Event) bool { return last[e] })
		if adds || other.ID == j.id {
			continue
		}
		if err := j.store.ForgetJournal(ctx, other.ID); err != nil {
			return err
		}
	}
	return nil
}
