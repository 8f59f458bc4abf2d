package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5"
)

// maxIdentifier is the longest name in PostgreSQL, in bytes.
const maxIdentifier = 63

// statements are the SQL of the operations. Parameters are cast where their type does
// not follow from a comparison, so that they work in each of pgx's execution modes.
type statements struct {
	get, create, replace, delete, list, sweep string

	crowds []crowd
}

func newStatements(schema string) statements {
	table := pgx.Identifier{schema, "records"}.Sanitize()
	in := func(sql string) string { return strings.ReplaceAll(sql, "RECORDS", table) }
	s := statements{
		get: in(`
			SELECT value, version, expires_at, pg_postmaster_start_time()
			FROM RECORDS WHERE kind = $1 AND id = $2`),

		create: in(`
			INSERT INTO RECORDS (kind, id, version, user_id, client_id, expires_at, value)
			VALUES ($1, $2, $3, $4, $5, $6, $7::json)
			ON CONFLICT DO NOTHING`),

		// The lock waits for whoever changes the record just now. Without it, one
		// who deletes it would look like one who replaced it.
		replace: in(`
			WITH present AS (
				SELECT version FROM RECORDS WHERE kind = $1 AND id = $2 FOR UPDATE
			), replaced AS (
				UPDATE RECORDS AS r
				SET version = $3, user_id = $4, client_id = $5, expires_at = $6, value = $7::json, updated_at = now()
				FROM present WHERE r.kind = $1 AND r.id = $2 AND present.version = $8
				RETURNING 1
			)
			SELECT EXISTS (SELECT FROM present), EXISTS (SELECT FROM replaced)`),

		delete: in(`DELETE FROM RECORDS WHERE kind = $1 AND id = $2`),

		list: in(`
			SELECT id, value, version, expires_at
			FROM RECORDS WHERE kind = $1 AND id >= $2 AND id < $3 AND id > $4
			ORDER BY id LIMIT $5`),

		// By the database's clock, with a minute for the others to be wrong. The
		// lock leaves to each replica what no other one sweeps already.
		sweep: in(`
			DELETE FROM RECORDS WHERE (kind, id) IN (
				SELECT kind, id FROM RECORDS
				WHERE expires_at < now() - interval '1 minute'
				ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`),
	}
	for _, kind := range crowds {
		s.crowds = append(s.crowds, newCrowd(table, kind))
	}
	return s
}
