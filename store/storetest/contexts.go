package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var contexts = []rule{
	{"no method does anything once ctx is cancelled", func(s *subject) {
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		s.idle(ctx, context.Canceled)
	}},
	{"no method does anything once the deadline of ctx has passed", func(s *subject) {
		ctx, cancel := context.WithDeadline(s.Context(), time.Now().Add(-time.Second))
		defer cancel()
		s.idle(ctx, context.DeadlineExceeded)
	}},
	{"what is acknowledged while a deadline passes is kept, and the rest fails with the error of ctx", func(s *subject) {
		began := time.Now()
		s.create("first", number(-1))
		usual := time.Since(began)

		// Deadlines from far too short to long enough.
		rounds := s.times(40, 10)
		for n := range rounds {
			id := fmt.Sprint(n)
			err := s.createWithin(id, number(n), 2*usual*time.Duration(n)/time.Duration(rounds))
			if err != nil && !is(err, context.DeadlineExceeded) {
				s.Errorf("Create returned %v", err)
			}
			// Who got the error does not know whether the record was made, but
			// there is no half of one.
			record, found := s.backend.Get(s.Context(), s.key(id))
			switch {
			case found == nil:
				s.same(record.Value, number(n))
			case err == nil || !is(found, store.ErrNotFound):
				s.Errorf("Create returned %v, and Get then %v", err, found)
			}
		}
		s.create("last", number(1))
		s.holds("last", number(1))
	}},
}

func (s *subject) createWithin(id string, value store.Value, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(s.Context(), timeout)
	defer cancel()
	return s.backend.Create(ctx, s.key(id), value, time.Time{})
}

// idle requires that every method fails with ctx's error and changes nothing.
func (s *subject) idle(ctx context.Context, want error) {
	s.Helper()
	s.create("a", number(1))
	version := s.get("a").Version
	methods := map[string]func() error{
		"Get":     func() error { _, err := s.backend.Get(ctx, s.key("a")); return err },
		"Create":  func() error { return s.backend.Create(ctx, s.key("b"), number(2), time.Time{}) },
		"Replace": func() error { return s.backend.Replace(ctx, s.key("a"), version, number(2), time.Time{}) },
		"Delete":  func() error { return s.backend.Delete(ctx, s.key("a")) },
		"List":    func() error { _, err := s.backend.List(ctx, s.kind, "", "", 1); return err },
	}
	if b, ok := s.backend.(store.CachingBackend); ok {
		if _, err := b.GetCached(s.Context(), s.key("a")); err != nil {
			s.Errorf("GetCached returned %v", err)
		}
		methods["GetCached"] = func() error { _, err := b.GetCached(ctx, s.key("a")); return err }
	}
	for method, call := range methods {
		if err := call(); !is(err, want) {
			s.Errorf("%s returned %v", method, err)
		}
	}
	s.holds("a", number(1))
	s.gone("b")
}

// until waits for something that time brings, and is generous about how much.
func until(ctx context.Context, true func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it did not come about in a minute"))
	defer cancel()
	for !true() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
