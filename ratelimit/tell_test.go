package ratelimit

import (
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"
)

func TestWhoAsksTooOftenIsToldOfOnceAMinute(t *testing.T) {
	table := NewTable[string](3, 100)
	told := make(map[string]int)
	table.Tell(100, func(caller string) { told[caller]++ })
	for second := range 120 {
		now := start.Add(time.Duration(second) * time.Second)
		spend(table, "flood", 50, now)
		spend(table, "honest", map[bool]int{true: 1}[second%60 == 0], now)
	}
	if told["flood"] != 2 || told["honest"] != 0 {
		t.Errorf("it was told of %v", told)
	}
}

func TestAFloodThatIsToldOfAllocatesNothing(t *testing.T) {
	table := NewTable[netip.Addr](3, 100)
	told := 0
	table.Tell(100, func(netip.Addr) { told++ })
	caller := netip.MustParseAddr("203.0.113.7")
	spend(table, caller, 10, start)
	if got := testing.AllocsPerRun(1000, func() { table.Allow(caller, start) }); got != 0 || told != 1 {
		t.Errorf("%v allocations, told %d times", got, told)
	}
}

func TestManyWhoAskTooOftenAreToldOfInABoundedTable(t *testing.T) {
	table := NewTable[netip.Addr](1, 256)
	table.Tell(256, func(netip.Addr) {})
	addr := netip.MustParseAddr("10.0.0.0")
	for range 10_000 {
		spend(table, addr, 2, start)
		addr = addr.Next()
	}
	if n := size(table.told); n > 256 {
		t.Errorf("%d are remembered", n)
	}
}

func TestNoLimitTellsNobody(t *testing.T) {
	table := NewTable[string](-1, 1)
	table.Tell(1, func(string) { t.Error("told") })
	spend(table, "a", 1000, start)
}

func TestANetworkSaysRoughlyWhereARequestCameFrom(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct{ peer, forwarded, want string }{
		{"203.0.113.77:1", "", "203.0.113.0/24"},
		{"[2001:db8:1:2:3::4]:1", "", "2001:db8:1::/48"},
		{"[::ffff:203.0.113.77]:1", "", "203.0.113.0/24"},
		{"[fe80::1%eth0]:1", "", "fe80::/48"},
		{"203.0.113.77:1", "198.51.100.1", "203.0.113.0/24"}, // whoever writes that
		{"10.0.0.1:1", "192.0.2.9, 198.51.100.1", "198.51.100.0/24"},
		{"10.0.0.1:1", "", "10.0.0.0/24"},
		{"@", "", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.peer
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		got := ""
		if network := proxies.Network(r); network.IsValid() {
			got = network.String()
		}
		if got != test.want {
			t.Errorf("from %s for %q: %q, want %q", test.peer, test.forwarded, got, test.want)
		}
	}
}
