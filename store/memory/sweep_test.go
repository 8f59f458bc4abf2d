package memory_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var everyKind = append(store.Kinds(), "other")

func TestTheSweepForgetsWhatHasExpiredAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer closed(t, b)
		const each = 1000 // more than one batch of some shard, of every kind
		for _, kind := range everyKind {
			create(t, b, store.Key{Kind: kind, ID: "permanent"}, 0)
			create(t, b, store.Key{Kind: kind, ID: "later"}, time.Hour)
			for n := range each {
				create(t, b, store.Key{Kind: kind, ID: fmt.Sprint(n)}, time.Minute)
			}
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, kind := range everyKind {
			if got := count(t, b, kind); got != 2 {
				t.Errorf("%s: %d records are left, want 2", kind, got)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for _, kind := range everyKind {
			if got := count(t, b, kind); got != 1 {
				t.Errorf("%s: %d records are left, want 1", kind, got)
			}
		}
	})
}

func TestARecordIsNotSweptBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer closed(t, b)
		key := store.Key{Kind: store.KindGrant, ID: "a"}
		create(t, b, key, 2*time.Minute+time.Nanosecond)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !exists(t, b, key) {
			t.Fatal("it is gone a nanosecond early")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if exists(t, b, key) {
			t.Fatal("it is still there a minute later")
		}
	})
}

func TestTheSweepReachesTheFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := optionsIn(t.TempDir())
		b := opened(t, o)
		create(t, b, store.Key{Kind: store.KindGrant, ID: "short-lived"}, time.Minute)
		if !strings.Contains(contents(t, o.StateFile), "short-lived") {
			t.Fatal("the grant is not in the file")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		closed(t, b)
		if strings.Contains(contents(t, o.StateFile), "short-lived") {
			t.Error("the expired grant is still in the file")
		}
	})
}

// synctest fails the test if a goroutine is left.
func TestCloseEndsTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		closed(t, b)
		closed(t, b) // again is no error
	})
}

func contents(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
