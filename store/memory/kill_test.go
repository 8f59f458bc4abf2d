package memory_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A child is this test's program again, with one of its jobs to do in a directory.
// Both are named in the environment.
const (
	childJob = "MCPOAUTH_TEST_CHILD_JOB"
	childDir = "MCPOAUTH_TEST_CHILD_DIR"
)

// jobs say on stdout what they have done, and return why they ended.
var jobs = map[string]func(dir string) error{
	"write": writeForEver,
	"serve": serveForEver,
	"open":  openAndWait,
}

func TestMain(m *testing.M) {
	if job := jobs[os.Getenv(childJob)]; job != nil {
		if err := job(os.Getenv(childDir)); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, job, dir string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childJob+"="+job, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// openAndWait holds the files until its stdin ends.
func openAndWait(dir string) error {
	b, err := memory.Open(optionsIn(dir))
	if err != nil {
		return err
	}
	fmt.Println("opened")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return b.Close()
}

// writeForEver prints each change after it was acknowledged: +ID or -ID.
func writeForEver(dir string) error {
	b, err := memory.Open(optionsIn(dir))
	if err != nil {
		return err
	}
	const writers = 8
	failed := make(chan error, writers)
	for w := range writers {
		go func() { failed <- writeAndDelete(b, fmt.Sprint(os.Getpid(), ".", w)) }()
	}
	return <-failed
}

func writeAndDelete(b *memory.Backend, name string) error {
	for n := 0; ; n++ {
		key := grantKey(fmt.Sprint(name, ".", n))
		if err := b.Create(context.Background(), key, object, time.Time{}); err != nil {
			return err
		}
		fmt.Println("+" + key.ID)
		if n%3 != 0 {
			continue
		}
		// From here on the record may be gone, whether or not it is said.
		fmt.Println("?" + key.ID)
		if err := b.Delete(context.Background(), key); err != nil {
			return err
		}
		fmt.Println("-" + key.ID)
	}
}

func TestWhatWasAcknowledgedOutlivesAKill(t *testing.T) {
	const rounds = 12
	dir := t.TempDir()
	present, absent := make(map[string]bool), make(map[string]bool)
	for round := range rounds {
		for _, line := range runAndKill(t, "write", dir, 1+7*round) {
			switch id := line[1:]; line[0] {
			case '+':
				present[id] = true
			case '?':
				delete(present, id)
			case '-':
				absent[id] = true
			default:
				t.Fatalf("the child says %q", line)
			}
		}
		b := opened(t, optionsIn(dir))
		for id := range present {
			if !exists(t, b, store.Key{Kind: store.KindGrant, ID: id}) {
				t.Errorf("round %d: %s was acknowledged and is gone", round, id)
			}
		}
		for id := range absent {
			if exists(t, b, store.Key{Kind: store.KindGrant, ID: id}) {
				t.Errorf("round %d: %s was deleted and is back", round, id)
			}
		}
		closed(t, b)
	}
	if len(present) < rounds || len(absent) < rounds {
		t.Fatalf("only %d creations and %d deletions were seen", len(present), len(absent))
	}
}

// runAndKill starts a child, kills it once it has said n things, and returns all
// that it said.
func runAndKill(t *testing.T, job, dir string, n int) (lines []string) {
	t.Helper()
	cmd := child(t, job, dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err == io.EOF {
			break // a line without an end was cut off by the kill
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSuffix(line, "\n"))
		if len(lines) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(lines) < n {
		t.Fatalf("the child ended by itself (%v) and said %q", err, lines)
	}
	return lines
}
