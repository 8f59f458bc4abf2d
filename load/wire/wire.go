// Package wire is an HTTP/1.1 client that costs little beside the server it measures:
// requests are bytes made beforehand, and of an answer nothing is kept but its status.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// timeout is how long an answer may take before something is broken.
const timeout = 30 * time.Second

// Request returns a request as it goes over the wire. Headers are given as name, value,
// name, value...; a body has its length in them.
func Request(method, target, host, body string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	for i := 0; i < len(headers); i += 2 {
		fmt.Fprintf(&b, "%s: %s\r\n", headers[i], headers[i+1])
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// Open connects to addr as somebody at the address from: on Linux all of 127.0.0.0/8 is
// this machine. If from is empty, anyone.
func Open(ctx context.Context, from, addr string) (net.Conn, error) {
	var dialer net.Dialer
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return dialer.DialContext(ctx, "tcp", addr)
}

// A Conn is a connection that is kept open between requests. One goroutine uses it.
type Conn struct {
	from, addr string
	net        net.Conn // nil: closed
	answer     *bufio.Reader
}

// Dial opens a connection as Open does. When the server closes it after an answer, as it
// may, the next request opens another.
func Dial(ctx context.Context, from, addr string) (*Conn, error) {
	c := &Conn{from: from, addr: addr, answer: bufio.NewReaderSize(nil, 8<<10)}
	return c, c.open(ctx)
}

func (c *Conn) open(ctx context.Context) (err error) {
	if c.net, err = Open(ctx, c.from, c.addr); err != nil {
		return err
	}
	c.answer.Reset(c.net)
	return c.net.SetDeadline(time.Now().Add(timeout))
}

// Close ends the connection.
func (c *Conn) Close() {
	if c.net != nil {
		_ = c.net.Close() // nothing is on its way
		c.net = nil
	}
}

// Extend gives the requests that follow their time anew. Doing so before each would cost
// more than it is worth.
func (c *Conn) Extend() error {
	if c.net == nil {
		return nil
	}
	return c.net.SetDeadline(time.Now().Add(timeout))
}

// Do sends a request and returns the status of the answer, which has been read whole.
func (c *Conn) Do(request []byte) (status int, err error) {
	if c.net == nil {
		if err := c.open(context.Background()); err != nil {
			return 0, err
		}
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, err
	}
	// On one CPU the answer is often there at once, and this connection would go on alone.
	runtime.Gosched()
	return c.read()
}

func (c *Conn) read() (status int, err error) {
	line, err := c.answer.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200\r\n") {
		return 0, fmt.Errorf("wire: %q is no status line", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("wire: reading the status: %w", err)
	}
	length, chunked, last := 0, false, false
	for {
		if line, err = c.answer.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		switch {
		case bytes.HasPrefix(line, []byte("Content-Length: ")):
			if length, err = strconv.Atoi(string(line[16 : len(line)-2])); err != nil {
				return 0, fmt.Errorf("wire: reading the length: %w", err)
			}
		case bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked")):
			chunked = true
		case bytes.HasPrefix(line, []byte("Connection: close")):
			last = true
		}
	}
	if chunked {
		err = c.skipChunks()
	} else {
		_, err = c.answer.Discard(length)
	}
	if last {
		c.Close()
	}
	return status, err
}

func (c *Conn) skipChunks() error {
	for {
		line, err := c.answer.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(line)), 16, 32)
		if err != nil {
			return fmt.Errorf("wire: reading a chunk: %w", err)
		}
		if _, err := c.answer.Discard(int(size) + 2); err != nil { // and its end of line
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
