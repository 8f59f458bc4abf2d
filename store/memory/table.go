package memory

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// With this many shards a writer, or the sweep of a million records, never stops
// more than one look-up in 256, and those for microseconds.
const shardCount = 256

// A table holds the records of one kind.
type table struct {
	shards [shardCount]shard
	limit  *limit   // nil: any number of records
	file   *file    // nil: in memory only
	spare  *file    // of the records that carry an expiry; nil: they are in file too
	_      [40]byte // to a cache line, so that the shards of the next table have one each too
}

type shard struct {
	recordsMu sync.RWMutex
	records   records
	size      atomic.Int64 // of records, for who passes by
	_         [16]byte     // a cache line each: read locks are writes too
}

// An entry is kept small: a million of them are a pause for nobody, and the
// garbage collector finds one pointer in each.
type entry struct {
	value   store.Value
	version uint64 // zero: no such record
	expires store.Instant
}

// A decision looks at a record and returns what shall stand in its place; the
// zero entry stands for none.
type decision func(current entry) (next entry, err error)

var seed = maphash.MakeSeed()

func (t *table) shard(id string) *shard {
	return &t.shards[maphash.String(seed, id)%shardCount]
}

func (t *table) get(id string) entry {
	s := t.shard(id)
	s.recordsMu.RLock()
	e := s.records.get(id)
	s.recordsMu.RUnlock()
	return e
}

// update changes one record in one step. It reports whether another one gave way.
func (t *table) update(id string, decide decision) (evicted bool, err error) {
	if t.limit != nil {
		t.limit.orderMu.Lock()
		defer t.limit.orderMu.Unlock()
	}
	next, err := t.shard(id).update(id, decide)
	if err != nil || t.limit == nil {
		return false, err
	}
	oldest, evicted := t.limit.note(id, next)
	if evicted {
		_, err = t.shard(oldest).update(oldest, becomes(entry{}))
	}
	return evicted, err
}

// becomes decides for e, whatever there is.
func becomes(e entry) decision {
	return func(entry) (entry, error) { return e, nil }
}

func (s *shard) update(id string, decide decision) (entry, error) {
	s.recordsMu.Lock()
	defer s.recordsMu.Unlock()
	defer s.count()
	next, err := decide(s.records.get(id))
	if err != nil {
		return entry{}, err
	}
	s.records.put(id, next)
	return next, nil
}

// each calls visit with every record whose ID begins with prefix, while the record's shard
// is locked for reading.
func (t *table) each(prefix string, visit func(i id, e entry)) {
	for i := range t.shards {
		t.shards[i].each(prefix, visit)
	}
}

func (s *shard) each(prefix string, visit func(i id, e entry)) {
	if s.size.Load() == 0 {
		return
	}
	s.recordsMu.RLock()
	defer s.recordsMu.RUnlock()
	s.records.each(prefix, visit)
}

// count is called by who has changed records, before others can.
func (s *shard) count() { s.size.Store(int64(s.records.len())) }

// lasts reports whether e is a record that never expires.
func (e entry) lasts() bool { return e.version != 0 && e.expires == 0 }

func (e entry) record(key store.Key) store.Record {
	return store.Record{Key: key, Value: e.value, Version: e.version, ExpiresAt: e.expires.Time()}
}

func (e entry) expired(now time.Time) bool {
	return e.expires != 0 && !e.expires.After(now)
}
