package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mcpoauth/mcpoauth/store"
)

// maxCrowd is how many records a sweep leaves of each kind that anybody can make: those
// that expire first give way, so that a flood fills no disk and locks nobody out. What
// does not expire somebody has approved.
const maxCrowd = 100_000

// crowds are the kinds that anybody can make. They have an index, which names them too.
var crowds = []store.Kind{store.KindClient, store.KindCeremony}

// A crowd has the SQL for one of these kinds. The kind is no parameter, for which the
// planner would not take the index.
type crowd struct {
	edge, trim string
}

func newCrowd(table string, kind store.Kind) crowd {
	in := strings.NewReplacer("RECORDS", table, "KIND", "'"+string(kind)+"'").Replace
	return crowd{
		// When the first one expires that may stay. Of the index no more need be read
		// than what may.
		edge: in(`
			SELECT expires_at FROM RECORDS
			WHERE kind = KIND AND expires_at IS NOT NULL
			ORDER BY expires_at DESC OFFSET $1 LIMIT 1`),

		trim: in(`
			DELETE FROM RECORDS WHERE (kind, id) IN (
				SELECT kind, id FROM RECORDS
				WHERE kind = KIND AND expires_at < $2
				ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`),
	}
}

// trim deletes what is too much. By an edge, not a number to delete: replicas that do it
// at once then delete the same.
func (b *Backend) trim(ctx context.Context, c crowd) error {
	edge, err := b.edge(ctx, c)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // there are not that many
	}
	if err != nil {
		return err
	}
	return b.deleteAll(ctx, c.trim, edge)
}

func (b *Backend) edge(ctx context.Context, c crowd) (expires time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	err = b.pool.QueryRow(ctx, c.edge, maxCrowd-1).Scan(&expires)
	return expires, err
}
