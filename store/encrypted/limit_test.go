package encrypted

import (
	"fmt"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestOnlySoManyGrantsAreKeptOpened(t *testing.T) {
	m := new(memo)
	for n := range 2 * memoSlots {
		m.put(store.Record{Key: store.Key{Kind: store.KindGrant, ID: fmt.Sprint(n)}, Value: store.NewEncoded(nil)}, opened{})
	}
	kept := 0
	for i := range m.slots {
		if m.slots[i].Load() != nil {
			kept++
		}
	}
	if kept > memoSlots || kept < memoSlots/2 {
		t.Errorf("%d are kept, want at most %d", kept, memoSlots)
	}
	last := store.Record{Key: store.Key{Kind: store.KindClient, ID: "x"}, Value: store.NewEncoded(nil)}
	m.put(last, opened{})
	if _, ok := m.get(last); ok {
		t.Error("a record that strangers can make has a place")
	}
}
