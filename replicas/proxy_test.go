package replicas

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
)

// replicaHeader says in a request which replica shall answer, and in an answer which one did.
const replicaHeader = "X-Replica"

type replicaKey struct{}

// A proxy gives each request to the next replica, or to the one that it names. A request
// that a replica does not answer breaks off.
type proxy struct {
	*httptest.Server
	addrs []string
	turn  atomic.Int32
	out   atomic.Int32 // the replica that gets nothing but what names it; noReplica: all get their share
}

const noReplica = -1

func newProxy(addrs []string) *proxy {
	p := &proxy{addrs: addrs}
	p.out.Store(noReplica)
	p.Server = httptest.NewServer(&httputil.ReverseProxy{
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		Rewrite: func(r *httputil.ProxyRequest) {
			i, err := strconv.Atoi(r.In.Header.Get(replicaHeader))
			if err != nil {
				i = p.next()
			}
			r.SetURL(&url.URL{Scheme: "http", Host: addrs[i]})
			r.Out.Host = r.In.Host
			r.Out = r.Out.WithContext(context.WithValue(r.Out.Context(), replicaKey{}, i))
		},
		ModifyResponse: func(res *http.Response) error {
			res.Header.Set(replicaHeader, strconv.Itoa(res.Request.Context().Value(replicaKey{}).(int)))
			return nil
		},
		ErrorLog:     log.New(io.Discard, "", 0), // of answers that break off, as they shall
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	return p
}

func (p *proxy) next() int {
	for {
		if i := p.turn.Add(1) % int32(len(p.addrs)); i != p.out.Load() {
			return int(i)
		}
	}
}
