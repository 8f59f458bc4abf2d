package memory_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// Two hours after its last refresh a grant is as useful as before and takes less memory.
func TestTheSweepLeavesOutSuccessorsThatNobodyGetsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := memory.New(memory.Options{})
		defer b.Close()
		s := store.New(b, store.Lifetimes{})
		if err := s.CreateOwner(t.Context(), store.User{Name: "owner"}); err != nil {
			t.Fatal(err)
		}
		tokens := connected(t, s)
		key := store.Key{Kind: store.KindGrant, ID: tokens.Grant.ID}
		before, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Hour + time.Second)
		after, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(after.Value.(*store.Grant).Spent); n != 0 {
			t.Errorf("%d are still there", n)
		}
		if after.Version != before.Version || !after.ExpiresAt.Equal(before.ExpiresAt) {
			t.Error("it is another version of the record")
		}
		if _, _, err := s.Access(t.Context(), tokens.Access, time.Now()); err != nil {
			t.Error(err)
		}
		rotated(t, s, tokens)
	})
}

// A grant that was read from a file is in memory once, and not as text as well.
func TestTheSweepLeavesOutTheTextOfWhatIsDecoded(t *testing.T) {
	const grants, text = 2000, 1000 // bytes of one, and more
	synctest.Test(t, func(t *testing.T) {
		o := optionsIn(t.TempDir())
		b := opened(t, o)
		s := store.New(b, store.Lifetimes{})
		if err := s.CreateOwner(t.Context(), store.User{Name: "owner"}); err != nil {
			t.Fatal(err)
		}
		all := inService(t, s, grants)
		closed(t, b)
		b = opened(t, o)
		s = store.New(b, store.Lifetimes{})
		for _, tokens := range all {
			if _, _, err := s.Access(t.Context(), tokens.Access, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		used := heap()
		time.Sleep(2 * time.Minute)
		if saved := used - heap(); saved < grants*text/2 {
			t.Errorf("a sweep after all were used saved %d bytes", saved)
		}
		closed(t, b)
		b = opened(t, o)
		rotated(t, store.New(b, store.Lifetimes{}), all[0])
	})
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
