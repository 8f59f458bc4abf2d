package e2e

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// buildCommand returns the command.
func buildCommand(t *testing.T) (binary string) {
	t.Helper()
	binary = filepath.Join(t.TempDir(), "mcpoauth")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".")
	build.Dir, build.Env = "../cmd/mcpoauth", append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the command: %v\n%s", err, out)
	}
	return binary
}

// startProxy runs the command's proxy before an MCP server.
func startProxy(t *testing.T, binary, upstream string) *server {
	t.Helper()
	s := &server{t: t, output: new(output)}
	r := &replica{process: exec.Command(binary, "proxy", "--upstream", upstream, "--addr", "localhost:0", "--data", t.TempDir(), "--name", "Notes"), exited: make(chan struct{})}
	r.process.Stdout, r.process.Stderr = s.output, s.output
	if err := r.process.Start(); err != nil {
		t.Fatal("starting the proxy:", err)
	}
	s.replicas = []*replica{r}
	go func() {
		_ = r.process.Wait() // how it ended is in its output
		close(r.exited)
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the proxy said:\n%s", s.output)
		}
	})
	said := s.waitOutput(0, ready, r.exited)
	s.url = mcpLine.FindStringSubmatch(said)[1]
	s.setupLink = setupLine.FindString(said)
	return s
}

// told is what a server behind the proxy is told of its caller.
type told struct{ Headers map[string]string }

func (c told) check(t *testing.T, s *server) {
	t.Helper()
	for name, want := range map[string]string{
		"mcpoauth-user-id": "owner", "mcpoauth-user-name": "owner", "mcpoauth-resource": s.url + "/mcp",
	} {
		if c.Headers[name] != want {
			t.Errorf("%s is %q, want %q", name, c.Headers[name], want)
		}
	}
	if scopes := strings.Fields(c.Headers["mcpoauth-scopes"]); !slices.Contains(scopes, "mcp:tools") {
		t.Errorf("the scopes are %q, want mcp:tools among them", scopes)
	}
	names := slices.Sorted(maps.Keys(c.Headers))
	want := []string{"mcpoauth-client-id", "mcpoauth-grant-id", "mcpoauth-resource", "mcpoauth-scopes", "mcpoauth-user-id", "mcpoauth-user-name"}
	if !slices.Equal(names, want) {
		t.Errorf("the server gets %q, want %q and no credentials", names, want)
	}
}

func TestTheProxyCarriesAServerInAnotherLanguage(t *testing.T) {
	binary := buildCommand(t)
	for _, sdk := range typescript {
		t.Run(sdk.npm, func(t *testing.T) {
			client := npmPackage(t, "TypeScript SDK", sdk.npm)
			p := openPage(t)
			upstream := startScript(t, "upstream.mjs")
			var at struct{ URL string }
			upstream.expect("listening", &at)
			s := startProxy(t, binary, at.URL)
			p.setUp(s)

			c := startScript(t, "proxied.mjs", sdk.module, s.url+"/mcp")
			p.approve(c.authorize())
			var connected struct {
				Tools []string
				told
			}
			c.expect("connected", &connected)
			connected.check(t, s)
			if !slices.Equal(connected.Tools, []string{"whoami", "count"}) {
				t.Errorf("tools/list has %q", connected.Tools)
			}

			// The server waits after each step until the client has heard of it: a
			// proxy that keeps events back would wait for ever.
			const steps = 4
			for step := 1; step <= steps; step++ {
				var heard struct{ Progress, Total int }
				c.expect("progress", &heard)
				if heard.Progress != step || heard.Total != steps {
					t.Errorf("the client hears of %+v, want step %d", heard, step)
				}
				upstream.goOn()
			}
			var counted struct{ Steps int }
			if c.expect("counted", &counted); counted.Steps != steps {
				t.Errorf("the call ends with %+v", counted)
			}
			c.goOn()

			var refresh refreshed
			c.expect("refreshed", &refresh)
			refresh.check(t)
			var again told
			c.expect("again", &again)
			again.check(t, s)
			c.expect("ended", &struct{}{})
			var closed struct{ Known bool }
			if upstream.expect("closed", &closed); !closed.Known {
				t.Error("the session that ended at the client is not the server's")
			}
			c.authorize() // what the SDK does when it finds that its grant is gone
			var revocation revoked
			c.expect("revoked", &revocation)
			revocation.check(t)
			if strings.Contains(s.output.String(), "level=ERROR") {
				t.Errorf("the proxy complains:\n%s", s.output)
			}
			exercised(t, client+" before and behind mcpoauth proxy", "login, tools/list, tools/call, progress event by event, refresh, end of the session, revoke")
		})
	}
}
