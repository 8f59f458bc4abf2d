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

// A server is a running example: one process with files of its own or, where
// deployment says so, several that share a database, behind a proxy that gives each
// request to the next.
type server struct {
	t         *testing.T
	url       string
	dir       string
	setupLink string // empty once somebody has set it up

	args     []string // of every process
	addrs    []string // of the processes, once they are known
	replicas []*replica
	output   *output // of all of them
}

// A replica is a process of a server.
type replica struct {
	process *exec.Cmd
	exited  chan struct{}
}

// startServer runs the example with a directory of its own, on a free port.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), output: new(output), args: args, addrs: []string{"localhost:0"}}
	s.args = append(s.args, "-data", s.dir)
	s.share()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server said:\n%s", s.output)
		}
	})
	s.start()
	if len(s.addrs) == 1 {
		s.addrs[0] = strings.TrimPrefix(s.url, "http://")
	}
	return s
}

var (
	mcpLine   = regexp.MustCompile(`(http://localhost:\d+)/mcp\b`)
	setupLine = regexp.MustCompile(`http://localhost:\d+/passkey/register#setup_token=[A-Za-z0-9._~-]+`)
	ready     = "Stop with Ctrl-C."
)

// start starts every process, each at its address.
func (s *server) start() {
	s.t.Helper()
	s.replicas = nil
	for _, addr := range s.addrs {
		from := s.output.len()
		r := &replica{process: exec.Command(exampleBinary, append([]string{"-addr", addr}, s.args...)...), exited: make(chan struct{})}
		r.process.Stdout, r.process.Stderr = s.output, s.output
		if err := r.process.Start(); err != nil {
			s.t.Fatal("starting the example server:", err)
		}
		s.replicas = append(s.replicas, r)
		go func() {
			_ = r.process.Wait() // how it ended is in its output
			close(r.exited)
		}()
		said := s.waitOutput(from, ready, r.exited)
		s.url = mcpLine.FindStringSubmatch(said)[1]
		s.setupLink = setupLine.FindString(said)
	}
}

// restart starts the server again, at the address it had.
func (s *server) restart() {
	s.t.Helper()
	s.start()
}

// stop asks the server to end and waits until it has.
func (s *server) stop() {
	s.t.Helper()
	for _, r := range s.replicas {
		if err := r.process.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Fatal("stopping the server:", err)
		}
		s.wait(r)
		if code := r.process.ProcessState.ExitCode(); code != 0 {
			s.t.Errorf("the server ended with %d, want 0", code)
		}
	}
}

// kill ends the server as a power cut would.
func (s *server) kill() {
	for _, r := range s.replicas {
		_ = r.process.Process.Signal(os.Kill) // it may have ended already
		s.wait(r)
	}
}

func (s *server) wait(r *replica) {
	s.t.Helper()
	select {
	case <-r.exited:
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
}

// waitOutput returns what the server wrote since from, once it has written want.
func (s *server) waitOutput(from int, want string, exited <-chan struct{}) string {
	s.t.Helper()
	var said string
	eventually(s.t, "the server to write "+want, func() bool {
		said = s.output.since(from)
		select {
		case <-exited:
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
