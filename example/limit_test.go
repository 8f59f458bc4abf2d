package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestOnePersonKeepsOnlySoManyNotes(t *testing.T) {
	notes := openNotes(t, filepath.Join(t.TempDir(), "notes.json"))
	for range maxNotes {
		mustAdd(t, notes, "ann", "x")
	}
	if _, err := notes.Add("ann", "one more"); err == nil {
		t.Errorf("a note beside %d others was kept", maxNotes)
	}
	mustAdd(t, notes, "bob", "x")
}

// pipes is a listener that a synctest bubble can hold.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
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
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

// served lets prove connect to a server in a bubble in which hours pass at once.
func served(t *testing.T, handler http.Handler, prove func(t *testing.T, connect func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := &pipes{make(chan net.Conn), make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- serve(ctx, handler, []net.Listener{listener}) }()
		prove(t, func() net.Conn {
			near, far := net.Pipe()
			listener.conns <- far
			return near
		})
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAConnectionOnWhichNothingHappensIsClosed(t *testing.T) {
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, test := range map[string]struct {
		sends string
		after time.Duration
	}{
		"a header that never ends": {"GET / HTTP/1.1\r\nHost: a", 10 * time.Second},
		"no second request":        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			served(t, nothing, func(t *testing.T, connect func() net.Conn) {
				conn, began := connect(), time.Now()
				fmt.Fprint(conn, test.sends)
				conn.SetReadDeadline(began.Add(time.Hour))
				io.Copy(io.Discard, conn)
				if took := time.Since(began); took != test.after {
					t.Errorf("it is closed after %v, want %v", took, test.after)
				}
			})
		})
	}
}

func TestAHeaderIsAsLargeAsItMayBe(t *testing.T) {
	const most, slack = 64 << 10, 4 << 10 // net/http forgives a little
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for size, status := range map[int]int{most: http.StatusOK, most + 2*slack: http.StatusRequestHeaderFieldsTooLarge} {
		served(t, nothing, func(t *testing.T, connect func() net.Conn) {
			conn := connect()
			defer conn.Close()
			go fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: a\r\nX-Long: %s\r\n\r\n", strings.Repeat("x", size-len("GET / HTTP/1.1\r\nHost: a\r\nX-Long: \r\n\r\n")))
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil || res.StatusCode != status {
				t.Errorf("of %d bytes: %v, %v, want %d", size, res, err, status)
			}
		})
	}
}

// That is why there is neither a WriteTimeout nor a ReadTimeout.
func TestAStreamMayLastForHours(t *testing.T) {
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 5 {
			time.Sleep(time.Hour)
			fmt.Fprintln(w, r.Context().Err())
			http.NewResponseController(w).Flush()
		}
	})
	served(t, stream, func(t *testing.T, connect func() net.Conn) {
		conn := connect()
		defer conn.Close()
		fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil || string(body) != strings.Repeat("<nil>\n", 5) {
			t.Errorf("got %q, %v", body, err)
		}
	})
}
