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

// sweepEachMinute deletes what has expired. Each replica does, none at the same moment.
func (b *Backend) sweepEachMinute(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepInterval/2 + rand.N(sweepInterval)):
		}
		if err := b.sweep(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("postgres: records that have expired could not be deleted; the next try is in a minute", "err", err)
		}
	}
}

func (b *Backend) sweep(ctx context.Context) error {
	for {
		deleted, err := b.sweepSome(ctx)
		if err != nil || deleted < sweepBatch {
			return err
		}
	}
}

func (b *Backend) sweepSome(ctx context.Context) (deleted int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	done, err := b.pool.Exec(ctx, b.sql.sweep, sweepBatch)
	return done.RowsAffected(), err
}
