package main

import (
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	oldKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	newKey = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
)

func sealsAndRotates(t *testing.T, s *site) {
	type counts struct {
		Sealed, Kept int
	}
	s.refused(exitFailed, "there is no key; set "+envKeys, "seal", "--yes")
	s.owner()
	access, grant := s.connect(store.OwnerID, claude, "Claude", claudeBack)
	s.stop()
	s.keys = oldKey
	stopped := func(verb string, args ...string) *screen {
		screen, code := s.commandAt(verb, append(args, "--json")...)
		if code != exitGood {
			t.Fatalf("%s exits with %d: %s", verb, code, screen.err.String())
		}
		return screen
	}
	if screen, code := s.commandAt("connections"); code != exitFailed || !strings.Contains(screen.err.String(), "is not encrypted") {
		t.Errorf("a key for a store in the clear: %d %s", code, screen.err.String())
	}
	if screen, code := s.commandAt("seal"); code != exitFailed || !strings.Contains(screen.err.String(), "say --yes") {
		t.Errorf("it does not ask: %d %s", code, screen.err.String())
	}
	var got counts
	unmarshal(t, stopped("seal", "--yes").out.String(), &got)
	if got.Sealed < 3 || got.Kept != 0 {
		t.Errorf("sealed %+v", got)
	}
	s.keys = newKey + ", " + oldKey
	sealed := got.Sealed
	unmarshal(t, stopped("rotate").out.String(), &got)
	if got.Sealed < sealed {
		t.Errorf("%d were sealed and rotated %+v", sealed, got)
	}
	s.keys = newKey
	s.start()
	s.wantToken(access, true)
	if all := decoded[connections](s, "connections").Connections; len(all) != 1 || all[0].ID != grant.ID {
		t.Errorf("connections are %+v", all)
	}
	for keys, why := range map[string]string{"": "the store is encrypted; set " + envKeys, oldKey: "add that one", "hunter2": envKeys + ", number 1"} {
		resume := s.pause()
		s.keys = keys
		screen, code := s.commandAt("connections")
		if said := screen.err.String(); code != exitFailed || !strings.Contains(said, why) || strings.Contains(said, "hunter2") || strings.Contains(said, oldKey) {
			t.Errorf("it exits with %d: %s", code, said)
		}
		s.keys = newKey
		resume()
	}
}
