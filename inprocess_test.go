package mcpoauth_test

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// unlimited is for tests that ask more often than anybody honest does.
var unlimited = mcpoauth.RateLimits{Auth: -1, Registration: -1, General: -1}

// madeToken stands in Config.SetupToken for one that the server makes.
const madeToken = "made"

// serve is start without rate limits.
func serve(t *testing.T, cfg mcpoauth.Config) *server {
	t.Helper()
	return serveWith(t, cfg, http.HandlerFunc(showIdentity))
}

func serveWith(t *testing.T, cfg mcpoauth.Config, mcp http.Handler) *server {
	t.Helper()
	cfg.RateLimits = unlimited
	s := startWith(t, cfg, mcp)
	s.credential = newCredential()
	return s
}

// owned is a server that has its owner.
func owned(t *testing.T) *server {
	t.Helper()
	s := serve(t, mcpoauth.Config{})
	s.setUp()
	return s
}

// newCredential returns a credential whose public key has coordinates of 32 bytes.
// virtualwebauthn drops leading zeros, which 1 key in 128 has and WebAuthn forbids.
func newCredential() virtualwebauthn.Credential {
	const cosePublicKey = 77 // bytes of one of P-256
	for {
		credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(credential.Key.AttestationData()) == cosePublicKey {
			return credential
		}
	}
}

// inProcess is start without a network and without rate limits: requests go straight into
// the Router. It runs in a synctest bubble, where a day passes at once, and lets a
// test close the Router and build it again.
func inProcess(t *testing.T, cfg mcpoauth.Config) (*server, *mcpoauth.Router) {
	t.Helper()
	return inProcessWith(t, cfg, http.HandlerFunc(showIdentity))
}

func inProcessWith(t *testing.T, cfg mcpoauth.Config, mcp http.Handler) (*server, *mcpoauth.Router) {
	t.Helper()
	s := &server{t: t, url: serverURL, logs: new(safeBuffer)}
	cfg.ServerURL = serverURL
	if cfg.SetupToken = cmp.Or(cfg.SetupToken, setupToken); cfg.SetupToken == madeToken {
		cfg.SetupToken = ""
	}
	cfg.RateLimits = unlimited
	cfg.Logger = slog.New(slog.NewJSONHandler(s.logs, nil))
	if cfg.Store == nil && cfg.StateFile == "" {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		cfg.Store = backend
	}
	router, err := mcpoauth.BuildOAuthRouter(mcp, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	})
	s.http = &http.Client{
		Transport:     straight{router},
		Jar:           newJar(t),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	s.credential = newCredential()
	return s, router
}

// straight is an http.RoundTripper that calls a handler.
type straight struct{ handler http.Handler }

func (s straight) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.Host, in.RequestURI, in.RemoteAddr = r.URL.Host, r.URL.RequestURI(), "192.0.2.1:1234"
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	out := httptest.NewRecorder()
	s.handler.ServeHTTP(out, in)
	return out.Result(), nil
}

func newJar(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}
