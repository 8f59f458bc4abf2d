package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
)

// What moving a file away means, for the person who has to decide.
const (
	curePasskeys = "the setup is then open again for whoever has the setup token"
	cureState    = "every client then has to be connected and approved again"
	cureSpare    = "apps that were added but not approved yet then have to be added again"
)

// openFiles fills the tables from the files. After an error closeFiles has to be
// called, as after success.
func (b *Backend) openFiles(o Options) error {
	if o.PasskeyFile == "" || o.StateFile == "" {
		return fmt.Errorf("memory: PasskeyFile is %q and StateFile is %q; name both files, or neither to keep everything in memory alone", o.PasskeyFile, o.StateFile)
	}
	passkeys, err := resolve(o.PasskeyFile)
	if err != nil {
		return fmt.Errorf("memory: PasskeyFile %q: %w", o.PasskeyFile, err)
	}
	state, err := resolve(o.StateFile)
	if err != nil {
		return fmt.Errorf("memory: StateFile %q: %w", o.StateFile, err)
	}
	if passkeys == state {
		return fmt.Errorf("memory: PasskeyFile and StateFile are both %s; give each a file of its own", state)
	}
	for _, f := range []struct {
		path, cure string
		tables     []kept
	}{
		{passkeys, curePasskeys, []kept{{kind: store.KindUser, table: &b.users}}},
		{state, cureState, []kept{
			{kind: store.KindClient, table: &b.clients, part: lasting},
			{kind: store.KindGrant, table: &b.grants},
			{kind: store.KindConsent, table: &b.consents},
		}},
		{spareName(state), cureSpare, []kept{{kind: store.KindClient, table: &b.clients, part: passing}}},
	} {
		if err := b.openFile(f.path, f.cure, f.tables...); err != nil {
			return err
		}
	}
	return nil
}

// spareName returns where the clients are that nobody has approved yet: state.json
// has its own in state.unapproved.json.
func spareName(state string) string {
	ext := filepath.Ext(state)
	return strings.TrimSuffix(state, ext) + ".unapproved" + ext
}

func (b *Backend) openFile(path, cure string, tables ...kept) error {
	unlock, err := lock(path + ".lock")
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; let this process write to its directory, or name another file", err)
	}
	if err != nil {
		return fmt.Errorf("memory: locking %s: %w", path, err)
	}
	f := &file{path: path, tables: tables, cure: cure, unlock: unlock, pending: make(map[store.Key]*batch), closing: make(chan struct{})}
	b.files = append(b.files, f)
	if err := b.load(f); err != nil {
		return err
	}
	// Written at once, so that a place that cannot be written, such as a file
	// mounted by itself, shows now and not at the first approval.
	if err := f.write(nil); err != nil {
		return fmt.Errorf("memory: writing %s: %w; let this process write to its directory, or name another file", path, err)
	}
	for _, k := range tables {
		if k.table.file == nil {
			k.table.file = f
		} else {
			k.table.spare, f.spare = f, true
		}
	}
	return nil
}

func (b *Backend) load(f *file) error {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.unreadable(err)
	}
	lines, err := decode(data, func(kind store.Kind) bool { return f.table(kind) != nil })
	if err != nil {
		return f.unreadable(err)
	}
	// The file is sorted by ID. Records that were made first expire first, and
	// have to give way first again.
	slices.SortStableFunc(lines, func(a, b line) int { return a.Expires.Compare(b.Expires) })
	for _, l := range lines {
		e, err := l.entry(b.version.Add(1))
		if err != nil {
			return f.unreadable(err)
		}
		if err := store.Check(l.Kind, e.value); err != nil {
			return f.unreadable(fmt.Errorf("record %v: %w", l.key(), err))
		}
		t := f.table(l.Kind)
		if t.get(l.ID).version != 0 {
			continue // approved since the spare file was written
		}
		t.update(l.ID, becomes(e))
	}
	return nil
}

func (f *file) table(kind store.Kind) *table {
	for _, k := range f.tables {
		if k.kind == kind {
			return k.table
		}
	}
	return nil
}

// unreadable is the error of a file that cannot be used. Starting without it
// instead would throw its contents away, and with the passkeys the lock of the door.
func (f *file) unreadable(err error) error {
	cure := "restore it from a backup, or move it away to start anew (" + f.cure + ")"
	switch {
	case errors.Is(err, fs.ErrPermission):
		cure = "let this process read it"
	case errors.Is(err, errNewer):
		cure = "run that version, or restore the file from a backup of this one"
	}
	return fmt.Errorf("memory: reading %s: %w; %s", f.path, err, cure)
}

func (b *Backend) closeFiles() error {
	var errs []error
	for _, f := range b.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}

// resolve returns the full path of the file behind name, whether or not it
// exists, and makes its directory. It follows links, which a rename would replace.
func resolve(name string) (string, error) {
	const maxLinks = 40 // as Linux
	for range maxLinks {
		path, err := inRealDir(name)
		if err != nil {
			return "", err
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return path, err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		name = target
		if !filepath.IsAbs(target) {
			name = filepath.Join(filepath.Dir(path), target)
		}
	}
	return "", errors.New("too many levels of symbolic links")
}

// inRealDir returns path with its directory made and free of links, so that two
// ways to one file look the same.
func inRealDir(path string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	dir, err = filepath.EvalSymlinks(dir)
	return filepath.Join(dir, filepath.Base(path)), err
}
