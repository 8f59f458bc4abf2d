package redis

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// maxAge is how long a record is answered from memory before it is asked for
	// again, in case an invalidation never comes, whatever the reason.
	maxAge = 30 * time.Second

	cacheShards = 256
	shardSize   = 128 // records; about 32,000 in all
)

// A cache keeps the records that were read, until the server says that they have
// changed. They stay as they were decoded.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]shard
}

// A shard counts the changes to any of its keys, and what else tells of one: a record that
// was read meanwhile may be from before it, and is not kept.
type shard struct {
	mu      sync.RWMutex // guards the fields below
	records map[string]kept
	changes uint64
	_       [24]byte // a cache line each: read locks are writes too
}

type kept struct {
	record store.Record
	asked  int64 // when, in Unix nanoseconds: the wall clock goes on while a machine sleeps
}

// GetCached implements store.CachingBackend. The package comment says what it may miss.
func (b *Backend) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	var buf [128]byte
	name := b.layout.appendRecord(buf[:0], key)
	s := b.cache.shard(name)
	now := time.Now().UnixNano()
	record, changes, ok := s.find(name, now)
	if ok {
		return record, nil
	}
	record, err := b.get(ctx, key)
	if err == nil {
		record = s.keep(string(name), record, changes, now)
	}
	return record, err
}

func newCache() *cache { return &cache{seed: maphash.MakeSeed()} }

func (c *cache) shard(name []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, name)%cacheShards]
}

// find returns a record that may still be answered, or the state that keep wants.
func (s *shard) find(name []byte, now int64) (record store.Record, changes uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.records[string(name)]
	if age := now - found.asked; !ok || age < 0 || age >= int64(maxAge) {
		return store.Record{}, s.changes, false
	}
	return found.record, s.changes, true
}

// keep keeps a record that was asked for at that time, in that state. It returns the
// same version with the value that was decoded before, if there is one.
func (s *shard) keep(name string, record store.Record, changes uint64, asked int64) store.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changes != changes {
		return record
	}
	if old, ok := s.records[name]; ok && old.record.Version == record.Version {
		record.Value = old.record.Value
	} else if len(s.records) >= shardSize {
		s.evict()
	}
	if s.records == nil {
		s.records = make(map[string]kept)
	}
	s.records[name] = kept{record, asked}
	return record
}

// evict drops any record: which one Go's maps begin with is random.
func (s *shard) evict() {
	for name := range s.records {
		delete(s.records, name)
		return
	}
}

func (c *cache) drop(name string) {
	s := c.shard([]byte(name))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	delete(s.records, name)
}

// correct drops what is not of this version, nor keeps what was asked for before it was read.
func (c *cache) correct(name string, version uint64) {
	s := c.shard([]byte(name))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes++
	if s.records[name].record.Version != version {
		delete(s.records, name)
	}
}

func (c *cache) flush() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.changes++
		clear(s.records)
		s.mu.Unlock()
	}
}

// invalidate is told of each change in the database, and by nil that a connection
// ended or that everything was deleted.
func (c *cache) invalidate(names []rueidis.RedisMessage) {
	for i := range names {
		name, err := names[i].ToString()
		if err != nil {
			names = nil
			break
		}
		c.drop(name)
	}
	if names == nil {
		c.flush()
	}
}
