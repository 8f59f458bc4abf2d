package fetch

import (
	"context"
	"net"
	"net/http"
	"net/netip"

	"code.dny.dev/ssrf"
)

// wireServer answers every Azure machine about itself, like 169.254.169.254, but
// from a public address.
var wireServer = netip.MustParsePrefix("168.63.129.16/32")

// guarded returns a transport that connects to public addresses only, on port 443.
// The check is on the address that is dialled, after the name was resolved: a name
// that is checked first and resolved again can lead elsewhere by then.
func guarded(resolver *net.Resolver) *http.Transport {
	guard := ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(wireServer))
	dialer := &net.Dialer{Timeout: Timeout, Resolver: resolver, Control: guard.Safe}
	return newTransport(dialer.DialContext)
}

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		Proxy:                  nil,  // one from the environment would dial where the guard does not see it
		DisableKeepAlives:      true, // every document is connected for, and checked, anew
		DisableCompression:     true, // a few kilobytes can unpack to gigabytes
		MaxResponseHeaderBytes: 64 << 10,
	}
}
