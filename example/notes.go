package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of what one user can make this server keep.
const (
	maxNotes = 1000
	maxText  = 10_000
)

var errNoNote = errors.New("there is no such note")

// A Note is one thing that a user wants to remember.
type Note struct {
	ID        int       `json:"id"`
	Text      string    `json:"text"`
	CreatedAt time.Time `json:"created_at"`
}

// A notebook has the notes of one user.
type notebook struct {
	LastID int    `json:"last_id"` // never used again, so that an old ID cannot mean a new note
	Notes  []Note `json:"notes"`
}

// Notes keeps a notebook per user, in one file. The file is read each time, so that
// several replicas of this server can show the same notes. Of two that write in the
// same moment one may win: a server that minds keeps its data in a database.
type Notes struct {
	path string
	mu   sync.Mutex // one writer of this process at a time
}

// OpenNotes returns the notes in a file, which need not exist yet.
func OpenNotes(path string) (*Notes, error) {
	notes := &Notes{path: path}
	_, err := notes.read()
	return notes, err
}

// read returns all notebooks, by user ID.
func (n *Notes) read() (map[string]notebook, error) {
	books := make(map[string]notebook)
	data, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return books, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the notes: %w", err)
	}
	if err := json.Unmarshal(data, &books); err != nil {
		return nil, fmt.Errorf("reading the notes in %s: %w; repair the file or move it away", n.path, err)
	}
	return books, nil
}

// Add keeps a new note of a user.
func (n *Notes) Add(user, text string) (Note, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return Note{}, errors.New("the note is empty")
	case len(text) > maxText:
		return Note{}, fmt.Errorf("the note has %d bytes; at most %d are kept", len(text), maxText)
	}
	var note Note
	err := n.change(user, func(book *notebook) error {
		if len(book.Notes) >= maxNotes {
			return fmt.Errorf("there are %d notes already; delete one first", maxNotes)
		}
		book.LastID++
		note = Note{ID: book.LastID, Text: text, CreatedAt: time.Now().UTC()}
		book.Notes = append(book.Notes, note)
		return nil
	})
	return note, err
}

// List returns a user's notes, oldest first.
func (n *Notes) List(user string) ([]Note, error) {
	books, err := n.read()
	return books[user].Notes, err
}

// Delete removes a note of a user.
func (n *Notes) Delete(user string, id int) error {
	return n.change(user, func(book *notebook) error {
		i := slices.IndexFunc(book.Notes, func(note Note) bool { return note.ID == id })
		if i < 0 {
			return errNoNote
		}
		book.Notes = slices.Delete(book.Notes, i, i+1)
		return nil
	})
}

// change edits a user's notebook and keeps it.
func (n *Notes) change(user string, edit func(*notebook) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	books, err := n.read()
	if err != nil {
		return err
	}
	book := books[user]
	if err := edit(&book); err != nil {
		return err
	}
	books[user] = book
	if err := writeJSON(n.path, books); err != nil {
		return fmt.Errorf("keeping the notes: %w", err)
	}
	return nil
}

// writeJSON replaces a file in one step: whoever reads it, or crashes, finds the
// old content or the new one.
func writeJSON(path string, value any) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	encoder := json.NewEncoder(file)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
