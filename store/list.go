package store

import (
	"context"
	"iter"
)

// listPage is how many records one call of Backend.List asks for.
const listPage = 200

// list returns the live records of a kind whose IDs begin with prefix, in the order of
// their IDs. After an error it ends.
func list[T any](ctx context.Context, s *Store, kind Kind, prefix string) iter.Seq2[*T, error] {
	return listUnless[T](ctx, s, kind, prefix, func(r Record) bool { return expired(r.ExpiresAt, wall()) })
}

// listAll is list with the records that have expired and are not forgotten yet: were the clock put
// back, they would be live again.
func listAll[T any](ctx context.Context, s *Store, kind Kind, prefix string) iter.Seq2[*T, error] {
	return listUnless[T](ctx, s, kind, prefix, func(Record) bool { return false })
}

func listUnless[T any](ctx context.Context, s *Store, kind Kind, prefix string, skip func(Record) bool) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		after := ""
		for {
			records, err := s.backend.List(ctx, kind, prefix, after, listPage)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range records {
				if skip(r) {
					continue
				}
				record, err := decode[T](r.Value)
				if !yield(record, err) || err != nil {
					return
				}
			}
			if len(records) < listPage {
				return
			}
			after = records[len(records)-1].Key.ID
		}
	}
}
