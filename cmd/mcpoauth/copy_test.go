package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var discard = slog.New(slog.DiscardHandler)

func unmarshal(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

func TestACopyFromStoreToStoreAndBackIsWhole(t *testing.T) {
	first := newSite(t)
	owner := first.owner()
	_, ada := first.join("Ada")
	access, grant := first.connect(ada, claude, "Claude", claudeBack)
	first.key(store.OwnerID, "ci")
	if _, err := first.on().NoteUse(t.Context(), store.Use{GrantID: grant.ID, At: time.Now(), From: usedNetwork}); err != nil {
		t.Fatal(err)
	}
	link, err := first.on().Enrol(t.Context(), store.ForInvitation, "", "Bob")
	if err != nil {
		t.Fatal(err)
	}
	first.stop()
	first.start() // what the files hold, and not what the process remembered
	want := everything(t, first.backend)
	first.stop()

	type copied struct {
		Copied  map[store.Kind]int
		Records int
	}
	at := first.store
	last := filesStore + ":" + t.TempDir()
	for _, to := range []string{redisDatabases(t)(), postgresDatabases(t)(), last} {
		screen := newScreen(nil)
		if code := run(t.Context(), []string{"copy", "--from", at, "--to", to}, screen.terminal); code != exitFailed || !strings.Contains(screen.err.String(), "say --yes") {
			t.Errorf("a database may be in use, and it does not ask: %d %s", code, screen.err.String())
		}
		screen = newScreen(map[string]string{envStore: at, envStoreTo: to})
		if code := run(t.Context(), []string{"copy", "--yes", "--json"}, screen.terminal); code != exitGood {
			t.Fatalf("copying to %s exits with %d: %s", to, code, screen.err.String())
		}
		var got copied
		unmarshal(t, screen.out.String(), &got)
		if got.Records != len(want) || got.Copied[store.KindUser] != 2 || got.Copied[store.KindGrant] != 2 || got.Copied[store.KindEnrolment] != 1 {
			t.Errorf("copied %+v, want %d records", got, len(want))
		}
		at = to
	}
	end := startSite(t, last)
	if got := everything(t, end.backend); !maps.EqualFunc(got, want, content.equal) {
		t.Errorf("the copy's copy's copy has\n%v\nwant\n%v", got, want)
	}
	end.wantToken(access, true)
	owner.site = end
	owner.http.Transport = direct{end}
	if !owner.touch() {
		t.Error("the owner's passkey does not work at the copy")
	}
	if status := end.device().enrol(link); status != 200 {
		t.Errorf("the invitation does not work at the copy: %d", status)
	}
}

func TestCopySaysWhatItWants(t *testing.T) {
	full, other := newSite(t), newSite(t)
	full.owner()
	other.owner()
	full.stop()
	other.stop()
	empty := filesStore + ":" + t.TempDir()
	for name, test := range map[string]struct {
		args []string
		code int
		why  string
	}{
		"no source":            {[]string{"--to", empty}, exitFailed, "--from is missing"},
		"no target":            {[]string{"--from", full.store}, exitFailed, "--to is missing"},
		"an argument too much": {[]string{"--from", full.store, "--to", empty, "x"}, exitFailed, `unexpected argument "x"`},
		"no such store":        {[]string{"--from", full.store, "--to", "mysql://hunter2"}, exitFailed, "--to: --store: there is no store"},
		"an empty source":      {[]string{"--from", empty, "--to", full.store}, exitFailed, "there is no passkeys.json"},
		"a target that is taken": {
			[]string{"--from", full.store, "--to", other.store},
			exitFailed,
			"copy to an empty backend\nThe source is as it was. Start no server on the target before the same command has succeeded",
		},
		"into itself": {[]string{"--from", full.store, "--to", full.store}, exitFailed, "in use by"},
	} {
		screen := newScreen(nil)
		code := run(t.Context(), append([]string{"copy"}, test.args...), screen.terminal)
		if said := screen.err.String(); code != test.code || !strings.Contains(said, test.why) || strings.Contains(said, "hunter2") || screen.out.String() != "" {
			t.Errorf("%s: it exits with %d: %s%s", name, code, screen.out.String(), said)
		}
	}
	screen := newScreen(nil)
	target := filesStore + ":" + t.TempDir()
	for range 2 { // the second run goes on where the first one stopped
		if code := run(t.Context(), []string{"copy", "--from", full.store, "--to", target}, screen.terminal); code != exitGood {
			t.Fatalf("it exits with %d: %s", code, screen.err.String())
		}
	}
	if out := screen.out.String(); !strings.Contains(out, "       1  user\n") || !strings.Contains(out, "Copied ") || !strings.Contains(out, "keep the source until it runs") {
		t.Errorf("it says %s", out)
	}
}

// A slow backend takes a second for each page.
type slow struct{ store.Backend }

func (s slow) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	time.Sleep(time.Second)
	return s.Backend.List(ctx, kind, prefix, after, limit)
}

func TestACopyThatTakesTimeSaysHowFarItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := memory.New(memory.Options{}), memory.New(memory.Options{})
		defer from.Close()
		defer to.Close()
		s := store.New(from, store.Lifetimes{})
		for range 300 {
			if _, err := s.Enrol(t.Context(), store.ForInvitation, "", "Ada"); err != nil {
				t.Fatal(err)
			}
		}
		screen := newScreen(nil)
		v := newStoreVerb("copy", screen.terminal)
		if _, err := store.Copy(t.Context(), to, &watched{Backend: slow{from}, v: v, passes: []string{"copied", "compared"}}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"copied 256 enrolments so far\n", "copied 300 enrolments so far\n", "compared 300 enrolments so far\n"} {
			if !strings.Contains(screen.err.String(), want) {
				t.Errorf("%q is not in\n%s", want, screen.err.String())
			}
		}
	})
}
