package audit_test

import (
	"strings"
	"testing"
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
