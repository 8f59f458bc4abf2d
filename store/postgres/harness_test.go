package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

// anySchema returns the name of a schema that is not there yet.
func anySchema() string { return fmt.Sprintf("test %x", rand.Uint64()) }

func opened(t testing.TB, url string, o postgres.Options) *postgres.Backend {
	t.Helper()
	b, err := postgres.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// pair returns two replicas that hear of each other.
func pair(t testing.TB, firstURL, secondURL string) (first, second *postgres.Backend) {
	t.Helper()
	o := postgres.Options{Schema: anySchema()}
	first, second = opened(t, firstURL, o), opened(t, secondURL, o)
	until(t, first.Hears)
	until(t, second.Hears)
	return first, second
}

// at returns the URL of the same database at other hosts.
func at(t testing.TB, databaseURL string, hosts ...string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = strings.Join(hosts, ",")
	return u.String()
}

func grant(id string) store.Key { return store.Key{Kind: store.KindGrant, ID: id} }

func number(n int) store.Value {
	return store.NewEncoded(fmt.Appendf(nil, `{"n":%d}`, n))
}

// numberOf is what number was given.
func numberOf(t testing.TB, r store.Record) int {
	t.Helper()
	var value struct{ N int }
	data, err := r.Value.Encode()
	if err == nil {
		err = json.Unmarshal(data, &value)
	}
	if err != nil {
		t.Error(err)
	}
	return value.N
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for something that comes about sooner or later.
func until(t testing.TB, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about in a minute")
		}
	}
}

// kept requires that b has the record in memory.
func kept(t testing.TB, b *postgres.Backend, key store.Key) {
	t.Helper()
	until(t, func() bool {
		_, err := b.GetCached(t.Context(), key)
		return err == nil && b.Keeps(key) && b.Hears()
	})
}

func sentinel(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict)
}

func shortly(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}
