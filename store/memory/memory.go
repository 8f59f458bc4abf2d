// Package memory is the store.Backend of a single process: everything in maps
// and, if wanted, the part that must outlive the process in files that a person
// can read and back up.
//
// # Files
//
// For state.json there can be, in the same directory:
//
//	state.json             the records, as indented JSON with a checksum
//	state.json.log1, .log2 what changed since, one line of JSON for each write
//	state.activity.json    what was last used when, and the last events
//	state.unapproved.json  clients that nobody has approved yet
//	state.json.tmp         a file that is being written
//	state.json.lock        who has it open; without it that one changes nothing more
//	state.json.v1          the file as an older version left it
//
// and the same for passkeys.json. A file of less than 64 KiB has no log: it is written
// anew at each change. After Close a larger one has none either, so that the file
// alone is complete.
//
// To back up, stop the process and copy all of them, or copy all of them while it
// runs. Such a copy has all that was acknowledged before it was begun, unless a
// log was merged meanwhile: Open then refuses it rather than miss a change, and another
// copy helps. Restore all of them together.
//
// A person may edit a file after Close, if they delete its line "checksum". Without the
// edit, a checksum that does not match means damage, and Open refuses the file.
//
// On Unix, Open refuses files that belong to another user than the process runs as, and
// files that others may write: somebody could have put a passkey in.
package memory

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Defaults of Capacity.
const (
	DefaultClients    = 10_000
	DefaultCeremonies = 10_000
)

// Options says where a Backend keeps its records and how many. The zero value
// keeps them in memory alone, with the default capacities.
type Options struct {
	// PasskeyFile holds the users with their passkeys, StateFile the clients,
	// grants and all else that must outlive the process. Both or neither. Missing parent directories are made with
	// mode 0700. The files are made new again and again, with mode 0600 whatever it
	// was before, so in a container mount their directory, not the files.
	//
	// What was last used when, and the events, are in a third file, for state.json
	// state.activity.json. Clients that nobody has approved yet are in a fourth,
	// state.unapproved.json. Anybody can fill that one, up to the capacity, so
	// nobody waits for it: a crash may lose the last of them.
	PasskeyFile string
	StateFile   string

	Capacity Capacity
}

// Capacity bounds the records that anybody can make without being known: those
// that carry an expiry. Beyond it the record made first gives way, so that a flood
// locks nobody out and touches nothing permanent. Zero or less means the default.
type Capacity struct {
	Clients    int
	Ceremonies int
}

// A Backend keeps the records of one process. A change of a kind that is kept in
// a file is neither acknowledged nor seen by anybody before it is on the disk; if
// it cannot be written, it has not happened. A client that nobody has approved yet
// is acknowledged at once, and on the disk soon after.
//
// A caller whose context ends while its change is being written gets the
// context's error, and does not know whether the change was made.
type Backend struct {
	users, clients, grants, consents, ceremonies, approvals table

	othersMu sync.RWMutex
	others   map[store.Kind]*table

	version  atomic.Uint64 // the last one given out, for whichever key
	files    []*file
	stop     chan struct{}
	sweeping sync.WaitGroup
	close    func() error
}

var _ store.Backend = (*Backend)(nil)

// New returns an empty Backend that forgets everything when the process ends. Close
// ends its sweep. It panics if o names files: those are for [Open].
func New(o Options) *Backend {
	if o.PasskeyFile != "" || o.StateFile != "" {
		panic("memory: New keeps nothing in files; use Open")
	}
	b := newBackend(o.Capacity)
	b.start()
	return b
}

// Open returns a Backend with what its files hold; a missing file is an empty
// one. It returns an error that names the file and the cure if one cannot be
// read, understood, trusted or written, or if another process has it open.
func Open(o Options) (*Backend, error) {
	if o.PasskeyFile == "" && o.StateFile == "" {
		return New(o), nil
	}
	b := newBackend(o.Capacity)
	if err := b.openFiles(o); err != nil {
		return nil, errors.Join(err, b.closeFiles())
	}
	b.start()
	return b, nil
}

func newBackend(c Capacity) *Backend {
	b := &Backend{others: make(map[store.Kind]*table), stop: make(chan struct{})}
	b.clients.limit = newLimit(positive(c.Clients, DefaultClients))
	b.ceremonies.limit = newLimit(positive(c.Ceremonies, DefaultCeremonies))
	return b
}

func positive(n, otherwise int) int { return cmp.Or(max(n, 0), otherwise) }

func (b *Backend) start() {
	b.sweeping.Go(b.sweepEachMinute)
	b.close = sync.OnceValue(func() error {
		close(b.stop)
		b.sweeping.Wait()
		return b.closeFiles()
	})
}

// Close waits for the changes under way, puts what is in logs into the files and lets go
// of them. Records can be read afterwards, but not changed if they are of a kind that is
// kept in a file. After an error, as without Close, the next Open finds all that was
// acknowledged.
func (b *Backend) Close() error { return b.close() }

// Get implements store.Backend.
func (b *Backend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	e := b.table(key.Kind).get(key.ID)
	if e.version == 0 {
		return store.Record{}, store.ErrNotFound
	}
	return e.record(key), nil
}

// Create implements store.Backend.
func (b *Backend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	return b.change(ctx, key, func(current entry) (entry, error) {
		if current.version != 0 {
			return entry{}, store.ErrConflict
		}
		return b.entry(value, expires), nil
	})
}

// Replace implements store.Backend.
func (b *Backend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	return b.change(ctx, key, func(current entry) (entry, error) {
		switch current.version {
		case 0:
			return entry{}, store.ErrNotFound
		case version:
			return b.entry(value, expires), nil
		default:
			return entry{}, store.ErrConflict
		}
	})
}

// Delete implements store.Backend.
func (b *Backend) Delete(ctx context.Context, key store.Key) error {
	return b.change(ctx, key, func(current entry) (entry, error) {
		if current.version == 0 {
			return entry{}, store.ErrNotFound
		}
		return entry{}, nil
	})
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := page{kind: kind, prefix: prefix, after: after, limit: limit}
	b.table(kind).fill(&p)
	return p.cut(), nil
}

func (b *Backend) change(ctx context.Context, key store.Key, decide decision) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := b.table(key.Kind)
	if t.file != nil {
		return t.file.change(ctx, t, key, decide)
	}
	_, err := t.update(key.ID, decide)
	return err
}

func (b *Backend) entry(value store.Value, expires time.Time) entry {
	return entry{value: value, version: b.version.Add(1), expires: store.At(expires)}
}

// table returns where the records of a kind are. For the kinds of every request
// it takes no lock.
func (b *Backend) table(kind store.Kind) *table {
	switch kind {
	case store.KindGrant:
		return &b.grants
	case store.KindClient:
		return &b.clients
	case store.KindConsent:
		return &b.consents
	case store.KindCeremony:
		return &b.ceremonies
	case store.KindApproval:
		return &b.approvals
	case store.KindUser:
		return &b.users
	}
	b.othersMu.RLock()
	t := b.others[kind]
	b.othersMu.RUnlock()
	if t != nil {
		return t
	}
	b.othersMu.Lock()
	defer b.othersMu.Unlock()
	if b.others[kind] == nil {
		b.others[kind] = new(table)
	}
	return b.others[kind]
}

// tables returns all there are now.
func (b *Backend) tables() []*table {
	all := []*table{&b.users, &b.clients, &b.grants, &b.consents, &b.ceremonies, &b.approvals}
	b.othersMu.RLock()
	defer b.othersMu.RUnlock()
	for _, t := range b.others {
		all = append(all, t)
	}
	return all
}
