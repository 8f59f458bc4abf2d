package replicas

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestRedisIsFull(t *testing.T) {
	db := startRedis(t, "--maxmemory", "24mb", "--maxmemory-policy", "noeviction")
	d := deploy(t, redisBound, three(db.url)...)
	d.during(func() {
		good, bad := d.mustConnect(), d.mustConnect()
		access := bad.newest().access
		d.tally.faults.Add(1)
		empty := fill(t, db.Addr)
		d.eventually("refreshes to be put off", func() bool { return !good.exchange(t.Context(), good.newest().refresh, next) })
		for i := range d.replicas {
			if res := good.use(t.Context(), good.newest().access, i); res.status != http.StatusOK {
				t.Errorf("replica %d answers a good token with %d while the memory is full", i, res.status)
			}
		}
		if !bad.revoke(t.Context(), 1) {
			t.Error("nothing can be revoked while the memory is full")
		}
		bad.watch(t.Context(), access)
		time.Sleep(5 * time.Second)
		empty()
	})
	if d.tally.unavailable.Load() == 0 {
		t.Error("nothing was put off")
	}
}

// fill writes to a Redis until it takes no more, and goes on, because whatever is deleted
// makes room again. What it returns deletes all that was written.
func fill(t *testing.T, addr string) (empty func()) {
	t.Helper()
	say := redisConn(t, addr)
	pages := 0
	full := func(size int) bool {
		pages++
		return !strings.HasPrefix(say("SET page%d %s", pages, strings.Repeat("x", size)), "+OK")
	}
	for _, size := range []int{60_000, 1_000, 10} {
		for !full(size) {
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				for !full(10) {
				}
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		for i := range pages {
			say("DEL page%d", i+1)
		}
	}
}

// redisConn returns how to say a command to a Redis and hear the first line of the answer,
// which is empty if there is none.
func redisConn(t *testing.T, addr string) (say func(format string, args ...any) string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	answers := bufio.NewReader(conn)
	return func(format string, args ...any) string {
		fmt.Fprintf(conn, format+"\r\n", args...)
		line, _ := answers.ReadString('\n')
		return line
	}
}
