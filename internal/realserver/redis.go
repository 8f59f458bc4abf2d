package realserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Redis starts a Redis server that writes an append-only file. args are further arguments
// of redis-server, such as "--maxmemory", "8mb".
func Redis(t testing.TB, args ...string) *Process {
	t.Helper()
	return redisAt(t, FreePort(t), args...)
}

// RedisCluster starts a cluster of three primaries without replicas.
func RedisCluster(t testing.TB) []*Process {
	t.Helper()
	return redisCluster(t, 3, "0")
}

// RedisClusterWithReplicas starts a cluster of three primaries, which come first, with a
// replica each.
func RedisClusterWithReplicas(t testing.TB) []*Process {
	t.Helper()
	nodes := redisCluster(t, 6, "1")
	for _, replica := range nodes[3:] {
		awaitAnswer(t, replica.Addr, []string{"role:slave", "master_link_status:up"}, "info", "replication")
	}
	return nodes
}

func redisCluster(t testing.TB, count int, replicas string) []*Process {
	t.Helper()
	var nodes []*Process
	create := []string{"--cluster", "create"}
	for range count {
		node := redisAt(t, freeClusterPort(t), "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		nodes = append(nodes, node)
		create = append(create, node.Addr)
	}
	create = append(create, "--cluster-replicas", replicas, "--cluster-yes")
	if out, err := exec.Command(find(t, "redis-cli"), create...).CombinedOutput(); err != nil {
		t.Fatalf("creating the cluster: %v\n%s", err, out)
	}
	for _, node := range nodes {
		awaitAnswer(t, node.Addr, []string{"cluster_state:ok", fmt.Sprint("cluster_known_nodes:", count)}, "cluster", "info")
	}
	return nodes
}

// A Sentinel is a primary with one replica, watched by three Sentinels of which two must
// agree that it has failed.
type Sentinel struct {
	Primary, Replica *Process
	Addrs            []string // of the Sentinels
	MasterSet        string   // what they call the primary
}

// RedisSentinel starts a primary, its replica and their Sentinels.
func RedisSentinel(t testing.TB, args ...string) *Sentinel {
	t.Helper()
	s := &Sentinel{MasterSet: "main", Primary: Redis(t, args...)}
	host, port, _ := net.SplitHostPort(s.Primary.Addr)
	s.Replica = Redis(t, append(args, "--replicaof", host, port)...)
	awaitAnswer(t, s.Replica.Addr, []string{"master_link_status:up"}, "info", "replication")
	for range 3 {
		s.Addrs = append(s.Addrs, startSentinel(t, s.MasterSet, host, port).Addr)
	}
	for _, addr := range s.Addrs {
		awaitAnswer(t, addr, []string{"status=ok", "slaves=1", "sentinels=3"}, "info", "sentinel")
	}
	return s
}

func startSentinel(t testing.TB, masterSet, host, port string) *Process {
	t.Helper()
	own := FreePort(t)
	config := filepath.Join(t.TempDir(), "sentinel.conf") // it keeps its state there
	text := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %s\nsentinel monitor %s %s %s 2\n", own, filepath.Dir(config), masterSet, host, port) +
		fmt.Sprintf("sentinel down-after-milliseconds %s 1000\nsentinel failover-timeout %[1]s 3000\n", masterSet)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := find(t, "redis-server")
	return run(t, loopback(own), func() *exec.Cmd {
		return exec.Command(program, config, "--sentinel")
	}, func() error { return answers(t, loopback(own)) })
}

func redisAt(t testing.TB, port int, args ...string) *Process {
	t.Helper()
	program := find(t, "redis-server")
	all := append([]string{
		"--bind", "127.0.0.1", "--port", fmt.Sprint(port), "--dir", t.TempDir(),
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--repl-diskless-sync-delay", "0",
	}, args...)
	return run(t, loopback(port), func() *exec.Cmd {
		return exec.Command(program, all...)
	}, func() error { return answers(t, loopback(port)) })
}

// answers returns nil once the server has read its data. One that wants a password
// first answers too.
func answers(t testing.TB, addr string) error {
	out, err := redisCLI(t, addr, "ping")
	if err == nil && !strings.Contains(out, "PONG") && !strings.Contains(out, "NOAUTH") {
		err = fmt.Errorf("PING is answered with %q", out)
	}
	return err
}

// awaitAnswer waits until the server's answer has all of these words.
func awaitAnswer(t testing.TB, addr string, words []string, command ...string) {
	t.Helper()
	var out string
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, _ = redisCLI(t, addr, command...)
		missing := false
		for _, word := range words {
			missing = missing || !strings.Contains(out, word)
		}
		if !missing {
			return
		}
	}
	t.Fatalf("%s answers %v with %q, want %q in it", addr, command, out, words)
}

func redisCLI(t testing.TB, addr string, command ...string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	out, err := exec.Command(find(t, "redis-cli"), append([]string{"-h", host, "-p", port}, command...)...).CombinedOutput()
	return string(out), err
}

// freeClusterPort returns a free port for which that of the cluster's own talk, by
// custom 10,000 above, is free too.
func freeClusterPort(t testing.TB) int {
	t.Helper()
	for {
		port := FreePort(t)
		if l, err := net.Listen("tcp", loopback(port+10_000)); err == nil {
			l.Close()
			return port
		}
	}
}
