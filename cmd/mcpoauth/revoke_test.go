package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

func revokes(t *testing.T, s *site) {
	type ended struct {
		Ended []connection `json:"ended"`
	}
	s.owner()
	_, ada := s.join("Ada")
	for name, test := range map[string]struct {
		args func(all []connection) []string
		want func(c connection) bool // ends
	}{
		"by ID": {
			func(all []connection) []string { return []string{all[0].ID, "--yes", all[2].ID} },
			nil,
		},
		"of a client":        {func([]connection) []string { return []string{"--yes", "--client", claude} }, func(c connection) bool { return c.ClientID == claude }},
		"of a person":        {func([]connection) []string { return []string{"--person", "ADA", "--yes"} }, func(c connection) bool { return c.UserID == ada }},
		"of a person, by ID": {func([]connection) []string { return []string{"--yes", "--person", ada} }, func(c connection) bool { return c.UserID == ada }},
		"of everybody":       {func([]connection) []string { return []string{"--all", "--yes"} }, func(connection) bool { return true }},
	} {
		s.connect(store.OwnerID, claude, "Claude", claudeBack)
		s.connect(ada, claude, "Claude", claudeBack)
		s.connect(ada, editor, "Editor", editorBack)
		s.key(store.OwnerID, "ci")
		before := decoded[connections](s, "connections").Connections
		args := test.args(before)
		if test.want == nil {
			test.want = func(c connection) bool { return slices.Contains(args, c.ID) }
		}
		got := decoded[ended](s, "revoke", args...).Ended
		after := decoded[connections](s, "connections").Connections
		for _, c := range before {
			has := func(list []connection) bool {
				return slices.ContainsFunc(list, func(other connection) bool { return other.ID == c.ID && other.called() == c.called() })
			}
			if ends := test.want(c); has(got) != ends || has(after) == ends {
				t.Errorf("%s: %+v should end: %v; it is among those that ended: %v, and there still: %v", name, c, ends, has(got), has(after))
			}
		}
		if len(got)+len(after) != len(before) {
			t.Errorf("%s: %d ended, %d were left of %d", name, len(got), len(after), len(before))
		}
	}
}

func revokesAtOnce(t *testing.T, s *site) {
	s.owner()
	token, grant := s.connect(store.OwnerID, claude, "Claude", claudeBack)
	other, _ := s.key(store.OwnerID, "ci")
	s.wantToken(token, true)
	s.wantToken(other, true)

	s.refused(exitFindings, `no connection or API key of the ID "`+unknownID+`"; nothing was changed`, "revoke", "--yes", grant.ID, unknownID)
	s.refused(exitFindings, "no such connection", "revoke", "--yes", "--client", "https://nobody.example/")
	s.refused(exitFailed, "say --yes", "revoke", grant.ID)
	for _, no := range []string{"\n", "no\n", "y\n", "", "yes?\n"} {
		screen, code := s.typed(t.Context(), no, "revoke", "--all")
		if said := screen.err.String(); code != exitFindings || !strings.Contains(said, "This ends 1 connection and 1 API key at once") || !strings.Contains(said, grant.ID) || !strings.Contains(said, "nothing was changed") || screen.out.String() != "" {
			t.Errorf("after %q it exits with %d: %s%s", no, code, screen.out.String(), said)
		}
	}
	s.wantToken(token, true)

	screen, code := s.typed(t.Context(), "Yes\n", "revoke", grant.ID)
	if out := screen.out.String(); code != exitGood || out != "ended   "+grant.ID+"  Claude\n\nEnded 1 connection.\n" {
		t.Errorf("it exits with %d: %s%s", code, out, screen.err.String())
	}
	s.wantToken(token, false)
	s.wantToken(other, true)
}

func TestAQuestionCanBeInterrupted(t *testing.T) {
	s := newSite(t)
	s.owner()
	s.connect(store.OwnerID, claude, "Claude", claudeBack)
	ctx, cancel := context.WithCancel(t.Context())
	screen := answers(s, "")
	screen.in = blocked{}
	exited := make(chan int, 1)
	s.stop()
	go func() { exited <- run(ctx, []string{"revoke", "--all"}, screen.terminal) }()
	for began := time.Now(); !strings.Contains(screen.err.String(), "Type yes"); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("it does not ask: %s", screen.err.String())
		}
	}
	cancel()
	if code := <-exited; code != exitFailed || !strings.Contains(screen.err.String(), "nothing was changed") {
		t.Errorf("it exits with %d: %s", code, screen.err.String())
	}
}

// blocked is a keyboard that nobody touches.
type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }

func TestRevokeWantsOneThingSaid(t *testing.T) {
	for _, args := range [][]string{{}, {"x", "--all"}, {"--client", "x", "--person", "y"}, {"--all", "--client", "x"}} {
		screen := newScreen(nil)
		if code := run(t.Context(), append([]string{"revoke", "--yes"}, args...), screen.terminal); code != exitFailed || !strings.Contains(screen.err.String(), "say what to end") {
			t.Errorf("%q exits with %d: %s", args, code, screen.err.String())
		}
	}
}

// A failing backend ends what it can.
type failing struct {
	store.Backend

	left int
}

func (f *failing) Delete(ctx context.Context, key store.Key) error {
	if f.left--; f.left < 0 {
		return errors.New("the disk is full")
	}
	return f.Backend.Delete(ctx, key)
}

func TestARevocationThatFailsHalfWaySaysWhatHasEnded(t *testing.T) {
	s := newSite(t)
	s.owner()
	for range 3 {
		s.key(store.OwnerID, "ci")
	}
	screen := newScreen(nil)
	v := newStoreVerb("revoke", screen.terminal)
	v.yes = true
	a := admin{storeVerb: v, store: store.New(&failing{s.backend, 2}, store.Lifetimes{}), log: discard}
	err := a.revoke(t.Context(), revocation{all: true})
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || !strings.Contains(screen.out.String(), "Ended 2 API keys.") {
		t.Errorf("it says %q and %v", screen.out.String(), err)
	}
}

func TestAConnectionThatCannotBeReadKeepsNoOtherFromEnding(t *testing.T) {
	s := newSite(t)
	s.owner()
	var grants []*store.Grant
	for range 3 {
		_, g := s.key(store.OwnerID, "ci")
		grants = append(grants, g)
	}
	at := store.Key{Kind: store.KindGrant, ID: grants[0].ID}
	record, err := s.backend.Get(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.backend.Replace(t.Context(), at, record.Version, store.NewEncoded([]byte(`{"scopes":1}`)), record.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		r       revocation
		ended   string
		failing bool
	}{
		{revocation{ids: []string{grants[1].ID}}, "Ended 1 API key.", true},
		{revocation{all: true}, "Ended 2", false},
	} {
		screen := newScreen(nil)
		v := newStoreVerb("revoke", screen.terminal)
		v.yes = true
		err := admin{storeVerb: v, store: store.New(s.backend, store.Lifetimes{}), log: discard}.revoke(t.Context(), test.r)
		if errors.Is(err, store.ErrUnreadable) != test.failing || !test.failing && err != nil || !strings.Contains(screen.out.String(), test.ended) {
			t.Errorf("it says %q and %v", screen.out.String(), err)
		}
	}
}

// As services and cron jobs run it.
func TestNobodyIsAskedWhoHasTheNullDeviceForATerminal(t *testing.T) {
	s := newSite(t)
	s.owner()
	_, grant := s.connect(store.OwnerID, claude, "Claude", claudeBack)
	s.stop()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	screen := newScreen(map[string]string{envStore: s.store})
	screen.in, screen.asked = null, isTerminal(null)
	code := run(t.Context(), []string{"revoke", "--all"}, screen.terminal)
	if said := screen.err.String(); code != exitFailed || strings.Contains(said, "Type yes") || !strings.Contains(said, "say --yes") {
		t.Errorf("it exits with %d: %s", code, said)
	}
	if list := s.good("connections"); !strings.Contains(list, grant.ID) {
		t.Errorf("it has ended: %s", list)
	}
}
