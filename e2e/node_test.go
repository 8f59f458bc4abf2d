package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// oldestNode is the first major version that the conformance suite runs on.
const oldestNode = 22

// node returns a command for a script in the directory node.
func node(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(ctx, findNode(t), args...)
	command.Dir = "node"
	return command
}

// findNode prefers the Node.js of the npm packages to the machine's, which on Debian
// is an old one. Their bin directory has it too, but not with every npm.
func findNode(t *testing.T) string {
	t.Helper()
	candidates, err := filepath.Glob("node/node_modules/node-linux-*/bin/node")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := exec.LookPath("node"); err == nil {
		candidates = append(candidates, path)
	}
	why := "Node.js is not installed"
	for _, path := range candidates {
		said, err := exec.Command(path, "--version").Output()
		if err != nil {
			continue
		}
		major, _, _ := strings.Cut(strings.TrimPrefix(string(said), "v"), ".")
		if version, err := strconv.Atoi(major); err != nil || version < oldestNode {
			why = "Node.js is too old: " + strings.TrimSpace(string(said))
			continue
		}
		if path, err = filepath.Abs(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lacks(t, why)
	return ""
}

// A script is one of node's, which writes an event per line and waits for a line
// where the test has something to do.
type script struct {
	t      *testing.T
	stdin  io.Writer
	events chan json.RawMessage
}

func startScript(t *testing.T, args ...string) *script {
	t.Helper()
	command := node(t.Context(), t, args...)
	command.Stderr = t.Output()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal("starting node:", err)
	}
	s := &script{t: t, stdin: stdin, events: make(chan json.RawMessage)}
	go s.read(stdout)
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may have ended
		_ = command.Wait()
	})
	return s
}

func (s *script) read(stdout io.Reader) {
	defer close(s.events)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		select {
		case s.events <- []byte(lines.Text()):
		case <-s.t.Context().Done():
			return
		}
	}
}

// expect decodes the next event, which must be of this name.
func (s *script) expect(name string, event any) {
	s.t.Helper()
	select {
	case line := <-s.events:
		var is struct{ Event, Error string }
		if err := json.Unmarshal(line, &is); err != nil || is.Event != name {
			s.t.Fatalf("the script says %q %s %s, want %q", is.Event, is.Error, line, name)
		}
		if err := json.Unmarshal(line, event); err != nil {
			s.t.Fatalf("the script says %s: %v", line, err)
		}
	case <-time.After(patience):
		s.t.Fatalf("waited %s for the script to say %q", patience, name)
	}
}

// authorize returns where the script wants to send the browser.
func (s *script) authorize() (url string) {
	s.t.Helper()
	var event struct{ URL string }
	s.expect("authorize", &event)
	return event.URL
}

// goOn lets a script continue that waits.
func (s *script) goOn() {
	s.t.Helper()
	if _, err := io.WriteString(s.stdin, "go on\n"); err != nil {
		s.t.Fatal("telling the script to go on:", err)
	}
}
