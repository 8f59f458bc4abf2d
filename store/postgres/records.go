package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mcpoauth/mcpoauth/store"
)

// Get implements store.Backend.
func (b *Backend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	// It may have seen a write that is not acknowledged or heard of yet. What it
	// leads to, such as a token that is handed out once more, must not be met by
	// an older record.
	defer b.cache.drop(key)
	record, _, err := b.read(ctx, key)
	return record, err
}

// GetCached implements store.CachingBackend. It answers with nothing older than Get has
// returned. See MaxStaleness.
func (b *Backend) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	// In this order: a lease says that what is in the cache afterwards is fresh.
	holds := b.cache.lease.holds(time.Now())
	record, seen, ok := b.cache.get(key)
	if ok && holds {
		return record, nil
	}
	record, from, err := b.read(ctx, key)
	if err == nil {
		b.cache.put(record, seen, from)
	}
	return record, err
}

// read asks the database. It returns the server that answered, too.
func (b *Backend) read(ctx context.Context, key store.Key) (store.Record, server, error) {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var r row
	var started time.Time
	err := b.pool.QueryRow(limited, b.sql.get, string(key.Kind), key.ID).Scan(&r.value, &r.version, &r.expires, &started)
	if errors.Is(err, pgx.ErrNoRows) {
		return store.Record{}, 0, store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, 0, b.failed(ctx, "reading", key.Kind, err)
	}
	return r.record(key), server(started.UnixMicro()), nil
}

// Create implements store.Backend.
func (b *Backend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	args, err := arguments(key, value, expires)
	if err != nil {
		return err
	}
	// Of a record that was swept, the cache may not have heard yet.
	defer b.cache.drop(key)
	done, err := b.pool.Exec(limited, b.sql.create, args...)
	switch {
	case err != nil:
		return b.failed(ctx, "creating", key.Kind, err)
	case done.RowsAffected() == 0:
		return store.ErrConflict
	}
	return nil
}

// Replace implements store.Backend.
func (b *Backend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	args, err := arguments(key, value, expires)
	if err != nil {
		return err
	}
	defer b.cache.drop(key)
	var present, replaced bool
	err = b.pool.QueryRow(limited, b.sql.replace, append(args, int64(version))...).Scan(&present, &replaced)
	switch {
	case err != nil:
		return b.failed(ctx, "replacing", key.Kind, err)
	case replaced:
		return nil
	case present:
		return store.ErrConflict
	}
	return store.ErrNotFound
}

// Delete implements store.Backend.
func (b *Backend) Delete(ctx context.Context, key store.Key) error {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	defer b.cache.drop(key)
	done, err := b.pool.Exec(limited, b.sql.delete, string(key.Kind), key.ID)
	switch {
	case err != nil:
		return b.failed(ctx, "deleting", key.Kind, err)
	case done.RowsAffected() == 0:
		return store.ErrNotFound
	}
	return nil
}

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	// The last of ASCII, which is in no ID, so that a range of the primary key
	// is what begins with prefix.
	rows, err := b.pool.Query(limited, b.sql.list, string(kind), prefix, prefix+"\x7f", after, max(limit, 0))
	if err != nil {
		return nil, b.failed(ctx, "listing", kind, err)
	}
	records, err := pgx.CollectRows(rows, func(found pgx.CollectableRow) (store.Record, error) {
		var r row
		var id string
		err := found.Scan(&id, &r.value, &r.version, &r.expires)
		return r.record(store.Key{Kind: kind, ID: id}), err
	})
	if err != nil {
		return nil, b.failed(ctx, "listing", kind, err)
	}
	return records, nil
}

// failed says what failed. Our own time limit does not pass for the caller's; the
// caller's may end a connection's wait just before ctx knows.
func (b *Backend) failed(ctx context.Context, doing string, kind store.Kind, err error) error {
	deadline, limited := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited && time.Until(deadline) <= 0:
		err = context.DeadlineExceeded
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("not done within %v: %v", b.timeout, err)
	}
	return fmt.Errorf("postgres: %s a record of kind %s: %w", doing, kind, err)
}

// A row is what the database says of a record.
type row struct {
	value   []byte
	version int64
	expires *time.Time
}

func (r row) record(key store.Key) store.Record {
	record := store.Record{Key: key, Value: store.NewEncoded(r.value), Version: uint64(r.version)}
	if r.expires != nil {
		record.ExpiresAt = r.expires.UTC()
	}
	return record
}

// arguments are what create and replace write: the parameters $1 to $7.
func arguments(key store.Key, value store.Value, expires time.Time) ([]any, error) {
	data, err := value.Encode()
	if err != nil {
		return nil, fmt.Errorf("postgres: encoding a %s: %w", key.Kind, err)
	}
	var until *time.Time
	if !expires.IsZero() {
		until = &expires
	}
	// Not counted up: a fail-over that lost the last changes would count again.
	version := rand.Int64N(math.MaxInt64) + 1
	user, client := readable(data)
	return []any{string(key.Kind), key.ID, version, user, client, until, string(data)}, nil
}
