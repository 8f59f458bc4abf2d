package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/doctor"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// A screen is a terminal of a test, and what was written to it.
type screen struct {
	terminal

	out, err buffer
}

func newScreen(env map[string]string) *screen {
	s := new(screen)
	s.terminal = terminal{out: &s.out, err: &s.err, env: func(name string) string { return env[name] }}
	return s
}

// A buffer is written by one goroutine while another reads.
type buffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestWhatTheCommandExitsWith(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	t.Cleanup(open.Close)
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"nothing":                {nil, exitFailed, "", "usage: mcpoauth VERB"},
		"help":                   {[]string{"help"}, exitGood, "doctor", ""},
		"-h":                     {[]string{"-h"}, exitGood, "proxy", ""},
		"an unknown verb":        {[]string{"docter"}, exitFailed, "", `no verb "docter"`},
		"a verb's help":          {[]string{"doctor", "-h"}, exitGood, "--json", ""},
		"the proxy's help":       {[]string{"proxy", "--help"}, exitGood, "MCPOAUTH_UPSTREAM_AUTHORIZATION", ""},
		"an unknown flag":        {[]string{"doctor", "--jsom", open.URL}, exitFailed, "", "-h lists the flags"},
		"no URL":                 {[]string{"doctor"}, exitFailed, "", "give it one URL"},
		"two URLs":               {[]string{"doctor", open.URL, open.URL}, exitFailed, "", "give it one URL"},
		"no server":              {[]string{"doctor", "http://localhost:1/mcp"}, exitFailed, "", "cannot reach"},
		"findings":               {[]string{"doctor", open.URL + "/mcp"}, exitFindings, "anybody can use this server", ""},
		"findings, as JSON":      {[]string{"doctor", "--json", open.URL + "/mcp"}, exitFindings, `"severity": "fail"`, ""},
		"no upstream":            {[]string{"proxy"}, exitFailed, "", "--upstream is missing"},
		"an upstream's secret":   {[]string{"proxy", "--upstream", "http://u:hunter2@x/"}, exitFailed, "", "MCPOAUTH_UPSTREAM_AUTHORIZATION"},
		"a secret in its query":  {[]string{"proxy", "--upstream", "http://x/?key=hunter2"}, exitFailed, "", "more than a path"},
		"no URL of a server":     {[]string{"proxy", "--upstream", "unix:hunter2"}, exitFailed, "", "use the form"},
		"an argument too much":   {[]string{"proxy", "--upstream", "http://x/", "x"}, exitFailed, "", `unexpected argument "x"`},
		"a missing file":         {[]string{"proxy", "--upstream", "http://x/", "--upstream-header-file", missing}, exitFailed, "", missing},
		"a store's secret":       {[]string{"proxy", "--upstream", "http://x/", "--addr", "localhost:0", "--store", "redis://:hunter2@127.0.0.1:1"}, exitFailed, "", "connecting to 127.0.0.1:1"},
		"two places for a store": {[]string{"people", "--data", "x", "--store", "redis://:hunter2@127.0.0.1:1"}, exitFailed, "", "give one of them"},
		"no address":             {[]string{"proxy", "--upstream", "http://x/", "--addr", "x"}, exitFailed, "", "not host:port"},
		"a taken address":        {[]string{"proxy", "--upstream", "http://x/", "--addr", strings.TrimPrefix(open.URL, "http://")}, exitFailed, "", "in use by another program"},
		"a scope without name":   {[]string{"proxy", "--upstream", "http://x/", "--scopes", "=x"}, exitFailed, "", "no name"},
		"mistakes of the library's finding": {
			[]string{"proxy", "--upstream", "http://x/", "--addr", "localhost:0", "--data", t.TempDir(), "--url", "http://mcp.example.com", "--trusted-proxy", "x"},
			exitFailed, "", "Config.TrustedProxies",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScreen(nil)
			if code := run(t.Context(), test.args, s.terminal); code != test.code {
				t.Errorf("it exits with %d, want %d", code, test.code)
			}
			if out, err := s.out.String(), s.err.String(); !strings.Contains(out, test.out) || !strings.Contains(err, test.err) || test.err == "" && err != "" || strings.Contains(out+err, "hunter2") {
				t.Errorf("out: %s\nerr: %s", out, err)
			}
		})
	}
}

// A started is a proxy verb that is running.
type started struct {
	*screen
	url  string
	stop func() int // ends it, and returns what it exits with
}

var urlOfGreeting = regexp.MustCompile(`(?m)^(http://localhost:[0-9]+)/mcp is guarded`)

func startProxy(t *testing.T, env map[string]string, args ...string) started {
	t.Helper()
	s := started{screen: newScreen(env)}
	ctx, cancel := context.WithCancel(t.Context())
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, append([]string{"proxy", "--addr", "localhost:0"}, args...), s.terminal)
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		return <-exited
	})
	t.Cleanup(func() { s.stop() })
	for began := time.Now(); s.url == ""; time.Sleep(5 * time.Millisecond) {
		if found := urlOfGreeting.FindStringSubmatch(s.out.String()); found != nil {
			s.url = found[1]
		}
		if time.Since(began) > patience {
			t.Fatalf("it does not start: %s", s.err.String())
		}
	}
	return s
}

func TestTheDoctorFindsNothingWrongWithTheProxy(t *testing.T) {
	p := startProxy(t, nil, "--data", t.TempDir(), "--upstream", "http://127.0.0.1:1/mcp", "--scopes", "notes:read=Read your notes,notes:write")
	for _, address := range []string{p.url + "/mcp", p.url} {
		s := newScreen(nil)
		code := run(t.Context(), []string{"doctor", address}, s.terminal)
		out := s.out.String()
		if code != exitGood || strings.Contains(out, "FAIL") || !strings.Contains(out, "ok    R14") || !strings.Contains(out, `scope="notes:read"`) || strings.Contains(out, "\x1b") {
			t.Errorf("%d: %s%s", code, out, s.err.String())
		}
	}
	s := newScreen(nil)
	run(t.Context(), []string{"doctor", p.url + "/mcp", "--json"}, s.terminal)
	var report doctor.Report
	if err := json.Unmarshal([]byte(s.out.String()), &report); err != nil || len(report.Findings) < 50 || len(report.Clients) < 15 || report.Endpoint != p.url+"/mcp" {
		t.Errorf("the JSON is %s (%v)", s.out.String(), err)
	}
	if code := p.stop(); code != exitGood {
		t.Errorf("it exits with %d: %s", code, p.err.String())
	}
}

func TestTheProxyShowsTheSetupOnceAndKeepsItsState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	p := startProxy(t, nil, "--data", dir, "--upstream", "http://127.0.0.1:1/mcp", "--name", "Notes")
	if out := p.out.String(); !strings.Contains(out, p.url+"/passkey/register#setup_token=") {
		t.Errorf("no setup link: %s", out)
	}
	if strings.Contains(p.err.String(), "setup_token") {
		t.Errorf("the link is in the log too: %s", p.err.String())
	}
	p.stop()
	for _, name := range []string{"passkeys.json", "state.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 && runtime.GOOS != "windows" {
		t.Errorf("others can look into the directory: %v, %v", info, err)
	}
	const token = "a-setup-token-of-the-operators"
	p = startProxy(t, map[string]string{envSetupToken: token, envAuthorization: "Bearer hunter2"}, "--data", dir, "--upstream", "http://127.0.0.1:1/mcp")
	if said := p.out.String() + p.err.String(); strings.Contains(said, token) || strings.Contains(said, "hunter2") || !strings.Contains(said, "enter your setup token") {
		t.Errorf("it says %s", said)
	}
}

func TestTheUpstreamsHeadersComeFromAFileOrTheEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(file, []byte("Authorization: Bearer from-the-file\nX-Api-Key: key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--upstream", "http://127.0.0.1:3000", "--upstream-header-file", file}
	parsed, err := parseProxy(args, newScreen(nil).terminal)
	if err != nil || parsed.header.Get("Authorization") != "Bearer from-the-file" || parsed.header.Get("X-Api-Key") != "key" || parsed.upstream.Path != "/" {
		t.Errorf("got %v, %v", parsed, err)
	}
	parsed, err = parseProxy(args[:2], newScreen(map[string]string{envAuthorization: "Bearer from-the-environment"}).terminal)
	if err != nil || parsed.header.Get("Authorization") != "Bearer from-the-environment" {
		t.Errorf("got %v, %v", parsed, err)
	}
	for _, value := range []string{"Bearer hunter2", "hunter2\nX-Other: 1", "hunter2\x00", " "} {
		if _, err := parseProxy(args, newScreen(map[string]string{envAuthorization: value}).terminal); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestAProxyBehindTLSOnThisMachineTrustsIt(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--url", "https://mcp.example.com"}, "127.0.0.1 ::1"},
		{[]string{"--url", "https://mcp.example.com", "--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "10.1.1.1"}, "10.0.0.0/8 10.1.1.1"},
	} {
		parsed, err := parseProxy(append([]string{"--upstream", "http://x/mcp"}, test.args...), newScreen(nil).terminal)
		if got := strings.Join(parsed.proxies, " "); err != nil || got != test.want {
			t.Errorf("%q: got %q, %v", test.args, got, err)
		}
		if len(prefixes(parsed.proxies)) != len(parsed.proxies) {
			t.Errorf("%q became %v", parsed.proxies, prefixes(parsed.proxies))
		}
	}
}

func TestColoursAreForTerminalsWhoseOwnersLikeThem(t *testing.T) {
	device, err := os.OpenFile("/dev/zero", os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { device.Close() })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	for _, test := range []struct {
		out  io.Writer
		env  map[string]string
		want bool
	}{
		{device, nil, true},
		{device, map[string]string{"NO_COLOR": "1"}, false},
		{device, map[string]string{"TERM": "dumb"}, false},
		{null, nil, false},
		{new(buffer), nil, false},
	} {
		if got := colours(terminal{out: test.out, env: func(name string) string { return test.env[name] }}); got != test.want {
			t.Errorf("%T with %v: %v", test.out, test.env, got)
		}
	}
}

// Escape sequences rewrite what stands on a terminal, or its title, or its clipboard.
func TestNoArgumentReachesTheTerminalRaw(t *testing.T) {
	const evil = "\x1b]0;mallory\x07\u009b2J\x9b2J\r\u202e\nmcpoauth: all is well"
	for _, args := range [][]string{
		{evil},
		{"people", "-" + evil},
		{"people", evil},
		{"people", "--data", evil},
		{"people", "--store", evil},
		{"people", "--store", evil + "://"},
		{"people", "--json=" + evil},
		{"proxy", "-" + evil},
		{"proxy", "--upstream", "http://x/", evil},
		{"proxy", "--upstream", "http://x/", "--upstream-header-file", evil},
		{"proxy", "--upstream", "http://x/", "--addr", evil},
		{"proxy", "--upstream", "http://x/", "--addr", "localhost:" + evil},
		{"recover", "--url", evil},
		{"recover", "--url", "https://" + evil},
		{"doctor", evil},
		{"doctor", "-" + evil},
		{"copy", "--from", evil, "--to", evil},
	} {
		s := newScreen(nil)
		code := run(t.Context(), args, s.terminal)
		if said := s.out.String() + s.err.String(); code != exitFailed || strings.ContainsAny(said, "\x1b\x07\u009b\r\u202e") || strings.Contains(said, "\x9b2J") || strings.Contains(said, "\nmcpoauth: all is well") {
			t.Errorf("%q exits with %d: %q", args, code, said)
		}
	}
	if said := (place{kind: filesStore, dir: evil}).String(); strings.ContainsAny(said, "\x1b\x07\u009b\r\u202e") {
		t.Errorf("a question has %q", said)
	}
}

func TestAReportIsReadableWithoutColours(t *testing.T) {
	var out bytes.Buffer
	p := printer{out: &out}
	p.finding(doctor.Finding{Section: "A", ID: "R1", Check: "this is so", Severity: doctor.Fail, Seen: "it is not", Why: "because", Cure: "do it", Clients: []doctor.Client{doctor.Claude, doctor.Zed}})
	p.finding(doctor.Finding{Section: "A", ID: "R2", Check: "that is so", Severity: doctor.Skipped, Seen: "nobody knows"})
	p.end(doctor.Report{Endpoint: "https://x/mcp", Clients: []doctor.Verdict{
		{Client: doctor.Claude, Outcome: doctor.Fails, Because: []doctor.Cause{{ID: "R1", Check: "a"}, {ID: "R1", Check: "b"}, {ID: "TLS", Check: "c"}}},
		{Client: doctor.Zed, Outcome: doctor.Connects},
	}})
	for _, want := range []string{
		"\nA\n  FAIL  R1    this is so: it is not\n              why     because\n              cure    do it\n              clients Claude, Zed\n  skip  R2    that is so: nobody knows\n",
		"\n  Claude                FAILS          R1, TLS\n  Zed                   connects\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%s\nwant\n%s", out.String(), want)
		}
	}
	coloured := printer{out: &out, colour: true}
	out.Reset()
	coloured.finding(doctor.Finding{Severity: doctor.Fail})
	if !strings.Contains(out.String(), "\x1b[31mFAIL\x1b[0m") {
		t.Errorf("got %q", out.String())
	}
}
