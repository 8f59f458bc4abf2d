package store

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Defaults of Lifetimes.
const (
	DefaultCode         = 5 * time.Minute
	DefaultAccess       = 24 * time.Hour
	DefaultRefreshIdle  = 90 * 24 * time.Hour
	DefaultRefreshGrace = 2 * time.Minute
)

// Lifetimes says how long things live. Zero means the default.
type Lifetimes struct {
	Code         time.Duration
	Access       time.Duration
	RefreshIdle  time.Duration // since the last use of the refresh token
	RefreshGrace time.Duration // in which a spent refresh token gets its successors again; negative: none
}

func (l Lifetimes) withDefaults() Lifetimes {
	def := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	def(&l.Code, DefaultCode)
	def(&l.Access, DefaultAccess)
	def(&l.RefreshIdle, DefaultRefreshIdle)
	def(&l.RefreshGrace, DefaultRefreshGrace)
	return l
}

// A Store gives a Backend's values their meaning. Its methods are safe for use by
// many goroutines, and by many processes on one backend.
//
// They return ErrNotFound for what does not exist, has expired or is not proven
// by the secret that was presented, and the other sentinels where they say so.
// Any further error is the backend's: nothing can be said about the record.
type Store struct {
	backend Backend
	cached  func(context.Context, Key) (Record, error) // Get, or the backend's GetCached
	caching bool
	life    Lifetimes
}

// New returns a Store on a backend, which the caller closes.
func New(backend Backend, life Lifetimes) *Store {
	s := &Store{backend: backend, cached: backend.Get, life: life.withDefaults()}
	if caching, ok := backend.(CachingBackend); ok {
		s.cached, s.caching = caching.GetCached, true
	}
	return s
}

// Check asks the backend for something that need not exist, and returns an error
// if it cannot answer.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.backend.Get(ctx, Key{KindUser, OwnerID})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// get returns the live record under key.
func get[T any](ctx context.Context, s *Store, key Key) (*T, error) {
	record, err := s.backend.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if expired(record.ExpiresAt, wall()) {
		return nil, ErrNotFound
	}
	return decode[T](record.Value)
}

// A change is what becomes of a record: its next value and expiry, or nil to
// leave it as it is.
type change struct {
	value   Value
	expires time.Time
}

// update reads a live record and replaces it by what decide makes of it. When
// another writer comes first it decides anew, on what that writer left.
func update[T any](ctx context.Context, s *Store, key Key, decide func(current *T, now time.Time) (change, error)) error {
	// The ID may be a part of a token. A backend in this process keeps the key, and with
	// it would keep the whole token in memory.
	key.ID = strings.Clone(key.ID)
	for {
		record, err := s.backend.Get(ctx, key)
		if err != nil {
			return err
		}
		now := wall()
		if expired(record.ExpiresAt, now) {
			return ErrNotFound
		}
		current, err := decode[T](record.Value)
		if err != nil {
			return err
		}
		if g, ok := any(current).(*Grant); ok && g.ID == key.ID {
			key.ID = g.ID // one text in memory, for all there are
		}
		next, err := decide(current, now)
		if err != nil || next.value == nil {
			return err
		}
		err = s.backend.Replace(ctx, key, record.Version, next.value, next.expires)
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
}

// remove deletes a record that may be gone already.
func (s *Store) remove(ctx context.Context, key Key) error {
	if err := s.backend.Delete(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// wall returns the time without Go's monotonic reading, which stands still while
// a machine sleeps: a token must not outlive its life by a closed lid.
func wall() time.Time { return time.Now().UTC().Round(0) }

func expired(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }
