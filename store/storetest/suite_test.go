package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

func TestTheSmallestBackendPasses(t *testing.T) {
	open := func(*testing.T) store.Backend { return newMapBackend() }
	storetest.Run(t, open)
	storetest.RunStore(t, open)
}

func TestTheSmallestCachingBackendPasses(t *testing.T) {
	open := func(*testing.T) store.Backend { return newCaching(false) }
	storetest.Run(t, open)
	storetest.RunStore(t, open)
}

// A backend with a mistake fails the rule that is about it. The test runs itself
// again in a process of its own, in which that rule has to fail.
func TestEveryMistakeIsFound(t *testing.T) {
	const variable = "STORETEST_MISTAKE"
	if name := os.Getenv(variable); name != "" {
		storetest.Run(t, func(*testing.T) store.Backend { return mistakes[name].open() })
		return
	}
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := strings.ReplaceAll(m.rule, " ", "_")
			cmd := exec.CommandContext(t.Context(), os.Args[0],
				"-test.run=^"+t.Name()[:strings.Index(t.Name(), "/")]+"$/^grant$/^"+regexp.QuoteMeta(rule)+"$")
			cmd.Env = append(os.Environ(), variable+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestEveryMistakeIsFound/grant/"+rule) {
				t.Errorf("the rule %q did not fail: %v\n%s", m.rule, err, out)
			}
		})
	}
}

// caching is a mapBackend with a cache before it.
type caching struct {
	*mapBackend
	careless bool // and does not empty it when it writes

	cacheMu sync.Mutex
	cache   map[store.Key]store.Record
}

func newCaching(careless bool) *caching {
	return &caching{mapBackend: newMapBackend(), careless: careless, cache: make(map[store.Key]store.Record)}
}

func (c *caching) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	c.cacheMu.Lock()
	defer c.cacheMu.Unlock()
	if record, ok := c.cache[key]; ok && (c.careless || c.version(key) == record.Version) {
		return record, nil
	}
	record, err := c.Get(ctx, key)
	if err == nil {
		c.cache[key] = record
	}
	return record, err
}

func (b *mapBackend) version(key store.Key) uint64 {
	b.recordsMu.Lock()
	defer b.recordsMu.Unlock()
	return b.records[key].version
}
