package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a test gives up on it.
const patience = 20 * time.Second

// A server is a running example.
type server struct {
	t         *testing.T
	url       string
	dir       string
	setupLink string // empty once somebody has set it up

	process *exec.Cmd
	output  *output
	exited  chan struct{}
}

// startServer runs the example with a directory of its own, on a free port.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir()}
	s.start(append([]string{"-addr", "localhost:0"}, args...)...)
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", s.output)
		}
	})
	return s
}

var (
	mcpLine   = regexp.MustCompile(`(http://localhost:\d+)/mcp\b`)
	setupLine = regexp.MustCompile(`http://localhost:\d+/passkey/register#setup_token=[A-Za-z0-9._~-]+`)
	ready     = "Stop with Ctrl-C."
)

func (s *server) start(args ...string) {
	s.t.Helper()
	if s.output == nil {
		s.output = new(output)
	}
	from := s.output.len()
	s.exited = make(chan struct{})
	s.process = exec.Command(exampleBinary, append(args, "-data", s.dir)...)
	s.process.Stdout, s.process.Stderr = s.output, s.output
	if err := s.process.Start(); err != nil {
		s.t.Fatal("starting the example server:", err)
	}
	go func() {
		_ = s.process.Wait() // how it ended is in its output
		close(s.exited)
	}()
	said := s.waitOutput(from, ready)
	s.url = mcpLine.FindStringSubmatch(said)[1]
	s.setupLink = setupLine.FindString(said)
}

// restart starts the server again, at the address it had.
func (s *server) restart() {
	s.t.Helper()
	s.start("-addr", strings.TrimPrefix(s.url, "http://"))
}

// stop asks the server to end and waits until it has.
func (s *server) stop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal("stopping the server:", err)
	}
	s.wait()
	if code := s.process.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the server ended with %d, want 0", code)
	}
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	_ = s.process.Process.Signal(os.Kill) // it may have ended already
	s.wait()
}

func (s *server) wait() {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
}

// waitOutput returns what the server wrote since from, once it has written want.
func (s *server) waitOutput(from int, want string) string {
	s.t.Helper()
	var said string
	eventually(s.t, "the server to write "+want, func() bool {
		said = s.output.since(from)
		select {
		case <-s.exited:
			s.t.Fatalf("the server ended at once:\n%s", said)
		default:
		}
		return strings.Contains(said, want)
	})
	return said
}

// eventually waits until done.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Write(p)
}

func (o *output) String() string { return o.since(0) }

func (o *output) since(from int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.data.Bytes()[from:])
}

func (o *output) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.Len()
}
