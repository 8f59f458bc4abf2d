package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"code.dny.dev/ssrf"
)

// wireServer answers every Azure machine about itself, like 169.254.169.254, but
// from a public address.
var wireServer = netip.MustParsePrefix("168.63.129.16/32")

const (
	maxAddresses = 4 // of a name that are tried
	connectTime  = 2 * time.Second
)

// guarded returns a transport that connects to public addresses only, on port 443.
// The check is on the address that is dialled, after the name was resolved: a name
// that is checked first and resolved again can lead elsewhere by then.
func guarded(resolver *net.Resolver) *http.Transport {
	guard := ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(wireServer))
	dialer := &net.Dialer{Timeout: connectTime, Control: guard.Safe}
	return newTransport(func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		addrs, err := resolver.LookupNetIP(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		// IPv4 first: where IPv6 leads nowhere, waiting for it takes all the time.
		slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.Unmap().BitLen() - b.Unmap().BitLen() })
		// A name can have thousands of addresses, all of somebody else.
		var problems []error
		for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
			conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(addr.Unmap().String(), port))
			if err == nil {
				return conn, nil
			}
			problems = append(problems, err)
		}
		return nil, errors.Join(problems...)
	})
}

func newTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
		Proxy:                  nil,  // one from the environment would dial where the guard does not see it
		DisableKeepAlives:      true, // every document is connected for, and checked, anew
		DisableCompression:     true, // a few kilobytes can unpack to gigabytes
		MaxResponseHeaderBytes: maxHeader,
	}
}
