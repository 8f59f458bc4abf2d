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
