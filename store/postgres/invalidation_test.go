package postgres_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

func TestARevocationReachesTheOtherReplicaAtOnce(t *testing.T) {
	url := realserver.Postgres(t).URL
	here, there := pair(t, url, url)
	const rounds = 200
	delays := make([]time.Duration, rounds)
	for n := range delays {
		key := grant(fmt.Sprint(n))
		ok(t, here.Create(t.Context(), key, number(n), time.Time{}))
		kept(t, there, key)
		ok(t, here.Delete(t.Context(), key))
		began := time.Now()
		for {
			_, err := there.GetCached(t.Context(), key)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			ok(t, err)
			if time.Since(began) > time.Minute {
				t.Fatal("the revocation does not arrive")
			}
		}
		delays[n] = time.Since(began)
	}
	slices.Sort(delays)
	t.Logf("a revocation reached the other replica %v after it was acknowledged, at most %v (median and maximum of %d)",
		delays[rounds/2], delays[rounds-1], rounds)
}

func TestWhateverChangesARecordReachesEachReplica(t *testing.T) {
	server := realserver.Postgres(t)
	o := postgres.Options{} // with a name that SQL below knows
	here, there := opened(t, server.URL, o), opened(t, server.URL, o)
	until(t, here.Hears)
	until(t, there.Hears)
	for name, change := range map[string]func(key store.Key) error{
		"Replace": func(key store.Key) error {
			record, err := here.Get(t.Context(), key)
			ok(t, err)
			return here.Replace(t.Context(), key, record.Version, number(2), time.Time{})
		},
		"Delete": func(key store.Key) error { return here.Delete(t.Context(), key) },
		"Create after a sweep": func(key store.Key) error {
			server.SQL("UPDATE mcpoauth.records SET expires_at = now() - interval '1 hour'")
			ok(t, here.Sweep(t.Context()))
			return here.Create(t.Context(), key, number(2), time.Time{})
		},
		"a person's UPDATE": func(store.Key) error {
			server.SQL(`UPDATE mcpoauth.records SET value = '{"n":2}'`)
			return nil
		},
		"a person's DELETE": func(store.Key) error {
			server.SQL("DELETE FROM mcpoauth.records")
			return nil
		},
		"a person's TRUNCATE": func(store.Key) error {
			server.SQL("TRUNCATE mcpoauth.records")
			return nil
		},
	} {
		// With all that an ID may hold.
		key := grant("https://client.example/" + name + " '\"%\\")
		ok(t, here.Create(t.Context(), key, number(1), time.Time{}))
		kept(t, here, key)
		kept(t, there, key)
		if err := change(key); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, b := range []*postgres.Backend{here, there} {
			until(t, func() bool {
				record, err := b.GetCached(t.Context(), key)
				return errors.Is(err, store.ErrNotFound) || err == nil && numberOf(t, record) == 2
			})
		}
		server.SQL("TRUNCATE mcpoauth.records")
	}
}

func TestWhatABackendWroteItSeesAtOnce(t *testing.T) {
	url := realserver.Postgres(t).URL
	b, _ := pair(t, url, url)
	key := grant("a")
	ok(t, b.Create(t.Context(), key, number(0), time.Time{}))
	for n := range 300 {
		record, err := b.GetCached(t.Context(), key)
		ok(t, err)
		if got := numberOf(t, record); got != n {
			t.Fatalf("after the write of %d it answers %d", n, got)
		}
		ok(t, b.Replace(t.Context(), key, record.Version, number(n+1), time.Time{}))
	}
	ok(t, b.Delete(t.Context(), key))
	if _, err := b.GetCached(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after Delete it answers %v", err)
	}
}

func TestGetCachedAnswersWithNothingOlderThanGetHasReturned(t *testing.T) {
	url := realserver.Postgres(t).URL
	here, there := pair(t, url, url)
	key := grant("a")
	ok(t, here.Create(t.Context(), key, number(0), time.Time{}))
	for n := range 300 {
		kept(t, there, key)
		record, err := here.Get(t.Context(), key)
		ok(t, err)
		writing := make(chan error, 1)
		go func() { writing <- here.Replace(t.Context(), key, record.Version, number(n+1), time.Time{}) }()
		for seen := n; seen == n; {
			fresh, err := there.Get(t.Context(), key)
			ok(t, err)
			seen = numberOf(t, fresh)
			cached, err := there.GetCached(t.Context(), key)
			ok(t, err)
			if got := numberOf(t, cached); got < seen {
				t.Fatalf("Get returned %d, and GetCached then %d", seen, got)
			}
		}
		ok(t, <-writing)
	}
}

func TestTheSameRecordIsHandedOutSoThatItIsDecodedOnce(t *testing.T) {
	url := realserver.Postgres(t).URL
	b, _ := pair(t, url, url)
	key := grant("a")
	ok(t, b.Create(t.Context(), key, number(0), time.Time{}))
	kept(t, b, key)
	first, err := b.GetCached(t.Context(), key)
	ok(t, err)
	second, err := b.GetCached(t.Context(), key)
	ok(t, err)
	if first.Value != second.Value {
		t.Error("two values came back")
	}
}
