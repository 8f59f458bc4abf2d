package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

func TestNothingThatWasAcknowledgedIsLostWhenTheServerIsKilled(t *testing.T) {
	server := realserver.Redis(t, "--appendfsync", "always")
	b := open(t, at(server.Addr), redis.Options{Timeout: time.Second})
	lost := 0
	for range 5 {
		expected := writeUntil(t, b, server.Kill)
		server.Start()
		lost += expected.missing(t, b)
	}
	if lost > 0 {
		t.Errorf("%d acknowledged writes were lost", lost)
	}
}

func TestASentinelFailOverLosesNothingThatTheReplicaHad(t *testing.T) {
	t.Parallel() // it waits most of the time
	s := realserver.RedisSentinel(t)
	failsOver(t, sentinelURL(s), s.Primary)
}

func TestAClusterFailOverLosesNothingThatAReplicaHad(t *testing.T) {
	t.Parallel() // it waits most of the time
	nodes := realserver.RedisClusterWithReplicas(t)
	failsOver(t, clusterURL(nodes), nodes[1])
}

func failsOver(t *testing.T, url string, primary *realserver.Process) {
	waiting := open(t, url+"&wait_replicas=1", redis.Options{Timeout: time.Second})
	other := open(t, url, redis.Options{Timeout: time.Second})
	write := func(b *redis.Backend) error { return b.Create(t.Context(), grantKey(), value(`{}`), time.Time{}) }
	many := func(b *redis.Backend) bool { // enough to meet every server of a cluster
		for range 50 {
			if write(b) != nil {
				return false
			}
		}
		return true
	}

	expected := writeUntil(t, waiting, primary.Kill)
	eventually(t, "writes work again", func() bool { return many(other) })
	if lost := expected.missing(t, other); lost > 0 {
		t.Errorf("%d acknowledged writes were lost", lost)
	}
	eventually(t, "a write that no replica has is an error", func() bool {
		err := write(waiting)
		return err != nil && !errors.Is(err, store.ErrConflict) && strings.Contains(err.Error(), "0 of 1 replicas")
	})
	primary.Start() // it becomes the replica
	eventually(t, "writes wait for the replica again", func() bool { return many(waiting) })
}

// Since Redis 7.2 WAIT returns at once for a connection that wrote nothing.
func TestWhatIsFoundDoneOrOvertakenIsNotAcknowledgedBeforeTheReplicasHaveIt(t *testing.T) {
	t.Parallel() // it waits most of the time
	primary := realserver.Redis(t)
	host, port, _ := strings.Cut(primary.Addr, ":")
	replica := realserver.Redis(t, "--replicaof", host, port)
	b := open(t, at(primary.Addr), redis.Options{WaitReplicas: 1, Timeout: time.Second})
	key := grantKey()
	other := store.Key{Kind: key.Kind, ID: "other"}
	for _, k := range []store.Key{key, other} {
		eventually(t, "the replica follows", func() bool {
			err := b.Create(t.Context(), k, value(`{}`), time.Time{})
			return err == nil || errors.Is(err, store.ErrConflict)
		})
	}
	if err := b.Replace(t.Context(), grantKey(), 1, value(`{}`), time.Time{}); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err) // so that the server knows this script too
	}
	if err := b.Delete(t.Context(), grantKey()); !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}

	replica.Pause()
	t.Cleanup(replica.Resume)
	revoke := func() error { return b.Delete(t.Context(), key) }
	if err := revoke(); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a revocation that no replica has returned %v", err)
	}
	repeated := map[string]func() error{
		"Delete of what is gone":     revoke,
		"Replace of what is gone":    func() error { return b.Replace(t.Context(), key, 1, value(`{}`), time.Time{}) },
		"Replace of another version": func() error { return b.Replace(t.Context(), other, 1, value(`{}`), time.Time{}) },
		"Create of what is there":    func() error { return b.Create(t.Context(), other, value(`{}`), time.Time{}) },
	}
	fences := func() string { return cli(t, primary.Addr, "keys", "mcpoauth:fence:*") }
	for _, memory := range []string{"0", "1"} { // no limit, and full
		cli(t, primary.Addr, "config", "set", "maxmemory", memory)
		for name, write := range repeated {
			before := fences()
			if err := write(); err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
				t.Errorf("%s, maxmemory %s: without the replica it returned %v", name, memory, err)
			}
			if fences() == before {
				t.Errorf("%s, maxmemory %s: it wrote nothing", name, memory)
			}
		}
	}
	replica.Resume()
	eventually(t, "the revocation is acknowledged", func() bool { return errors.Is(revoke(), store.ErrNotFound) })
	for name, write := range repeated {
		if err := write(); !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s: with the replica it returned %v", name, err)
		}
	}
}

// A promise is what a backend acknowledged.
type promise struct {
	mu      sync.Mutex
	created []store.Key
	deleted []store.Key
}

// writeUntil creates and deletes grants from several goroutines while end ends the server.
func writeUntil(t *testing.T, b *redis.Backend, end func()) *promise {
	t.Helper()
	var p promise
	var writers sync.WaitGroup
	var count atomic.Int64
	ended := make(chan struct{})
	for range 8 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				default:
				}
				p.write(t, b, n%2 == 0)
				count.Add(1)
			}
		})
	}
	eventually(t, "there are enough writes", func() bool { return count.Load() > 500 })
	end()
	close(ended)
	writers.Wait()
	t.Logf("%d grants were created and %d revoked before the end", len(p.created), len(p.deleted))
	return &p
}

func (p *promise) write(t *testing.T, b *redis.Backend, revoke bool) {
	key := grantKey()
	if b.Create(t.Context(), key, value(`{}`), time.Time{}) != nil {
		return
	}
	if !revoke {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.created = append(p.created, key)
		return
	}
	if b.Delete(t.Context(), key) == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.deleted = append(p.deleted, key)
	}
}

// missing counts what is not as it was acknowledged.
func (p *promise) missing(t *testing.T, b *redis.Backend) (lost int) {
	t.Helper()
	is := func(key store.Key) (found bool) {
		eventually(t, "the server answers", func() bool {
			_, err := b.Get(t.Context(), key)
			found = err == nil
			return found || errors.Is(err, store.ErrNotFound)
		})
		return found
	}
	for _, key := range p.created {
		if !is(key) {
			lost++
		}
	}
	for _, key := range p.deleted {
		if is(key) {
			lost++
		}
	}
	return lost
}

func TestAFullMemoryRefusesNewRecordsAndStillForgetsOldOnes(t *testing.T) {
	server := realserver.Redis(t, "--maxmemory", "8mb")
	b := open(t, at(server.Addr), redis.Options{})
	large := fmt.Sprintf(`{"content":%q}`, bytes.Repeat([]byte("x"), 64<<10))
	var keys []store.Key
	var err error
	for err == nil {
		key := grantKey()
		if err = b.Create(t.Context(), key, value(large), time.Now().Add(time.Hour)); err == nil {
			keys = append(keys, key)
		}
	}
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("Create failed with %v", err)
	}
	agrees(t, server.Addr, b, len(keys))

	record, err := b.Get(t.Context(), keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(t.Context(), keys[0], record.Version, value(large), time.Time{}); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("Replace returned %v", err)
	}
	if again, err := b.Get(t.Context(), keys[0]); err != nil || again.Version != record.Version || !again.ExpiresAt.Equal(record.ExpiresAt) {
		t.Errorf("Replace left version %d until %v, %v", again.Version, again.ExpiresAt, err)
	}

	cli(t, server.Addr, "script", "flush") // as after a restart
	for _, key := range keys {
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	agrees(t, server.Addr, b, 0)
	create(t, b, grantKey())
}

// agrees requires that records and index are the same number of grants.
func agrees(t *testing.T, addr string, b *redis.Backend, want int) {
	t.Helper()
	listed, err := b.List(t.Context(), store.KindGrant, "", "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	hashes := len(strings.Fields(cli(t, addr, "--scan", "--pattern", "mcpoauth:{grant:*")))
	if ids := indexed(t, addr, "ids"); len(listed) != want || hashes != want || ids != want {
		t.Errorf("%d records are listed, there are %d and the index has %d; want %d", len(listed), hashes, ids, want)
	}
}

// indexed returns how many IDs the sorted sets of that name have, in all buckets.
func indexed(t *testing.T, addr, name string) (total int) {
	t.Helper()
	for bucket := range 16 {
		var count int
		fmt.Sscan(cli(t, addr, "zcard", fmt.Sprintf("mcpoauth:%s:{grant:%02d}", name, bucket)), &count)
		total += count
	}
	return total
}

func TestTheIndexForgetsWhatRedisForgot(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := realserver.Redis(t)
	b := open(t, at(server.Addr), redis.Options{})
	const records = 1000
	soon := time.Now().Add(2*time.Second - time.Minute) // Redis keeps them for a minute more
	for range records {
		if err := b.Create(t.Context(), grantKey(), value(`{}`), soon); err != nil {
			t.Fatal(err)
		}
	}
	if ids, expiring := indexed(t, server.Addr, "ids"), indexed(t, server.Addr, "expiry"); ids != records || expiring != records {
		t.Fatalf("the index has %d IDs, %d of them expire", ids, expiring)
	}
	eventually(t, "Redis has forgotten them", func() bool {
		return cli(t, server.Addr, "--scan", "--pattern", "mcpoauth:{grant:*") == ""
	})
	for range 300 {
		create(t, b, grantKey())
	}
	if ids, expiring := indexed(t, server.Addr, "ids"), indexed(t, server.Addr, "expiry"); ids != 300 || expiring != 0 {
		t.Errorf("the index has %d IDs, %d of them expire; want 300 and none", ids, expiring)
	}
}

func TestTheIndexForgetsWhatAPersonDeletedOnceItIsListed(t *testing.T) {
	server := realserver.Redis(t)
	b := open(t, at(server.Addr), redis.Options{})
	for range 30 {
		create(t, b, grantKey())
	}
	cli(t, server.Addr, append([]string{"del"}, strings.Fields(cli(t, server.Addr, "keys", "mcpoauth:{grant:*"))...)...)
	for range 10 {
		create(t, b, grantKey())
	}
	agrees(t, server.Addr, b, 10)
}
