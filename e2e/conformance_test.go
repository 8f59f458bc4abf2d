package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	conformanceSuite  = "node_modules/@modelcontextprotocol/conformance/dist/index.js" // in the directory node
	conformanceTimeMS = 10_000                                                         // for one scenario
)

func conformanceVersion(t *testing.T) string {
	return npmPackage(t, "conformance suite", "@modelcontextprotocol/conformance")
}

// A verdict is what the suite says of a server: for each scenario the checks, as
// "id: status".
type verdict map[string][]string

// resultDir is how the suite names the directory of a scenario's result.
var resultDir = regexp.MustCompile(`^(?:server|authorization-server)-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$`)

func readVerdict(t *testing.T, dir string) verdict {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal("reading the suite's results:", err)
	}
	v := make(verdict)
	for _, entry := range entries {
		name := resultDir.FindStringSubmatch(entry.Name())
		if name == nil {
			t.Fatalf("the suite wrote %s, which is no scenario's result", entry.Name())
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name(), "checks.json"))
		if err != nil {
			t.Fatal("reading the suite's results:", err)
		}
		var checks []struct{ ID, Status string }
		if err := json.Unmarshal(data, &checks); err != nil {
			t.Fatalf("reading %s: %v", entry.Name(), err)
		}
		v[name[1]] = nil
		for _, check := range checks {
			v[name[1]] = append(v[name[1]], check.ID+": "+check.Status)
		}
		slices.Sort(v[name[1]])
	}
	return v
}

// notPassed returns the checks of a scenario that did not pass.
func (v verdict) notPassed(scenario string) []string {
	return slices.DeleteFunc(slices.Clone(v[scenario]), func(check string) bool {
		return strings.HasSuffix(check, ": SUCCESS") || strings.HasSuffix(check, ": INFO")
	})
}

// allPass fails the test for each scenario that does not pass and is no exception,
// and for each exception that passes.
func (v verdict) allPass(t *testing.T) {
	t.Helper()
	exceptions := readExceptions(t)
	for _, scenario := range slices.Sorted(maps.Keys(v)) {
		failed, excepted := v.notPassed(scenario), slices.Contains(exceptions, scenario)
		switch {
		case len(failed) > 0 && !excepted:
			t.Errorf("scenario %s: %q", scenario, failed)
		case len(failed) == 0 && excepted:
			t.Errorf("scenario %s passes, but is in conformance/exceptions.txt", scenario)
		}
	}
}

func (v verdict) checks() (n int) {
	for _, checks := range v {
		n += len(checks)
	}
	return n
}

// readExceptions returns the scenarios that do not apply.
func readExceptions(t *testing.T) (scenarios []string) {
	t.Helper()
	data, err := os.ReadFile("conformance/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		scenario, reason, _ := strings.Cut(line, " ")
		if reason == "" {
			t.Errorf("conformance/exceptions.txt gives no reason for %s", scenario)
		}
		scenarios = append(scenarios, scenario)
	}
	return scenarios
}

func TestConformanceOfTheAuthorizationServer(t *testing.T) {
	suite := conformanceVersion(t)
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	p.tolerate("/favicon.ico") // the suite's listener is gone before Chromium asks for it
	for _, test := range []struct {
		name string
		args []string
	}{
		{"with a resource", []string{"--resource", s.url + "/mcp"}},
		{"without a resource", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := authorizationConformance(t, s, p, test.args...)
			v.allPass(t)
			if len(v) != 2 {
				t.Errorf("the suite ran %d scenarios, want 2", len(v))
			}
			exercised(t, suite, fmt.Sprintf("authorization server, %s: %d scenarios, %d checks", test.name, len(v), v.checks()))
		})
	}
}

// authorizationConformance runs the suite's authorization server scenarios, which
// want a client that is registered beforehand, and somebody who approves.
func authorizationConformance(t *testing.T, s *server, p *page, args ...string) verdict {
	t.Helper()
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	results := t.TempDir()
	clientID := register(t, s, "Conformance suite", "http://127.0.0.1:"+port+"/callback")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	command := node(ctx, t, append([]string{
		conformanceSuite, "authorization", "--url", s.url, "--client-id", clientID, "-p", port, "-o", results,
	}, args...)...)
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal("starting the suite:", err)
	}
	var said strings.Builder
	request := ""
	for lines := bufio.NewScanner(io.TeeReader(stdout, &said)); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, s.url+"/authorize?"):
			request = line
		case strings.HasPrefix(line, "Callback server started"):
			p.approve(request)
		}
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the suite ends with %v:\n%s", err, &said)
	}
	return readVerdict(t, results)
}

// To the suite, which knows nothing of authorization, a guarded server must be the
// same as the server itself: streams, sessions, headers, errors.
func TestConformanceOfAGuardedServer(t *testing.T) {
	ran := make(verdict)
	tests := []struct {
		name    string
		fixture []string
		suite   []string
		atLeast int // scenarios
	}{
		{"2025-11-25 with sessions", []string{"-stateless=false"}, []string{"--suite", "active"}, 31},
		{"2026-07-28", []string{"-stateless=true"}, []string{"--requirements", "2026-07-28"}, 50},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			suite := conformanceVersion(t)
			findNode(t)
			p := openPage(t)
			fixture := startFixture(t, test.fixture...)
			s := guard(t, fixture)
			p.setUp(s)
			_, tokens := p.login(s)
			if status := probe(t, s, "not-a-token"); status != http.StatusUnauthorized {
				t.Fatalf("without a token the guarded fixture answers with %d, want 401", status)
			}

			direct := conformance(t, fixture.String(), test.suite...)
			guarded := conformance(t, withToken(t, s, tokens.Access).String(), test.suite...)
			guarded.allPass(t)
			maps.Copy(ran, guarded)
			for scenario := range direct {
				if !slices.Equal(direct[scenario], guarded[scenario]) {
					t.Errorf("scenario %s: the guarded server has %q, the server itself %q", scenario, guarded[scenario], direct[scenario])
				}
			}
			if len(guarded) != len(direct) || len(guarded) < test.atLeast {
				t.Errorf("%d scenarios ran, and %d with the server itself; want at least %d", len(guarded), len(direct), test.atLeast)
			}
			exercised(t, suite, fmt.Sprintf("guarded server, MCP %s: %d scenarios, %d checks, all as without the guard", test.name, len(guarded), guarded.checks()))
		})
	}
	for _, scenario := range readExceptions(t) {
		if len(ran) > 0 && ran[scenario] == nil {
			t.Errorf("conformance/exceptions.txt has %s, which the suite does not", scenario)
		}
	}
}

// conformance runs a suite of server scenarios.
func conformance(t *testing.T, url string, suite ...string) verdict {
	t.Helper()
	results := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := []string{conformanceSuite, "server", "--url", url, "-o", results, "--timeout", fmt.Sprint(conformanceTimeMS)}
	out, err := node(ctx, t, append(args, suite...)...).CombinedOutput()
	if err != nil {
		t.Errorf("the suite ends with %v:\n%s", err, out)
	}
	return readVerdict(t, results)
}
