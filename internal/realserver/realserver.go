// Package realserver starts real database servers for tests, on free ports of loopback
// and in temporary folders, and ends them with the test. Redis and PostgreSQL have to be
// installed; where they are not, the test is skipped, or fails if the environment
// variable MCPOAUTH_SERVERS is "required".
package realserver

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server has to start or end.
const patience = 30 * time.Second

// find returns the path of a program that is in PATH or, failing that, matches one of
// the patterns, the last match first: the newest version.
func find(t testing.TB, program string, patterns ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, pattern := range patterns {
		if matches, _ := filepath.Glob(pattern); len(matches) > 0 {
			return slices.Max(matches)
		}
	}
	if os.Getenv("MCPOAUTH_SERVERS") == "required" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed", program)
	return ""
}

// FreePort returns a port of loopback that nobody listens on just now. It is none of those
// that systems give out by themselves: until a server takes it, a client of another test could
// get it for a connection of its own.
func FreePort(t testing.TB) int {
	t.Helper()
	const first, count, tries = 10_000, 20_000, 100
	var err error
	for range tries {
		var l net.Listener
		if l, err = net.Listen("tcp", loopback(first+rand.IntN(count))); err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("finding a free port: ", err)
	return 0
}

// A Process is a server that a test started. Its address stays the same over
// restarts.
type Process struct {
	Addr string // host:port

	t       testing.TB
	command func() *exec.Cmd
	ready   func() error
	output  *output

	cmd    *exec.Cmd
	exited chan struct{}
}

// run starts the program that command describes, waits until ready returns nil, and
// ends it with the test.
func run(t testing.TB, addr string, command func() *exec.Cmd, ready func() error) *Process {
	t.Helper()
	p := &Process{Addr: addr, t: t, command: command, ready: ready, output: new(output)}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the server at %s said:\n%s", addr, p.output)
		}
	})
	p.Start()
	return p
}

// Start starts the server again, after Kill or Stop, with the data that it had.
func (p *Process) Start() {
	p.t.Helper()
	p.cmd = p.command()
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	if err := p.cmd.Start(); err != nil {
		p.t.Fatalf("starting %s: %v", p.cmd.Path, err)
	}
	exited := make(chan struct{})
	p.exited = exited
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // how it ended is in its output
		close(exited)
	}(p.cmd)

	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = p.ready(); err == nil {
			return
		}
		select {
		case <-exited:
			p.t.Fatalf("%s ended: %v\n%s", p.cmd.Path, err, p.output)
		default:
		}
	}
	p.t.Fatalf("%s is not ready: %v\n%s", p.cmd.Path, err, p.output)
}

// Kill ends the server as a power cut would, and waits until it has ended.
func (p *Process) Kill() { p.end(os.Kill) }

// Stop asks the server to end, and waits until it has.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// Pause stops the server where it is: it keeps its connections and answers nothing.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) end(how os.Signal) {
	p.t.Helper()
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	p.signal(how)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Errorf("%s does not end", p.cmd.Path)
	}
}

func (p *Process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("sending %v to %s: %v", s, p.cmd.Path, err)
	}
}

// output is what a server wrote.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
