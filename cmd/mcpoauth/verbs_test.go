package main

import (
	"slices"
	"testing"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	claude      = "https://claude.ai/client.json"
	claudeBack  = "https://claude.ai/callback"
	editor      = "AAAAAAAAAAAAAAAAAAAAAA"
	editorBack  = "http://127.0.0.1:4711/callback"
	unknownID   = "BBBBBBBBBBBBBBBBBBBBBB"
	usedNetwork = "203.0.113.0/24"
)

func TestTheVerbsOnEachStore(t *testing.T) {
	onEachStore(t, map[string]func(*testing.T, *site){
		"connections lists what is connected":       listsConnections,
		"revoke ends what it is told and no more":   revokes,
		"revoke takes effect at once":               revokesAtOnce,
		"people, suspend and resume":                rulesPeople,
		"a recovery link replaces the passkeys":     recovers,
		"what the command does is in the journal":   isInTheJournal,
		"an encrypted store is opened with its key": sealsAndRotates,
	})
}

func isInTheJournal(t *testing.T, s *site) {
	s.owner()
	_, ada := s.join("Ada")
	_, grant := s.connect(ada, claude, "Claude", claudeBack)
	s.good("revoke", "--yes", grant.ID)
	s.good("suspend", "--yes", "Ada")
	s.good("resume", "Ada")
	s.good("recover", "--url", origin)
	events, err := s.router.Events(t.Context(), 300)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []store.Event{
		{Name: "grant.revoked", UserID: ada, ClientID: claude, GrantID: grant.ID, Detail: "by=\"mcpoauth revoke\""},
		{Name: "person.suspended", UserID: ada, Detail: "by=\"mcpoauth suspend\""},
		{Name: "person.resumed", UserID: ada, Detail: "by=\"mcpoauth resume\""},
		{Name: "recovery.started", UserID: store.OwnerID, Detail: "by=\"mcpoauth recover\""},
	} {
		if !slices.ContainsFunc(events, func(e store.Event) bool {
			want.Time = e.Time
			return e == want
		}) {
			t.Errorf("%+v is not in %+v", want, events)
		}
	}
}

func TestFlagsMayStandAnywhereAndAnIDMayBeginWithADash(t *testing.T) {
	const dashed = "-yesyesyesyesyesyesyes"
	for _, args := range [][]string{
		{dashed, "x", "--yes", "--client", dashed},
		{"--yes", dashed, "-client", dashed, "x"},
		{"--client=" + dashed, dashed, "x", "-yes"},
	} {
		v := newStoreVerb("revoke", newScreen(nil).terminal)
		v.asks()
		client := v.String("client", "", "")
		rest, err := v.parse("", args)
		if err != nil || !slices.Equal(rest, []string{dashed, "x"}) || *client != dashed || !v.yes || v.json {
			t.Errorf("%q: %q, client %q, yes %v, %v", args, rest, *client, v.yes, err)
		}
	}
	v := newStoreVerb("revoke", newScreen(nil).terminal)
	if rest, err := v.parse("", []string{"-", "--", "x", "--json"}); err != nil || !slices.Equal(rest, []string{"-", "x", "--json"}) || v.json {
		t.Errorf("got %q, %v", rest, err)
	}
	for _, args := range [][]string{{"--nothing", "x"}, {"--client"}} {
		v := newStoreVerb("revoke", newScreen(nil).terminal)
		v.String("client", "", "")
		if rest, err := v.parse("", args); err == nil {
			t.Errorf("%q is taken: %q", args, rest)
		}
	}
}
