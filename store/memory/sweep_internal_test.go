package memory

import (
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestARecordThatWasReplacedWhileTheSweepLookedIsKept(t *testing.T) {
	var tab table
	now := time.Now()
	live := entry{version: 2, expires: store.At(now.Add(time.Hour))}
	if _, err := tab.update("a", becomes(live)); err != nil {
		t.Fatal(err)
	}
	tab.removeExpired(tab.shard("a"), []string{"a", "gone"}, now)
	if tab.get("a") != live {
		t.Error("it was removed")
	}
}

// What a sweep makes smaller it read before. By now a token of the grant may be revoked, or
// the grant gone.
func TestAGrantThatChangedWhileTheSweepMadeItSmallerStaysAsItIs(t *testing.T) {
	b := New(Options{})
	defer b.Close()
	key, now := store.Key{Kind: store.KindGrant, ID: "0123456789012345678901"}, time.Now()
	old := &store.Grant{ID: key.ID, Access: make([]store.AccessToken, 1), Spent: make([]store.Spent, 1)}
	if err := b.Create(t.Context(), key, old, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	shard := b.grants.shard(key.ID)
	_, smaller := shard.worn(now)
	if len(smaller) != 1 {
		t.Fatalf("the sweep makes %d grants smaller, want 1", len(smaller))
	}
	record, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	next := &store.Grant{ID: key.ID}
	if err := b.Replace(t.Context(), key, record.Version, next, now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	shard.putTrimmed(smaller)
	if record, err = b.Get(t.Context(), key); err != nil || record.Value != store.Value(next) {
		t.Errorf("it is %+v, %v", record.Value, err)
	}
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	shard.putTrimmed(smaller)
	if _, err := b.Get(t.Context(), key); err == nil {
		t.Error("who was deleted is back")
	}
}
