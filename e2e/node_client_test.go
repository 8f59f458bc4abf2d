package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A nodeClient is node/client.mjs, which writes an event per line and waits for a
// line where the test has something to do.
type nodeClient struct {
	t      *testing.T
	stdin  io.Writer
	events chan event
}

// An event is one line of the script. Each kind has fields of its own.
type event struct {
	Event string
	URL   string
	Iss   string
	State string
	Tools []string
	Note  noteAnswer
	Who   whoAnswer `json:"whoami"`
	Notes []struct{ Text string }

	Outcome string
	Rotated bool
	Scope   string

	Status       int
	Probe        int
	Challenge    string
	Unauthorized bool

	Error string
}

func startNodeClient(t *testing.T, s *server) *nodeClient {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		lacks(t, "Node.js is not installed")
	}
	if _, err := os.Stat("node/node_modules/@modelcontextprotocol/sdk"); err != nil {
		lacks(t, "the TypeScript SDK is not installed: npm ci --prefix e2e/node")
	}
	script := exec.CommandContext(t.Context(), "node", "client.mjs", s.url+"/mcp")
	script.Dir = "node"
	script.Stderr = t.Output()
	stdin, err := script.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal("starting node:", err)
	}
	c := &nodeClient{t: t, stdin: stdin, events: make(chan event)}
	go c.read(stdout)
	t.Cleanup(func() {
		_ = script.Process.Kill() // it may have ended
		_ = script.Wait()
	})
	return c
}

func (c *nodeClient) read(stdout io.Reader) {
	defer close(c.events)
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e = event{Event: "failed", Error: "not JSON: " + lines.Text()}
		}
		select {
		case c.events <- e:
		case <-c.t.Context().Done():
			return
		}
	}
}

// expect returns the next event, which must be of this name.
func (c *nodeClient) expect(name string) event {
	c.t.Helper()
	select {
	case e := <-c.events:
		if e.Event != name {
			c.t.Fatalf("the script says %q %s, want %q", e.Event, e.Error, name)
		}
		return e
	case <-time.After(patience):
		c.t.Fatalf("waited %s for the script to say %q", patience, name)
		return event{}
	}
}

func TestTypeScriptSDKClient(t *testing.T) {
	s, p := startServer(t), openPage(t)
	c := startNodeClient(t, s)
	p.setUp(s)

	p.approve(c.expect("authorize").URL)
	if e := c.expect("redirected"); e.Iss != s.url || e.State != "state-of-the-typescript-client" {
		t.Errorf("the redirect carries iss %q and state %q", e.Iss, e.State)
	}
	if e := c.expect("listed"); !slices.Contains(e.Tools, "add_note") || len(e.Tools) != 4 {
		t.Errorf("tools/list has %q", e.Tools)
	}
	if e := c.expect("called"); e.Note.ID != 1 || e.Who.UserID != "owner" || e.Who.TokenInfo.UserID != "owner" {
		t.Errorf("tools/call answers with %+v", e)
	}

	s.stop()
	s.restart()
	if _, err := io.WriteString(c.stdin, "go on\n"); err != nil {
		t.Fatal("telling the script to go on:", err)
	}
	if e := c.expect("called-again"); len(e.Notes) != 1 || e.Notes[0].Text != "from TypeScript" {
		t.Errorf("after a restart of the server the notes are %+v", e.Notes)
	}
	if e := c.expect("refreshed"); e.Outcome != "AUTHORIZED" || !e.Rotated || e.Scope == "" {
		t.Errorf("the refresh ends with %+v", e)
	}
	c.expect("authorize") // what the SDK does when it finds that its grant is gone
	e := c.expect("revoked")
	if e.Status != http.StatusOK || e.Probe != http.StatusUnauthorized || !e.Unauthorized ||
		!strings.HasPrefix(e.Challenge, "Bearer ") || !strings.Contains(e.Challenge, `error="invalid_token"`) {
		t.Errorf("the revocation ends with %+v", e)
	}
	exercised("TypeScript SDK 1.32.2", "login, tools/list, tools/call, restart of the server, refresh, revoke")
}
