package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// JournalLife is how long a journal is kept after its last event.
const JournalLife = 30 * 24 * time.Hour

// An Event is something that happened, under one of the names that the README lists.
// Nothing in it is secret. Text in it that a client or a stranger chose is cut.
type Event struct {
	Time     time.Time `json:"time"`
	Name     string    `json:"name"`                // "approval.granted"
	UserID   string    `json:"user_id,omitempty"`   // whom it is about; empty: nobody who is known
	ClientID string    `json:"client_id,omitempty"` // empty: no client
	GrantID  string    `json:"grant_id,omitempty"`  // empty: no grant
	From     string    `json:"from,omitempty"`      // the network of who asked; empty: this server itself
	Detail   string    `json:"detail,omitempty"`    // what else is known: key=value, with spaces between
}

// A Journal is what happened last in one process. It is one record for many events, so
// that an event is no write.
type Journal struct {
	ID     string  `json:"id"`
	Events []Event `json:"events"` // the oldest first
}

// Encode implements Value.
func (j *Journal) Encode() ([]byte, error) { return json.Marshal(j) }

// NewJournalID returns the ID of a journal that there is not yet.
func NewJournalID() string { return secret.NewID() }

// SaveJournal keeps j in the place of what was kept under its ID. Only the process that
// writes a journal may save it.
func (s *Store) SaveJournal(ctx context.Context, j *Journal) error {
	key := Key{KindJournal, j.ID}
	expires := wall().Add(JournalLife)
	for {
		err := update(ctx, s, key, func(*Journal, time.Time) (change, error) { return change{j, expires}, nil })
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		// New, or forgotten by ForgetJournal, or expired and still there.
		err = s.backend.Create(ctx, key, j, expires)
		if !errors.Is(err, ErrConflict) {
			return err
		}
		if err := s.remove(ctx, key); err != nil {
			return err
		}
	}
}

// Journals returns those of all processes, in no order.
func (s *Store) Journals(ctx context.Context) ([]*Journal, error) {
	var journals []*Journal
	for j, err := range list[Journal](ctx, s, KindJournal, "") {
		if err != nil {
			return nil, err
		}
		journals = append(journals, j)
	}
	return journals, nil
}

// ForgetJournal removes a journal. One whose process runs is back with its next event.
func (s *Store) ForgetJournal(ctx context.Context, id string) error {
	return s.remove(ctx, Key{KindJournal, id})
}
