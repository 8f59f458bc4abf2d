//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memory

import (
	"os"
	"testing"
)

func TestAServerWhoseLockWasRemovedMergesNothing(t *testing.T) {
	s := openStepped(t)
	s.change("first")
	f := s.state
	m := f.newMerge()
	if err := f.prepare(m); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.path + ".lock"); err != nil {
		t.Fatal(err)
	}
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	if err := f.install(m); err == nil {
		t.Error("install returned no error")
	}
	if after, err := os.Stat(f.path); err != nil || !os.SameFile(before, after) {
		t.Errorf("the file is another one, %v", err)
	}
	f.merging = false
	if f.mergeIfDue(true); f.merging {
		t.Error("another merge was begun")
	}
}
