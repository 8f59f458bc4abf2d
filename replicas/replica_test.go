package replicas

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// A replica is a process of the example that is started again whenever it ends, as a
// service manager would.
type replica struct {
	addr     string
	args     []string
	greeting *output
	log      *output

	mu      sync.Mutex // guards the field below
	process *os.Process
}

// run keeps the process going until ctx is done.
func (r *replica) run(ctx context.Context) {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, exampleBinary, r.args...)
		cmd.Stdout, cmd.Stderr = r.greeting, r.log
		if err := cmd.Start(); err != nil {
			r.log.Write([]byte(err.Error() + "\n"))
		} else {
			r.set(cmd.Process)
			_ = cmd.Wait() // how it ended is in its output
			r.set(nil)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (r *replica) set(p *os.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
}

// kill ends the process as a power cut would.
func (r *replica) kill() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.process != nil {
		_ = r.process.Kill() // it may have ended already
	}
}

// output keeps what processes wrote, but for what is only information.
type output struct {
	mu   sync.Mutex
	data bytes.Buffer
}

const maxOutput = 1 << 20

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range bytes.Lines(p) {
		if !bytes.Contains(line, []byte(" level=INFO ")) && o.data.Len() < maxOutput {
			o.data.Write(line)
		}
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}

// tail returns the last lines.
func (o *output) tail(n int) string {
	lines := strings.SplitAfter(o.String(), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
