package postgres_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

func TestManyReplicasStartAtOnceOnAnEmptyDatabase(t *testing.T) {
	server := realserver.Postgres(t)
	backends := make([]*postgres.Backend, 8)
	var starting sync.WaitGroup
	for i := range backends {
		starting.Go(func() {
			b, err := postgres.Open(t.Context(), server.URL, postgres.Options{})
			if err != nil {
				t.Errorf("replica %d: %v", i, err)
				return
			}
			backends[i] = b
		})
	}
	starting.Wait()
	if t.Failed() {
		return
	}
	for i, b := range backends {
		defer b.Close()
		ok(t, b.Create(t.Context(), grant(string(rune('a'+i))), number(i), time.Time{}))
	}
	if got := server.SQL("SELECT count(*) FROM mcpoauth.records"); got != "8" {
		t.Errorf("there are %s records, want 8", got)
	}
	if got := server.SQL("SELECT count(*) - count(DISTINCT version) FROM mcpoauth.migrations"); got != "0" {
		t.Errorf("%s migrations were made twice", got)
	}
}

func TestASchemaOfANewerVersionIsRefused(t *testing.T) {
	server := realserver.Postgres(t)
	opened(t, server.URL, postgres.Options{})
	server.SQL("INSERT INTO mcpoauth.migrations (version, name) VALUES (999, 'later')")
	refused(t, server.URL, postgres.Options{}, `schema "mcpoauth"`, "version 999", "newer program")
}

func TestARoleThatMayNotDoWhatIsNeededIsToldWhatAnAdministratorHasToRun(t *testing.T) {
	server := realserver.Postgres(t)
	server.SQL(`CREATE ROLE "an app" LOGIN`)
	o := postgres.Options{Schema: `a "schema"`}
	url := strings.Replace(server.URL, "postgres@", "an%20app@", 1)

	cure := refused(t, url, o, `CREATE SCHEMA "a ""schema""" AUTHORIZATION "an app";`)
	server.SQL(cure)
	opened(t, url, o)

	// Somebody else's schema, to use.
	server.SQL(`CREATE ROLE another LOGIN`)
	url = strings.Replace(server.URL, "postgres@", "another@", 1)
	cure = refused(t, url, o, `GRANT USAGE ON SCHEMA "a ""schema""" TO another; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "a ""schema""" TO another;`)
	server.SQL(`GRANT USAGE ON SCHEMA "a ""schema""" TO another; GRANT SELECT ON ALL TABLES IN SCHEMA "a ""schema""" TO another`)
	refused(t, url, o, cure)
	server.SQL(cure)
	b := opened(t, url, o)
	ok(t, b.Create(t.Context(), grant("a"), number(1), time.Time{}))
	record, err := b.Get(t.Context(), grant("a"))
	ok(t, err)
	ok(t, b.Replace(t.Context(), grant("a"), record.Version, number(2), time.Time{}))
	ok(t, b.Delete(t.Context(), grant("a")))
	ok(t, b.Sweep(t.Context()))
	until(t, b.Hears)

	// Somebody else's schema, and nothing in it yet.
	o.Schema = "empty"
	server.SQL(`CREATE SCHEMA empty`)
	server.SQL(refused(t, url, o, `GRANT USAGE ON SCHEMA "empty" TO another;`))
	server.SQL(refused(t, url, o, `GRANT USAGE, CREATE ON SCHEMA "empty" TO another;`))
	opened(t, url, o)
}

func TestADatabaseThatDoesNotHoldEveryNameIsRefused(t *testing.T) {
	server := realserver.Postgres(t)
	server.SQL("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	refused(t, strings.Replace(server.URL, "/postgres?", "/latin?", 1), postgres.Options{}, "LATIN1", "ENCODING 'UTF8'")
}

func TestASchemaThatPostgreSQLWouldCutIsRefused(t *testing.T) {
	refused(t, "postgres://127.0.0.1:1/", postgres.Options{Schema: strings.Repeat("x", 64)}, "Options.Schema", "at most 63")
}

func TestAServerThatIsReadOnlyIsNotUsed(t *testing.T) {
	server := realserver.Postgres(t)
	standby := server.Standby()
	opened(t, server.URL, postgres.Options{})
	refused(t, standby.URL, postgres.Options{}, "read only")
}

func TestNoErrorShowsThePassword(t *testing.T) {
	server := realserver.Postgres(t)
	for _, url := range []string{
		"postgres://postgres:geheim@127.0.0.1:1/postgres",
		"postgres://postgres:geheim@127.0.0.1:notaport/postgres",
		"postgres://postgres:geheim@127.0.0.1:5432/postgres?sslmode=wrong",
		"postgres://postgres:geheim@127.0.0.1:5432/postgres?pool_max_conns=many",
		"postgres://127.0.0.1:1/postgres?password=geheim&sslmode=wrong",
		"postgres://127.0.0.1:1/postgres?pass%77ord=geheim",
		"postgres://postgres:geheim/@127.0.0.1/postgres",
		"postgres://postgres:geheim#@127.0.0.1/postgres",
		"postgres://postgres:%zzgeheim@127.0.0.1/postgres",
		"postgres:geheim@127.0.0.1/postgres",
		"host=127.0.0.1 port=x password = geheim",
		"mysql://root:geheim@127.0.0.1/",
		"geheim",
		at(t, strings.Replace(server.URL, "postgres@", "postgres:geheim@", 1), server.Addr) + "&search_path=",
		strings.Replace(strings.Replace(server.URL, "postgres@", "nobody:geheim@", 1), "/postgres?", "/none?", 1),
	} {
		b, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err == nil {
			b.Close()
			continue
		}
		if text := err.Error(); strings.Contains(text, "geheim") || strings.Contains(text, "zz") {
			t.Errorf("the error for %s is %s", url, text)
		}
	}
}

// refused requires that Open fails with an error that has all these parts, and returns
// the first.
func refused(t *testing.T, url string, o postgres.Options, parts ...string) string {
	t.Helper()
	b, err := postgres.Open(t.Context(), url, o)
	if err == nil {
		b.Close()
		t.Fatal("it was opened")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Fatalf("got the error\n%v\nwant one with\n%s", err, part)
		}
	}
	return parts[0]
}
