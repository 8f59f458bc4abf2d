package hostile

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/load/target"
)

func TestMain(m *testing.M) {
	target.ServeIfChild()
	os.Exit(m.Run())
}

// length is how long the traffic lasts.
func length(t *testing.T) time.Duration {
	t.Helper()
	asked := os.Getenv("MCPOAUTH_HOSTILE")
	if asked == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(asked)
	if err != nil || d < time.Second {
		t.Fatalf("MCPOAUTH_HOSTILE is no time of a second or more: %q", asked)
	}
	return d
}

// complaints are the lines of a server's log that must not be there.
type complaints struct {
	io.WriteCloser
	done  chan struct{}
	mu    sync.Mutex // guards lines and total
	lines []string
	total int
}

func readComplaints() *complaints {
	r, w := io.Pipe()
	c := &complaints{WriteCloser: w, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		defer r.Close()
		for lines := bufio.NewReader(r); ; {
			line, err := lines.ReadString('\n')
			c.look(line)
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *complaints) look(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total++
	for _, bad := range []string{"panic", "goroutine ", "DATA RACE", "level=ERROR", "superfluous", "Accept error", "fatal error"} {
		if strings.Contains(line, bad) && len(c.lines) < 40 {
			c.lines = append(c.lines, line)
			return
		}
	}
}

// all returns them, once the server has ended.
func (c *complaints) all() []string {
	_ = c.Close() // of a pipe in memory
	<-c.done
	return c.lines
}

// pause waits, and reports whether there is more to do.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
