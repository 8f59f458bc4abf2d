package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

// hearsay is more than enough for a message from one process to another by way of their
// database.
const hearsay = 100 * time.Millisecond

// replicaCount is how many processes share a database.
const replicaCount = 3

// share makes s several processes that share a database, if the environment variable
// MCPOAUTH_E2E_STORE names one: redis or postgres. So the whole suite runs on
// either, with no two requests in a row at the same process.
func (s *server) share() {
	s.t.Helper()
	var database string
	switch store := os.Getenv("MCPOAUTH_E2E_STORE"); store {
	case "", "files":
		return
	case "redis":
		database = "redis://" + realserver.Redis(s.t).Addr
	case "postgres":
		database = realserver.Postgres(s.t).URL
	default:
		s.t.Fatalf("MCPOAUTH_E2E_STORE is %q, want files, redis or postgres", store)
	}
	s.addrs = nil
	for range replicaCount {
		s.addrs = append(s.addrs, strings.Replace(freeAddr(s.t), "127.0.0.1", "localhost", 1))
	}
	s.args = append(s.args, "-store", database, "-url", roundRobin(s))
}

// roundRobin is the URL of a proxy that gives each request to the next process.
func roundRobin(s *server) string {
	var turn atomic.Uint32
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			next := s.addrs[int(turn.Add(1))%len(s.addrs)]
			r.SetURL(&url.URL{Scheme: "http", Host: next})
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		FlushInterval: -1, // events go out as they come
		ModifyResponse: func(r *http.Response) error {
			// The other processes hear of it a message later, and the tests look at once.
			if path := r.Request.URL.Path; path == "/revoke" || r.Request.Method == http.MethodPost && strings.HasPrefix(path, "/account/") {
				time.Sleep(hearsay)
			}
			return nil
		},
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Both as in forward.
		defer r.Body.Close()
		_ = http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	}))
	s.t.Cleanup(front.Close)
	return strings.Replace(front.URL, "127.0.0.1", "localhost", 1)
}
