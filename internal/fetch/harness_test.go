package fetch

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A page is what a server answers, by its path.
type page func(w http.ResponseWriter, r *http.Request)

// origin returns a Fetcher whose transport is the real one, but for its dialling: every
// host is the server of these pages, over real TLS. It needs no network, so that time
// can be that of a synctest bubble.
func origin(t *testing.T, pages map[string]page) *Fetcher {
	t.Helper()
	listener := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page := pages[r.URL.Path]; page != nil {
			page(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that go away are what is tested
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)

	transport := newTransport(func(context.Context, string, string) (net.Conn, error) { return listener.dial() })
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	transport.TLSClientConfig.ServerName = "example.com" // whom its certificate is for
	return &Fetcher{Transport: transport}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// sends answers with JSON.
func sends(body string, headers ...string) page {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Write([]byte(body))
	}
}

// answers is a transport for tests of what comes after it: it calls the function.
type answers func(r *http.Request) (*http.Response, error)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer is a good one, with headers.
func answer(body string, headers http.Header) *http.Response {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	maps.Copy(w.Header(), headers)
	w.WriteString(body)
	return w.Result()
}

func mustGet(t *testing.T, f *Fetcher, url string) Document {
	t.Helper()
	doc, err := f.Get(t.Context(), url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return doc
}

// mustFail gets url, which has to fail in this way, with a reason that has these words.
func mustFail(t *testing.T, f *Fetcher, url string, kind Kind, words string) *Error {
	t.Helper()
	doc, err := f.Get(t.Context(), url)
	failure, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%s: %d bytes and the error %v, want an *Error", url, len(doc.Body), err)
	}
	if failure.Kind != kind || !strings.Contains(failure.Reason, words) {
		t.Fatalf("%s: kind %d, %q; want kind %d and %q (%v)", url, failure.Kind, failure.Reason, kind, words, failure.Err)
	}
	return failure
}

// within fails the test if what happens takes longer, by the clock of the bubble.
func within(t *testing.T, limit time.Duration, what func()) {
	t.Helper()
	start := time.Now()
	what()
	if took := time.Since(start); took > limit {
		t.Errorf("it took %v, want at most %v", took, limit)
	}
}
