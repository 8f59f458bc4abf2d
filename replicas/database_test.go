package replicas

import (
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

// How long a revocation may take to reach every replica, as the package comments of the
// backends say it, whatever happens to their connections.
const (
	redisBound    = 5 * time.Second
	postgresBound = 2 * time.Second
)

// A database is a server that replicas share.
type database struct {
	*realserver.Process
	url string // for -store
}

// via is the URL of the database at the other end of a cable.
func (d database) via(cable *realserver.Cable) string {
	return strings.Replace(d.url, d.Addr, cable.Addr, 1)
}

// backends are the kinds of databases.
var backends = []struct {
	name  string
	bound time.Duration
	start func(testing.TB) database
}{
	{"Redis", redisBound, func(t testing.TB) database { return startRedis(t) }},
	{"PostgreSQL", postgresBound, func(t testing.TB) database {
		s := realserver.Postgres(t)
		return database{s.Process, s.URL}
	}},
}

// startRedis starts a Redis that has written what it acknowledges. With everysec a write waits
// in the process for up to two seconds while an earlier one goes to a slow disk, and a
// kill loses it.
func startRedis(t testing.TB, args ...string) database {
	p := realserver.Redis(t, append([]string{"--appendfsync", "always"}, args...)...)
	return database{p, "redis://" + p.Addr}
}

// onEach runs a test on each kind of database.
func onEach(t *testing.T, test func(t *testing.T, db database, bound time.Duration)) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) { test(t, backend.start(t), backend.bound) })
	}
}

// three is a store for each of three replicas.
func three(store string) []string { return []string{store, store, store} }
