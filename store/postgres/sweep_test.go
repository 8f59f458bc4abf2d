package postgres_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

func TestASweepDeletesWhatHasExpiredAndNothingElse(t *testing.T) {
	server := realserver.Postgres(t)
	replicas := make([]*postgres.Backend, 3)
	for i := range replicas {
		replicas[i] = opened(t, server.URL, postgres.Options{})
	}
	now := time.Now()
	for id, expires := range map[string]time.Time{
		"for good":         {},
		"for an hour":      now.Add(time.Hour),
		"by another clock": now.Add(-10 * time.Second),
		"long over":        now.Add(-time.Hour),
	} {
		ok(t, replicas[0].Create(t.Context(), store.Key{Kind: store.KindSession, ID: id}, number(1), expires))
	}
	server.SQL(`
		INSERT INTO mcpoauth.records (kind, id, version, expires_at, value)
		SELECT 'flood', n, 1, now() - interval '1 hour', '{}' FROM generate_series(1, 5000) AS n`)

	var sweeping sync.WaitGroup
	for i, b := range replicas {
		sweeping.Go(func() {
			if err := b.Sweep(t.Context()); err != nil {
				t.Errorf("replica %d: %v", i, err)
			}
		})
	}
	sweeping.Wait()
	// What another one had locked while it looked is left to that one.
	got := server.SQL("SELECT string_agg(id, ', ' ORDER BY id) FROM mcpoauth.records")
	if want := "by another clock, for an hour, for good"; got != want {
		t.Errorf("left are %s; want %s", got, want)
	}
}

func TestARecordThatGetsMoreTimeIsNotSweptByWhoSawItExpire(t *testing.T) {
	server := realserver.Postgres(t)
	b := opened(t, server.URL, postgres.Options{})
	for n := range 20 {
		key := grant(fmt.Sprint(n))
		ok(t, b.Create(t.Context(), key, number(1), time.Now().Add(-time.Hour)))
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
