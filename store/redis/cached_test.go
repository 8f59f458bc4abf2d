package redis_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

func TestARevocationStopsGetCachedOfAnotherProcess(t *testing.T) {
	for name, url := range map[string]string{
		"standalone": at(realserver.Redis(t).Addr),
		"cluster":    clusterURL(realserver.RedisCluster(t)),
	} {
		t.Run(name, func(t *testing.T) {
			here, there := open(t, url, redis.Options{}), open(t, url, redis.Options{})
			delays := make([]time.Duration, 200)
			for n := range delays {
				key := grantKey()
				create(t, here, key)
				warm(t, there, key)
				began := time.Now()
				if err := here.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				revoked(t, there, key)
				delays[n] = time.Since(began)
			}
			slices.Sort(delays)
			t.Logf("revocation reached the other replica after %v (median of %d), %v at most, the round trip of the revocation included",
				delays[len(delays)/2], len(delays), delays[len(delays)-1])
		})
	}
}

func revoked(t *testing.T, b *redis.Backend, key store.Key) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if _, err := b.GetCached(t.Context(), key); errors.Is(err, store.ErrNotFound) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the other process never noticed")
}

func TestGetCachedAnswersFromMemory(t *testing.T) {
	server := realserver.Redis(t)
	b := open(t, at(server.Addr), redis.Options{})
	key := grantKey()
	create(t, b, key)
	warm(t, b, key)
	server.Pause()
	t.Cleanup(server.Resume)
	if allocations := testing.AllocsPerRun(1000, func() { warm(t, b, key) }); allocations != 0 {
		t.Errorf("%v allocations, want none", allocations)
	}
}

func TestGetCachedSeesEveryWriteOfItsOwnBackend(t *testing.T) {
	b := open(t, at(realserver.Redis(t).Addr), redis.Options{})
	for range 200 {
		key := grantKey()
		create(t, b, key)
		record, err := b.GetCached(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Replace(t.Context(), key, record.Version, value(`{}`), time.Time{}); err != nil {
			t.Fatal(err)
		}
		if replaced, err := b.GetCached(t.Context(), key); err != nil || replaced.Version == record.Version {
			t.Fatalf("after Replace it returned version %d again, %v", replaced.Version, err)
		}
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if _, err := b.GetCached(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("after Delete it returned the error %v", err)
		}
	}
}

func TestGetCachedSeesWhatAPersonChanges(t *testing.T) {
	for name, c := range map[string]struct {
		command []string // the key comes second
		want    string   // empty: not found
	}{
		"a value edited":       {[]string{"hset", "", "d", `{"edited":true}`}, `{"edited":true}`},
		"a record deleted":     {[]string{"unlink", ""}, ""},
		"everything deleted":   {[]string{"flushall"}, ""},
		"one that has expired": {[]string{"pexpire", "", "1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := realserver.Redis(t)
			b := open(t, at(server.Addr), redis.Options{})
			key := grantKey()
			create(t, b, key)
			warm(t, b, key)
			if len(c.command) > 1 {
				c.command[1] = cli(t, server.Addr, "keys", "mcpoauth:{*")
			}
			cli(t, server.Addr, c.command...)
			eventually(t, "GetCached sees it", func() bool {
				record, err := b.GetCached(t.Context(), key)
				if err != nil {
					return c.want == "" && errors.Is(err, store.ErrNotFound)
				}
				data, err := record.Value.Encode()
				return err == nil && string(data) == c.want
			})
		})
	}
}
