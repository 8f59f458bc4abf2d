package postgres

import (
	"context"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Hears reports whether b may answer from memory just now.
func (b *Backend) Hears() bool { return b.cache.lease.holds(time.Now()) }

// Keeps reports whether the record is in memory.
func (b *Backend) Keeps(key store.Key) bool {
	_, _, ok := b.cache.get(key)
	return ok
}

// Sweep does what happens each minute.
func (b *Backend) Sweep(ctx context.Context) error { return b.sweep(ctx) }

// ListSQL is the statement of List.
func (b *Backend) ListSQL() string { return b.sql.list }

// SweepSQL is the statement of a sweep.
func (b *Backend) SweepSQL() string { return b.sql.sweep }

// CrowdSQL are the statements that find and delete clients that are too many.
func (b *Backend) CrowdSQL() (edge, trim string) { return b.sql.crowds[0].edge, b.sql.crowds[0].trim }
