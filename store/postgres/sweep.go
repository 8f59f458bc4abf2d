package postgres

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	sweepInterval = time.Minute

	// sweepBatch is how many records one transaction deletes: few enough to be over
	// before anybody waits for it.
	sweepBatch = 500
)

// sweepEachMinute deletes what has expired or is too much. Each replica does, none at the
// same moment.
func (b *Backend) sweepEachMinute(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepInterval/2 + rand.N(sweepInterval)):
		}
		if err := b.sweep(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("postgres: records that have expired or are too many could not be deleted; the next try is in a minute", "err", err)
		}
	}
}

func (b *Backend) sweep(ctx context.Context) error {
	if err := b.deleteAll(ctx, b.sql.sweep); err != nil {
		return err
	}
	for _, c := range b.sql.crowds {
		if err := b.trim(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// deleteAll repeats a statement, whose first parameter is the size of a batch, until it
// finds no more.
func (b *Backend) deleteAll(ctx context.Context, sql string, args ...any) error {
	for {
		deleted, err := b.deleteSome(ctx, sql, args)
		if err != nil || deleted < sweepBatch {
			return err
		}
	}
}

func (b *Backend) deleteSome(ctx context.Context, sql string, args []any) (deleted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	done, err := b.pool.Exec(ctx, sql, append([]any{sweepBatch}, args...)...)
	return done.RowsAffected(), err
}
