package mcpoauth_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
)

// A pipe is a net.Listener in a synctest bubble, with one connection.
type pipe struct {
	conns chan net.Conn
}

func (p pipe) Accept() (net.Conn, error) {
	conn, ok := <-p.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipe) Close() error   { return nil }
func (p pipe) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "192.0.2.1:1234" }

// dial returns a connection to an http.Server with a router, within a bubble.
func dial(t *testing.T) net.Conn {
	t.Helper()
	_, router := inProcess(t, mcpoauth.Config{})
	listener := pipe{make(chan net.Conn)}
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	go func() { _ = server.Serve(listener) }()
	client, conn := net.Pipe()
	listener.conns <- conn
	t.Cleanup(func() {
		close(listener.conns)
		_ = server.Close()
	})
	return client
}

// An http.Server waits for the whole of a body before it sends an answer, also of one that
// no handler reads. It can have no ReadTimeout, because MCP streams: whoever sends
// the first byte alone would hold a connection for ever.
func TestR30_ABodyThatDoesNotArriveHoldsNoConnection(t *testing.T) {
	for name, head := range map[string]string{
		"without a token":              "POST /mcp HTTP/1.1",
		"with a bad token":             "POST /mcp HTTP/1.1\r\nAuthorization: Bearer nonsense",
		"with two":                     "POST /mcp HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b",
		"of a form":                    "POST /token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded",
		"of what is no form":           "POST /token HTTP/1.1\r\nContent-Type: text/plain",
		"of a registration":            "POST /register HTTP/1.1\r\nContent-Type: application/json",
		"of a registration of no type": "POST /register HTTP/1.1",
		"of a page":                    "GET /authorize HTTP/1.1",
		"of another method":            "DELETE /token HTTP/1.1",
		"of a method that is none":     "BREW /token HTTP/1.1",
		"of a preflight":               "OPTIONS /mcp HTTP/1.1",
		"of metadata":                  "GET /.well-known/oauth-authorization-server HTTP/1.1",
		"at no endpoint":               "POST /nowhere HTTP/1.1",
	} {
		for body, start := range map[string]string{"counted": "Content-Length: 100\r\n\r\n{", "in chunks": "Transfer-Encoding: chunked\r\n\r\n64\r\n{"} {
			t.Run(name+", "+body, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client := dial(t)
					began := time.Now()
					if _, err := fmt.Fprintf(client, "%s\r\nHost: example.com\r\n%s", head, start); err != nil {
						t.Fatal(err)
					}
					answer := bufio.NewReader(client)
					_ = client.SetReadDeadline(began.Add(time.Hour))
					if _, err := http.ReadResponse(answer, nil); err != nil {
						t.Errorf("no answer: %v", err)
					}
					_, _ = io.Copy(io.Discard, answer)
					if took := time.Since(began); took > time.Minute {
						t.Errorf("the connection is held for %v", took)
					}
				})
			})
		}
	}
}

// It writes for as long as nobody takes what it writes, and can have no WriteTimeout either.
func TestAnAnswerThatNobodyTakesHoldsNoConnection(t *testing.T) {
	for name, head := range map[string]string{
		"of the guard":   "POST /mcp HTTP/1.1",
		"of a page":      "GET /authorize HTTP/1.1",
		"of metadata":    "GET /.well-known/oauth-authorization-server HTTP/1.1",
		"at no endpoint": "GET /nowhere HTTP/1.1",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := dial(t)
				if _, err := fmt.Fprintf(client, "%s\r\nHost: example.com\r\n\r\n", head); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				_ = client.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := client.Write([]byte("G")); !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("the connection is held: %v", err)
				}
			})
		})
	}
}
