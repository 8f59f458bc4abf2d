package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// standardLog is what Go's own log would have written during a test.
func standardLog(t *testing.T) *buffer {
	t.Helper()
	flags := log.Flags()
	t.Cleanup(func() {
		log.SetFlags(flags)
		log.SetOutput(os.Stderr)
	})
	standard := new(buffer)
	log.SetOutput(standard)
	return standard
}

func TestNoUpstreamWritesPastTheLogOfTheProxy(t *testing.T) {
	standard := standardLog(t)
	p := startProxy(t, nil, "--data", t.TempDir(), "--upstream", "http://127.0.0.1:1/mcp")
	log.Print("Unsolicited response received on idle HTTP channel starting with mallory")
	if said := standard.String() + p.err.String(); strings.Contains(said, "mallory") {
		t.Errorf("it says %s", said)
	}
}

// A server that sends more than it was asked for.
func TestNoServerWritesIntoTheReportOfTheDoctor(t *testing.T) {
	standard := standardLog(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for requests := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(requests)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					io.WriteString(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nmallory")
				}
			}()
		}
	}()
	s := newScreen(nil)
	run(t.Context(), []string{"doctor", fmt.Sprintf("http://%s/mcp", listener.Addr())}, s.terminal)
	if said := standard.String(); said != "" {
		t.Errorf("it says %s", said)
	}
}

// pipes is a listener whose connections never leave the bubble of a synctest.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error {
	close(p)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// serving runs serve on pipes, and returns a connection to it.
func serving(t *testing.T, logs io.Writer, handler http.HandlerFunc) net.Conn {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	listener, ended := make(pipes), make(chan error, 1)
	go func() {
		ended <- serve(ctx, handler, []net.Listener{listener}, slog.New(slog.NewTextHandler(logs, nil)))
	}()
	ours, theirs := net.Pipe()
	listener <- theirs
	t.Cleanup(func() {
		ours.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return ours
}

func TestACallerWhoNeverEndsItsHeadersIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := serving(t, io.Discard, func(http.ResponseWriter, *http.Request) { t.Error("it is served") })
		began := time.Now()
		io.WriteString(conn, "GET / HTTP/1.1\r\nX: ")
		if err := conn.SetReadDeadline(began.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		_, err := io.Copy(io.Discard, conn)
		if took := time.Since(began); took > 10*time.Second || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("it takes %s: %v", took, err)
		}
	})
}

func TestHeadersThatNobodyNeedsAreNotKept(t *testing.T) {
	for size, want := range map[int]int{32 << 10: http.StatusOK, 80 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		conn := serving(t, io.Discard, func(http.ResponseWriter, *http.Request) {})
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", size)+"\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%d bytes: got %d, want %d", size, res.StatusCode, want)
		}
	}
}

func TestAPanicIsInTheLogOfTheProxy(t *testing.T) {
	standard, logs := standardLog(t), new(buffer)
	conn := serving(t, logs, func(http.ResponseWriter, *http.Request) { panic("\x1b[2J") })
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	io.Copy(io.Discard, conn)
	if said := logs.String(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, "panic serving") || strings.Contains(said, "\x1b") || standard.String() != "" {
		t.Errorf("the log is %s, and Go's own %s", said, standard)
	}
}

// Another program on ::1 would get what was meant for this server.
func TestAPortThatIsTakenOnIPv6IsTaken(t *testing.T) {
	other, err := net.Listen("tcp6", "[::1]:0")
	if err != nil { // no IPv6 here: nobody else can have the port
		listeners, err := listen("localhost:0")
		if err != nil || len(listeners) != 1 {
			t.Errorf("without IPv6 it listens at %d addresses: %v", len(listeners), err)
		}
		closeAll(listeners)
		return
	}
	defer other.Close()
	addr := net.JoinHostPort("localhost", portOf(other))
	listeners, err := listen(addr)
	if err == nil {
		closeAll(listeners)
	}
	if err == nil || !strings.Contains(err.Error(), addr+" is in use by another program") {
		t.Errorf("it listens at %s beside the other: %v", addr, err)
	}
}

func TestTheProxyBelievesWhatIsTrustedOfWhereACallerIs(t *testing.T) {
	var from []string
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from = r.Header.Values("X-Forwarded-For") }))
	t.Cleanup(upstream.Close)
	s := newSite(t)
	s.owner()
	token, _ := s.connect(store.OwnerID, claude, "Claude", claudeBack)
	c, err := parseProxy([]string{"--upstream", upstream.URL, "--url", origin, "--trusted-proxy", "10.0.0.0/8"}, newScreen(nil).terminal)
	if err != nil {
		t.Fatal(err)
	}
	router, err := c.router(s.backend, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	for remote, want := range map[string]string{"10.1.2.3:4711": "198.51.100.7", "203.0.113.9:4711": "203.0.113.9"} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", origin+"/mcp", nil)
		r.RemoteAddr = remote
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !slices.Equal(from, []string{want}) {
			t.Errorf("from %s: got %d, and the upstream %q, want %s", remote, w.Code, from, want)
		}
	}
}
