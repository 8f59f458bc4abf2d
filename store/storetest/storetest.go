// Package storetest is the promise of store.Backend as a suite of tests. The
// author of a backend calls [Run] and [RunStore] from tests of their own:
//
//	func TestBackend(t *testing.T) {
//		storetest.Run(t, open)
//		storetest.RunStore(t, open)
//	}
//
//	func open(t *testing.T) store.Backend {
//		b, err := yours.Open(emptyDatabase(t))
//		if err != nil {
//			t.Fatal(err)
//		}
//		t.Cleanup(func() { b.Close() })
//		return b
//	}
//
// Run them with -race: much of the promise is about many callers at once. The
// example has a whole backend.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// many is how many callers meet at one record.
const many = 200

// Run tests that the backends which open returns keep what store.Backend promises,
// and store.CachingBackend if they are of that type too. Each call of open returns
// an empty one, and closes it with t.Cleanup. Neither order nor space inside a
// value's JSON matters, and of an expiry no more than the microseconds.
//
// Every rule is tested with grants, each on a backend of its own. A backend may treat
// the other kinds of Store specially, and takes any: for each of them most rules are
// tested again, on one backend that is emptied in between.
func Run(t *testing.T, open func(t *testing.T) store.Backend) {
	t.Run(string(store.KindGrant), func(t *testing.T) {
		for _, r := range slices.Concat(promise, alike) {
			t.Run(r.sentence, func(t *testing.T) {
				r.prove(&subject{T: t, backend: open(t), kind: store.KindGrant, whole: true})
			})
		}
	})
	for _, kind := range append(store.Kinds(), "storetest") {
		if kind == store.KindGrant {
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			backend := open(t)
			for _, r := range promise {
				t.Run(r.sentence, func(t *testing.T) {
					s := &subject{T: t, backend: backend, kind: kind}
					t.Cleanup(s.clear)
					r.prove(s)
				})
			}
		})
	}
}

// another is the kind of the records that must not get in the way.
const another store.Kind = "another"

// promise is what holds for every kind; alike is what does not depend on the kind.
var (
	promise = slices.Concat(records, contexts, owned, expiry, replacing, deleting, listing, contention, caching)
	alike   = slices.Concat(values, crowds)
)

// A rule is a sentence of store.Backend's and its proof.
type rule struct {
	sentence string
	prove    func(s *subject)
}

// A subject is an empty backend under test.
type subject struct {
	*testing.T
	backend store.Backend
	kind    store.Kind
	whole   bool // with the numbers that a rule has at its best
}

// clear removes what a rule has left, for the next one.
func (s *subject) clear() {
	ctx := context.WithoutCancel(s.Context())
	for _, kind := range []store.Kind{s.kind, another} {
		listed, err := s.backend.List(ctx, kind, "", "", 10_000)
		if err != nil {
			s.Errorf("listing what is left: %v", err)
		}
		for _, record := range listed {
			if err := s.backend.Delete(ctx, record.Key); err != nil && !errors.Is(err, store.ErrNotFound) {
				s.Errorf("deleting what is left: %v", err)
			}
		}
	}
}

// times is a number of rounds: fewer for kinds that differ in little.
func (s *subject) times(whole, otherwise int) int {
	if s.whole {
		return whole
	}
	return otherwise
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

func (s *subject) list(prefix, after string, limit int) []store.Record {
	s.Helper()
	listed, err := s.backend.List(s.Context(), s.kind, prefix, after, limit)
	if err != nil {
		s.Fatalf("List(prefix %q, after %q, limit %d): %v", prefix, after, limit, err)
	}
	return listed
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

// content decodes a value, with numbers as they are spelled.
func (s *subject) content(value store.Value) (content map[string]any) {
	s.Helper()
	data, err := value.Encode()
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		err = dec.Decode(&content)
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
	if !is(err, want) {
		s.Fatalf("got the error %v, want %v", err, want)
	}
}

// is reports whether err wraps want, and neither of Backend's sentinels besides: Store
// would take trouble for an answer, or one answer for the other.
func is(err, want error) bool {
	for _, sentinel := range []error{store.ErrNotFound, store.ErrConflict} {
		if want != sentinel && errors.Is(err, sentinel) {
			return false
		}
	}
	return errors.Is(err, want)
}
