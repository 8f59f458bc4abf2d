package replicas

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

func TestPostgresFailsOverToItsStandby(t *testing.T) {
	primary := realserver.Postgres(t)
	standby := primary.Standby()
	url := strings.Replace(primary.URL, primary.Addr, primary.Addr+","+standby.Addr, 1) + "&target_session_attrs=read-write"
	d := deploy(t, postgresBound, three(url)...)
	d.during(func() {
		d.tally.kills.Add(1)
		primary.Kill()
		time.Sleep(time.Second)
		standby.Promote()
		d.awaitHealth()
		time.Sleep(5 * time.Second)
	})
}

func TestASentinelPrimaryFails(t *testing.T) {
	s := realserver.RedisSentinel(t, "--appendfsync", "always")
	// Without the wait a fail-over may lose what was acknowledged last.
	url := "redis://" + s.Addrs[0] + "?addr=" + s.Addrs[1] + "&addr=" + s.Addrs[2] + "&master_set=" + s.MasterSet + "&wait_replicas=1"
	d := deploy(t, redisBound, three(url)...)
	d.during(func() {
		good := d.mustConnect()
		d.tally.kills.Add(1)
		s.Primary.Kill()
		d.awaitHealth()
		d.eventually("a good token to be accepted by the new primary", func() bool {
			return good.use(t.Context(), good.newest().access, next).status == http.StatusOK
		})
		time.Sleep(2 * time.Second)
		s.Primary.Start() // as a replica, which writes have to wait for
		d.eventually("a refresh", func() bool { return good.exchange(t.Context(), good.newest().refresh, next) })
		time.Sleep(2 * time.Second)
	})
}

func TestANodeOfAClusterIsKilled(t *testing.T) {
	nodes := realserver.RedisCluster(t)
	for _, node := range nodes {
		redisConn(t, node.Addr)("CONFIG SET appendfsync always") // as startRedis
	}
	url := "redis://" + nodes[0].Addr + "?addr=" + nodes[1].Addr + "&addr=" + nodes[2].Addr
	d := deploy(t, redisBound, three(url)...)
	d.during(func() {
		for _, node := range nodes[:2] {
			d.tally.kills.Add(1)
			node.Kill()
			time.Sleep(4 * time.Second)
			node.Start()
			d.awaitHealth()
			time.Sleep(time.Second)
		}
	})
}
