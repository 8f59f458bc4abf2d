package postgres

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Whatever anybody notifies the channel of: it takes at most what it names out of the cache,
// all of it if it says so, and nothing but our own beat says that we hear.
func FuzzHear(f *testing.F) {
	for _, payload := range []string{
		"*", "**", "", "\n", "k\na", "k\n", "\na", "k\na\nb", "k\r\na", "K\nA", "k a", "beat 0", "beat 1f", "beat 1f ", "BEAT 1f", "k\nbeat 1f", "*\n*", "k\n*", "\xff\n\xff", strings.Repeat("k", 8000) + "\na", "grant\nabcdefghijklmnopqrstuv",
	} {
		f.Add(payload, "k", "a")
		f.Add(payload, "beat 1f", payload)
	}
	f.Add("k\nb\na", "k\nb", "a")
	f.Fuzz(func(t *testing.T, payload, kind, id string) {
		if strings.Contains(id, "\n") {
			return // which no ID has
		}
		const beat = "beat 1f"
		keys := []store.Key{{Kind: store.Kind(kind), ID: id}, {Kind: store.Kind(kind), ID: id + "x"}, {Kind: store.Kind(kind + "x"), ID: id}, {Kind: "grant", ID: "other"}}
		var c cache
		c.begin(here)
		for _, key := range keys {
			_, seen, _ := c.get(key)
			c.put(store.Record{Key: key, Version: 1}, seen, here)
		}
		l := &listener{cache: &c, beat: beat, sent: time.Now(), log: slog.New(slog.DiscardHandler)}
		l.hear(payload)
		for i, key := range keys {
			_, _, kept := c.get(key)
			named := payload == string(key.Kind)+"\n"+key.ID && payload != beat
			if want := payload != "*" && !named; kept != want {
				t.Errorf("after %q the record %d, %q, is kept: %v", payload, i, key, kept)
			}
		}
		if hears := c.lease.holds(time.Now()); hears != (payload == beat) || hears == l.heard.IsZero() {
			t.Errorf("after %q the lease holds: %v", payload, hears)
		}
	})
}
