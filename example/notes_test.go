package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func openNotes(t *testing.T, path string) *Notes {
	t.Helper()
	notes, err := OpenNotes(path)
	if err != nil {
		t.Fatal(err)
	}
	return notes
}

func mustAdd(t *testing.T, notes *Notes, user, text string) Note {
	t.Helper()
	note, err := notes.Add(user, text)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func list(t *testing.T, notes *Notes, user string) []Note {
	t.Helper()
	listed, err := notes.List(user)
	if err != nil {
		t.Fatal(err)
	}
	return listed
}

func texts(notes []Note) string {
	var all []string
	for _, note := range notes {
		all = append(all, note.Text)
	}
	return strings.Join(all, "; ")
}

func TestNotesAreKeptPerUserAndSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.json")
	notes := openNotes(t, path)
	mustAdd(t, notes, "ann", " milk ")
	mustAdd(t, notes, "ann", "bread")
	mustAdd(t, notes, "bob", "beer")

	for _, notes := range []*Notes{notes, openNotes(t, path)} {
		if got := texts(list(t, notes, "ann")); got != "milk; bread" {
			t.Errorf("ann's notes are %q", got)
		}
		if got := texts(list(t, notes, "bob")); got != "beer" {
			t.Errorf("bob's notes are %q", got)
		}
		if got := list(t, notes, "nobody"); len(got) != 0 {
			t.Errorf("nobody's notes are %v", got)
		}
	}
}

func TestADeletedNoteIsGoneAndItsIDIsNotUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.json")
	notes := openNotes(t, path)
	mustAdd(t, notes, "ann", "milk")
	second := mustAdd(t, notes, "ann", "bread")
	if err := notes.Delete("ann", second.ID); err != nil {
		t.Fatal(err)
	}
	if err := notes.Delete("ann", second.ID); !errors.Is(err, errNoNote) {
		t.Errorf("deleting it again: %v, want errNoNote", err)
	}
	notes = openNotes(t, path)
	if third := mustAdd(t, notes, "ann", "eggs"); third.ID == second.ID {
		t.Errorf("the ID %d was used again", third.ID)
	}
	if got := texts(list(t, notes, "ann")); got != "milk; eggs" {
		t.Errorf("the notes are %q", got)
	}
}

func TestNobodyDeletesANoteOfAnother(t *testing.T) {
	notes := openNotes(t, filepath.Join(t.TempDir(), "notes.json"))
	note := mustAdd(t, notes, "ann", "milk")
	if err := notes.Delete("bob", note.ID); !errors.Is(err, errNoNote) {
		t.Errorf("bob deletes ann's note: %v, want errNoNote", err)
	}
	if got := texts(list(t, notes, "ann")); got != "milk" {
		t.Errorf("ann's notes are %q", got)
	}
}

func TestANoteHasTextButNotTooMuch(t *testing.T) {
	notes := openNotes(t, filepath.Join(t.TempDir(), "notes.json"))
	for _, text := range []string{"", " \n", strings.Repeat("x", maxText+1)} {
		if _, err := notes.Add("ann", text); err == nil {
			t.Errorf("a note of %d bytes was kept", len(text))
		}
	}
	mustAdd(t, notes, "ann", strings.Repeat("x", maxText))
}

func TestAChangeThatCannotBeKeptIsNotMade(t *testing.T) {
	notes := openNotes(t, filepath.Join(t.TempDir(), "gone", "notes.json"))
	if _, err := notes.Add("ann", "bread"); err == nil {
		t.Error("adding succeeded without a directory")
	}
	if got := texts(list(t, notes, "ann")); got != "" {
		t.Errorf("the notes are %q", got)
	}
}

func TestReplicasShowTheSameNotes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.json")
	first, second := openNotes(t, path), openNotes(t, path)
	mustAdd(t, first, "ann", "milk")
	mustAdd(t, second, "ann", "bread")
	if got := texts(list(t, first, "ann")); got != "milk; bread" {
		t.Errorf("the notes are %q", got)
	}
}

func TestAFileOfNotesThatCannotBeReadIsNotTakenForAnEmptyOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.json")
	if err := os.WriteFile(path, []byte(`{"ann":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenNotes(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v, want one that names %s", err, path)
	}
}

func TestNotesAreAddedFromManySidesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.json")
	notes := openNotes(t, path)
	var adding sync.WaitGroup
	for i := range 20 {
		adding.Go(func() {
			if _, err := notes.Add("ann", strconv.Itoa(i)); err != nil {
				t.Error(err)
			}
		})
	}
	adding.Wait()
	if got := len(list(t, openNotes(t, path), "ann")); got != 20 {
		t.Errorf("%d notes were kept, want 20", got)
	}
	left, err := filepath.Glob(path + ".tmp-*")
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}
