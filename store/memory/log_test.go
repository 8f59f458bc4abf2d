package memory_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// padded is a value of about so many bytes.
func padded(bytes int) store.Value {
	return store.NewEncoded(fmt.Appendf(nil, `{"user_id":%q}`, strings.Repeat("x", bytes)))
}

func createPadded(t *testing.T, b *memory.Backend, id string, bytes int, life time.Duration) {
	t.Helper()
	var expires time.Time
	if life != 0 {
		expires = time.Now().Add(life)
	}
	if err := b.Create(t.Context(), grantKey(id), padded(bytes), expires); err != nil {
		t.Fatal(err)
	}
}

// logsOf returns the logs there are beside a file.
func logsOf(t *testing.T, path string) (logs []string) {
	t.Helper()
	logs, err := filepath.Glob(path + ".log*")
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// named waits until a file names its log: until the merge that began with it is done.
func named(t *testing.T, path string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(headOf(t, path), `"log"`) && len(logsOf(t, path)) == 1 })
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}

func TestASmallStoreHasOneFileThatIsAlwaysComplete(t *testing.T) {
	o := optionsIn(t.TempDir())
	s := store.New(opened(t, o), store.Lifetimes{})
	for range 10 {
		tokens := connected(t, s)
		if logs := logsOf(t, o.StateFile); len(logs) != 0 || !strings.Contains(contents(t, o.StateFile), tokens.Grant.ID) {
			t.Fatalf("the state is in %q too", logs)
		}
	}
}

func TestALargeStoreWritesWhatChangedAndIsWholeAfterAStop(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	create(t, b, grantKey("first"), 0)
	named(t, o.StateFile)
	before := stat(t, o.StateFile)
	create(t, b, grantKey("second"), 0)
	if after := stat(t, o.StateFile); !os.SameFile(before, after) {
		t.Error("the file was written whole for one grant")
	}
	log := logsOf(t, o.StateFile)[0]
	hasMode(t, log, 0o600)
	for line := range strings.SplitSeq(strings.TrimSpace(contents(t, log)), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("a person cannot read %s", line)
		}
	}
	if !strings.Contains(contents(t, log), `{"kind":"grant","id":"second","value":{}}`) {
		t.Errorf("the grant is not in the log:\n%s", contents(t, log))
	}
	closed(t, b)
	if logs := logsOf(t, o.StateFile); len(logs) != 0 || strings.Contains(headOf(t, o.StateFile), `"log"`) {
		t.Errorf("after a stop %q is left, and the file begins with\n%s", logs, headOf(t, o.StateFile))
	}
	for _, id := range []string{"first", "second"} {
		if !strings.Contains(contents(t, o.StateFile), id) {
			t.Errorf("the %s grant is not in the file", id)
		}
	}
}

// However long it goes on: what has been merged is gone from the disk.
func TestAGrantThatIsRefreshedForEverOccupiesNoMore(t *testing.T) {
	for name, large := range map[string]bool{"small": false, "large": true} {
		t.Run(name, func(t *testing.T) {
			rotations := 500
			if large && !raceEnabled {
				rotations = 5_000 // a dozen merges
			}
			o := optionsIn(t.TempDir())
			b := opened(t, o)
			most := int64(64 << 10) // with the locks and the other files
			if large {
				enlarge(t, b)
				most = 4 << 20 // a log that has just outgrown, another one, and the file twice
			}
			s := store.New(b, store.Lifetimes{})
			tokens := rotateMany(t, s, connected(t, s), 100) // its history is as long as it gets
			heap := inUse()
			for done := 0; done < rotations; done += 250 {
				tokens = rotateMany(t, s, tokens, 250)
				if got := sizeOf(t, filepath.Dir(o.StateFile)); got > most {
					t.Fatalf("%d bytes are on the disk after %d rotations, want at most %d", got, done, most)
				}
			}
			if after := inUse(); after.bytes > heap.bytes+4<<20 {
				t.Errorf("the heap went from %d to %d bytes", heap.bytes, after.bytes)
			}
			runtime.KeepAlive(s)
			closed(t, b)
			b = opened(t, o)
			if _, _, err := store.New(b, store.Lifetimes{}).Access(t.Context(), tokens.Access, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
}

func rotateMany(tb testing.TB, s *store.Store, tokens store.Tokens, n int) store.Tokens {
	tb.Helper()
	for range n {
		tokens = rotated(tb, s, tokens)
	}
	return tokens
}

func sizeOf(tb testing.TB, dir string) (size int64) {
	tb.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // a merge removes files
			size += info.Size()
		}
	}
	return size
}

func TestWhatExpiredLeavesALargeFileThatHasBecomeMostlyThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optionsIn(t.TempDir())
		b := opened(t, o)
		createPadded(t, b, "large", 100<<10, 0)
		for n := range 10 {
			createPadded(t, b, fmt.Sprint("short-lived", n), 10, 10*time.Minute)
		}
		time.Sleep(5 * time.Minute) // merged, because the file did not name its log
		synctest.Wait()
		createPadded(t, b, "later", 10, 10*time.Minute)
		if !strings.Contains(contents(t, o.StateFile), "short-lived") {
			t.Fatal("the merge has not happened")
		}
		time.Sleep(7 * time.Minute)
		synctest.Wait()
		for _, path := range append(logsOf(t, o.StateFile), o.StateFile) {
			if strings.Contains(contents(t, path), "short-lived") {
				t.Errorf("what expired is in %s", path)
			}
		}
		if !exists(t, b, grantKey("later")) || !exists(t, b, grantKey("large")) {
			t.Error("what did not expire is gone")
		}
	})
}

func TestALogThatSomebodyRemovesUnderARunningServerCostsNothing(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	create(t, b, grantKey("before"), 0)
	named(t, o.StateFile)
	create(t, b, grantKey("in the log"), 0)
	if err := os.Remove(logsOf(t, o.StateFile)[0]); err != nil {
		t.Fatal(err)
	}
	create(t, b, grantKey("after"), 0)
	killed := opened(t, copied(t, o))
	for _, id := range []string{"before", "in the log", "after"} {
		if !exists(t, killed, grantKey(id)) {
			t.Errorf("the grant %q is gone", id)
		}
	}
}

// copied returns a copy of what is on the disk now, as a kill would leave it. No merge
// may be under way.
func copied(t *testing.T, o memory.Options) memory.Options {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(o.StateFile))); err != nil {
		t.Fatal(err)
	}
	return optionsIn(dir)
}

// A running server's files as they were at one time, and somewhat later.
func twoStates(t *testing.T) (early, late memory.Options) {
	t.Helper()
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	create(t, b, grantKey("first"), 0)
	named(t, o.StateFile)
	create(t, b, grantKey("second"), 0)
	early = copied(t, o)
	for n := 0; headOf(t, o.StateFile) == headOf(t, early.StateFile); n++ {
		createPadded(t, b, fmt.Sprint("later", n), 50<<10, 0)
	}
	named(t, o.StateFile)
	create(t, b, grantKey("last"), 0)
	return early, copied(t, o)
}

func TestFilesThatDoNotBelongTogetherAreAStartUpError(t *testing.T) {
	early, late := twoStates(t)
	log := func(o memory.Options) string { return logsOf(t, o.StateFile)[0] }
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, early, late memory.Options)
		words  []string // of the error for late; none: it opens
	}{
		"as they were": {func(*testing.T, memory.Options, memory.Options) {}, nil},
		"the file without its log": {func(t *testing.T, _, late memory.Options) {
			os.Remove(log(late))
		}, []string{"log", "is missing", "same backup", `delete its lines "log" and "checksum"`}},
		"the log without its file": {func(t *testing.T, _, late memory.Options) {
			os.Remove(late.StateFile)
		}, []string{"belongs to another state", "move the log away"}},
		"an older file with a newer log": {func(t *testing.T, early, late memory.Options) {
			move(early.StateFile, late.StateFile)
		}, []string{"log", "is missing"}},
		"an older log with a newer file": {func(t *testing.T, early, late memory.Options) {
			old := log(early)
			os.Remove(log(late))
			move(old, late.StateFile+filepath.Ext(old))
		}, []string{"log", "is missing"}},
		"both of a backup, and a newer log": {func(t *testing.T, early, late memory.Options) {
			other := map[string]string{".log1": ".log2", ".log2": ".log1"}[filepath.Ext(log(late))]
			old := log(early)
			move(early.StateFile, late.StateFile)
			move(log(late), late.StateFile+other)
			move(old, late.StateFile+map[string]string{".log1": ".log2", ".log2": ".log1"}[other])
		}, []string{"belongs to another state"}},
		"edited, though the log has changes": {func(t *testing.T, _, late memory.Options) {
			write(t, late.StateFile, uncheck(contents(t, late.StateFile)))
		}, []string{"was edited", "undo the edit", "Close", "move that log away"}},
		"the cure of a missing log": {func(t *testing.T, _, late memory.Options) {
			os.Remove(log(late))
			write(t, late.StateFile, without(uncheck(contents(t, late.StateFile)), `"log"`))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			early, late := copied(t, early), copied(t, late)
			c.change(t, early, late)
			if c.words != nil {
				refusedNaming(t, late, append(c.words, late.StateFile)...)
				return
			}
			if b := opened(t, late); !exists(t, b, grantKey("second")) {
				t.Error("a grant is gone")
			}
		})
	}
}

func uncheck(data string) string { return without(data, `"checksum"`) }

// without removes the line that has a word.
func without(data, word string) string {
	before, after, _ := strings.Cut(data, "  "+word)
	_, after, _ = strings.Cut(after, "\n")
	return before + after
}

func TestALogThatWasCutIsReadUpToThere(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	create(t, b, grantKey("first"), 0)
	named(t, o.StateFile)
	create(t, b, grantKey("second"), 0)
	create(t, b, grantKey("third"), 0)
	log := []byte(contents(t, logsOf(t, o.StateFile)[0]))
	first := bytes.IndexByte(log, '\n') + 1
	for n := first; n <= len(log); n += 7 {
		killed := copied(t, o)
		path := logsOf(t, killed.StateFile)[0]
		if err := os.Truncate(path, int64(n)); err != nil {
			t.Fatal(err)
		}
		want := max(1, bytes.Count(log[first:n], []byte("\n"))) // the first grant is in the file too
		for _, more := range []string{"more", "even more"} {
			b := opened(t, killed)
			if log := contents(t, logsOf(t, killed.StateFile)[0]); !strings.HasSuffix(log, "\n") {
				t.Errorf("%d bytes: the log still ends with %.50q", n, log[strings.LastIndex(log, "\n")+1:])
			}
			if got := count(t, b, store.KindGrant); got != want {
				t.Errorf("%d of %d bytes: %d grants, want %d", n, len(log), got, want)
			}
			create(t, b, grantKey(more), 0) // the next line stands in the place of the broken one
			killed = copied(t, killed)
			want++
		}
	}
	damaged := bytes.Replace(log, []byte("second"), []byte("secund"), 1)
	killed := copied(t, o)
	write(t, logsOf(t, killed.StateFile)[0], string(damaged))
	refusedNaming(t, killed, "line ", "is damaged", logsOf(t, killed.StateFile)[0], "backup")
}
