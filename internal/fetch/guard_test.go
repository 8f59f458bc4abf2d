package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"

	"code.dny.dev/ssrf"
)

func TestNoInnerAddressIsDialled(t *testing.T) {
	for name, address := range map[string]string{
		"loopback":                         "127.0.0.1",
		"loopback, another":                "127.8.8.8",
		"loopback, IPv6":                   "::1",
		"unspecified":                      "0.0.0.0",
		"unspecified, IPv6":                "::",
		"this network":                     "0.1.2.3",
		"private, 10":                      "10.0.0.1",
		"private, 172.16":                  "172.16.0.1",
		"private, 172.31":                  "172.31.255.255",
		"private, 192.168":                 "192.168.1.1",
		"unique local":                     "fc00::1",
		"unique local, in use":             "fd12:3456:789a::1",
		"link-local":                       "169.254.1.1",
		"link-local, IPv6":                 "fe80::1",
		"site-local":                       "fec0::1",
		"carrier-grade NAT, Tailscale":     "100.64.0.1",
		"carrier-grade NAT, the end":       "100.127.255.255",
		"metadata, most clouds":            "169.254.169.254",
		"metadata, AWS on IPv6":            "fd00:ec2::254",
		"metadata, Google on IPv6":         "fd20:ce::254",
		"metadata, Alibaba":                "100.100.100.200",
		"metadata, Oracle":                 "192.0.0.192",
		"metadata, Azure":                  "168.63.129.16",
		"multicast":                        "224.0.0.251",
		"multicast, the end":               "239.255.255.250",
		"multicast, IPv6":                  "ff02::1",
		"multicast, IPv6, global":          "ff0e::1",
		"broadcast":                        "255.255.255.255",
		"reserved":                         "240.0.0.1",
		"documentation":                    "192.0.2.1",
		"documentation, IPv6":              "2001:db8::1",
		"documentation, IPv6, new":         "3fff::1",
		"benchmarking":                     "198.18.0.1",
		"mapped loopback":                  "::ffff:127.0.0.1",
		"mapped metadata":                  "::ffff:169.254.169.254",
		"mapped private":                   "::ffff:10.0.0.1",
		"compatible loopback":              "::127.0.0.1",
		"translated (SIIT) loopback":       "::ffff:0:127.0.0.1",
		"NAT64 loopback":                   "64:ff9b::7f00:1",
		"NAT64 metadata":                   "64:ff9b::a9fe:a9fe",
		"NAT64, local use":                 "64:ff9b:1::a00:1",
		"6to4 loopback":                    "2002:7f00:1::1",
		"6to4 private":                     "2002:a00:1::1",
		"Teredo":                           "2001:0:7f00:1::",
		"discard only":                     "100::1",
		"segment routing":                  "5f00::1",
		"IPv6 that is not given out (yet)": "4000::1",
	} {
		t.Run(name, func(t *testing.T) {
			addr := netip.MustParseAddr(address)
			dial := guarded(nil).DialContext
			for _, target := range []string{
				net.JoinHostPort(address, "443"),
				net.JoinHostPort(addr.String()+zone(addr), "443"),
			} {
				conn, err := dial(t.Context(), "tcp", target)
				if err == nil {
					conn.Close()
				}
				if !errors.Is(err, ssrf.ErrProhibitedIP) {
					t.Errorf("dialling %s: %v, want the guard's refusal", target, err)
				}
			}
		})
	}
}

// zone gives an IPv6 address an interface, by which it means the same.
func zone(addr netip.Addr) string {
	if addr.Is4() || addr.Is4In6() {
		return ""
	}
	return "%lo"
}

func TestPublicAddressesPassTheGuard(t *testing.T) {
	// Not by dialling: what is tested is that the list is not simply everything.
	guard := ssrf.New(ssrf.WithPorts(443), ssrf.WithDeniedV4Prefixes(wireServer))
	for _, address := range []string{"104.18.0.1", "172.64.0.1", "160.79.104.10", "2606:4700::1", "2a00:1450::1"} {
		if err := guard.SafeAddr(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestOnlyTheHTTPSPortIsDialled(t *testing.T) {
	for _, port := range []string{"22", "80", "8443", "6379"} {
		conn, err := guarded(nil).DialContext(t.Context(), "tcp", "8.8.8.8:"+port)
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, ssrf.ErrProhibitedPort) {
			t.Errorf("port %s: %v, want the guard's refusal", port, err)
		}
	}
}

func TestNoProxyComesBetweenTheGuardAndTheAddress(t *testing.T) {
	if guarded(nil).Proxy != nil {
		t.Error("the transport uses a proxy")
	}
}

func TestANameThatLeadsToAnInnerAddressIsNotReached(t *testing.T) {
	for name, address := range map[string]string{
		"loopback":              "127.0.0.1",
		"mapped loopback":       "::ffff:127.0.0.1",
		"NAT64 loopback":        "64:ff9b::7f00:1",
		"metadata":              "169.254.169.254",
		"metadata, AWS on IPv6": "fd00:ec2::254",
		"loopback, IPv6":        "::1",
		"private":               "192.168.0.10",
	} {
		t.Run(name, func(t *testing.T) {
			f := &Fetcher{Transport: guarded(nameServer(netip.MustParseAddr(address)))}
			failure := mustFail(t, f, "https://rebound.example/d", Unreachable, "could not be reached at a public address")
			if !errors.Is(failure, ssrf.ErrProhibitedIP) {
				t.Errorf("the dial failed with %v, want the guard's refusal", failure.Err)
			}
			if strings.Contains(failure.Reason, address) {
				t.Errorf("the reason tells where the name leads: %q", failure.Reason)
			}
		})
	}
}

func TestANameThatIsNotThereReadsLikeOneThatLeadsInside(t *testing.T) {
	inside := &Fetcher{Transport: guarded(nameServer(netip.MustParseAddr("10.0.0.1")))}
	nowhere := &Fetcher{Transport: guarded(nameServer())}
	const url = "https://db.corp.example/d"
	a := mustFail(t, inside, url, Unreachable, "")
	b := mustFail(t, nowhere, url, Unreachable, "")
	if a.Reason != b.Reason {
		t.Errorf("%q and %q tell a stranger which names there are inside", a.Reason, b.Reason)
	}
}

// One request of a stranger must not become thousands of connections.
func TestOnlyAFewAddressesOfANameAreTried(t *testing.T) {
	var many []netip.Addr
	for last := range byte(50) {
		many = append(many, netip.AddrFrom4([4]byte{10, 0, 0, last + 1}))
	}
	f := &Fetcher{Transport: guarded(nameServer(many...))}
	failure := mustFail(t, f, "https://everywhere.example/d", Unreachable, "")
	if n := strings.Count(failure.Err.Error(), "dial tcp"); n != maxAddresses {
		t.Errorf("%d addresses were tried, want %d: %v", n, maxAddresses, failure.Err)
	}
}

// nameServer returns a resolver for which every name has these addresses.
func nameServer(addresses ...netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for {
				// Over a stream, each message comes after its length (RFC 1035 §4.2.2).
				var length [2]byte
				if _, err := io.ReadFull(far, length[:]); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(length[:]))
				if _, err := io.ReadFull(far, query); err != nil {
					return
				}
				reply := resolve(query, addresses)
				far.Write(binary.BigEndian.AppendUint16(nil, uint16(len(reply))))
				far.Write(reply)
			}
		}()
		return near, nil
	}}
}

// resolve answers a DNS query for one name (RFC 1035 §4.1).
func resolve(query []byte, addresses []netip.Addr) []byte {
	const header, typeA, typeAAAA, classIN = 12, 1, 28, 1
	end := header
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	asked := binary.BigEndian.Uint16(query[end+1:])
	reply := append([]byte(nil), query[:end+5]...)
	reply[2], reply[3] = 0x84, 0x80                 // an answer with authority; recursion is available
	copy(reply[4:], []byte{0, 1, 0, 0, 0, 0, 0, 0}) // one question, and nothing yet
	for _, address := range addresses {
		kind := uint16(typeAAAA)
		if address.Is4() {
			kind = typeA
		}
		if kind != asked {
			continue
		}
		reply[7]++
		reply = append(reply, 0xc0, header) // the name of the question
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = binary.BigEndian.AppendUint16(reply, classIN)
		reply = binary.BigEndian.AppendUint32(reply, 0) // seconds to keep it: rebinding
		reply = binary.BigEndian.AppendUint16(reply, uint16(address.BitLen()/8))
		reply = append(reply, address.AsSlice()...)
	}
	return reply
}
