package postgres_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

const most = 100_000 // as documented

// flood creates records of a kind, each of which expires after those before it.
func flood(server *realserver.PostgresServer, kind store.Kind, count int) {
	server.SQL(fmt.Sprintf(`
		INSERT INTO mcpoauth.records (kind, id, version, expires_at, value)
		SELECT '%s', n, 1, now() + interval '1 hour' + n * interval '1 millisecond', '{}' FROM generate_series(1, %d) AS n`, kind, count))
}

func TestOfWhatAnybodyCanMakeASweepLeavesTheNewestAndTouchesNothingElse(t *testing.T) {
	server := realserver.Postgres(t)
	replicas := make([]*postgres.Backend, 3)
	for i := range replicas {
		replicas[i] = opened(t, server.URL, postgres.Options{})
	}
	const beyond = 1234
	flood(server, store.KindClient, most+beyond)
	flood(server, store.KindCeremony, most)
	flood(server, store.KindApproval, most+beyond)
	server.SQL(`
		INSERT INTO mcpoauth.records (kind, id, version, value)
		SELECT 'client', 'approved ' || n, 1, '{}' FROM generate_series(1, 1000) AS n`)

	var sweeping sync.WaitGroup
	for i, b := range replicas {
		sweeping.Go(func() {
			if err := b.Sweep(t.Context()); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
	}
	sweeping.Wait()
	got := server.SQL(`
		SELECT kind, expires_at IS NULL, count(*), min(substring(id FROM '[0-9]+')::int)
		FROM mcpoauth.records GROUP BY 1, 2 ORDER BY 1, 2`)
	want := strings.Join([]string{
		fmt.Sprintf("approval|f|%d|1", most+beyond),
		fmt.Sprintf("ceremony|f|%d|1", most),
		fmt.Sprintf("client|f|%d|%d", most, beyond+1),
		"client|t|1000|1",
	}, "\n")
	if got != want {
		t.Errorf("left are, with the oldest of each,\n%s\nwant\n%s", got, want)
	}
}

func TestAClientThatIsApprovedIsNotTrimmedByWhoSawItUnapproved(t *testing.T) {
	server := realserver.Postgres(t)
	b := opened(t, server.URL, postgres.Options{})
	flood(server, store.KindClient, most)
	for n := range 20 {
		key := store.Key{Kind: store.KindClient, ID: fmt.Sprint("approved ", n)}
		ok(t, b.Create(t.Context(), key, number(1), time.Now().Add(time.Minute)))
		record, err := b.Get(t.Context(), key)
		ok(t, err)
		var both sync.WaitGroup
		var replaced, swept error
		both.Go(func() { replaced = b.Replace(t.Context(), key, record.Version, number(2), time.Time{}) })
		both.Go(func() { swept = b.Sweep(t.Context()) })
		both.Wait()
		ok(t, swept)
		_, err = b.Get(t.Context(), key)
		if (replaced == nil) != (err == nil) {
			t.Fatalf("Replace returned %v, and Get then %v", replaced, err)
		}
	}
}

func TestACrowdIsCountedByItsOwnIndexHoweverManyOtherRecordsThereAre(t *testing.T) {
	server := realserver.Postgres(t)
	edge, trim := opened(t, server.URL, postgres.Options{}).CrowdSQL()
	flood(server, store.KindGrant, 50_000)
	flood(server, store.KindClient, 2_000)
	server.SQL("VACUUM ANALYZE mcpoauth.records")
	for sql, args := range map[string][]any{edge: {1_000}, trim: {500, time.Now().Add(time.Hour)}} {
		plan := explain(t, server.URL, sql, args...)
		if !strings.Contains(plan, "records_of_anybody") || strings.Contains(plan, "records_expiring") || strings.Contains(plan, "Seq Scan") {
			t.Error(plan)
		}
	}
}
