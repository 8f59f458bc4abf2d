package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A process is a Journal with the log in front of which it stands.
type process struct {
	*testing.T
	*audit.Journal
	log   *slog.Logger
	lines *bytes.Buffer
	store *failing
}

// failing counts what is saved, and fails when it is told to.
type failing struct {
	*store.Store
	mu     sync.Mutex // guards what follows
	saves  int
	broken bool
}

func (f *failing) SaveJournal(ctx context.Context, j *store.Journal) error {
	f.mu.Lock()
	f.saves++
	broken := f.broken
	f.mu.Unlock()
	if broken {
		return errors.New("the disk is on fire")
	}
	return f.Store.SaveJournal(ctx, j)
}

func (f *failing) saved() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.saves
}

func (f *failing) set(broken bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = broken
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	return store.New(backend, store.Lifetimes{})
}

func newProcess(t *testing.T, st *store.Store, onEvent func(store.Event)) *process {
	t.Helper()
	p := &process{T: t, lines: new(bytes.Buffer), store: &failing{Store: st}}
	under := slog.New(slog.NewTextHandler(p.lines, nil))
	p.Journal = audit.New(onEvent, under)
	p.SaveTo(p.store)
	p.log = slog.New(p.Handler(under.Handler()))
	t.Cleanup(p.Close)
	return p
}

func (p *process) recent(n int) []store.Event {
	p.Helper()
	events, err := p.Recent(p.Context(), n)
	if err != nil {
		p.Fatal(err)
	}
	return events
}

func names(events []store.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.Name)
	}
	return all
}

func TestEveryRecordPassesOnAsItCame(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		buf.Reset()
		j := audit.New(nil, slog.New(slog.DiscardHandler))
		j.SaveTo(newStore(t))
		t.Cleanup(j.Close)
		return j.Handler(slog.NewJSONHandler(&buf, nil))
	}, func(t *testing.T) map[string]any {
		line := make(map[string]any)
		if err := json.Unmarshal(buf.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

func TestEventsAreNotedAndOtherRecordsAreNot(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	p.log.Info("store.opened", "user_id", "u")
	p.log.Warn("proxy.untrusted")
	p.log.Error("request.failed")
	p.log.Info("approval.granted", "user_id", "u", "client_id", "c", "grant_id", "g", "from", "203.0.113.0/24",
		"client_name", `A "client" x=y`, "resource", "https://mcp.example.com/mcp", "scopes", []string{"a", "b"}, "repeated", false)
	got := p.recent(10)
	if len(got) != 1 || time.Since(got[0].Time).Abs() > time.Hour {
		t.Fatalf("noted are %+v", got)
	}
	got[0].Time = time.Time{}
	want := store.Event{
		Name: "approval.granted", UserID: "u", ClientID: "c", GrantID: "g", From: "203.0.113.0/24",
		Detail: `client_name="A \"client\" x=y" resource=https://mcp.example.com/mcp scopes="[a b]" repeated=false`,
	}
	if got[0] != want {
		t.Errorf("noted is\n%+v\nwant\n%+v", got[0], want)
	}
}

func TestASecretNeverGetsIntoAnEvent(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	p.log.Info("setup.needed", "setup_link", "https://example.com/#setup_token=SECRET", "token", "SECRET", "anything", "SECRET")
	p.log.With("link", "SECRET").WithGroup("g").Info("setup.completed", "user_id", "SECRET")
	got := p.recent(10)
	if len(got) != 2 || strings.Contains(fmt.Sprint(got), "SECRET") {
		t.Errorf("noted are %+v", got)
	}
	if !strings.Contains(p.lines.String(), "setup_token=SECRET") {
		t.Error("the log has lost the setup link")
	}
}

func TestAttributesOfALoggerCountToo(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	p.log.With("user_id", "u").Info("session.started")
	if got := p.recent(1); got[0].UserID != "u" {
		t.Errorf("noted is %+v", got[0])
	}
}

func TestEventsAreNotedThoughTheLogLeavesThemOut(t *testing.T) {
	var lines bytes.Buffer
	j := audit.New(nil, slog.New(slog.DiscardHandler))
	j.SaveTo(newStore(t))
	defer j.Close()
	log := slog.New(j.Handler(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelError})))
	log.Info("session.started")
	if events, err := j.Recent(t.Context(), 5); err != nil || len(events) != 1 {
		t.Errorf("noted are %v, %v", events, err)
	}
	if lines.Len() != 0 {
		t.Errorf("the log says %s", lines.String())
	}
	if log.Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug lines are made for nobody")
	}
}

func TestWhatStrangersWriteIsCut(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	long := strings.Repeat("é", 10_000)
	p.log.Info("client.registered", "client_id", long, "client_name", long, "redirect_uri", long, "reason", long, "error", errors.New(long), "from", long)
	e := p.recent(1)[0]
	if n := len(e.ClientID) + len(e.From) + len(e.Detail); n > 2000 {
		t.Errorf("the event has %d bytes", n)
	}
	if text := fmt.Sprint(e); !strings.Contains(text, "é") || strings.ToValidUTF8(text, "?") != text {
		t.Error("a letter was cut in two")
	}
}

func TestAnEventKnowsTheNetworkThatItsRequestCameFrom(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	for _, network := range []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), {}} {
		handler := audit.Asked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			p.log.InfoContext(r.Context(), "session.started")
		}), func(*http.Request) netip.Prefix { return network })
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	if got := p.recent(2); got[1].From != "203.0.113.0/24" || got[0].From != "" {
		t.Errorf("noted are %+v", got)
	}
}

func TestRecentHasTheEventsOfAllProcessesTheNewestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(t)
		ended := newProcess(t, st, nil)
		ended.log.Info("setup.completed")
		ended.Close()
		one, two := newProcess(t, st, nil), newProcess(t, st, nil)
		for _, p := range []*process{one, two, one, two} {
			time.Sleep(time.Second)
			p.log.Info(map[*process]string{one: "session.started", two: "session.ended"}[p])
		}
		time.Sleep(10 * time.Second)
		one.log.Info("key.created") // which is not saved yet
		for _, test := range []struct {
			p    *process
			n    int
			want string
		}{
			{one, 300, "[key.created session.ended session.started session.ended session.started setup.completed]"},
			{one, 1000, "[key.created session.ended session.started session.ended session.started setup.completed]"},
			{one, 2, "[key.created session.ended]"},
			{one, 0, "[]"},
			{one, -1, "[]"},
			{two, 300, "[session.ended session.started session.ended session.started setup.completed]"},
		} {
			if got := fmt.Sprint(names(test.p.recent(test.n))); got != test.want {
				t.Errorf("the last %d are %s, want %s", test.n, got, test.want)
			}
		}
	})
}

func TestEventsAreSavedTogetherAndTheRestAtClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(t)
		p := newProcess(t, st, nil)
		for range 1000 {
			p.log.Info("session.started")
		}
		if p.store.saved() != 0 {
			t.Fatal("an event waits for its saving")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if p.store.saved() != 1 {
			t.Errorf("%d saves, want 1", p.store.saved())
		}
		p.log.Info("key.created")
		p.Close()
		if got := newProcess(t, st, nil).recent(1); got[0].Name != "key.created" || p.store.saved() != 2 {
			t.Errorf("after the end the last is %+v, after %d saves", got, p.store.saved())
		}
	})
}

func TestAStoreThatFailsIsToldOfOnceAMinuteAndLosesNoEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStore(t)
		p := newProcess(t, st, nil)
		p.store.set(true)
		for range 150 { // seconds
			p.log.Info("session.started")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := strings.Count(p.lines.String(), "journal.unsaved"); n != 3 {
			t.Errorf("it is told of %d times in two and a half minutes", n)
		}
		p.store.set(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := newProcess(t, st, nil).recent(300); len(got) != 150 {
			t.Errorf("%d events were saved", len(got))
		}
	})
}

func TestTheJournalIsBoundedAndAFloodHidesNothing(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	p.log.Warn("token.reused")
	for range 10_000 {
		p.log.Info("limit.hit")
		p.log.Info("client.registered")
	}
	got := p.recent(300)
	if len(got) != 101 || !slices.Contains(names(got), "token.reused") {
		t.Errorf("%d events are left, the oldest %s", len(got), got[len(got)-1].Name)
	}
	for range 1000 {
		p.log.Info("session.started")
	}
	if got := p.recent(1000); len(got) != 300 {
		t.Errorf("%d events are left", len(got))
	}
}

// The owner may look as often as they like, also beside a flood of which most is left out.
func TestToReadTheJournalChangesNothingInIt(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	for i := range audit.Kept {
		if i%10 == 0 {
			p.log.Info("key.created", "user_id", store.OwnerID, "name", strconv.Itoa(i))
		}
		p.log.Info("client.registered", "client_id", strconv.Itoa(i%3))
	}
	want := p.recent(audit.Kept)
	for range 3 {
		if got := p.recent(audit.Kept); !slices.Equal(got, want) {
			t.Fatalf("%d events have become %d, or other ones", len(want), len(got))
		}
	}
	for i := range audit.Kept / 10 {
		p.log.Info("key.created", "user_id", store.OwnerID, "name", strconv.Itoa(audit.Kept+i))
	}
	seen := make(map[string]bool)
	for _, e := range p.recent(audit.Kept) {
		if e.Name == "key.created" && seen[e.Detail] {
			t.Errorf("%s is told of twice", e.Detail)
		}
		seen[e.Detail] = true
	}
	for i := 0; i < audit.Kept; i += 10 {
		if !seen["name="+strconv.Itoa(i)] {
			t.Errorf("the event of %d is lost", i)
		}
	}
}

func TestAFloodByOnePersonOrClientHidesNothing(t *testing.T) {
	for name, flood := range map[string]struct {
		events []string
		attrs  []any
		most   int
	}{
		"a person who signs in":        {[]string{"passkey.accepted", "session.started", "session.ended"}, []any{"user_id", "bob"}, 50},
		"a client that signs out":      {[]string{"token.revoked"}, []any{"user_id", "owner", "client_id", "app"}, 50},
		"a client that gets tokens":    {[]string{"token.issued"}, []any{"user_id", "owner", "client_id", "app"}, 50},
		"one that also renews them":    {[]string{"token.refreshed", "token.issued"}, []any{"user_id", "bob", "client_id", "app"}, 100},
		"an app of nobody signing out": {[]string{"token.revoked"}, nil, 100},
	} {
		t.Run(name, func(t *testing.T) {
			st := newStore(t)
			p := newProcess(t, st, nil)
			p.log.Warn("token.reused", "user_id", "owner", "client_id", "other")
			p.log.Info("session.started", "user_id", "owner")
			for range 2000 {
				for _, event := range flood.events {
					p.log.Info(event, flood.attrs...)
				}
			}
			p.log.Info("session.started", "user_id", "cleo")
			p.Close()
			got := newProcess(t, st, nil).recent(300)
			if len(got) != flood.most+3 || !slices.Contains(names(got), "token.reused") || got[0].UserID != "cleo" {
				t.Errorf("%d events are left, want %d", len(got), flood.most+3)
			}
		})
	}
}

// Renewals, of which there are many, must not take the place of what a person did with it.
func TestWhatAClientDoesByItselfHidesNothingThatWasDoneWithIt(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	p.log.Info("approval.granted", "user_id", "bob", "client_id", "app")
	for range 1000 {
		p.log.Info("token.refreshed", "user_id", "bob", "client_id", "app")
	}
	if got := p.recent(300); len(got) != 51 || !slices.Contains(names(got), "approval.granted") {
		t.Errorf("%d events are left", len(got))
	}
}

func TestTheOwnerHasAsMuchOfTheJournalAsThereIs(t *testing.T) {
	p := newProcess(t, newStore(t), nil)
	for range 1000 {
		p.log.Info("session.started", "user_id", "owner")
	}
	if got := p.recent(300); len(got) != 300 {
		t.Errorf("%d events are left", len(got))
	}
}

func TestJournalsOfNothingButAFloodAreForgotten(t *testing.T) {
	st := newStore(t)
	first := newProcess(t, st, nil)
	first.log.Info("setup.completed")
	first.Close()
	for range 150 {
		p := newProcess(t, st, nil)
		p.log.Info("limit.hit")
		p.Close()
	}
	journals, err := st.Journals(t.Context())
	if err != nil || len(journals) > 102 {
		t.Errorf("%d journals, %v", len(journals), err)
	}
	if got := newProcess(t, st, nil).recent(300); len(got) != 101 || !slices.Contains(names(got), "setup.completed") {
		t.Errorf("%d events are left", len(got))
	}
}

func TestAFloodAtAllReplicasHidesNothing(t *testing.T) {
	st := newStore(t)
	first := newProcess(t, st, nil)
	first.log.Warn("token.reused")
	for range 5 {
		p := newProcess(t, st, nil)
		for range 500 {
			p.log.Info("limit.hit")
		}
		p.Close()
	}
	if got := first.recent(300); len(got) != 101 || !slices.Contains(names(got), "token.reused") {
		t.Errorf("%d events are left", len(got))
	}
}

func TestAProcessThatStartsAgainAndAgainLeavesNoMoreJournalsThanEventsAreKept(t *testing.T) {
	st := newStore(t)
	for range audit.Kept + 50 {
		p := newProcess(t, st, nil)
		p.log.Info("setup.needed")
		p.Close()
	}
	journals, err := st.Journals(t.Context())
	if err != nil || len(journals) > audit.Kept {
		t.Errorf("%d journals, %v", len(journals), err)
	}
	if got := newProcess(t, st, nil).recent(300); len(got) != audit.Kept {
		t.Errorf("%d events are left", len(got))
	}
}

func TestTheHookIsToldOfEachEventInOrder(t *testing.T) {
	var told []store.Event
	p := newProcess(t, newStore(t), func(e store.Event) { told = append(told, e) })
	for i := range 100 {
		p.log.Info("session.started", "user_id", fmt.Sprint(i))
		p.log.Info("store.opened")
	}
	p.Close()
	if len(told) != 100 {
		t.Fatalf("it was told of %d", len(told))
	}
	for i, e := range told {
		if e.UserID != fmt.Sprint(i) {
			t.Fatalf("the event %d was %+v", i, e)
		}
	}
}

func TestAHookThatPanicsIsLoggedAndToldOfTheNext(t *testing.T) {
	told := 0
	p := newProcess(t, newStore(t), func(store.Event) { told++; panic("no") })
	p.log.Info("session.started")
	p.log.Info("session.ended")
	p.Close()
	if told != 2 || strings.Count(p.lines.String(), "hook.panicked") != 2 {
		t.Errorf("it was told of %d:\n%s", told, p.lines)
	}
}

func TestAHookThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		told := 0
		p := newProcess(t, newStore(t), func(store.Event) { <-release; told++ })
		began := time.Now()
		for range 3000 {
			p.log.Info("session.started")
		}
		if time.Since(began) != 0 {
			t.Error("an event waits for the hook")
		}
		if n := strings.Count(p.lines.String(), "hook.slow"); n != 1 {
			t.Errorf("that it misses events is said %d times", n)
		}
		p.Close()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Close waited for %v", took)
		}
		close(release)
		synctest.Wait()
		if told != 1001 && told != 1000 {
			t.Errorf("it was told of %d", told)
		}
	})
}

func TestManyAtOnceLoseNothing(t *testing.T) {
	var mu sync.Mutex
	told := 0
	p := newProcess(t, newStore(t), func(store.Event) { mu.Lock(); told++; mu.Unlock() })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				p.log.Info("session.started")
				p.recent(3)
			}
		})
	}
	all.Wait()
	p.Close()
	if got := p.recent(300); len(got) != 200 || told != 200 {
		t.Errorf("%d are kept, and the hook was told of %d", len(got), told)
	}
}

func TestEveryEventHasWords(t *testing.T) {
	for _, name := range audit.Names() {
		if audit.Words(name) == "" {
			t.Errorf("%s has none", name)
		}
	}
	if audit.Words("request.failed") != "" {
		t.Error("what is no event has words")
	}
}
