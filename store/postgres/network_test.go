package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

func TestBehindASilentCutNothingRevokedIsAnsweredLongerThanDocumented(t *testing.T) {
	server := realserver.Postgres(t)
	cable := realserver.NewCable(t, server.Addr)
	cut, whole := pair(t, at(t, server.URL, cable.Addr), server.URL)
	key := grant("a")
	ok(t, whole.Create(t.Context(), key, number(1), time.Time{}))
	kept(t, cut, key)

	cable.Cut()
	if _, err := cut.GetCached(shortly(t), key); err != nil {
		t.Errorf("right after the cut it answers %v", err)
	}
	ok(t, whole.Delete(t.Context(), key))
	revoked := time.Now()
	stale := 0
	for last := revoked; time.Since(revoked) < 2*postgres.MaxStaleness; last = time.Now() {
		switch _, err := cut.GetCached(shortly(t), key); {
		case err == nil && last.Sub(revoked) >= postgres.MaxStaleness:
			t.Fatalf("it answers from memory %v after the revocation", last.Sub(revoked))
		case err == nil:
			stale++
		case sentinel(err):
			t.Fatalf("without the database it answers %v", err)
		}
	}
	t.Logf("%d answers from memory within the bound", stale)

	cable.Mend()
	until(t, func() bool {
		_, err := cut.GetCached(t.Context(), key)
		if err == nil {
			t.Fatal("what was revoked is answered again")
		}
		return errors.Is(err, store.ErrNotFound)
	})
	ok(t, whole.Create(t.Context(), key, number(2), time.Time{}))
	kept(t, cut, key)
}

func TestBrokenConnectionsAreReplaced(t *testing.T) {
	server := realserver.Postgres(t)
	cable := realserver.NewCable(t, server.Addr)
	for name, sever := range map[string]func(){
		"reset": cable.Reset,
		"terminated": func() {
			server.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
		},
		"restarted": func() { server.Stop(); server.Start() },
	} {
		t.Run(name, func(t *testing.T) {
			broken, whole := pair(t, at(t, server.URL, cable.Addr), server.URL)
			key := grant("a")
			ok(t, whole.Create(t.Context(), key, number(1), time.Time{}))
			kept(t, broken, key)
			sever()
			until(t, func() bool { return whole.Delete(t.Context(), key) == nil })
			until(t, func() bool {
				_, err := broken.GetCached(t.Context(), key)
				return errors.Is(err, store.ErrNotFound)
			})
			ok(t, whole.Create(t.Context(), key, number(2), time.Time{}))
			kept(t, broken, key)
		})
	}
}

func TestAWriteThatTimedOutIsSeenOnceItIsMade(t *testing.T) {
	server := realserver.Postgres(t)
	cable := realserver.NewCable(t, server.Addr)
	// One connection, on which the statement was prepared before.
	b := opened(t, at(t, server.URL, cable.Addr)+"&pool_max_conns=1", postgres.Options{Timeout: time.Second})
	until(t, b.Hears)
	key := grant("a")
	ok(t, b.Create(t.Context(), key, number(0), time.Time{}))
	record, err := b.Get(t.Context(), key)
	ok(t, err)
	ok(t, b.Replace(t.Context(), key, record.Version, number(1), time.Time{}))
	kept(t, b, key)
	record, err = b.Get(t.Context(), key)
	ok(t, err)

	cable.Delay(700 * time.Millisecond) // each way
	err = b.Replace(t.Context(), key, record.Version, number(2), time.Time{})
	if err == nil || sentinel(err) {
		t.Fatalf("a write whose outcome nobody knows returned %v", err)
	}
	cable.Delay(0)
	until(t, func() bool {
		record, err := b.GetCached(t.Context(), key)
		return err == nil && numberOf(t, record) == 2
	})
}

func TestTheBackendsOwnTimeLimitDoesNotPassForTheCallers(t *testing.T) {
	server := realserver.Postgres(t)
	cable := realserver.NewCable(t, server.Addr)
	b := opened(t, at(t, server.URL, cable.Addr), postgres.Options{Timeout: 200 * time.Millisecond})
	key := grant("a")
	cable.Cut()
	defer cable.Mend() // so that Close need not wait
	for name, operation := range map[string]func(ctx context.Context) error{
		"Get":       func(ctx context.Context) error { _, err := b.Get(ctx, key); return err },
		"GetCached": func(ctx context.Context) error { _, err := b.GetCached(ctx, key); return err },
		"Create":    func(ctx context.Context) error { return b.Create(ctx, key, number(0), time.Time{}) },
		"Replace":   func(ctx context.Context) error { return b.Replace(ctx, key, 1, number(0), time.Time{}) },
		"Delete":    func(ctx context.Context) error { return b.Delete(ctx, key) },
		"List":      func(ctx context.Context) error { _, err := b.List(ctx, key.Kind, "", "", 1); return err },
	} {
		err := operation(t.Context())
		if err == nil || sentinel(err) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: our own limit returned %v", name, err)
		}
		if err := operation(shortly(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: the caller's limit returned %v", name, err)
		}
		ended, end := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, end)
		if err := operation(ended); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a caller who hung up got %v", name, err)
		}
	}
}

func TestWhenConnectionsLeadToSeveralServersAllAreMadeAnew(t *testing.T) {
	first, second := realserver.Postgres(t), realserver.Postgres(t)
	o := postgres.Options{}
	key := grant("a")
	for _, server := range []*realserver.PostgresServer{first, second} {
		ok(t, opened(t, server.URL, o).Create(t.Context(), key, number(1), time.Time{}))
	}
	first.Stop()
	b := opened(t, at(t, first.URL, first.Addr, second.Addr)+"&application_name=astray&pool_min_conns=2&pool_max_conns=2", o)
	until(t, b.Hears)
	const astray = " FROM pg_stat_activity WHERE application_name = 'astray'"
	until(t, func() bool { return second.SQL("SELECT count(*)"+astray) == "4" }) // two of them listen and beat
	first.Start()
	second.SQL("SELECT pg_terminate_backend(pid)" + astray + " AND query NOT LIKE '%notify%' AND query NOT LIKE '%postmaster%' LIMIT 1")
	until(t, func() bool {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				_, _ = b.Get(t.Context(), key) // so that the next one asks
				_, _ = b.GetCached(t.Context(), key)
			})
		}
		both.Wait()
		return second.SQL("SELECT count(*)"+astray) == "0"
	})
	kept(t, b, key)
}
