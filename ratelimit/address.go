// Package ratelimit bounds how often one caller may ask: by address where nobody
// is known yet, by grant where somebody is.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package ratelimit

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the addresses of the reverse proxies whose X-Forwarded-For is
// believed. Nil believes nobody.
type Proxies []netip.Prefix

// Address returns the address that a request is counted under: the peer's, or, if
// the peer is a trusted proxy, the last one in X-Forwarded-For that is not. What
// stands left of that was written by the caller and may be anything. An IPv6
// address stands for its /64, which is what one household or server gets.
func (p Proxies) Address(r *http.Request) netip.Addr {
	client := parseAddr(r.RemoteAddr)
	if !p.trust(client) {
		return group(client)
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		addr := parseAddr(strings.TrimSpace(hop))
		if !addr.IsValid() {
			break
		}
		client = addr
		if !p.trust(addr) {
			break
		}
	}
	return group(client)
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
