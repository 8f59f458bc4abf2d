package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var object = store.NewEncoded([]byte(`{}`))

func clientKey(n int) store.Key { return store.Key{Kind: store.KindClient, ID: fmt.Sprint(n)} }

func create(t *testing.T, b *memory.Backend, key store.Key, life time.Duration) {
	t.Helper()
	var expires time.Time
	if life != 0 {
		expires = time.Now().Add(life)
	}
	if err := b.Create(t.Context(), key, object, expires); err != nil {
		t.Fatalf("Create(%v): %v", key, err)
	}
}

func exists(t *testing.T, b *memory.Backend, key store.Key) bool {
	t.Helper()
	_, err := b.Get(t.Context(), key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func count(t *testing.T, b *memory.Backend, kind store.Kind) int {
	t.Helper()
	listed, err := b.List(t.Context(), kind, "", "", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return len(listed)
}

func TestAFloodOfRegistrationsTouchesNothingPermanentAndLocksNobodyOut(t *testing.T) {
	const flood = 2 * memory.DefaultClients
	b := memory.New(memory.Options{})
	defer closed(t, b)

	create(t, b, clientKey(-1), 0)         // permanent from the start
	create(t, b, clientKey(-2), time.Hour) // made permanent in the middle
	for n := range flood {
		create(t, b, clientKey(n), time.Hour)
		if n == memory.DefaultClients/2 {
			record, err := b.Get(t.Context(), clientKey(-2))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Replace(t.Context(), clientKey(-2), record.Version, object, time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, n := range []int{-1, -2, flood - 1, flood - memory.DefaultClients} {
		if !exists(t, b, clientKey(n)) {
			t.Errorf("client %d is gone", n)
		}
	}
	if n := flood - memory.DefaultClients - 1; exists(t, b, clientKey(n)) {
		t.Errorf("client %d, the oldest beyond the limit, is still there", n)
	}
	if got, want := count(t, b, store.KindClient), memory.DefaultClients+2; got != want {
		t.Errorf("%d clients are left, want %d", got, want)
	}
}

func TestOnlyRecordsThatAnybodyCanMakeAreBounded(t *testing.T) {
	for _, c := range []struct {
		kind    store.Kind
		expires bool
		want    int
	}{
		{store.KindClient, true, 5},
		{store.KindCeremony, true, 7},
		{store.KindClient, false, 20},
		{store.KindCeremony, false, 20},
		{store.KindApproval, true, 20},
		{store.KindGrant, true, 20},
		{store.KindUser, true, 20},
		{"other", true, 20},
	} {
		t.Run(fmt.Sprintf("%s, expires: %v", c.kind, c.expires), func(t *testing.T) {
			b := memory.New(memory.Options{Capacity: memory.Capacity{Clients: 5, Ceremonies: 7}})
			defer closed(t, b)
			var life time.Duration
			if c.expires {
				life = time.Hour
			}
			for n := range 20 {
				create(t, b, store.Key{Kind: c.kind, ID: fmt.Sprint(n)}, life)
			}
			if got := count(t, b, c.kind); got != c.want {
				t.Errorf("%d of 20 are left, want %d", got, c.want)
			}
		})
	}
}

func TestARecordThatIsGoneOrPermanentLeavesRoomForAnother(t *testing.T) {
	for name, free := range map[string]func(t *testing.T, b *memory.Backend){
		"deleted": func(t *testing.T, b *memory.Backend) {
			if err := b.Delete(t.Context(), clientKey(1)); err != nil {
				t.Fatal(err)
			}
		},
		"permanent": func(t *testing.T, b *memory.Backend) {
			record, err := b.Get(t.Context(), clientKey(1))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Replace(t.Context(), clientKey(1), record.Version, object, time.Time{}); err != nil {
				t.Fatal(err)
			}
		},
		"swept": func(*testing.T, *memory.Backend) {
			time.Sleep(2 * time.Minute)
			synctest.Wait()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := memory.New(memory.Options{Capacity: memory.Capacity{Clients: 2}})
				defer closed(t, b)
				create(t, b, clientKey(0), time.Hour)
				create(t, b, clientKey(1), time.Minute)
				free(t, b)
				create(t, b, clientKey(2), time.Hour)
				if !exists(t, b, clientKey(0)) {
					t.Fatal("the first one gave way, although there was room")
				}
				create(t, b, clientKey(3), time.Hour)
				if exists(t, b, clientKey(0)) {
					t.Fatal("nothing gave way")
				}
			})
		})
	}
}

func TestANegativeCapacityIsTheDefault(t *testing.T) {
	b := memory.New(memory.Options{Capacity: memory.Capacity{Clients: -1}})
	defer closed(t, b)
	create(t, b, clientKey(1), time.Hour)
	create(t, b, clientKey(2), time.Hour)
	if !exists(t, b, clientKey(1)) {
		t.Error("a second client drove the first one out")
	}
}

func TestTheLimitHoldsAmongManyCallers(t *testing.T) {
	const limit = 50
	b := memory.New(memory.Options{Capacity: memory.Capacity{Ceremonies: limit}})
	defer closed(t, b)
	var wg sync.WaitGroup
	for caller := range 8 {
		wg.Go(func() {
			for n := range 500 {
				churn(t.Context(), b, fmt.Sprint(caller, "-", n%60))
			}
		})
	}
	wg.Wait()
	if got := count(t, b, store.KindCeremony); got > limit {
		t.Errorf("%d are left, want at most %d", got, limit)
	}
	for n := range limit {
		create(t, b, store.Key{Kind: store.KindCeremony, ID: fmt.Sprint(n)}, time.Hour)
	}
	if got := count(t, b, store.KindCeremony); got != limit {
		t.Errorf("%d are left after filling it, want %d: it lost count", got, limit)
	}
}

// churn does whatever one caller can do to a record. Any step may lose a race.
func churn(ctx context.Context, b *memory.Backend, id string) {
	key := store.Key{Kind: store.KindCeremony, ID: id}
	soon := time.Now().Add(time.Hour)
	b.Create(ctx, key, object, soon)
	if record, err := b.Get(ctx, key); err == nil {
		b.Replace(ctx, key, record.Version, object, time.Time{})
	}
	if record, err := b.Get(ctx, key); err == nil {
		b.Replace(ctx, key, record.Version, object, soon)
	}
	b.Delete(ctx, key)
	b.Create(ctx, key, object, soon)
}
