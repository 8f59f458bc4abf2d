// Package postgres is a store.Backend in PostgreSQL, for several replicas of one server.
//
//	backend, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), postgres.Options{})
//
// # Set-up
//
// Open makes what it needs: a schema with a table, its indexes, two triggers and their
// function, and changes them when a newer version of this package wants so. The role in
// the URL needs CREATE on the database, or a schema of its own:
//
//	CREATE ROLE mcp LOGIN PASSWORD '...';
//	CREATE SCHEMA mcpoauth AUTHORIZATION mcp;
//
// Where a role that owns the schema has opened it once, others need only USAGE on it and
// SELECT, INSERT, UPDATE and DELETE on its tables. The database has to be encoded in UTF8.
// PostgreSQL 13 and later will do; tested is 15.
//
// The URL is one that pgx understands: with sslmode=verify-full where there is a network
// in between, and with pool_max_conns, to which each replica adds two connections. A pooler
// such as PgBouncer has to be in session mode: in transaction mode nothing is heard of
// other replicas, so that every bearer check asks the database, and the log says so. It may
// need default_query_exec_mode=exec, too, and where default_transaction_isolation is not
// "read committed", ALTER ROLE mcp SET default_transaction_isolation = 'read committed'.
//
// # For people
//
// Everything is in the table mcpoauth.records. Who can use what:
//
//	SELECT user_id, client_id, updated_at, expires_at, value->>'scopes'
//	FROM mcpoauth.records WHERE kind = 'grant' ORDER BY user_id, client_id;
//
// A sweep each minute deletes what has expired, and of registrations that nobody approved
// and of passkey prompts the oldest beyond 100,000 each.
//
// Deleting a row of kind grant ends its tokens at once, on all replicas. Secrets are in
// the table only as hashes.
//
// # What survives
//
// A change is acknowledged when PostgreSQL has committed it. With synchronous_commit off
// in the database, a crash can lose the last of them, revocations among them. A fail-over
// loses nothing if the commit was on the standby too, with synchronous_standby_names. Name
// all hosts in the URL to follow one; a server that is read-only is never used:
//
//	postgres://mcp@db1.internal,db2.internal/app?sslmode=verify-full
//
// An old primary has to be stopped from serving, as for any other client: who still asks
// it does not hear of what is revoked on the new one.
//
// A change whose connection broke may have been made or not, and its error is none of
// store's.
//
// # What is answered from memory
//
// GetCached answers from the memory of the process, and forgets a record when PostgreSQL
// tells it of a change (LISTEN and NOTIFY), usually about a millisecond after it. Twice a
// second each replica proves to itself that it still hears: whatever happens to the
// network, a record that another replica changed or deleted is not answered any more
// [MaxStaleness] later, and while nothing is heard the database is asked.
//
// NOTIFY makes commits that change or delete records wait for one another, in the whole
// server: it does about as many of them in a second as commits one after the other.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mcpoauth/mcpoauth/store"
)

// Defaults of Options.
const (
	DefaultSchema  = "mcpoauth"
	DefaultTimeout = 5 * time.Second
)

// Options says where and how a Backend works. The zero value will do.
type Options struct {
	// Schema is where in the database everything is kept. Servers that share it
	// are replicas of one. If empty, DefaultSchema.
	Schema string

	// Timeout is how long one operation may take, waiting for a connection
	// included. If zero or less, DefaultTimeout. It is also how long making a
	// connection to one host may take, unless the URL sets connect_timeout.
	Timeout time.Duration

	// Logger is told when changes of other replicas are not heard any more, and
	// when they are again, and of sweeps that fail. If nil, slog.Default().
	Logger *slog.Logger
}

// A Backend keeps records in PostgreSQL. See the package's documentation.
type Backend struct {
	pool    *pgxpool.Pool
	sql     statements
	timeout time.Duration
	log     *slog.Logger
	cache   cache
	close   func()
}

var _ store.CachingBackend = (*Backend)(nil)

// Open connects to the database, and makes or migrates its schema; many may do so at
// once. It returns an error that names the cure if the URL cannot be understood, the
// role may not do what is needed, or the schema is of a newer version.
func Open(ctx context.Context, url string, o Options) (*Backend, error) {
	schema := cmp.Or(o.Schema, DefaultSchema)
	// PostgreSQL would cut it, and two schemas might become one.
	if len(schema) > maxIdentifier {
		return nil, fmt.Errorf("postgres: Options.Schema has %d bytes, got %q; take at most %d", len(schema), schema, maxIdentifier)
	}
	b := &Backend{
		sql:     newStatements(schema),
		timeout: cmp.Or(max(o.Timeout, 0), DefaultTimeout),
		log:     cmp.Or(o.Logger, slog.Default()),
	}
	config, err := configure(url, b.timeout)
	if err != nil {
		return nil, err
	}
	// Background: the context is only for what Open does itself.
	if b.pool, err = pgxpool.NewWithConfig(context.Background(), config); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := migrate(ctx, b.pool, schema); err != nil {
		b.pool.Close()
		return nil, err
	}
	b.start(schema)
	return b, nil
}

func (b *Backend) start(schema string) {
	ctx, cancel := context.WithCancel(context.Background())
	l := newListener(b, schema)
	var running sync.WaitGroup
	running.Go(func() { l.run(ctx) })
	running.Go(func() { b.sweepEachMinute(ctx) })
	b.close = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		b.pool.Close()
	})
}

// Close waits for what is under way and disconnects. It returns nil. Whatever is asked
// for afterwards fails.
func (b *Backend) Close() error {
	b.close()
	return nil
}
