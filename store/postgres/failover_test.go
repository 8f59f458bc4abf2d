package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/postgres"
)

func TestAServerThatIsKilledLosesNothingThatWasAcknowledged(t *testing.T) {
	server := realserver.Postgres(t)
	b := opened(t, server.URL, postgres.Options{})
	l := newLedger(t, b)
	l.during(func() {
		for range 3 {
			server.Kill()
			server.Start()
			l.reaches(50)
		}
	})
	until(t, b.Hears)
}

func TestAFailOverLosesNothingThatWasAcknowledged(t *testing.T) {
	primary := realserver.Postgres(t)
	standby := primary.Standby()
	url := at(t, primary.URL, primary.Addr, standby.Addr)
	here, there := pair(t, url, url)

	ok(t, here.Create(t.Context(), grant("revoked"), number(1), time.Time{}))
	kept(t, there, grant("revoked"))
	ok(t, here.Create(t.Context(), grant("live"), number(1), time.Time{}))
	kept(t, there, grant("live"))

	newLedger(t, here).during(func() {
		ok(t, here.Delete(t.Context(), grant("revoked")))
		primary.Kill()
		standby.Promote()
	})
	until(t, there.Hears)
	if _, err := there.GetCached(t.Context(), grant("revoked")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("what was revoked before the fail-over is answered with %v", err)
	}
	kept(t, there, grant("live"))
	ok(t, here.Delete(t.Context(), grant("live")))
	until(t, func() bool {
		_, err := there.GetCached(t.Context(), grant("live"))
		return errors.Is(err, store.ErrNotFound)
	})
}
