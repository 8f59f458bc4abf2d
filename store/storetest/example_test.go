package storetest_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

// A mapBackend is as small as a backend can be. It keeps values as bytes, as one on
// a database does.
type mapBackend struct {
	recordsMu sync.Mutex
	records   map[store.Key]row
}

type row struct {
	data    []byte
	version uint64
	expires time.Time
}

func newMapBackend() *mapBackend { return &mapBackend{records: make(map[store.Key]row)} }

func (b *mapBackend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	b.recordsMu.Lock()
	defer b.recordsMu.Unlock()
	r, ok := b.records[key]
	switch {
	case ctx.Err() != nil:
		return store.Record{}, ctx.Err()
	case !ok:
		return store.Record{}, store.ErrNotFound
	}
	return record(key, r), nil
}

func (b *mapBackend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	return b.change(ctx, func() error {
		if _, taken := b.records[key]; taken {
			return store.ErrConflict
		}
		return b.put(key, value, expires)
	})
}

func (b *mapBackend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	return b.change(ctx, func() error {
		switch r, ok := b.records[key]; {
		case !ok:
			return store.ErrNotFound
		case r.version != version:
			return store.ErrConflict
		}
		return b.put(key, value, expires)
	})
}

func (b *mapBackend) Delete(ctx context.Context, key store.Key) error {
	return b.change(ctx, func() error {
		if _, ok := b.records[key]; !ok {
			return store.ErrNotFound
		}
		delete(b.records, key)
		return nil
	})
}

func (b *mapBackend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	b.recordsMu.Lock()
	defer b.recordsMu.Unlock()
	var listed []store.Record
	for key, r := range b.records {
		if key.Kind == kind && strings.HasPrefix(key.ID, prefix) && key.ID > after {
			listed = append(listed, record(key, r))
		}
	}
	slices.SortFunc(listed, func(a, b store.Record) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
	return listed[:min(limit, len(listed))], ctx.Err()
}

// change is what a transaction is to a database.
func (b *mapBackend) change(ctx context.Context, decide func() error) error {
	b.recordsMu.Lock()
	defer b.recordsMu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return decide()
}

// put gives a record a version that was never there: a random one is not used again
// after Delete and Create, nor after a restore from a backup.
func (b *mapBackend) put(key store.Key, value store.Value, expires time.Time) error {
	data, err := value.Encode()
	if err == nil {
		b.records[key] = row{data, rand.Uint64()>>1 | 1, expires}
	}
	return err
}

func record(key store.Key, r row) store.Record {
	return store.Record{Key: key, Value: store.NewEncoded(slices.Clone(r.data)), Version: r.version, ExpiresAt: r.expires}
}

// The whole test file of a backend.
func Example() {
	open := func(t *testing.T) store.Backend {
		return newMapBackend() // one on a database: an empty one, closed by t.Cleanup
	}
	_ = func(t *testing.T) { // func TestBackend(t *testing.T)
		storetest.Run(t, open)
		storetest.RunStore(t, open)
	}
}
