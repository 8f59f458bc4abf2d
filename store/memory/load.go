package memory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/mcpoauth/mcpoauth/store"
)

// load fills the tables of f with what is on the disk, and changes nothing there but
// to keep a copy of a file of an older version.
func (b *Backend) load(f *file) error {
	data, err := readTrusted(f.path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return f.unreadable(err)
	}
	var s snapshot
	if !missing {
		if s, err = decodeSnapshot(data, func(kind store.Kind) bool { return f.table(kind) != nil }); err != nil {
			return f.unreadable(err)
		}
	}
	found, err := readLogs(f.path)
	if err != nil {
		return f.unreadable(err)
	}
	follow, merged, err := chain(s.head, found)
	if err == nil {
		err = s.untouched(follow)
	}
	if err == nil {
		err = b.fill(f, s, follow)
	}
	if err == nil && !missing && s.Version < formatVersion {
		err = keepOld(fmt.Sprintf("%s.v%d", f.path, s.Version), data)
	}
	if err != nil {
		return f.unreadable(err)
	}
	f.found(s, int64(len(data)), follow, merged)
	return nil
}

// untouched returns an error if a person has edited the file while changes waited to be
// merged into it: the merge would undo what the person did.
func (s snapshot) untouched(follow []*foundLog) error {
	i := slices.IndexFunc(follow, func(l *foundLog) bool { return l.count > 0 })
	if s.checked || i < 0 {
		return nil
	}
	return cured{
		fmt.Errorf("it was edited, but %s has changes from after it was written", follow[i].path),
		"undo the edit, start and stop the server so that it ends in Close, which puts everything into this file, and edit it then; " +
			`or, to do without those changes, delete the line "log" too and move that log away`,
	}
}

func (b *Backend) fill(f *file, s snapshot, follow []*foundLog) error {
	if f.spare {
		// The file is sorted by ID. Records that were made first expire first, and
		// have to give way first again.
		slices.SortStableFunc(s.lines, func(a, b line) int { return a.Expires.Compare(b.Expires) })
	}
	for _, l := range s.lines {
		t := f.table(l.Kind)
		if t.get(l.ID).version != 0 {
			continue // approved since the spare file was written
		}
		if !s.checked {
			var err error
			if l.Value, err = checkedValue(l); err != nil {
				return fmt.Errorf("record %v: %w", l.key(), err)
			}
		}
		t.update(l.ID, becomes(b.loaded(l)))
	}
	for _, found := range follow {
		lines, err := parseAll(found.texts, parseText)
		if err != nil {
			return fmt.Errorf("reading %s: %w", found.path, err)
		}
		for _, l := range lines {
			t := f.table(l.Kind)
			if t == nil {
				return fmt.Errorf("reading %s: record %v: this kind does not belong here", found.path, l.key())
			}
			t.update(l.ID, becomes(b.loaded(l)))
		}
		found.texts = nil
	}
	return nil
}

// checkedValue returns the value of a line that anybody may have written, without the
// spaces that would otherwise stay in memory.
func checkedValue(l line) ([]byte, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, l.Value); err != nil {
		return nil, err
	}
	return bytes.Clone(compact.Bytes()), store.Check(l.Kind, store.NewEncoded(compact.Bytes()))
}

// loaded returns the entry of a line. What this program wrote itself, as its checksum
// proves, is decoded when it is first needed: decoding all grants would be most of a
// start.
func (b *Backend) loaded(l line) entry {
	if l.Deleted {
		return entry{}
	}
	return entry{store.NewEncoded(l.Value), b.version.Add(1), store.At(l.Expires)}
}

// parseAll parses texts on all cores.
func parseAll(texts [][]byte, parse func([]byte) (line, error)) ([]line, error) {
	lines := make([]line, len(texts))
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := len(texts) * w / workers; i < len(texts)*(w+1)/workers; i++ {
				if lines[i], errs[w] = parse(texts[i]); errs[w] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return lines, errors.Join(errs...)
}

// keepOld puts the contents of a file that is about to be written in a newer format
// where an older program finds them. It overwrites nothing.
func keepOld(path string, data []byte) error {
	there, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(there, data):
		return nil
	case err == nil:
		return cured{fmt.Errorf("its format is an old one, and %s, where a copy of it would be kept, is there already", path), "move that one away"}
	case errors.Is(err, fs.ErrNotExist):
		err = replaceFile(path, func(f *os.File) error {
			_, err := f.Write(data)
			return err
		})
	}
	if err != nil {
		return cured{fmt.Errorf("keeping a copy in the old format: %w", err), cureElsewhere}
	}
	return nil
}
