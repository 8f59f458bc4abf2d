package postgres

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	shardCount = 64

	// shardSize bounds the cache to 32,768 records: those that are beyond it cost a
	// round trip now and then.
	shardSize = 512
)

// A server is told from others, and from itself before it was started again, by when it
// started. Zero is none.
type server int64

// A cache holds records that were read from the server whose changes are heard of, each
// until it is heard that it changed. What it holds may be answered while the lease holds.
type cache struct {
	lease  lease
	server atomic.Int64 // server
	moved  atomic.Bool  // a record came from another server
	shards [shardCount]shard
}

type shard struct {
	mu      sync.RWMutex
	records map[store.Key]store.Record
	drops   uint64   // how many times something was dropped
	_       [24]byte // a cache line each: read locks are writes too
}

var seed = maphash.MakeSeed()

func (c *cache) shard(key store.Key) *shard {
	return &c.shards[maphash.String(seed, key.ID)%shardCount]
}

// get returns a record, if it is there, and what put needs to know.
func (c *cache) get(key store.Key) (record store.Record, drops uint64, ok bool) {
	s := c.shard(key)
	s.mu.RLock()
	defer s.mu.RUnlock()
	record, ok = s.records[key]
	return record, s.drops, ok
}

// put keeps a record that was read after get returned drops. If something was dropped
// since, that may have been this very record, read just before it changed.
func (c *cache) put(record store.Record, drops uint64, from server) {
	s := c.shard(record.Key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drops != drops {
		return
	}
	if to := server(c.server.Load()); from != to {
		if to != 0 {
			c.moved.Store(true)
		}
		return
	}
	if s.records == nil {
		s.records = make(map[store.Key]store.Record)
	}
	if _, ok := s.records[record.Key]; !ok && len(s.records) >= shardSize {
		for any := range s.records {
			delete(s.records, any)
			break
		}
	}
	s.records[record.Key] = record
}

func (c *cache) drop(key store.Key) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, key)
	s.drops++
}

// begin empties the cache for records of a server all of whose changes are heard of from
// now on.
func (c *cache) begin(s server) {
	c.server.Store(int64(s))
	c.clear()
	c.moved.Store(false)
}

// end is for when changes are not heard of any more.
func (c *cache) end() {
	c.lease.end()
	c.server.Store(0)
	c.clear()
}

func (c *cache) clear() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		clear(s.records)
		s.drops++
		s.mu.Unlock()
	}
}
