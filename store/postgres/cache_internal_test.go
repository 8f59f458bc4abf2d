package postgres

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const here server = 1

func newCache() *cache {
	c := new(cache)
	c.begin(here)
	return c
}

func key(id string) store.Key { return store.Key{Kind: "k", ID: id} }

// read is what GetCached does when a record is not in memory; meanwhile is what happens
// while it asks.
func read(c *cache, id string, from server, meanwhile func()) {
	_, seen, _ := c.get(key(id))
	meanwhile()
	c.put(store.Record{Key: key(id), Version: 1}, seen, from)
}

func keeps(c *cache, id string) bool {
	_, _, ok := c.get(key(id))
	return ok
}

func TestARecordIsNotKeptIfItMayHaveChangedSinceItWasAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		from      server
		meanwhile func(c *cache)
		kept      bool
	}{
		"nothing happened":                   {here, func(*cache) {}, true},
		"it changed":                         {here, func(c *cache) { c.drop(key("a")) }, false},
		"everything changed":                 {here, func(c *cache) { c.clear() }, false},
		"nothing was heard for a while":      {here, func(c *cache) { c.end(); c.begin(here) }, false},
		"nothing is heard":                   {here, func(c *cache) { c.end() }, false},
		"it is another server's":             {2, func(*cache) {}, false},
		"it is that of the server before it": {here, func(c *cache) { c.begin(2) }, false},
	} {
		c := newCache()
		read(c, "a", test.from, func() { test.meanwhile(c) })
		if got := keeps(c, "a"); got != test.kept {
			t.Errorf("%s: it is kept: %v", name, got)
		}
		if got, want := c.moved.Load(), test.from != here; got != want {
			t.Errorf("%s: the listener is told to move: %v", name, got)
		}
	}
}

// Each write is acknowledged when it is in the database and dropped from the cache, as
// are those of this Backend.
func TestNoWriteThatWasAcknowledgedIsMissedHoweverReadersAndWritersMeet(t *testing.T) {
	c := newCache()
	var database, acknowledged atomic.Uint64
	database.Store(1)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				least := acknowledged.Load()
				record, seen, ok := c.get(key("a"))
				if !ok {
					record = store.Record{Key: key("a"), Version: database.Load()}
					c.put(record, seen, here)
				}
				if record.Version < least {
					t.Errorf("version %d was answered after %d was acknowledged", record.Version, least)
					return
				}
			}
		})
	}
	for version := range uint64(20_000) {
		database.Store(version + 2)
		c.drop(key("a"))
		acknowledged.Store(version + 2)
	}
	close(done)
	readers.Wait()
}

func TestTheCacheIsBounded(t *testing.T) {
	c := newCache()
	for n := range 2 * shardCount * shardSize {
		read(c, fmt.Sprint(n), here, func() {})
	}
	total := 0
	for i := range c.shards {
		total += len(c.shards[i].records)
	}
	if most := shardCount * shardSize; total > most || total < most/2 {
		t.Errorf("it holds %d records, want at most %d", total, most)
	}
	last := fmt.Sprint(2*shardCount*shardSize - 1)
	if !keeps(c, last) {
		t.Error("the last record is not among them")
	}
}

func TestALeaseCountsFromWhenItsBeatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lease
		holds := func(want bool) {
			t.Helper()
			if got := l.holds(time.Now()); got != want {
				t.Errorf("it holds: %v", got)
			}
		}
		holds(false)
		sent := time.Now()
		time.Sleep(MaxStaleness - 1) // a slow answer
		l.renew(sent)
		holds(true)
		time.Sleep(time.Nanosecond)
		holds(false)

		sent = time.Now()
		time.Sleep(time.Minute) // too slow
		l.renew(sent)
		holds(false)

		l.renew(time.Now())
		holds(true)
		l.end()
		holds(false)
	})
}
