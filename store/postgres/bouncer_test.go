package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

func TestAPoolerInSessionModeIsNoDifference(t *testing.T) {
	url := realserver.Postgres(t).Bouncer("session")
	storetest.RunStore(t, func(t *testing.T) store.Backend {
		return opened(t, url, postgres.Options{Schema: anySchema()})
	})
	here, there := pair(t, url, url)
	ok(t, here.Create(t.Context(), grant("a"), number(1), time.Time{}))
	kept(t, there, grant("a"))
	ok(t, here.Delete(t.Context(), grant("a")))
	until(t, func() bool {
		_, err := there.GetCached(t.Context(), grant("a"))
		return errors.Is(err, store.ErrNotFound)
	})
}

// It passes a notification on to a connection only while that one is asking something.
func TestBehindAPoolerInTransactionModeEachCheckAsksTheDatabaseAndTheLogSaysSo(t *testing.T) {
	url := realserver.Postgres(t).Bouncer("transaction") + "&default_query_exec_mode=exec"
	storetest.RunStore(t, func(t *testing.T) store.Backend {
		return opened(t, url, postgres.Options{Schema: anySchema()})
	})
	log := make(warnings, 1)
	o := postgres.Options{Schema: anySchema(), Logger: slog.New(log)}
	here, there := opened(t, url, o), opened(t, url, o)
	var warning string
	until(t, func() bool {
		if here.Hears() || there.Hears() {
			t.Fatal("a replica takes itself to hear of changes")
		}
		select {
		case warning = <-log:
		default:
		}
		return warning != ""
	})
	if !strings.Contains(warning, "session mode") {
		t.Errorf("the log says %q", warning)
	}
	for n := range 20 {
		ok(t, here.Create(t.Context(), grant("a"), number(n), time.Time{}))
		record, err := there.GetCached(t.Context(), grant("a"))
		ok(t, err)
		if got := numberOf(t, record); got != n {
			t.Fatalf("%d is answered, want %d", got, n)
		}
		ok(t, here.Delete(t.Context(), grant("a")))
		if _, err := there.GetCached(t.Context(), grant("a")); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("after it was deleted the answer is %v", err)
		}
	}
}

// warnings are what a logger was told, up to the capacity.
type warnings chan string

func (w warnings) Enabled(context.Context, slog.Level) bool { return true }
func (w warnings) WithAttrs([]slog.Attr) slog.Handler       { return w }
func (w warnings) WithGroup(string) slog.Handler            { return w }

func (w warnings) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	select {
	case w <- text:
	default:
	}
	return nil
}
