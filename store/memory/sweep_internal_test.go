package memory

import (
	"testing"
	"time"
)

func TestARecordThatWasReplacedWhileTheSweepLookedIsKept(t *testing.T) {
	var tab table
	now := time.Now()
	live := entry{version: 2, expires: nanos(now.Add(time.Hour))}
	if _, err := tab.update("a", becomes(live)); err != nil {
		t.Fatal(err)
	}
	tab.removeExpired(tab.shard("a"), []string{"a", "gone"}, now)
	if tab.get("a") != live {
		t.Error("it was removed")
	}
}

func TestAnyTimeFitsAnEntry(t *testing.T) {
	now := time.Date(2026, 7, 28, 12, 0, 0, 123456789, time.UTC)
	for name, c := range map[string]struct{ in, want time.Time }{
		"never":          {time.Time{}, time.Time{}},
		"now":            {now, now},
		"another zone":   {now.In(time.FixedZone("", 3600)), now},
		"the epoch":      {time.Unix(0, 0), time.Unix(0, 1)},
		"long ago":       {time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC), time.Unix(0, -1<<63)},
		"far away":       {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(0, 1<<63-1)},
		"before the end": {time.Date(2261, 1, 1, 0, 0, 0, 5, time.UTC), time.Date(2261, 1, 1, 0, 0, 0, 5, time.UTC)},
	} {
		got := entry{expires: nanos(c.in)}.expiresAt()
		if !got.Equal(c.want) {
			t.Errorf("%s: %v became %v, want %v", name, c.in, got, c.want)
		}
	}
}
