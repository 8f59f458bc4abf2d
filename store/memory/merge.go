package memory

import (
	"errors"
	"os"
	"path/filepath"
)

// A merge writes the file anew, with what is in its logs, while changes go on. In the
// writer's turn, when all changes so far are in the tables, it begins another log.
// What it then reads from the tables it can take as it comes: a change that is
// in the new log too is only made twice by the next start. When the file is in
// place it names the new log, and the old one is removed.

func (f *file) considerMerge(swept bool) {
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	f.mergeIfDue(swept)
}

// mergeIfDue begins a merge if the logs have outgrown the file, or if it does not
// name its log, so that a copy of the file alone would pass for complete. The caller is
// the writer, holds diskMu, and has put all changes that it wrote into the tables.
func (f *file) mergeIfDue(swept bool) {
	if swept {
		f.failed = false
	}
	if f.merging || f.failed || len(f.logs) == 0 || !f.due(swept) || locked(f.lock) != nil {
		return
	}
	if len(f.logs) == 1 && f.Log == f.log().Generation {
		if err := f.log().restore(); err != nil {
			return
		}
		if err := f.begin(); err != nil {
			f.failed = true
			return
		}
	}
	f.merging = true
	f.merger.Go(f.merge)
}

func (f *file) due(swept bool) bool {
	size, changes := f.logged()
	switch {
	case len(f.logs) > 1, f.Log != f.log().Generation:
		return true
	case swept && f.count() < (f.records+changes)/2:
		return true // most of it has expired
	}
	return size > max(minLog, maxLogRatio*f.size)
}

func (f *file) merge() {
	m := f.newMerge()
	err := f.prepare(m)
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	if err == nil {
		err = f.install(m)
	}
	f.merging, f.failed = false, err != nil
}

// A merged file that is not in place yet.
type merge struct {
	head
	temp    string
	size    int64
	records int
}

func (f *file) newMerge() *merge {
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	m := &merge{temp: tempName(f.path), head: head{Version: formatVersion, Generation: newGeneration(), Log: f.log().Generation}}
	if len(f.logs) > 1 {
		m.After = f.logs[0].Generation
	}
	return m
}

// prepare writes the merged file beside the present one. Nobody waits for it.
func (f *file) prepare(m *merge) error {
	records := f.snapshot(nil)
	m.records = len(records)
	return writeNew(m.temp, func(w *os.File) (err error) {
		m.size, err = writeSnapshot(w, m.head, records, f.notClosing)
		return err
	})
}

// install puts a merged file into place. The caller holds diskMu.
func (f *file) install(m *merge) error {
	if err := locked(f.lock); err != nil {
		return err // and the merged file stays: its name may be in use by another process
	}
	if err := os.Rename(m.temp, f.path); err != nil {
		return errors.Join(err, os.Remove(m.temp))
	}
	if err := syncDir(filepath.Dir(f.path)); err != nil {
		return err
	}
	f.wrote(m.head, m.size, m.records, f.logs[len(f.logs)-1:])
	return nil
}
