// Package ratelimit bounds how often one caller may ask: by address where nobody
// is known yet, by grant where somebody is.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package ratelimit

import (
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the addresses of the reverse proxies whose X-Forwarded-For is
// believed. Nil believes nobody.
type Proxies []netip.Prefix

// Address returns the address that a request is counted under: that of who asked, of
// which an IPv6 address stands for its /64, which is what one household or server gets.
func (p Proxies) Address(r *http.Request) netip.Addr { return group(p.Client(r)) }

// Network returns roughly where a request came from: the /24 of an IPv4 address, the /48
// of an IPv6 one. It is for people to read, and says less about them than an address. The
// zero Prefix: nobody knows.
func (p Proxies) Network(r *http.Request) netip.Prefix { return Around(p.Client(r)) }

// Around returns the network of Network that an address is in.
func Around(addr netip.Addr) netip.Prefix {
	bits := 24
	if addr.Is6() {
		bits = 48
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// Client returns the address of who asked: the peer's, or, if the peer is a trusted
// proxy, the last one in X-Forwarded-For that is not. What stands left of that was written
// by the caller and may be anything. The zero Addr: nobody knows.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := parseAddr(r.RemoteAddr)
	if !p.trust(client) {
		return client
	}
	for hop := range hops(r) {
		addr := parseAddr(hop)
		if !addr.IsValid() {
			break
		}
		client = addr
		if !p.trust(addr) {
			break
		}
	}
	return client
}

// hops are the entries of X-Forwarded-For, the last one first. The left end, which
// nobody looks at, may be very long.
func hops(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, rest := range slices.Backward(r.Header.Values("X-Forwarded-For")) {
			for comma := len(rest); comma >= 0; rest = rest[:max(comma, 0)] {
				comma = strings.LastIndexByte(rest, ',')
				if !yield(strings.TrimSpace(rest[comma+1:])) {
					return
				}
			}
		}
	}
}

// Trust reports whether r comes from a proxy that is believed.
func (p Proxies) Trust(r *http.Request) bool { return p.trust(parseAddr(r.RemoteAddr)) }

func (p Proxies) trust(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(addr) })
}

// parseAddr reads an address with or without a port. The zero Addr stands for what
// is neither, such as the peer of a Unix socket.
func parseAddr(s string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(s); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

func group(addr netip.Addr) netip.Addr {
	if addr.Is6() {
		prefix, err := addr.Prefix(64)
		if err == nil {
			return prefix.Addr()
		}
	}
	return addr
}
