package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Each file is a version of the schema, in the order of their names. One that was
// released never changes.
//
//go:embed migrations/*.sql
var files embed.FS

// What an administrator runs for a role, of a schema [1] and the role [2].
const (
	createSchema = "CREATE SCHEMA %[1]s AUTHORIZATION %[2]s;"
	grantCreate  = "GRANT USAGE, CREATE ON SCHEMA %[1]s TO %[2]s;"
	grantUse     = "GRANT USAGE ON SCHEMA %[1]s TO %[2]s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s TO %[2]s;"
)

const insufficientPrivilege = "42501" // SQLSTATE

// migrateTimeout is how long all of it may take, waiting for other replicas included.
const migrateTimeout = time.Minute

// migrate makes the schema or brings it to the newest version, in one transaction. Of
// replicas that start at once one does it, and the others wait.
func migrate(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	// Not stricter, so that after the lock everybody sees what was done under it.
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted}
	err := pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		m := migration{Tx: tx, schema: schema, quoted: pgx.Identifier{schema}.Sanitize()}
		return m.run(ctx)
	})
	if err != nil {
		return fmt.Errorf("postgres: preparing the schema %q: %w", schema, err)
	}
	return nil
}

type migration struct {
	pgx.Tx
	schema, quoted string
	role, database string // quoted
	exists         bool
}

func (m *migration) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{m.lock, m.look, m.create, m.apply, m.check} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lock lasts until the end of the transaction, so that it works through a pooler too.
func (m *migration) lock(ctx context.Context) error {
	_, err := m.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", "mcpoauth "+m.schema)
	return err
}

func (m *migration) look(ctx context.Context) error {
	var encoding string
	err := m.QueryRow(ctx, `
		SELECT current_setting('server_encoding'), quote_ident(current_user), quote_ident(current_database()), to_regnamespace($1) IS NOT NULL`,
		m.quoted).Scan(&encoding, &m.role, &m.database, &m.exists)
	if err == nil && encoding != "UTF8" {
		err = fmt.Errorf("the database %s is encoded in %s, which does not hold every name; take one that was made with ENCODING 'UTF8'", m.database, encoding)
	}
	return err
}

// create makes the schema. IF NOT EXISTS would ask for the right to do so even where
// there is nothing to do.
func (m *migration) create(ctx context.Context) error {
	if m.exists {
		return nil
	}
	_, err := m.Exec(ctx, "CREATE SCHEMA "+m.quoted)
	return m.denied(err, createSchema)
}

func (m *migration) apply(ctx context.Context) error {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return err
	}
	version, err := m.version(ctx)
	if err != nil {
		return m.denied(err, grantUse)
	}
	if version > len(names) {
		return fmt.Errorf("it is of version %d, and this program knows up to %d; run the newer program that made it, or restore the backup from before", version, len(names))
	}
	if version == len(names) {
		return nil
	}
	if _, err := m.Exec(ctx, "SET LOCAL search_path TO "+m.quoted); err != nil {
		return err
	}
	for i, name := range names[version:] {
		statements, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := m.Exec(ctx, string(statements)); err != nil {
			return m.denied(fmt.Errorf("%s: %w", name, err), grantCreate)
		}
		if _, err := m.Exec(ctx, "INSERT INTO migrations (version, name) VALUES ($1, $2)", version+i+1, name); err != nil {
			return err
		}
	}
	return nil
}

// version is that of the schema; 0: it is empty.
func (m *migration) version(ctx context.Context) (version int, err error) {
	var found bool
	if err := m.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", m.quoted+".migrations").Scan(&found); err != nil || !found {
		return 0, err
	}
	err = m.QueryRow(ctx, "SELECT coalesce(max(version), 0) FROM "+m.quoted+".migrations").Scan(&version)
	return version, err
}

// check finds out now what would fail at the first login.
func (m *migration) check(ctx context.Context) error {
	var may bool
	err := m.QueryRow(ctx, `
		SELECT bool_and(has_table_privilege($1, privilege))
		FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege`, m.quoted+".records").Scan(&may)
	if err == nil && !may {
		err = m.cure(errors.New("not every operation is allowed"), grantUse)
	}
	return err
}

// denied adds the cure if err is that the role may not do this.
func (m *migration) denied(err error, cure string) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return m.cure(err, cure)
	}
	return err
}

func (m *migration) cure(err error, statements string) error {
	return fmt.Errorf("the role %s may not do this in the database %s; have an administrator of it run: %s (%w)",
		m.role, m.database, fmt.Sprintf(statements, m.quoted, m.role), err)
}
