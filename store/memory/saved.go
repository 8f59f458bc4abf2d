package memory

import (
	"fmt"
	"os"
)

const (
	// maxWhole is the size up to which a file is written whole at each change, and
	// needs no log: about 30 grants. Such a write costs little more than its syncs,
	// and one's own server has its state in one place that is always complete.
	maxWhole = 64 << 10

	// A log is merged into its file when it is larger than both, so that merging
	// writes each byte about twice more, and a start reads no more than two files.
	minLog      = 1 << 20
	maxLogRatio = 1 // of the file
)

// saved is what the disk has of a file's tables. The file's diskMu guards it.
type saved struct {
	head
	checked bool  // the file is as this program wrote it
	size    int64 // of the file, without logs
	records int   // in the file
	logs    []*log
	merged  []*log // their changes are in the file, and they should be gone

	merging bool
	failed  bool // the last merge; the next sweep tries again
}

func (s *saved) found(from snapshot, size int64, follow, merged []*foundLog) {
	s.head, s.checked, s.size, s.records = from.head, from.checked, size, len(from.lines)
	for _, l := range follow {
		s.logs = append(s.logs, &l.log)
	}
	for _, l := range merged {
		s.merged = append(s.merged, &l.log)
	}
}

// log returns the one that is appended to; nil: none.
func (s *saved) log() *log {
	if len(s.logs) == 0 {
		return nil
	}
	return s.logs[len(s.logs)-1]
}

// logged returns what is in the logs.
func (s *saved) logged() (size int64, changes int) {
	for _, l := range s.logs {
		size += l.size
		changes += l.count
	}
	return size, changes
}

// open makes a file that was loaded ready for changes. Something is written, so
// that a place that cannot be written shows now and not at the first approval.
func (f *file) open() error {
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	if logged, _ := f.logged(); !f.checked || f.size+logged <= maxWhole || f.spare {
		return f.writeWhole(nil)
	}
	if l := f.log(); l != nil {
		if err := l.open(); err != nil {
			return err
		}
		if err := l.restore(); err != nil {
			return err
		}
	} else if err := f.begin(); err != nil {
		return err
	}
	f.mergeIfDue(false)
	return nil
}

// write brings changes to the disk. They are not in the tables yet.
func (f *file) write(changes []change) error {
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	if err := locked(f.lock); err != nil {
		return err
	}
	if err := f.save(changes); err != nil {
		return err
	}
	return locked(f.lock) // if so, who locks it from now on reads what was written
}

func (f *file) save(changes []change) error {
	switch l := f.log(); {
	case f.spare, l == nil && f.size <= maxWhole:
		return f.writeWhole(changes)
	case l == nil:
		if err := f.begin(); err != nil {
			return err
		}
	case !l.inPlace():
		if f.merging {
			return fmt.Errorf("its log %s was removed", l.path)
		}
		return f.writeWhole(changes) // the tables have what was in it
	}
	if len(changes) == 0 {
		return f.log().restore()
	}
	return f.log().append(changes)
}

// writeWhole writes everything that there is into the file. Nothing then follows it.
func (f *file) writeWhole(changes []change) error {
	h := head{Version: formatVersion, Generation: newGeneration()}
	switch l := f.log(); {
	case l != nil:
		h.After = l.Generation
	case len(f.merged) > 0:
		h.After = f.After
	}
	records := f.snapshot(changes)
	var size int64
	err := replaceFile(f.path, func(w *os.File) (err error) {
		size, err = writeSnapshot(w, h, records, func() error { return nil })
		return err
	})
	if err != nil {
		return err
	}
	f.wrote(h, size, len(records), nil)
	return nil
}

// wrote takes down that the file is new, and removes the logs that it made needless.
func (f *file) wrote(h head, size int64, records int, follow []*log) {
	f.merged = append(f.merged, f.logs[:len(f.logs)-len(follow)]...)
	f.head, f.checked, f.size, f.records, f.logs = h, true, size, records, follow
	f.removeMerged()
}

// removeMerged removes logs that nobody needs. Those that stay are known for what they
// are: the last one by the file, and each other by the one after it.
func (f *file) removeMerged() {
	for len(f.merged) > 0 && f.merged[0].remove() == nil {
		f.merged = f.merged[1:]
	}
}

// begin makes the log that changes go to from now on.
func (f *file) begin() error {
	h := head{Version: formatVersion, Generation: newGeneration(), After: f.Generation}
	paths := logPaths(f.path)
	path := paths[0]
	if l := f.log(); l != nil {
		h.After, h.Lines = l.Generation, l.lines
		if l.path == path {
			path = paths[1]
		}
	}
	f.removeMerged()
	if len(f.merged) > 0 {
		return fmt.Errorf("%s cannot be removed", f.merged[0].path)
	}
	l, err := beginLog(path, h)
	if err != nil {
		return err
	}
	f.logs = append(f.logs, l)
	return nil
}

// complete merges what is in logs into the file when nothing else is under way.
func (f *file) complete() error {
	f.diskMu.Lock()
	defer f.diskMu.Unlock()
	if len(f.logs) == 0 {
		return nil
	}
	if err := locked(f.lock); err != nil {
		return unusable("closing", f.path, err, "")
	}
	if err := f.writeWhole(nil); err != nil {
		return fmt.Errorf("memory: merging %s into %s: %w; nothing is lost: the next start reads both", f.log().path, f.path, err)
	}
	return nil
}
