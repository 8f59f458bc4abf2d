package audit_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/audit"
)

func TestAnEventHasAsMuchTextAsItMayHave(t *testing.T) {
	const maxText, maxDetail = 256, 600
	p := newProcess(t, newStore(t), nil)
	for _, n := range []int{maxText, maxText + 1} {
		text := strings.Repeat("x", n)
		p.log.Info("client.registered", "client_id", text, "from", text, "client_name", text)
		e := p.recent(1)[0]
		if len(e.ClientID) != maxText || len(e.From) != maxText || e.Detail != "client_name="+text[:maxText] {
			t.Errorf("of %d bytes it has %d, %d and %q", n, len(e.ClientID), len(e.From), e.Detail)
		}
	}
	// By three texts of the greatest length and one that fills the rest.
	full := []any{"by", strings.Repeat("x", maxText), "name", strings.Repeat("x", maxText)}
	rest := maxDetail - len("by= name= used=") - 2*maxText
	for _, n := range []int{rest, rest + 1} {
		p.log.Info("client.registered", append(full, "used", strings.Repeat("y", n))...)
		if got := p.recent(1)[0].Detail; len(got) != maxDetail || strings.Count(got, "y") != rest+1 { // "by" has one
			t.Errorf("with %d bytes in all, the detail has %d", maxDetail-rest+n, len(got))
		}
	}
}

// Nearly every answer of the token endpoint is an event. It allocates two texts, where it
// came from and the detail, however often the journal has to make room.
func TestAnEventAllocatesNextToNothing(t *testing.T) {
	j := audit.New(nil, slog.New(slog.DiscardHandler))
	log := slog.New(j.Handler(slog.DiscardHandler))
	var ctx context.Context
	audit.Asked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() }), func(*http.Request) netip.Prefix {
		return netip.MustParsePrefix("192.0.2.0/24")
	}).ServeHTTP(nil, httptest.NewRequestWithContext(t.Context(), "POST", "/token", nil))
	note := func() {
		log.LogAttrs(ctx, slog.LevelInfo, "token.refreshed", slog.String("user_id", "owner"), slog.String("client_id", "a client"), slog.String("grant_id", "a grant"), slog.Bool("repeated", false))
	}
	for range 3 * audit.Kept {
		note() // until the journal is as large as it gets
	}
	if got := testing.AllocsPerRun(3*audit.Kept, note); got > 2 {
		t.Errorf("%v allocations", got)
	}
}
