package redis_test

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

func TestACutThatNobodyReportsStopsTheAnswersFromMemory(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := realserver.Redis(t)
	cable := realserver.NewCable(t, server.Addr)
	here, there := open(t, at(server.Addr), redis.Options{}), open(t, at(cable.Addr), redis.Options{Timeout: time.Second})
	key := grantKey()
	create(t, here, key)
	warm(t, there, key)

	cable.Cut()
	if err := here.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "GetCached fails", func() bool {
		_, err := there.GetCached(t.Context(), key)
		return err != nil
	})
	t.Logf("a cut was noticed, and the next answer given up a second later, after %v", time.Since(began))
	for range 3 {
		if record, err := there.GetCached(t.Context(), key); err == nil {
			t.Fatalf("a revoked grant came back: %+v", record)
		}
	}

	cable.Mend()
	other := grantKey()
	create(t, here, other)
	eventually(t, "GetCached works again", func() bool {
		_, err := there.GetCached(t.Context(), other)
		return err == nil
	})
	revoked(t, there, key)
}

func TestABrokenConnectionStopsTheAnswersFromMemory(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := realserver.Redis(t)
	cable := realserver.NewCable(t, server.Addr)
	here, there := open(t, at(server.Addr), redis.Options{}), open(t, at(cable.Addr), redis.Options{})
	for range 20 {
		key := grantKey()
		create(t, here, key)
		warm(t, there, key)
		cable.Cut() // so that the invalidation is lost
		if err := here.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		cable.Reset()
		cable.Mend()
		revoked(t, there, key)
	}
}

func TestASlowConnectionIsNotTakenForACutOne(t *testing.T) {
	t.Parallel() // it waits most of the time
	cable := realserver.NewCable(t, realserver.Redis(t).Addr)
	b := open(t, at(cable.Addr), redis.Options{})
	cable.Delay(time.Second) // each way
	key := grantKey()
	create(t, b, key)
	warm(t, b, key)
}
