package redis_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

func open(t testing.TB, url string, o redis.Options) *redis.Backend {
	t.Helper()
	b, err := redis.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func at(addr string, more ...string) string {
	return "redis://" + addr + "?" + url.Values{"addr": more}.Encode()
}

func sentinelURL(s *realserver.Sentinel) string {
	return at(s.Addrs[0], s.Addrs[1:]...) + "&master_set=" + s.MasterSet
}

func clusterURL(nodes []*realserver.Process) string {
	return at(nodes[0].Addr, nodes[1].Addr, nodes[2].Addr)
}

// cli asks a server the way a person would.
func cli(t testing.TB, addr string, command ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(addr, ":")
	out, err := exec.Command("redis-cli", append([]string{"-h", host, "-p", port, "--raw"}, command...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func grantKey() store.Key { return store.Key{Kind: store.KindGrant, ID: secret.NewID()} }

func value(json string) store.Value { return store.NewEncoded([]byte(json)) }

func create(t testing.TB, b store.Backend, key store.Key) {
	t.Helper()
	if err := b.Create(t.Context(), key, value(`{}`), time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// warm makes GetCached answer from memory. The first answer may not be kept, because
// the news that the record was created came with it.
func warm(t testing.TB, b *redis.Backend, key store.Key) {
	t.Helper()
	for range 2 {
		if _, err := b.GetCached(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}

// eventually waits, with a generous deadline, until something has become true.
func eventually(t testing.TB, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if true() {
			return
		}
	}
	t.Fatalf("it never came about that %s", what)
}
