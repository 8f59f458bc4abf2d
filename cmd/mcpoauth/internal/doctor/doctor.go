// Package doctor looks at a running MCP server from outside, as its clients will, and
// says what each of them would stumble over. It needs no credentials and changes
// nothing: it registers no client, and follows no redirect.
package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Options are for looking at a server that is not, or not yet, where its URL says.
// The zero value is the public internet.
type Options struct {
	RootCAs *x509.CertPool // if nil, the system's
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
	Lookup  func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// A Report is everything that was found.
type Report struct {
	URL      string        `json:"url"`      // that was asked for
	Endpoint string        `json:"endpoint"` // the MCP endpoint that was looked at
	Findings []Finding     `json:"findings"`
	Clients  []Verdict     `json:"clients"`
	Took     time.Duration `json:"-"`
}

// Count returns how many findings there are of a severity.
func (r Report) Count(s Severity) (n int) {
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Sound reports whether there is nothing to put right.
func (r Report) Sound() bool { return r.Count(Fail)+r.Count(Warning) == 0 }

// Examine looks at the server whose MCP endpoint, or origin, is at address. It calls
// each with every finding as it is made, and returns an error only if there is no
// server to look at. Checks that ctx leaves no time for are skipped.
func Examine(ctx context.Context, address string, o Options, each func(Finding)) (Report, error) {
	began := time.Now()
	x, err := begin(ctx, address, o)
	if err != nil {
		return Report{}, err
	}
	defer x.close()
	report := Report{URL: plain(address), Endpoint: plain(x.url)}
	for _, s := range sections {
		for _, c := range s.checks {
			r := skip("there was no time left for it")
			if ctx.Err() == nil {
				r = c.run(x, ctx)
			}
			f := Finding{s.name, c.id, c.what, r.severity, plain(r.seen), plain(r.why), plain(r.cure), r.clients}
			report.Findings = append(report.Findings, f)
			each(f)
		}
	}
	report.Clients = verdicts(report.Findings, x.private)
	report.Took = time.Since(began)
	return report, nil
}

// An exam is what is known of the server so far. Checks run in the order of their
// table, and leave here what later ones go on from.
type exam struct {
	options Options
	http    *http.Transport
	target  *url.URL // the MCP endpoint
	url     string   // the same, byte for byte as clients are given it
	tlsErr  error    // why clients refuse the certificate
	private bool     // out of reach for clients in other people's clouds

	unguarded bool   // requests get in without a token
	challenge bearer // of a request without one
	refusal   answer // the answer that has it
	resource  document
	server    document // of the authorization server
	took      []time.Duration
}

// begin finds the server and its endpoint.
func begin(ctx context.Context, address string, o Options) (*exam, error) {
	target, err := parse(address)
	if err != nil {
		return nil, err
	}
	x := &exam{options: o, target: target, url: address, http: o.transport(true)}
	first := x.metadata(ctx, x.origin()+resourcePath)
	if first.err != nil && isCertificate(first.err) {
		x.tlsErr = first.err
		x.close()
		x.http = o.transport(false)
		first = x.metadata(ctx, x.origin()+resourcePath)
	}
	if first.err != nil && first.status == 0 {
		x.close()
		return nil, fmt.Errorf("cannot reach %s: %s", plain(x.origin()), explain(first.err))
	}
	if target.Path == "" || target.Path == "/" {
		x.find(ctx, first.document(x.origin()+resourcePath))
	}
	return x, nil
}

func (x *exam) close() { x.http.CloseIdleConnections() }

// find looks for the endpoint of a server of which only the origin was given: at the
// origin itself, or at the path that its metadata names.
func (x *exam) find(ctx context.Context, root document) {
	if x.call(ctx, http.MethodPost, x.origin()+"/").status == http.StatusUnauthorized {
		return
	}
	path := "/mcp"
	if named, err := url.Parse(root.text("resource")); err == nil && root.there() && named.Path != "" {
		path = named.EscapedPath() // and not its host, which may be the very fault
	}
	if target, err := x.target.Parse(path); err == nil {
		x.target, x.url = target, target.String()
	}
}

func parse(address string) (*url.URL, error) {
	target, err := url.Parse(address)
	switch {
	case err != nil, target.Host == "", target.Opaque != "", target.Scheme != "http" && target.Scheme != "https":
		return nil, fmt.Errorf("%s is not the URL of an MCP server; use the form https://mcp.example.com/mcp", quote(address))
	case target.User != nil:
		return nil, fmt.Errorf("the URL has a user name or password in it, which no client sends; leave it out")
	case target.Fragment != "":
		return nil, fmt.Errorf("%s has a fragment, which no server gets to see; leave it out", quote(address))
	}
	return target, nil
}

func (x *exam) origin() string { return x.target.Scheme + "://" + x.target.Host }

// below returns where the metadata of a path is (RFC 8414 §3.1, RFC 9728 §3.1).
func below(wellKnown, path string) string {
	if path == "/" {
		path = ""
	}
	return wellKnown + path
}

const (
	resourcePath = "/.well-known/oauth-protected-resource"
	serverPath   = "/.well-known/oauth-authorization-server"
	openIDPath   = "/.well-known/openid-configuration"
)

// isLoopback reports whether host means the machine that asks.
func isLoopback(host string) bool {
	if host == "localhost" || len(host) > len(".localhost") && host[len(host)-len(".localhost"):] == ".localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// isPublic reports whether the address can be reached from anywhere.
func isPublic(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.IsGlobalUnicast() && !addr.IsPrivate() && !sharedSpace.Contains(addr)
}

// sharedSpace is what carriers and Tailscale use (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")
