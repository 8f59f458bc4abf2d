package realserver_test

import (
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
)

func TestAKilledPostgresStartsAgainWithItsData(t *testing.T) {
	s := realserver.Postgres(t)
	s.SQL("CREATE TABLE t AS SELECT 42 AS n")
	s.Kill()
	s.Start()
	if got := s.SQL("SELECT n FROM t"); got != "42" {
		t.Errorf("the table holds %q", got)
	}
	s.Stop()
	s.Start()
}

func TestAPromotedStandbyHasWhatWasAcknowledged(t *testing.T) {
	primary := realserver.Postgres(t)
	standby := primary.Standby()
	primary.SQL("CREATE TABLE t AS SELECT 42 AS n")
	primary.Kill()
	standby.Promote()
	standby.SQL("INSERT INTO t VALUES (43)")
	if got := standby.SQL("SELECT sum(n) FROM t"); got != "85" {
		t.Errorf("the table sums up to %q", got)
	}
}
