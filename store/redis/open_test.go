package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

func TestAServerThatCannotBeTrustedWithRecordsIsRefused(t *testing.T) {
	evicting := realserver.Redis(t, "--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru")
	limited := realserver.Redis(t, "--maxmemory", "64mb")
	host, port, _ := strings.Cut(limited.Addr, ":")
	replica := realserver.Redis(t, "--replicaof", host, port)
	orphan := realserver.Redis(t, "--replicaof", "127.0.0.1", "1")
	for name, c := range map[string]struct {
		url  string
		o    redis.Options
		want []string
	}{
		"one that evicts":           {at(evicting.Addr), redis.Options{}, []string{evicting.Addr, `"volatile-lru"`, "noeviction"}},
		"one that follows another":  {at(replica.Addr), redis.Options{}, []string{replica.Addr + " is a replica of " + limited.Addr, "name the primary"}},
		"one whose primary is gone": {at(orphan.Addr), redis.Options{}, []string{orphan.Addr + " is a replica of 127.0.0.1:1", "name the primary"}},
		"one without RESP3":         {at(scripted(t, "-ERR unknown command `HELLO`, with args beginning with: `3`")), redis.Options{}, []string{"RESP3", "6.2"}},
		"one that is not there":     {"redis://127.0.0.1:1", redis.Options{}, []string{"127.0.0.1:1", "is it running"}},
		"RESP2 by the URL":          {at(limited.Addr) + "&protocol=2", redis.Options{}, []string{"protocol=2", "remove it"}},
		"no messages, by the URL":   {at(limited.Addr) + "&client_cache=0", redis.Options{}, []string{"client_cache=0", "remove it"}},
		"another database's URL":    {"postgres://127.0.0.1", redis.Options{}, []string{"redis://user:password@"}},
		"a prefix that is a slot":   {at(limited.Addr), redis.Options{Prefix: "{a}"}, []string{"Options.Prefix", `"{a}"`}},
		"no time at all":            {at(limited.Addr), redis.Options{Timeout: -1}, []string{"Options.Timeout", "-1ns"}},
		"no number of replicas":     {at(limited.Addr) + "&wait_replicas=all", redis.Options{}, []string{"wait_replicas"}},
		"fewer replicas than none":  {at(limited.Addr), redis.Options{WaitReplicas: -1}, []string{"Options.WaitReplicas", "-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, c.url, c.o, c.want...)
		})
	}
	open(t, at(limited.Addr), redis.Options{}) // noeviction is the server's own default
}

// The client learns from a cluster, or from Sentinels, which servers are replicas.
func TestAReplicaIsNoReasonAgainstAClusterOrSentinels(t *testing.T) {
	t.Parallel() // it waits most of the time
	nodes := realserver.RedisClusterWithReplicas(t)
	eventually(t, "the cluster tells of every replica", func() bool {
		told := cli(t, nodes[0].Addr, "cluster", "slots")
		for _, node := range nodes {
			_, port, _ := strings.Cut(node.Addr, ":")
			if !strings.Contains(told, "\n"+port+"\n") {
				return false
			}
		}
		return true
	})
	create(t, open(t, clusterURL(nodes), redis.Options{}), grantKey())
	create(t, open(t, clusterURL(nodes[3:]), redis.Options{}), grantKey()) // by the replicas' names
	create(t, open(t, sentinelURL(realserver.RedisSentinel(t)), redis.Options{}), grantKey())
}

func refused(t *testing.T, url string, o redis.Options, want ...string) {
	t.Helper()
	b, err := redis.Open(t.Context(), url, o)
	if err == nil {
		b.Close()
		t.Fatal("it was opened")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %s: %v", part, err)
		}
	}
}

func TestNoErrorHoldsThePassword(t *testing.T) {
	guarded := realserver.Redis(t, "--requirepass", "right")
	old := scripted(t, "-ERR unknown command `HELLO`, with args beginning with: `3` `AUTH` `default` `hunter2`")
	proxy := scripted(t, "-ERR Unsupported command: HELLO 3 AUTH default hunter2")
	for name, url := range map[string]string{
		"a wrong one":                   "redis://:hunter2@" + guarded.Addr,
		"a wrong one and name":          "redis://somebody:hunter2@" + guarded.Addr,
		"a server that repeats it":      "redis://:hunter2@" + old,
		"a proxy that repeats it":       "redis://:hunter2@" + proxy,
		"a proxy that repeats half":     "redis://:hunter2-and-more@" + proxy,
		"a proxy of Sentinels":          "redis://:hunter2@" + proxy + "?master_set=main",
		"a server that is not there":    "redis://:hunter2@127.0.0.1:1",
		"a database that is no number":  "redis://:hunter2@127.0.0.1:1/hunter2",
		"a slash in it":                 "redis://:hunter2/x@127.0.0.1:1",
		"a hash in it":                  "redis://hunter2#x@127.0.0.1:1",
		"a question mark in it":         "redis://hunter2?x@127.0.0.1:1",
		"a per cent sign in it":         "redis://:hunter2%zz@127.0.0.1:1",
		"an option that is no duration": "redis://:hunter2@127.0.0.1:1?dial_timeout=hunter2",
		"a space in it":                 "redis://:hunter2 x@127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			b, err := redis.Open(t.Context(), url, redis.Options{})
			if err == nil {
				b.Close()
				t.Fatal("it was opened")
			}
			for ; err != nil; err = errors.Unwrap(err) {
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("it does: %v", err)
				}
			}
		})
	}
	open(t, "redis://:right@"+guarded.Addr, redis.Options{})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	silent := realserver.NewCable(t, realserver.Redis(t).Addr)
	silent.Cut()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := redis.Open(ctx, at(silent.Addr), redis.Options{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got the error %v", err)
	}
}

func TestAUserNeedsNoMoreRightsThanAreDocumented(t *testing.T) {
	server := realserver.Redis(t)
	cli(t, server.Addr, append([]string{"acl", "setuser", "mcpoauth", "on", ">pass"}, strings.Fields(rights)...)...)
	b := open(t, "redis://mcpoauth:pass@"+server.Addr, redis.Options{})
	key := grantKey()
	if err := b.Create(t.Context(), key, value(`{}`), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	client := store.Key{Kind: store.KindClient, ID: key.ID} // these are counted
	if err := b.Create(t.Context(), client, value(`{}`), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	record, err := b.GetCached(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Replace(t.Context(), key, record.Version, value(`{}`), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.List(t.Context(), key.Kind, "", "", 10); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// As in the package comment.
const rights = "~mcpoauth:* +hello +ping +client +info +eval +evalsha +hmget +zrangebylex" +
	" +exists +hget +hset +del +pexpireat +persist +time +zadd +zrem +zcard +zrangebyscore"

// scripted is a server that gives every command the same answer.
func scripted(t *testing.T, answer string) (addr string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "*") {
						fmt.Fprintf(conn, "%s\r\n", answer)
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
