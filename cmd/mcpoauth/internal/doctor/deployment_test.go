package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	publicURL = "https://mcp.example.com"
	endpoint  = publicURL + "/mcp"
)

// A deployment is a real router, with something between it and its clients.
type deployment struct {
	config   mcpoauth.Config
	wrap     func(http.Handler) http.Handler // the proxy in front
	unwrap   func(http.Handler) http.Handler // what the router wraps
	certify  func(*authority) tls.Certificate
	port80   http.Handler
	address  string // that the doctor is given
	resolves []string
	oldTLS   bool
}

// start serves the deployment on this machine, and returns options with which the doctor
// finds it under its public name.
func (d deployment) start(t *testing.T) Options {
	t.Helper()
	handler := d.router(t)
	if d.wrap != nil {
		handler = d.wrap(handler)
	}
	ca := newAuthority(t)
	certificate := ca.good()
	if d.certify != nil {
		certificate = d.certify(ca)
	}
	front := httptest.NewUnstartedServer(handler)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.EnableHTTP2 = !d.oldTLS
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	if d.oldTLS {
		front.TLS.MinVersion, front.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	front.StartTLS()
	t.Cleanup(front.Close)
	port80 := d.port80
	if port80 == nil {
		port80 = http.RedirectHandler(publicURL+"/", http.StatusMovedPermanently)
	}
	sibling := httptest.NewServer(port80)
	t.Cleanup(sibling.Close)

	resolves := d.resolves
	if resolves == nil {
		resolves = []string{"203.0.113.7"}
	}
	return Options{
		RootCAs: ca.pool(),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			to := front
			if strings.HasSuffix(addr, ":80") {
				to = sibling
			}
			return new(net.Dialer).DialContext(ctx, network, to.Listener.Addr().String())
		},
		Lookup: func(context.Context, string, string) (addrs []netip.Addr, err error) {
			for _, s := range resolves {
				addrs = append(addrs, netip.MustParseAddr(s))
			}
			return addrs, nil
		},
	}
}

func (d deployment) router(t *testing.T) http.Handler {
	t.Helper()
	mcp := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
	}))
	backend := memory.New(memory.Options{})
	d.config.Store = backend
	d.config.Logger = slog.New(slog.DiscardHandler)
	if d.config.ServerURL == "" {
		d.config.ServerURL = publicURL
	}
	router, err := mcpoauth.BuildOAuthRouter(mcp, d.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		router.Close()
		backend.Close()
	})
	if d.unwrap != nil {
		mux := http.NewServeMux()
		mux.Handle("/", router)
		mux.Handle("/mcp", d.unwrap(mcp))
		return mux
	}
	return router
}

// An authority signs certificates, directly and by an intermediate.
type authority struct {
	t                  *testing.T
	root, intermediate signer
}

type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t}
	a.root = a.sign(signer{}, &x509.Certificate{Subject: pkix.Name{CommonName: "Test root"}, IsCA: true})
	a.intermediate = a.sign(a.root, &x509.Certificate{Subject: pkix.Name{CommonName: "Test intermediate"}, IsCA: true})
	return a
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root.certificate)
	return pool
}

// sign makes a certificate. Without a parent it signs itself; without dates, it is
// good from yesterday for 90 days.
func (a *authority) sign(parent signer, c *x509.Certificate) signer {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-24*time.Hour), time.Now().Add(89*24*time.Hour)
	}
	if c.IsCA {
		c.BasicConstraintsValid, c.KeyUsage = true, x509.KeyUsageCertSign
	}
	if parent.key == nil {
		parent = signer{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent.certificate, &key.PublicKey, parent.key)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return signer{made, key}
}

// chain is what a server sends: the first certificate with its key, and the others.
func chain(leaf signer, others ...signer) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{leaf.certificate.Raw}, PrivateKey: leaf.key}
	for _, other := range others {
		c.Certificate = append(c.Certificate, other.certificate.Raw)
	}
	return c
}

func leaf(names ...string) *x509.Certificate {
	return &x509.Certificate{Subject: pkix.Name{CommonName: names[0]}, DNSNames: names}
}

func (a *authority) good() tls.Certificate {
	return chain(a.sign(a.intermediate, leaf("mcp.example.com", "old.example.com")), a.intermediate)
}

func (a *authority) lasting(from, until time.Duration) tls.Certificate {
	c := leaf("mcp.example.com")
	c.NotBefore, c.NotAfter = time.Now().Add(from), time.Now().Add(until)
	return chain(a.sign(a.intermediate, c), a.intermediate)
}

// localhost serves a router by http on this machine, and returns its URL.
func localhost(t *testing.T) string {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	address := "http://localhost:" + at.Port()
	handler = deployment{config: mcpoauth.Config{ServerURL: address}}.router(t)
	return address
}
