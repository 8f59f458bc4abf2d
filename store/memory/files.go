package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
)

// What moving a file away means, for the person who has to decide.
const (
	curePasskeys = "the setup is then open again for whoever has the setup token"
	cureState    = "every client then has to be connected and approved again"
	cureActivity = "it is then forgotten what was used when, and the list of events is empty"
	cureSpare    = "apps that were added but not approved yet then have to be added again"
)

// cureElsewhere is for a place that cannot be written.
const cureElsewhere = "let this process write to its directory, or name another file"

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
			{kind: store.KindEnrolment, table: b.table(store.KindEnrolment)},
			{kind: store.KindSession, table: b.table(store.KindSession)},
			{kind: store.KindAssertion, table: b.table(store.KindAssertion)},
		}},
		{beside(state, "activity"), cureActivity, []kept{
			{kind: store.KindUse, table: b.table(store.KindUse)},
			{kind: store.KindJournal, table: b.table(store.KindJournal)},
		}},
		{beside(state, "unapproved"), cureSpare, []kept{{kind: store.KindClient, table: &b.clients, part: passing}}},
	} {
		if err := b.openFile(f.path, f.cure, f.tables...); err != nil {
			return err
		}
	}
	return nil
}

// beside returns the name of a file that belongs to state.json, such as
// state.unapproved.json.
func beside(state, what string) string {
	ext := filepath.Ext(state)
	return strings.TrimSuffix(state, ext) + "." + what + ext
}

func (b *Backend) openFile(path, cure string, tables ...kept) error {
	for _, path := range []string{path, path + ".lock"} {
		if err := mayTrust(path); err != nil {
			return unusable("opening", path, err, cureElsewhere)
		}
	}
	lockFile, err := lock(path + ".lock")
	if err != nil {
		return unusable("locking", path, err, cureElsewhere)
	}
	f := &file{path: path, tables: tables, cure: cure, lock: lockFile, pending: make(map[store.Key]*batch), closing: make(chan struct{})}
	b.files = append(b.files, f)
	for _, k := range tables {
		f.spare = f.spare || k.table.file != nil
	}
	if err := b.load(f); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return unusable("writing", path, err, cureElsewhere)
	}
	for _, k := range tables {
		if f.spare {
			k.table.spare = f
		} else {
			k.table.file = f
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
	case errors.Is(err, errDamaged):
		cure = `it was damaged: ` + cure + `; or, if you edited it yourself, delete its line "checksum"`
	}
	return unusable("reading", f.path, err, cure)
}

// unusable adds the cure that err brings, or otherwise cure; empty: none.
func unusable(doing, path string, err error, cure string) error {
	if c, ok := errors.AsType[cured](err); ok {
		cure = c.cure
	}
	if cure != "" {
		cure = "; " + cure
	}
	return fmt.Errorf("memory: %s %s: %w%s", doing, path, err, cure)
}

func (b *Backend) closeFiles() error {
	var errs []error
	for _, f := range b.files {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
