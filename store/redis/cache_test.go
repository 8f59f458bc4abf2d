package redis

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestOnlyWhatIsSurelyTheLatestIsKept(t *testing.T) {
	const now = int64(time.Hour)
	for name, c := range map[string]struct {
		meanwhile func(c *cache) // between the question and its answer
		age       time.Duration
		want      bool
	}{
		"nothing happened":            {func(*cache) {}, 0, true},
		"just young enough":           {func(*cache) {}, maxAge - 1, true},
		"too old":                     {func(*cache) {}, maxAge, false},
		"the clock was set back":      {func(*cache) {}, -1, false},
		"it was changed meanwhile":    {func(c *cache) { c.drop("a") }, 0, false},
		"a connection ended":          {func(c *cache) { c.flush() }, 0, false},
		"another shard was changed":   {func(c *cache) { c.drop(elsewhere(c)) }, 0, true},
		"the server told of no names": {func(c *cache) { c.invalidate(nil) }, 0, false},
		"Get returned a newer one":    {func(c *cache) { c.correct("a", 2) }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			cache := newCache()
			s := cache.shard([]byte("a"))
			_, changes, _ := s.find([]byte("a"), now)
			c.meanwhile(cache)
			s.keep("a", store.Record{Version: 1}, changes, now)
			if _, _, ok := s.find([]byte("a"), now+int64(c.age)); ok != c.want {
				t.Errorf("answered from memory: %v, want %v", ok, c.want)
			}
		})
	}
}

func elsewhere(c *cache) string {
	for n := 0; ; n++ {
		if name := strconv.Itoa(n); c.shard([]byte(name)) != c.shard([]byte("a")) {
			return name
		}
	}
}

// Before the server's own message is there.
func TestWhatGetLearnsIsNotContradictedFromMemory(t *testing.T) {
	b, err := Open(t.Context(), "redis://"+realserver.Redis(t).Addr, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	changed, gone := store.Key{Kind: "grant", ID: "changed"}, store.Key{Kind: "grant", ID: "gone"}
	if err := b.Create(t.Context(), changed, store.NewEncoded([]byte(`{}`)), time.Time{}); err != nil {
		t.Fatal(err)
	}
	current, err := b.Get(t.Context(), changed)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []store.Key{changed, gone} {
		name := b.layout.record(key)
		s := b.cache.shard([]byte(name))
		now := time.Now().UnixNano()
		_, changes, _ := s.find([]byte(name), now)
		s.keep(name, store.Record{Key: key, Version: current.Version + 1}, changes, now)

		want, wantErr := b.Get(t.Context(), key)
		got, err := b.GetCached(t.Context(), key)
		if got.Version != want.Version || !errors.Is(err, wantErr) {
			t.Errorf("%s: Get returned version %d, %v, and GetCached then %d, %v", key.ID, want.Version, wantErr, got.Version, err)
		}
	}
}

func TestAVersionIsDecodedOnce(t *testing.T) {
	s := newCache().shard([]byte("a"))
	first, again, next := store.NewEncoded(nil), store.NewEncoded(nil), store.NewEncoded(nil)
	s.keep("a", store.Record{Version: 1, Value: first}, 0, 0)
	if r := s.keep("a", store.Record{Version: 1, Value: again}, 0, 0); r.Value != first {
		t.Error("the same version came with another value")
	}
	if r := s.keep("a", store.Record{Version: 2, Value: next}, 0, 0); r.Value != next {
		t.Error("the next version came with the old value")
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	var s shard
	for n := range 10 * shardSize {
		s.keep(strconv.Itoa(n), store.Record{Version: 1}, 0, 0)
	}
	if len(s.records) != shardSize {
		t.Errorf("a shard holds %d records, want %d", len(s.records), shardSize)
	}
	if _, _, ok := s.find([]byte(strconv.Itoa(10*shardSize-1)), 0); !ok {
		t.Error("the latest one is not among them")
	}
}
