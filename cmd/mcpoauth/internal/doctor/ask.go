package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// patience is how long hosted Claude waits for discovery.
	patience = 10 * time.Second

	maxBody   = 256 << 10 // bytes of an answer that are read
	maxHeader = 64 << 10

	userAgent = "mcpoauth-doctor (+https://github.com/mcpoauth/mcpoauth)"

	// origin is the website that a client in a browser would come from.
	origin = "https://mcpoauth-doctor.example"
)

// An answer is what came back for one request; err says why nothing did.
type answer struct {
	err    error
	status int
	header http.Header
	body   []byte
	tls    *tls.ConnectionState
	took   time.Duration
	at     time.Time // half way between question and answer
}

// transport returns a way to the server that follows no redirect and decodes nothing,
// so that what is looked at is what was sent.
func (o Options) transport(verify bool) *http.Transport {
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: patience}).DialContext
	}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    patience,
		ResponseHeaderTimeout:  patience,
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	if !verify {
		// The certificate's fault is a finding by now, and nothing here is secret:
		// what else is wrong is worth knowing too.
		t.TLSClientConfig.InsecureSkipVerify = true
		t.TLSClientConfig.MinVersion = tls.VersionTLS10
	}
	return t
}

// ask sends a request with headers given as name, value, name, value...
func (x *exam) ask(ctx context.Context, method, target, body string, headers ...string) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	req.Header.Set("User-Agent", userAgent)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	began := time.Now()
	res, err := x.http.RoundTrip(req)
	if err != nil {
		return answer{err: err, took: time.Since(began)}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header, tls: res.TLS, took: time.Since(began)}
	a.at = began.Add(a.took / 2)
	if a.media() != "text/event-stream" { // which may never end
		a.body, a.err = io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	}
	if len(a.body) > maxBody {
		a.err = fmt.Errorf("an answer of more than %d KB", maxBody>>10)
	}
	return a
}

// metadata asks for a document as clients do.
func (x *exam) metadata(ctx context.Context, target string, headers ...string) answer {
	a := x.ask(ctx, http.MethodGet, target, "", append([]string{"Accept", "application/json", "MCP-Protocol-Version", "2025-11-25"}, headers...)...)
	if a.err == nil {
		x.took = append(x.took, a.took)
	}
	return a
}

// initialize is the first message of an MCP client.
const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"mcpoauth-doctor","version":"1"}}}`

// call is a request to the MCP endpoint, which has a body if method is POST.
func (x *exam) call(ctx context.Context, method, target string, headers ...string) answer {
	headers = append([]string{"Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2025-11-25"}, headers...)
	if method != http.MethodPost {
		return x.ask(ctx, method, target, "", headers...)
	}
	return x.ask(ctx, method, target, initialize, append(headers, "Content-Type", "application/json")...)
}

func (a answer) media() string {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

func (a answer) json() bool { return a.media() == "application/json" }

func (a answer) redirect() bool {
	return a.status >= 300 && a.status < 400 && a.status != http.StatusNotModified
}

// String describes the answer in a few words.
func (a answer) String() string {
	if a.err != nil {
		return explain(a.err)
	}
	said := fmt.Sprint(a.status)
	switch guard := a.botGuard(); {
	case guard != "":
		return said + ", a page of " + guard
	case a.redirect():
		return said + " to " + quote(a.header.Get("Location"))
	case len(a.body) > 0 || a.media() != "":
		if media := a.media(); media != "" {
			return said + " " + plain(media)
		}
		return said + " without a content type"
	}
	return said
}

// explain says in a few words why there is no answer.
func explain(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return plain("the name " + quote(dns.Name) + " is not found: " + dns.Err)
	}
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		return fmt.Sprintf("no answer within %d seconds", int(patience.Seconds()))
	}
	if errors.Is(err, io.EOF) {
		return "the connection was closed without an answer"
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return plain(err.Error())
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isCertificate reports whether err is about the server's certificate or its version
// of TLS: a finding, and no reason to stop.
func isCertificate(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	return verification || unknown || isOldTLS(err)
}

func isOldTLS(err error) bool {
	return strings.Contains(err.Error(), "protocol version")
}
