package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// refresherEnv makes the test binary a refresher instead.
const refresherEnv = "MCPOAUTH_E2E_REFRESHER"

type (
	// refreshJob is what a refresher reads from its standard input: which token to
	// use, and how often at once. A further line starts it.
	refreshJob struct {
		ServerURL, ClientID, RefreshToken string
		Times                             int
	}
	// refreshAnswer is one of those that it writes then.
	refreshAnswer struct {
		Status int
		Tokens tokens
		Failed string
	}
)

// runRefresher is a process of a client that shares a refresh token with others.
func runRefresher(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var job refreshJob
	if err := json.Unmarshal(line, &job); err != nil {
		return err
	}
	if _, err := lines.ReadBytes('\n'); err != nil {
		return err
	}
	answers := make([]refreshAnswer, job.Times)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = job.refresh() })
	}
	all.Wait()
	return json.NewEncoder(out).Encode(answers)
}

func (job refreshJob) refresh() refreshAnswer {
	got, status, err := requestTokens(job.ServerURL, url.Values{
		"grant_type": {"refresh_token"}, "client_id": {job.ClientID}, "refresh_token": {job.RefreshToken},
	})
	answer := refreshAnswer{Status: status, Tokens: got}
	if err != nil {
		answer.Failed = err.Error()
	}
	return answer
}

// A refresher is such a process.
type refresher struct {
	t       *testing.T
	process *exec.Cmd
	stdin   io.Writer
	stdout  io.Reader
}

func startRefresher(t *testing.T, job refreshJob) *refresher {
	t.Helper()
	r := &refresher{t: t, process: exec.CommandContext(t.Context(), os.Args[0])}
	r.process.Env = append(os.Environ(), refresherEnv+"=1")
	r.process.Stderr = t.Output()
	var err error
	if r.stdin, err = r.process.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if r.stdout, err = r.process.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.process.Start(); err != nil {
		t.Fatal("starting a process that refreshes:", err)
	}
	if err := json.NewEncoder(r.stdin).Encode(job); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *refresher) goOn() {
	r.t.Helper()
	if _, err := io.WriteString(r.stdin, "go\n"); err != nil {
		r.t.Fatal("starting the refreshes:", err)
	}
}

func (r *refresher) answers() (all []refreshAnswer) {
	r.t.Helper()
	if err := json.NewDecoder(r.stdout).Decode(&all); err != nil {
		r.t.Error("reading what a process got:", err)
	}
	if err := r.process.Wait(); err != nil {
		r.t.Error("a process that refreshes ended with", err)
	}
	return all
}

func plainClient() string { return "net/http " + strings.TrimPrefix(runtime.Version(), "go") }

// A session is a client that is connected, as far as its tokens go.
type session struct {
	t        *testing.T
	server   *server
	clientID string
}

// refresh uses a refresh token, which must work.
func (c session) refresh(token string) tokens {
	c.t.Helper()
	answer := refreshJob{ServerURL: c.server.url, ClientID: c.clientID, RefreshToken: token}.refresh()
	if answer.Status != http.StatusOK || answer.Failed != "" {
		c.t.Fatalf("refreshing: status %d %s %s", answer.Status, answer.Tokens.Error, answer.Failed)
	}
	if status := probe(c.t, c.server, answer.Tokens.Access); status == http.StatusUnauthorized {
		c.t.Error("a token that was just issued is refused")
	}
	return answer.Tokens
}

// refreshes counts in the log what the server did.
func (s *server) refreshes(from int) (rotated, repeated int) {
	for line := range strings.Lines(s.output.since(from)) {
		switch {
		case !strings.Contains(line, "token.refreshed"):
		case strings.Contains(line, "repeated=true"):
			repeated++
		default:
			rotated++
		}
	}
	return rotated, repeated
}

// Editors open several windows, each with a process of its own and the same tokens.
func TestProcessesThatShareARefreshTokenAllGetTheSameAnswer(t *testing.T) {
	s, p := startServer(t), openPage(t)
	p.setUp(s)
	clientID, first := p.login(s)
	from := s.output.len()

	var processes []*refresher
	for _, times := range []int{17, 17, 16} {
		processes = append(processes, startRefresher(t, refreshJob{s.url, clientID, first.Refresh, times}))
	}
	for _, process := range processes {
		process.goOn()
	}
	got := make(map[tokens]int)
	for _, process := range processes {
		for _, answer := range process.answers() {
			if answer.Status != http.StatusOK || answer.Failed != "" {
				t.Errorf("a refresh ended with status %d %s %s", answer.Status, answer.Tokens.Error, answer.Failed)
			}
			got[answer.Tokens]++
		}
	}
	if len(got) != 1 {
		t.Fatalf("the processes got %d different answers, want one", len(got))
	}
	if rotated, repeated := s.refreshes(from); rotated != 1 || repeated != 49 {
		t.Errorf("the server says that it rotated %d times and repeated %d times, want once and 49 times", rotated, repeated)
	}

	c := session{t, s, clientID}
	second := c.refresh(first.Refresh)
	if got[second] != 50 {
		t.Error("a latecomer gets other tokens than the rest")
	}
	third := c.refresh(second.Refresh)
	if third.Refresh == second.Refresh || third.Access == second.Access {
		t.Error("the next refresh gave the same tokens again")
	}
	s.kill()
	s.restart()
	for name, token := range map[string]string{"first": first.Refresh, "second": second.Refresh} {
		if c.refresh(token) != third {
			t.Errorf("after a kill of the server, the %s refresh token does not lead to the newest tokens", name)
		}
	}
	exercised(t, plainClient(), "three processes refresh 50 times at once with one token: one rotation, 49 repetitions of it")
}

func TestALostAnswerIsRepeated(t *testing.T) {
	for _, test := range []struct {
		name  string
		after func(s *server)
	}{
		{"by the same server", func(*server) {}},
		{"by a server that was killed after it", func(s *server) { s.kill(); s.restart() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, p := startServer(t), openPage(t)
			p.setUp(s)
			clientID, first := p.login(s)
			c := session{t, s, clientID}

			from := s.output.len()
			c.refreshAndHangUp(first.Refresh)
			if rotated, repeated := s.refreshes(from); rotated != 1 || repeated != 0 {
				t.Fatalf("for the lost answer the server rotated %d times and repeated %d times", rotated, repeated)
			}
			test.after(s)

			from = s.output.len()
			second := c.refresh(first.Refresh)
			if c.refresh(first.Refresh) != second {
				t.Error("two repetitions of a lost answer differ")
			}
			if rotated, repeated := s.refreshes(from); rotated != 0 || repeated != 2 {
				t.Errorf("for two repetitions the server rotated %d times and repeated %d times", rotated, repeated)
			}
			if third := c.refresh(second.Refresh); third.Refresh == second.Refresh {
				t.Error("the next refresh gave the same token again")
			}
		})
	}
	exercised(t, plainClient(), "refresh whose answer is lost, repeated by the same server and by one that was killed")
}

// refreshAndHangUp sends a refresh, and goes away before it reads the answer.
func (c session) refreshAndHangUp(token string) {
	c.t.Helper()
	from := c.server.output.len()
	host := strings.TrimPrefix(c.server.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		c.t.Fatal("calling the server:", err)
	}
	defer conn.Close()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.clientID}, "refresh_token": {token}}.Encode()
	_, err = fmt.Fprintf(conn, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
		host, len(form), form)
	if err != nil {
		c.t.Fatal("sending the request:", err)
	}
	c.server.waitOutput(from, "token.refreshed", nil)
}
