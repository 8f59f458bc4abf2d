package ratelimit

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestR60_TheClientsAddressIsBelievedFromTrustedProxiesAlone(t *testing.T) {
	for name, test := range map[string]struct {
		proxies   string
		peer      string
		forwarded []string
		want      string // empty: no address
	}{
		"by default it is the peer's":               {"", "192.0.2.7:1234", nil, "192.0.2.7"},
		"by default nothing else is believed":       {"", "192.0.2.7:1234", []string{"198.51.100.1"}, "192.0.2.7"},
		"a peer that is no proxy is not believed":   {"10.0.0.0/8", "192.0.2.7:1234", []string{"198.51.100.1"}, "192.0.2.7"},
		"a proxy's last hop is its own peer":        {"10.0.0.0/8", "10.0.0.1:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"what stands left of that was made up":      {"10.0.0.0/8", "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1"}, "198.51.100.1"},
		"a chain of proxies is walked back":         {"10.0.0.0/8", "10.0.0.1:1234", []string{"203.0.113.9, 198.51.100.1, 10.0.0.3, 10.0.0.2"}, "198.51.100.1"},
		"several headers are one list, in order":    {"10.0.0.0/8", "10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		"a proxy without the header is the caller":  {"10.0.0.0/8", "10.0.0.1:1234", nil, "10.0.0.1"},
		"an empty header says nothing":              {"10.0.0.0/8", "10.0.0.1:1234", []string{""}, "10.0.0.1"},
		"rubbish ends the walk at what is proven":   {"10.0.0.0/8", "10.0.0.1:1234", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		"rubbish ends it behind an inner proxy too": {"10.0.0.0/8", "10.0.0.1:1234", []string{"198.51.100.1, <x>, 10.0.0.2"}, "10.0.0.2"},
		"all of the chain are proxies":              {"10.0.0.0/8", "10.0.0.1:1234", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"a hop may have a port":                     {"10.0.0.0/8", "10.0.0.1:1234", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"a hop of IPv6 may have brackets":           {"10.0.0.0/8", "10.0.0.1:1234", []string{"[2001:db8:1:2:3::4]"}, "2001:db8:1:2::"},
		"a hop of IPv6 may have a port":             {"10.0.0.0/8", "10.0.0.1:1234", []string{"[2001:db8:1:2:3::4]:443"}, "2001:db8:1:2::"},
		"a proxy may be one address":                {"10.0.0.1/32", "10.0.0.1:1234", []string{"10.0.0.2"}, "10.0.0.2"},
		"a proxy may be of IPv6":                    {"2001:db8::1/128", "[2001:db8::1]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"its neighbour in the /64 is not trusted":   {"2001:db8::1/128", "[2001:db8::2]:1234", []string{"198.51.100.1"}, "2001:db8::"},
		"IPv6 counts by its /64":                    {"", "[2001:db8:1:2:3:4:5:6]:1234", nil, "2001:db8:1:2::"},
		"a zone is no part of it":                   {"", "[fe80::1%eth0]:1234", nil, "fe80::"},
		"IPv4 inside IPv6 is IPv4":                  {"", "[::ffff:192.0.2.7]:1234", nil, "192.0.2.7"},
		"a proxy's IPv4 inside IPv6 is trusted":     {"10.0.0.0/8", "[::ffff:10.0.0.1]:1234", []string{"198.51.100.1"}, "198.51.100.1"},
		"a hop's IPv4 inside IPv6 is IPv4":          {"10.0.0.0/8", "10.0.0.1:1234", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"a Unix socket has none":                    {"0.0.0.0/0", "@", []string{"198.51.100.1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = test.peer
			for _, value := range test.forwarded {
				r.Header.Add("X-Forwarded-For", value)
			}
			var want netip.Addr
			if test.want != "" {
				want = netip.MustParseAddr(test.want)
			}
			if got := proxies(test.proxies).Address(r); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func proxies(list string) (p Proxies) {
	for s := range strings.FieldsSeq(list) {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

// Whoever writes what into the header: the answer is never outside what a trusted
// proxy vouches for, and always of the size that is counted.
func FuzzProxiesAddress(f *testing.F) {
	f.Add("192.0.2.7:1234", "198.51.100.1")
	f.Add("10.0.0.1:1234", "203.0.113.9, 198.51.100.1, 10.0.0.2")
	f.Add("[2001:db8::1]:1", "[2001:db8::2]:3, ::ffff:10.0.0.9")
	f.Add("@", "fe80::1%eth0,,unknown")
	f.Add("10.0.0.1", ",")
	trusted := proxies("10.0.0.0/8 2001:db8::/32")
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		got := trusted.Address(r)
		if got.Zone() != "" || got.Is4In6() {
			t.Errorf("%q, %q: got %v, a second name of the same caller", peer, forwarded, got)
		}
		if got.Is6() && netip.PrefixFrom(got, 64).Masked().Addr() != got {
			t.Errorf("%q, %q: got %v, more than its /64", peer, forwarded, got)
		}

		direct := r.Clone(r.Context())
		direct.Header = nil
		alone := Proxies(nil).Address(direct)
		if Proxies(nil).Address(r) != alone {
			t.Errorf("%q, %q: the header is believed from anybody", peer, forwarded)
		}
		if addr := parseAddr(peer); !trusted.trust(addr) && got != alone {
			t.Errorf("%q, %q: the header is believed from no proxy", peer, forwarded)
		}

		// A caller behind a proxy cannot choose: what they send stands left
		// of what the proxy adds.
		r.Header["X-Forwarded-For"] = []string{forwarded + ", 198.51.100.1"}
		r.RemoteAddr = "10.0.0.1:1"
		if got := trusted.Address(r); got != netip.MustParseAddr("198.51.100.1") {
			t.Errorf("%q: got %v instead of what the proxy saw", forwarded, got)
		}
	})
}
