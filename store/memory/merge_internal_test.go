package memory

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A stepped backend makes no step of a merge by itself.
type stepped struct {
	*testing.T
	*Backend
	state *file
	want  map[string]string // grants that were acknowledged, and what is in them
}

func openStepped(t *testing.T) *stepped {
	dir := t.TempDir()
	b, err := Open(Options{PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	s := &stepped{t, b, b.grants.file, make(map[string]string)}
	s.state.diskMu.Lock()
	s.state.merging = true
	s.state.diskMu.Unlock()
	s.put("large", strings.Repeat("x", maxWhole)) // from here on changes go to a log
	return s
}

func (s *stepped) put(id, content string) {
	s.Helper()
	key := store.Key{Kind: store.KindGrant, ID: id}
	value := store.NewEncoded(fmt.Appendf(nil, `{"user_id":%q}`, content))
	var err error
	if record, missing := s.Get(s.Context(), key); missing != nil {
		err = s.Create(s.Context(), key, value, time.Time{})
	} else {
		err = s.Replace(s.Context(), key, record.Version, value, time.Time{})
	}
	if err != nil {
		s.Fatal(err)
	}
	s.want[id] = content
}

func (s *stepped) remove(id string) {
	s.Helper()
	if err := s.Delete(s.Context(), store.Key{Kind: store.KindGrant, ID: id}); err != nil {
		s.Fatal(err)
	}
	delete(s.want, id)
}

// change makes one change of each kind.
func (s *stepped) change(step string) {
	s.Helper()
	s.put("counter", step)
	s.put("new at "+step, step)
	s.put("gone", step)
	s.remove("gone")
}

// dies starts a server on what the disk holds now, as if the first had been killed.
func (s *stepped) dies(step string) {
	s.Helper()
	dir := s.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(s.state.path))); err != nil {
		s.Fatal(err)
	}
	o := Options{PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json")}
	for _, after := range []string{"a kill", "a clean stop"} {
		b, err := Open(o)
		if err != nil {
			s.Fatalf("%s, after %s: %v", step, after, err)
		}
		if got := grantsOf(s.T, b); !maps.Equal(got, s.want) {
			s.Errorf("%s, after %s: the grants are %.300v, want %.300v", step, after, got, s.want)
		}
		if err := b.Close(); err != nil {
			s.Error(err)
		}
		left, err := filepath.Glob(o.StateFile + ".[^l]*")
		logs, _ := filepath.Glob(o.StateFile + ".log*")
		if left = append(left, logs...); err != nil || len(left) != 0 {
			s.Errorf("%s: a clean stop left %q", step, left)
		}
	}
}

func grantsOf(t *testing.T, b *Backend) map[string]string {
	t.Helper()
	listed, err := b.List(t.Context(), store.KindGrant, "", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	grants := make(map[string]string)
	for _, r := range listed {
		data, err := r.Value.Encode()
		if err != nil {
			t.Fatal(err)
		}
		content, ok := strings.CutPrefix(string(data), `{"user_id":"`)
		if !ok {
			t.Errorf("%v holds %.50s", r.Key, data)
		}
		grants[r.Key.ID] = strings.TrimSuffix(content, `"}`)
	}
	return grants
}

func (s *stepped) locked(step func() error) {
	s.Helper()
	s.state.diskMu.Lock()
	defer s.state.diskMu.Unlock()
	if err := step(); err != nil {
		s.Fatal(err)
	}
}

func TestAMergeThatEndsAtAnyStepLosesNothing(t *testing.T) {
	s := openStepped(t)
	s.dies("without a log")
	s.change("the first log")
	s.dies("with a log that the file does not name")
	for _, round := range []string{"first", "second", "third"} {
		if round != "first" {
			s.locked(s.state.begin)
			s.dies("with an empty log")
		}
		s.change(round + " after begin")
		s.dies("with a log before the merge")
		m := s.state.newMerge()
		s.change(round + " before prepare")
		if err := s.state.prepare(m); err != nil {
			t.Fatal(err)
		}
		s.dies("with a merged file that is not in place")
		s.change(round + " after prepare")
		s.dies("with a merged file that is behind")
		old := s.state.logs[0].path
		data, err := os.ReadFile(old)
		if err != nil {
			t.Fatal(err)
		}
		s.locked(func() error { return s.state.install(m) })
		s.dies("with the merged file")
		if round != "first" { // the first merge has no other log to remove
			if err := os.WriteFile(old, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s.dies("with a log that was not removed")
			s.change(round + " with a log that was not removed")
			s.dies("with changes beside it")
			if err := os.Remove(old); err != nil {
				t.Fatal(err)
			}
		}
		s.change(round + " at the end")
		s.dies("at the end")
	}
}

func TestAStopThatEndsAtAnyStepLosesNothing(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	s.locked(s.state.begin)
	s.change("second")
	logs := make(map[string][]byte)
	for _, l := range s.state.logs {
		data, err := os.ReadFile(l.path)
		if err != nil {
			t.Fatal(err)
		}
		logs[l.path] = data
	}
	if err := s.state.complete(); err != nil {
		t.Fatal(err)
	}
	s.dies("after the end")
	for _, first := range slices.Sorted(maps.Keys(logs)) {
		for path, data := range logs {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s.dies("before the logs were removed")
		if first != s.state.path+".log1" {
			continue // the oldest is removed first
		}
		if err := os.Remove(first); err != nil {
			t.Fatal(err)
		}
		s.dies("before the last log was removed")
	}
}

func TestALogThatWasBeingBegunIsNoObstacle(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	s.locked(s.state.begin)
	path := s.state.log().path
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if n%10 != 0 && n < len(whole)-3 {
			continue
		}
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		s.dies(fmt.Sprintf("with %d bytes of a log", n))
	}
}

// Such as one that was made when there were no more descriptors to open it with.
func TestALogThatWasMadeButNeverUsedIsNoObstacle(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	s.locked(s.state.begin)
	s.locked(func() error {
		s.state.logs = s.state.logs[:1]
		return nil
	})
	s.change("in the log before it")
	s.dies("with a log that nobody goes on with")
}

func TestAMergeStopsWhenTheServerDoes(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	m := s.state.newMerge()
	close(s.state.closing)
	if err := s.state.prepare(m); !errors.Is(err, errClosed) {
		t.Errorf("it went on: %v", err)
	}
	if _, err := os.Stat(m.temp); err == nil {
		t.Error("its file is left")
	}
	s.state.closing = make(chan struct{})
}

func TestTheNextSweepTriesAFailedMergeAgain(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	f := s.state
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	f.merging, f.failed = false, true
	if f.mergeIfDue(false); f.merging {
		t.Error("a commit tried it")
	}
	if f.mergeIfDue(true); !f.merging {
		t.Error("the sweep did not try it")
	}
}

func TestGenerationsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		seen[newGeneration()] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d of 1000 are distinct", len(seen))
	}
}
