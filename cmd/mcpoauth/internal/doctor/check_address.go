package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

func (x *exam) scheme(context.Context) result {
	if x.target.Scheme == "http" && !isLoopback(x.target.Hostname()) {
		return fail(x.url, "OAuth without TLS shows every token to the network: clients refuse, and browsers make no passkeys",
			"put TLS in front, with a reverse proxy or a tunnel, and give clients the https URL", everyone...)
	}
	return good("%s", plain(x.url))
}

func (x *exam) address(ctx context.Context) result {
	host := x.target.Hostname()
	if isLoopback(host) {
		x.private = true
		return skip("%s is this machine alone; hosted clients, such as Claude and ChatGPT, need a public https address", plain(host))
	}
	addrs, err := x.lookup(ctx, host)
	if err != nil {
		return skip("%s", explain(err)) // the server was reached: a proxy knows the name
	}
	seen := strings.Trim(fmt.Sprint(addrs), "[]")
	const why = "hosted clients call from their makers' clouds, and refuse names with inner or IPv6 addresses only"
	if i := slices.IndexFunc(addrs, func(a netip.Addr) bool { return !isPublic(a) }); i >= 0 {
		x.private = true
		return warn(seen, why, "for hosted clients, give the name public addresses only, for example by a tunnel; for clients on your own network all is well", hosted...)
	}
	if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap().Is4() }) {
		return fail(seen, why, "add an A record", Claude)
	}
	return good("%s", seen)
}

func (x *exam) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lookup := x.options.Lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	return lookup(ctx, "ip", host)
}

func (x *exam) certificate(ctx context.Context) result {
	if x.target.Scheme != "https" {
		return skip("there is no TLS")
	}
	if x.tlsErr == nil {
		return good("it is for %s", plain(x.target.Hostname()))
	}
	if isOldTLS(x.tlsErr) {
		return skip("no client of today gets as far as the certificate")
	}
	seen, cure := x.certificateFault(ctx)
	return fail(seen, "clients refuse the connection before they say a word", cure, everyone...)
}

// certificateFault says what is wrong with the certificate, and what to do.
func (x *exam) certificateFault(ctx context.Context) (seen, cure string) {
	if wrong, ok := errors.AsType[x509.HostnameError](x.tlsErr); ok {
		return "it is for " + quote(strings.Join(wrong.Certificate.DNSNames, ", ")) + " and not for " + quote(wrong.Host),
			"get a certificate for that name, or give clients a URL with a name that is on it"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](x.tlsErr); ok && invalid.Reason == x509.Expired {
		return "it is good from " + day(invalid.Cert.NotBefore) + " until " + day(invalid.Cert.NotAfter),
			"renew it, and see why that does not happen by itself; or set the clock, if that is wrong"
	}
	state := x.ask(ctx, http.MethodHead, x.origin()+resourcePath, "").tls
	if state != nil && len(state.PeerCertificates) > 0 {
		leaf := state.PeerCertificates[0]
		switch {
		case leaf.CheckSignatureFrom(leaf) == nil || leaf.Issuer.String() == leaf.Subject.String():
			return "it is signed by itself", "get one from a public authority, such as Let's Encrypt, or let a tunnel bring its own"
		case len(state.PeerCertificates) == 1:
			return "it comes alone, and its issuer " + quote(leaf.Issuer.CommonName) + " is not one that clients know",
				"have the server send the whole chain (fullchain.pem); browsers find the missing part, programs do not"
		}
	}
	return plain(x.tlsErr.Error()), "get one from a public authority, such as Let's Encrypt"
}

// renewal is when automatic renewal should have happened: a month before the end is
// usual for certificates of 90 days, a third of their life for shorter ones.
const renewal = 14 * 24 * time.Hour

func (x *exam) expiry(ctx context.Context) result {
	if x.target.Scheme != "https" || x.tlsErr != nil {
		return skip("there is no good certificate")
	}
	state := x.ask(ctx, http.MethodHead, x.origin()+resourcePath, "").tls
	if state == nil || len(state.PeerCertificates) == 0 {
		return skip("there was no certificate to see this time")
	}
	leaf := state.PeerCertificates[0]
	left, life := time.Until(leaf.NotAfter), leaf.NotAfter.Sub(leaf.NotBefore)
	if left < min(renewal, life/5) {
		return warn("it ends on "+day(leaf.NotAfter)+", in "+days(left), "after that no client connects", "renew it, and see why that does not happen by itself")
	}
	return good("until %s, for %s", day(leaf.NotAfter), days(left))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

func (x *exam) version(ctx context.Context) result {
	if x.target.Scheme != "https" {
		return skip("there is no TLS")
	}
	state := x.ask(ctx, http.MethodHead, x.origin()+resourcePath, "").tls
	switch {
	case state == nil:
		return skip("there was no connection to see this time")
	case state.Version < tls.VersionTLS12:
		return fail(tls.VersionName(state.Version), "clients refuse what is older", "switch TLS 1.2 and 1.3 on", everyone...)
	}
	return good("%s", tls.VersionName(state.Version))
}

func (x *exam) plainHTTP(ctx context.Context) result {
	if x.target.Scheme != "https" || x.target.Port() != "" && x.target.Port() != "443" {
		return skip("only a server on port 443 has a sibling on port 80")
	}
	a := x.ask(ctx, http.MethodGet, "http://"+x.target.Hostname()+"/", "")
	location, err := url.Parse(a.header.Get("Location"))
	switch {
	case a.err != nil:
		return good("nothing answers on port 80")
	case a.redirect() && err == nil && location.Scheme == "https" && location.Hostname() == x.target.Hostname():
		return good("%d to %s", a.status, quote(location.String()))
	case a.redirect():
		return warn(a.String(), "a person who types the name lands elsewhere", "redirect http to https of the same name")
	case a.status >= 400:
		return good("%d on port 80", a.status)
	}
	return warn(a.String()+" without TLS", "who types the name without https signs in where everybody can read along", "redirect port 80 to https")
}

func (x *exam) strictTransport(ctx context.Context) result {
	if x.target.Scheme != "https" {
		return skip("there is no TLS")
	}
	a := x.ask(ctx, http.MethodGet, x.origin()+"/", "")
	if a.header.Get("Strict-Transport-Security") == "" {
		return good("no Strict-Transport-Security, which the proxy could add; no client needs it")
	}
	return good("Strict-Transport-Security is there")
}
