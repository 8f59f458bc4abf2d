package realserver

import (
	"net"
	"sync"
	"testing"
	"time"
)

// A Cable is a TCP proxy before a server, for tests that cut the network or slow it
// down.
type Cable struct {
	Addr string // host:port, to connect to in place of the server's

	target   string
	listener net.Listener
	done     chan struct{}

	mu    sync.Mutex // guards the fields below
	conns map[net.Conn]bool
	cut   chan struct{} // closed when the cable is whole; nil: it is whole
	delay time.Duration
}

// NewCable lays a cable to the server at target.
func NewCable(t testing.TB, target string) *Cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cable{Addr: l.Addr().String(), target: target, listener: l, done: make(chan struct{}), conns: make(map[net.Conn]bool)}
	go c.accept()
	t.Cleanup(func() {
		close(c.done)
		l.Close()
		c.Reset()
	})
	return c
}

// Cut lets nothing through any more, in either direction, and tells nobody: what is
// sent is neither delivered nor refused, as when a switch loses its power.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut == nil {
		c.cut = make(chan struct{})
	}
}

// Mend ends a cut. What was sent meanwhile arrives now.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != nil {
		close(c.cut)
		c.cut = nil
	}
}

// Delay holds each piece of data back for d in each direction.
func (c *Cable) Delay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// Reset breaks every connection, and both ends notice.
func (c *Cable) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
}

func (c *Cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.connect(near)
	}
}

func (c *Cable) connect(near net.Conn) {
	defer c.forget(near)
	if !c.remember(near) || !c.pass() {
		return
	}
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer c.forget(far)
	if !c.remember(far) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { c.carry(far, near) })
	both.Go(func() { c.carry(near, far) })
	both.Wait()
}

func (c *Cable) carry(to, from net.Conn) {
	defer to.Close()
	type piece struct {
		data []byte
		at   time.Time
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if n > 0 {
				pieces <- piece{buf[:n], time.Now()}
			}
			if err != nil {
				return
			}
		}
	}()
	broken := false
	for p := range pieces {
		c.mu.Lock()
		delay := c.delay
		c.mu.Unlock()
		time.Sleep(time.Until(p.at.Add(delay)))
		if broken || !c.pass() {
			continue // read on, so that the reader above ends
		}
		if _, err := to.Write(p.data); err != nil {
			broken = true
			from.Close()
		}
	}
}

// pass waits until the cable is whole, or reports false at the test's end.
func (c *Cable) pass() bool {
	for {
		c.mu.Lock()
		cut := c.cut
		c.mu.Unlock()
		if cut == nil {
			return true
		}
		select {
		case <-cut:
		case <-c.done:
			return false
		}
	}
}

func (c *Cable) remember(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return false
	default:
		c.conns[conn] = true
		return true
	}
}

func (c *Cable) forget(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}
