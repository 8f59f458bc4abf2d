// Package proxy hands the requests that mcpoauth lets in to an MCP server in another
// process, in any language, and tells it who is calling.
package proxy

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/ratelimit"
)

// An Upstream is the MCP server behind.
type Upstream struct {
	URL     *url.URL          // of its MCP endpoint
	Header  http.Header       // goes with every request to it, and nowhere else: its credentials
	Path    string            // of the endpoint as clients know it, which becomes that of URL
	Public  *url.URL          // the origin that clients know
	Proxies ratelimit.Proxies // in front of this one
	Log     *slog.Logger
}

// Handler returns what mcpoauth.BuildOAuthRouter is to wrap. It answers nobody whom
// the router did not let in.
func (u Upstream) Handler() http.Handler {
	forward := &httputil.ReverseProxy{
		Rewrite:        u.rewrite,
		ModifyResponse: modify,
		ErrorHandler:   u.failed,
		Transport:      quiet{transport()},
		FlushInterval:  -1, // an event is of use when it happens
		ErrorLog:       slog.NewLogLogger(u.Log.Handler(), slog.LevelDebug),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := mcpoauth.IdentityFromContext(r.Context()); !ok {
			u.failed(w, r, &refusal{"upstream.unguarded", "a request came past the guard", ""})
			return
		}
		if refused(w, r) {
			return
		}
		// Without it, Go's server cuts an answer off now and then that begins before
		// the request has ended. HTTP/2 is that way by itself, and says so with an error.
		_ = http.NewResponseController(w).EnableFullDuplex()
		// With it, a body that the handler leaves unread takes the connection, and the
		// next request on it, down (golang/go#68560).
		defer r.Body.Close()
		forward.ServeHTTP(w, r)
	})
}

func transport() *http.Transport {
	return &http.Transport{
		// No proxy from the environment: credentials go to the upstream alone.
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		// Node and uvicorn close a connection that was idle for five seconds, and a
		// request that is just then on its way is lost.
		IdleConnTimeout:       2 * time.Second,
		MaxIdleConnsPerHost:   64,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // a stream would wait for the decoder
		ForceAttemptHTTP2:     true,
		// No ResponseHeaderTimeout: a tool may work for minutes before it says anything.
	}
}

// quiet keeps the upstream's 1xx answers to itself. ReverseProxy passes them on and
// forgets what was in the header by then, which is the router's CORS. And it keeps the
// trailers, which come when the header has gone out and nothing can be refused any more:
// they would set cookies past modify.
type quiet struct{ http.RoundTripper }

func (q quiet) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := q.RoundTripper.RoundTrip(r.WithContext(bare{r.Context()}))
	if err != nil {
		return nil, err
	}
	kept := *res // the transport fills the trailers of its own
	kept.Request, kept.Trailer = r, nil
	return &kept, nil
}

// bare is a context with nothing in it but its end, so without ReverseProxy's trace.
type bare struct{ context.Context }

func (bare) Value(any) any { return nil }
