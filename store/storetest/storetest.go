// Package storetest is the promise of store.Backend as a suite of tests. The
// author of a backend calls [Run] and [RunStore] from tests of their own:
//
//	func TestBackend(t *testing.T) {
//		storetest.Run(t, open)
//		storetest.RunStore(t, open)
//	}
//
// Run them with -race: much of the promise is about many callers at once.
package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// many is how many callers meet at one record.
const many = 200

// Run tests that the backends which open returns keep what store.Backend promises.
// Each call of open returns an empty one, and closes it with t.Cleanup. Neither
// order nor space inside a value's JSON matters, and of an expiry no more than the
// microseconds.
func Run(t *testing.T, open func(t *testing.T) store.Backend) {
	// A backend may treat the kinds of Store specially, but takes any.
	for _, kind := range []store.Kind{"storetest", store.KindUser, store.KindClient, store.KindGrant, store.KindCeremony, store.KindApproval} {
		t.Run(string(kind), func(t *testing.T) {
			for _, rules := range [][]rule{records, expiry, replacing, deleting, listing, limits, contention} {
				for _, r := range rules {
					t.Run(r.sentence, func(t *testing.T) {
						r.prove(&subject{t, open(t), kind})
					})
				}
			}
		})
	}
}

// A rule is a sentence of store.Backend's and its proof.
type rule struct {
	sentence string
	prove    func(s *subject)
}

// A subject is a fresh backend under test.
type subject struct {
	*testing.T
	backend store.Backend
	kind    store.Kind
}

func (s *subject) key(id string) store.Key { return store.Key{Kind: s.kind, ID: id} }

// number is a small value that can be told from others.
func number(n int) store.Value { return text(fmt.Sprint(n)) }

func text(content string) store.Value {
	data, err := json.Marshal(map[string]string{"content": content})
	if err != nil {
		panic(err)
	}
	return store.NewEncoded(data)
}

func (s *subject) create(id string, value store.Value) {
	s.Helper()
	s.createUntil(id, value, time.Time{})
}

func (s *subject) createUntil(id string, value store.Value, expires time.Time) {
	s.Helper()
	if err := s.backend.Create(s.Context(), s.key(id), value, expires); err != nil {
		s.Fatalf("Create(%q): %v", id, err)
	}
}

func (s *subject) replace(id string, version uint64, value store.Value) {
	s.Helper()
	if err := s.backend.Replace(s.Context(), s.key(id), version, value, time.Time{}); err != nil {
		s.Fatalf("Replace(%q, %d): %v", id, version, err)
	}
}

func (s *subject) delete(id string) {
	s.Helper()
	if err := s.backend.Delete(s.Context(), s.key(id)); err != nil {
		s.Fatalf("Delete(%q): %v", id, err)
	}
}

func (s *subject) get(id string) store.Record {
	s.Helper()
	record, err := s.backend.Get(s.Context(), s.key(id))
	if err != nil {
		s.Fatalf("Get(%q): %v", id, err)
	}
	if record.Key != s.key(id) || record.Version == 0 {
		s.Fatalf("Get(%q) = record %v of version %d", id, record.Key, record.Version)
	}
	return record
}

// holds requires that the record under id has this value.
func (s *subject) holds(id string, want store.Value) {
	s.Helper()
	s.same(s.get(id).Value, want)
}

func (s *subject) same(got, want store.Value) {
	s.Helper()
	if g, w := s.content(got), s.content(want); !reflect.DeepEqual(g, w) {
		s.Fatalf("got the value %.100v, want %.100v", g, w)
	}
}

func (s *subject) content(value store.Value) (content map[string]any) {
	s.Helper()
	data, err := value.Encode()
	if err == nil {
		err = json.Unmarshal(data, &content)
	}
	if err != nil {
		s.Errorf("decoding a value that came back: %v", err)
	}
	return content
}

func (s *subject) gone(id string) {
	s.Helper()
	_, err := s.backend.Get(s.Context(), s.key(id))
	s.fails(err, store.ErrNotFound)
}

func (s *subject) fails(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got the error %v, want %v", err, want)
	}
}
