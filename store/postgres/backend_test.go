package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

func TestBackend(t *testing.T) {
	url := realserver.Postgres(t).URL
	open := func(t *testing.T) store.Backend { return opened(t, url, postgres.Options{Schema: anySchema()}) }
	storetest.Run(t, open)
	storetest.RunStore(t, open)
}

// A pooler that knows no prepared statements wants it so.
func TestBackendWithoutPreparedStatements(t *testing.T) {
	url := realserver.Postgres(t).URL
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			storetest.RunStore(t, func(t *testing.T) store.Backend {
				return opened(t, url+"&default_query_exec_mode="+mode, postgres.Options{Schema: anySchema()})
			})
		})
	}
}

func TestAStricterDefaultIsolationMakesNoErrorsOfChangesThatMeet(t *testing.T) {
	server := realserver.Postgres(t)
	server.SQL("ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'")
	b := opened(t, server.URL, postgres.Options{})
	other, err := pgx.Connect(t.Context(), server.URL)
	ok(t, err)
	defer other.Close(t.Context())
	for name, c := range map[string]struct {
		change func(key store.Key, version uint64) error
		want   error
	}{
		"Replace": {func(key store.Key, version uint64) error {
			return b.Replace(t.Context(), key, version, number(1), time.Time{})
		}, store.ErrConflict},
		"Delete": {func(key store.Key, _ uint64) error { return b.Delete(t.Context(), key) }, nil},
	} {
		key := grant(name)
		ok(t, b.Create(t.Context(), key, number(0), time.Time{}))
		record, err := b.Get(t.Context(), key)
		ok(t, err)
		tx, err := other.Begin(t.Context())
		ok(t, err)
		_, err = tx.Exec(t.Context(), "UPDATE mcpoauth.records SET version = version / 2 + 1 WHERE id = $1", key.ID)
		ok(t, err)
		changing := make(chan error, 1)
		go func() { changing <- c.change(key, record.Version) }()
		until(t, func() bool { return server.SQL("SELECT count(*) FROM pg_locks WHERE NOT granted") == "1" })
		ok(t, tx.Commit(t.Context()))
		if err := <-changing; !errors.Is(err, c.want) {
			t.Errorf("%s met another change and returned %v, want %v", name, err, c.want)
		}
	}
}

func TestPeopleCanReadWhoseRecordItIs(t *testing.T) {
	server := realserver.Postgres(t)
	b := opened(t, server.URL, postgres.Options{})
	long := strings.Repeat("x", 2049)
	for id, value := range map[string]store.Value{
		"grant":   &store.Grant{ID: "grant", UserID: "owner", ClientID: "https://client.example/it's"},
		"client":  &store.Client{ID: "client"},
		"nobody":  number(1),
		"strange": store.NewEncoded([]byte(`{"user_id":1,"client_id":{"a":[]}}`)),
		"nul":     store.NewEncoded([]byte(`{"user_id":"a\u0000b","client_id":""}`)),
		"long":    store.NewEncoded([]byte(`{"user_id":"` + long + `","client_id":"x"}`)),
		"list":    store.NewEncoded([]byte(`[{"user_id":"owner"}]`)),
	} {
		ok(t, b.Create(t.Context(), store.Key{Kind: "any", ID: id}, value, time.Time{}))
	}
	want := strings.Join([]string{
		"client|-|client", "grant|owner|https://client.example/it's", "list|-|-", "long|-|x", "nobody|-|-", "nul|-|-", "strange|-|-",
	}, "\n")
	read := func() string {
		return server.SQL(`SELECT id, coalesce(user_id, '-'), coalesce(client_id, '-') FROM mcpoauth.records ORDER BY id`)
	}
	if got := read(); got != want {
		t.Errorf("the table holds\n%s\nwant\n%s", got, want)
	}

	key := store.Key{Kind: "any", ID: "grant"}
	record, err := b.Get(t.Context(), key)
	ok(t, err)
	expires := time.Now().Add(time.Hour)
	ok(t, b.Replace(t.Context(), key, record.Version, &store.Grant{ID: "grant", UserID: "guest", ClientID: "other", Scopes: []string{"notes"}}, expires))
	if got := read(); !strings.Contains(got, "grant|guest|other") {
		t.Errorf("after a change the table holds\n%s", got)
	}
	got := server.SQL(`SELECT value->>'scopes', expires_at > now(), updated_at <= now() FROM mcpoauth.records WHERE id = 'grant'`)
	if got != `["notes"]|t|t` {
		t.Errorf("the grant's row is %s", got)
	}
}

func TestListAndSweepAreFastHoweverManyRecordsThereAre(t *testing.T) {
	server := realserver.Postgres(t)
	b := opened(t, server.URL, postgres.Options{})
	server.SQL(`
		INSERT INTO mcpoauth.records (kind, id, version, expires_at, value)
		SELECT 'k' || n % 5, 'id-' || n, 1, CASE n % 10 WHEN 1 THEN now() + n * interval '1 second' END, '{}'
		FROM generate_series(1, 50000) AS n`)
	server.SQL("ANALYZE mcpoauth.records")
	for name, c := range map[string]struct {
		sql   string
		args  []any
		index string
	}{
		"List of everything": {b.ListSQL(), []any{"k1", "", "\x7f", "id-3", 100}, "records_pkey"},
		"List of a prefix":   {b.ListSQL(), []any{"k1", "id-4", "id-4\x7f", "id-41", 100}, "records_pkey"},
		"sweep":              {b.SweepSQL(), []any{500}, "records_expiring"},
	} {
		plan := explain(t, server.URL, c.sql, c.args...)
		if !strings.Contains(plan, "using "+c.index) || strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "Sort") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}

func explain(t *testing.T, url, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	ok(t, err)
	defer conn.Close(t.Context())
	// The plan for any parameters, as a prepared statement gets one.
	_, err = conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan")
	ok(t, err)
	rows, err := conn.Query(t.Context(), "EXPLAIN "+sql, args...)
	ok(t, err)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	ok(t, err)
	return fmt.Sprint(strings.Join(lines, "\n"))
}
