package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ErrUnreadable: a record cannot be read, and so opens nothing. What it is about is not known.
var ErrUnreadable = errors.New("store: a record cannot be read")

// firstPage and lastPage are how many records calls of Backend.List ask for, each for four
// times as many as the one before: some backends look through all they have for each page.
const (
	firstPage = 200
	lastPage  = 3200
)

// list returns the live records of a kind whose IDs begin with prefix, in the order of
// their IDs. After ErrUnreadable the next one comes; after any other error it ends.
func list[T any](ctx context.Context, s *Store, kind Kind, prefix string) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for r, err := range records(ctx, s, kind, prefix) {
			if err != nil {
				yield(nil, err)
				return
			}
			if expired(r.ExpiresAt, wall()) {
				continue
			}
			record, err := decode[T](r.Value)
			if err != nil {
				err = fmt.Errorf("%w: %v: %w", ErrUnreadable, r.Key, err)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// records returns the records of a kind as the backend has them, also those that have expired
// and are not forgotten yet: were the clock put back, they would be live again.
func records(ctx context.Context, s *Store, kind Kind, prefix string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		after := ""
		for page := firstPage; ; page = min(4*page, lastPage) {
			records, err := s.backend.List(ctx, kind, prefix, after, page)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, r := range records {
				if !yield(r, nil) {
					return
				}
			}
			if len(records) < page {
				return
			}
			after = records[len(records)-1].Key.ID
		}
	}
}
