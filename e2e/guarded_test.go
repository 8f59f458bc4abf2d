package e2e

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// startFixture runs the Go SDK's server for the conformance suite, which has an
// example of everything that the protocol knows, and returns its address.
func startFixture(t *testing.T, args ...string) *url.URL {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "everything-server")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "github.com/modelcontextprotocol/go-sdk/conformance/everything-server")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the fixture: %v\n%s", err, out)
	}
	addr := freeAddr(t)
	fixture := exec.Command(binary, append(args, "-http", addr)...)
	fixture.Stdout, fixture.Stderr = t.Output(), t.Output()
	if err := fixture.Start(); err != nil {
		t.Fatal("starting the fixture:", err)
	}
	t.Cleanup(func() {
		_ = fixture.Process.Kill() // it may have ended
		_ = fixture.Wait()
	})
	eventually(t, "the fixture to listen", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return &url.URL{Scheme: "http", Host: addr, Path: "/mcp"}
}

// freeAddr returns an address at which nobody listens, for programs that cannot
// choose one themselves.
func freeAddr(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(realserver.FreePort(t)))
}

// guard serves what is at upstream behind the library, as an operator does who
// cannot change that server.
func guard(t *testing.T, upstream *url.URL) *server {
	t.Helper()
	const setupToken = "a-token-of-the-owner-0123456789abcdef"
	guarded := httptest.NewUnstartedServer(nil)
	t.Cleanup(guarded.Close)
	s := &server{t: t, url: strings.Replace("http://"+guarded.Listener.Addr().String(), "127.0.0.1", "localhost", 1)}
	s.setupLink = s.url + "/passkey/register#setup_token=" + setupToken
	router, err := mcpoauth.BuildOAuthRouter(forward(s.url, upstream), mcpoauth.Config{
		ServerURL:  s.url,
		SetupToken: setupToken,
		Store:      memory.New(memory.Options{}),
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal("guarding the fixture:", err)
	}
	t.Cleanup(func() { _ = router.Close() })
	guarded.Config.Handler = router
	guarded.Start()
	return s
}

// forward sends requests for one server to another, and names it in Host and Origin
// where they name the first. Other names pass: the fixture has to refuse them (DNS
// rebinding).
func forward(from string, to *url.URL) http.Handler {
	own := strings.TrimPrefix(from, "http://")
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			if r.Out.Host == own {
				r.Out.Host = to.Host
			}
			if r.Out.Header.Get("Origin") == from {
				r.Out.Header.Set("Origin", "http://"+to.Host)
			}
		},
		FlushInterval: -1, // events go out as they come
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// With full duplex nobody else closes a body that the fixture left unread, and
		// the next request on the connection fails (golang/go#68560).
		defer r.Body.Close()
		// Otherwise the HTTP server closes the request's body when the answer
		// begins, which the proxy's transport, if it is still looking for the
		// body's end, takes for a failure and hangs up in the midst of the answer.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// withToken is a server that sends requests on with an access token, for clients
// that know nothing of authorization.
func withToken(t *testing.T, s *server, token string) *url.URL {
	t.Helper()
	proxy := httptest.NewUnstartedServer(nil)
	t.Cleanup(proxy.Close)
	own := "http://" + proxy.Listener.Addr().String()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	forward := forward(own, to)
	proxy.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Authorization", "Bearer "+token)
		forward.ServeHTTP(w, r)
	})
	proxy.Start()
	return &url.URL{Scheme: "http", Host: strings.TrimPrefix(own, "http://"), Path: "/mcp"}
}
