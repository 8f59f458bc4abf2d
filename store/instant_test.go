package store_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func TestAnyTimeFitsAnInstant(t *testing.T) {
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
		got := store.At(c.in).Time()
		if !got.Equal(c.want) {
			t.Errorf("%s: %v became %v, want %v", name, c.in, got, c.want)
		}
	}
}

func TestAnInstantIsBeforeAndAfterAsTimesAre(t *testing.T) {
	now := time.Date(2026, 7, 28, 12, 0, 0, 123456789, time.UTC)
	for name, c := range map[string]struct {
		at   store.Instant
		t    time.Time
		want bool
	}{
		"a moment later":        {store.At(now.Add(1)), now, true},
		"the same moment":       {store.At(now), now, false},
		"a moment before":       {store.At(now.Add(-1)), now, false},
		"never":                 {0, now, false},
		"than never":            {store.At(now), time.Time{}, true},
		"never than before":     {0, time.Unix(0, -1), false},
		"than before there are": {store.At(now), time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC), true},
		"than after there are":  {store.At(now), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), false},
	} {
		if got := c.at.After(c.t); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestAnInstantIsInJSONWhatATimeIs(t *testing.T) {
	for _, at := range []time.Time{{}, time.Date(2026, 7, 28, 12, 0, 0, 123456789, time.UTC), time.Unix(1, 0).UTC()} {
		want, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(store.At(at))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v became %s, %v", at, got, err)
		}
		var back store.Instant
		if err := json.Unmarshal(want, &back); err != nil || back != store.At(at) {
			t.Errorf("%s was read as %v, %v", want, back.Time(), err)
		}
	}
	var i store.Instant
	for _, bad := range []string{`1`, `""`, `"yesterday"`, `{}`} {
		if json.Unmarshal([]byte(bad), &i) == nil {
			t.Errorf("%s was read as %v", bad, i.Time())
		}
	}
}
