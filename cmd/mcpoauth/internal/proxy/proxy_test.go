package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/proxy"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	publicURL = "https://mcp.example.com"
	clientID  = "https://client.example/metadata"
	ownerName = "Zoë\r\nMcpoauth-User-Id: x"
	verifier  = "a-verifier.of_the~tests-0123456789-0123456789"

	upstreamSecret = "Bearer the-upstreams-own-secret"

	// patience is how long a test waits for what must happen.
	patience = 30 * time.Second
)

// A front is the proxy before an upstream, with a client that has a token.
type front struct {
	t     *testing.T
	url   string
	token string
	grant string // of the token
	key   string // an API key
	logs  *buffer
	stop  func() // waits for the requests under way
}

// before starts the proxy before an upstream at address.
func before(t *testing.T, address string) *front {
	t.Helper()
	f := &front{t: t, logs: new(buffer)}
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	log := slog.New(slog.NewJSONHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	up := proxy.Upstream{
		URL: parse(t, address), Header: http.Header{"Authorization": {upstreamSecret}, "X-Api-Key": {"the-upstreams-own-key"}, "X_tenant": {"the-upstreams-own-tenant"}},
		Path: "/mcp", Public: parse(t, publicURL), Log: log,
		Proxies: ratelimit.Proxies{netip.MustParsePrefix("127.0.0.0/8")},
	}
	router, err := mcpoauth.BuildOAuthRouter(up.Handler(), mcpoauth.Config{
		ServerURL: publicURL, Store: backend, Logger: log, SetupToken: "a-setup-token-for-the-tests",
		Scopes:    []mcpoauth.Scope{{Name: "notes:read"}, {Name: "notes:write"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"notes:read"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	f.url, f.stop = server.URL, server.Close
	f.connect(store.New(backend, store.Lifetimes{}))
	return f
}

// connect gets the client its token, as the approval page and /token do.
func (f *front) connect(st *store.Store) {
	f.t.Helper()
	if err := st.CreateOwner(f.t.Context(), store.User{Name: ownerName, Handle: store.NewUserHandle(store.OwnerID)}); err != nil {
		f.t.Fatal(err)
	}
	client := &store.Client{ID: clientID, RedirectURIs: []string{"https://client.example/callback"}}
	code, err := st.Approve(f.t.Context(), store.Approval{
		UserID: store.OwnerID, UserName: ownerName, Client: client, RedirectURI: client.RedirectURIs[0], Resource: publicURL + "/mcp",
		Scopes: []string{"notes:read"}, Challenge: secret.S256(verifier),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	tokens, err := st.ConsumeCode(f.t.Context(), store.Redemption{
		Code: code, ClientID: client.ID, Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.token, f.grant = tokens.Access, tokens.Grant.ID
	f.key, _, err = st.CreateKey(f.t.Context(), store.NewKey{
		UserID: store.OwnerID, Name: "Nightly build", Resource: publicURL + "/mcp", Scopes: []string{"notes:read"}, Life: time.Hour,
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// request makes a request of the client, with headers as name, value, name, value...
// Names are sent as they are spelt.
func (f *front) request(ctx context.Context, method, path string, body io.Reader, headers ...string) *http.Request {
	f.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, f.url+path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+f.token)
	for i := 0; i < len(headers); i += 2 {
		req.Header[headers[i]] = append(req.Header[headers[i]], headers[i+1])
	}
	return req
}

// do sends a request and reads the answer.
func (f *front) do(req *http.Request) (*http.Response, string) {
	f.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return res, string(body)
}

func (f *front) call(path string, headers ...string) (*http.Response, string) {
	f.t.Helper()
	return f.do(f.request(f.t.Context(), "POST", path, strings.NewReader("{}"), headers...))
}

// An upstream answers with handler, and remembers the last request that it got.
type upstream struct {
	url string

	mu   sync.Mutex // guards the rest
	last *http.Request
	body []byte
}

func serve(t *testing.T, handler http.HandlerFunc) *upstream {
	t.Helper()
	u := new(upstream)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil && r.Context().Err() == nil {
			t.Error(err)
		}
		u.mu.Lock()
		u.last, u.body = r.Clone(context.Background()), body
		u.mu.Unlock()
		if handler != nil {
			handler(w, r)
		}
	}))
	t.Cleanup(server.Close)
	u.url = server.URL + "/api/mcp"
	return u
}

func (u *upstream) got() (*http.Request, []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last, u.body
}

func TestTheUpstreamIsToldWhoIsCalling(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	if res, body := f.call("/mcp"); res.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", res.StatusCode, body)
	}
	got, _ := up.got()
	for name, want := range map[string]string{
		proxy.UserID:        store.OwnerID,
		proxy.UserName:      "Zo%C3%AB%0D%0AMcpoauth-User-Id:%20x",
		proxy.ClientID:      clientID,
		proxy.GrantID:       f.grant,
		proxy.Resource:      publicURL + "/mcp",
		proxy.Scopes:        "notes:read",
		"X-Forwarded-Host":  "mcp.example.com",
		"X-Forwarded-Proto": "https",
		"X-Forwarded-For":   "127.0.0.1",
	} {
		if values := got.Header.Values(name); !slices.Equal(values, []string{want}) {
			t.Errorf("%s is %q, want %q", name, values, want)
		}
	}
	if values, there := got.Header[proxy.KeyName]; there {
		t.Errorf("it is no API key, and %s is %q", proxy.KeyName, values)
	}
	if got.Host != parse(t, up.url).Host {
		t.Errorf("Host is %q", got.Host)
	}
}

func TestTheUpstreamIsToldOfAnAPIKeyByItsName(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	req := f.request(t.Context(), "POST", "/mcp", strings.NewReader("{}"), proxy.ClientID, "mallory")
	req.Header.Set("Authorization", "Bearer "+f.key)
	if res, body := f.do(req); res.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s", res.StatusCode, body)
	}
	got, _ := up.got()
	if _, there := got.Header[proxy.ClientID]; there || got.Header.Get(proxy.KeyName) != "Nightly%20build" || got.Header.Get(proxy.UserID) != store.OwnerID {
		t.Errorf("got %v", got.Header)
	}
}

func TestNoCallerCanForgeWhoIsCalling(t *testing.T) {
	for _, forged := range [][]string{
		{"Mcpoauth-User-Id", "mallory"},
		{"mcpoauth-user-id", "mallory"},
		{"MCPOAUTH-USER-ID", "mallory"},
		{"Mcpoauth_User_Id", "mallory"},
		{"MCPOAUTH_USER_ID", "mallory"},
		{"Mcpoauth-User_Id", "mallory"},
		{"mcpoauth.user.id", "mallory"},
		{"mcpoauth-User~Id", "mallory"},
		{"Mcpoauth-Scopes", "mallory", "Mcpoauth_Scopes", "mallory"},
		{"Mcpoauth-Anything-Else", "mallory"},
		{"Mcpoauth-User-Id", "", "Mcpoauth-User-Id", "mallory"},
		{"Connection", "Mcpoauth-User-Id, mcpoauth-scopes, close"},
		{"Connection", "Mcpoauth-User-Id", "Mcpoauth-User-Id", "mallory"},
		{"X-Forwarded-User", "mallory", "X-Forwarded-Email", "mallory", "X_Forwarded_For", "mallory", "X-Forwarded-Groups", "mallory"},
		{"X-Forwarded-Host", "mallory", "X-Forwarded-Proto", "mallory", "X-Forwarded-Port", "mallory", "X-Forwarded-Prefix", "mallory", "Forwarded", "for=mallory"},
		{"Remote-User", "mallory", "X-Remote-User", "mallory", "REMOTE_USER", "mallory", "X-Auth-Request-User", "mallory", "X-Real-Ip", "mallory"},
		{"Tailscale-User-Login", "mallory", "Cf-Access-Authenticated-User-Email", "mallory", "X-Ms-Client-Principal-Name", "mallory"},
		{"Upgrade", "mallory", "Connection", "Upgrade"},
		{"X-Api-Key", "mallory"},
		{"X-Forwarded", "mallory", "Client-Ip", "mallory", "X-Client-Ip", "mallory", "X-Cluster-Client-Ip", "mallory"},
		{"X-Ssl-Client-Verify", "mallory", "Ssl-Client-S-Dn", "mallory", "X-Client-Cert", "mallory"},
		{"X-User", "mallory", "X-User-Id", "mallory", "X-Username", "mallory"},
		{"X-Url", "mallory", "X-Http-Method-Override", "mallory", "X-Http-Method", "mallory", "X-Method-Override", "mallory", "Proxy", "mallory"},
		{"X-Host", "mallory", "X-Rewrite-Url", "mallory", "X-Original-Url", "mallory", "Via", "1.1 mallory", "True-Client-Ip", "mallory", "Cookie2", "mallory"},
		{"X-Authenticated-User", "mallory", "X-Webauth-User", "mallory", "X-Goog-Authenticated-User-Email", "mallory", "X-Goog-Iap-Jwt-Assertion", "mallory"},
		{"X-Authentik-Username", "mallory", "X-Authentik-Groups", "mallory"},
		{"X-Pomerium-Claim-Email", "mallory", "X-Pomerium-Jwt-Assertion", "mallory"},
		{"X-Consumer-Username", "mallory", "X-Credential-Identifier", "mallory"}, // Kong
		{"X-Vouch-User", "mallory", "X-Vouch-Idp-Claims-Groups", "mallory"},
		{"X-Token-Subject", "mallory", "X-Jwt-Payload", "mallory", "X-Email", "mallory", "X-Okta-User", "mallory"},
		{"X-Endpoint-Api-Userinfo", "mallory", "X-Apigateway-Api-Userinfo", "mallory", "X-Appengine-User-Email", "mallory"},
		{"Cf-Connecting-Ip", "mallory", "Cf-Ipcountry", "mallory", "Fly-Client-Ip", "mallory"},
		{"X-Envoy-External-Address", "mallory", "X-Envoy-Original-Path", "mallory", "X-Envoy-Internal", "mallory"},
		{"Client-Cert", "mallory", "Client-Cert-Chain", "mallory", "X-Tls-Client-Subject", "mallory", "X-Amzn-Mtls-Clientcert", "mallory", "X-Amzn-Oidc-Identity", "mallory"},
		{"Script-Name", "mallory", "X-Script-Name", "mallory", "X-Scheme", "mallory", "SCRIPT_NAME", "mallory"},
		{"Http-Method-Override", "mallory", "X-Method", "mallory"},
		{"X-Sendfile-Type", "mallory", "X-Accel-Mapping", "mallory", "X-Accel-Redirect", "mallory"}, // Rack and nginx
		{"Cookie", "session=mallory", "Origin", "https://mallory.example", "Referer", "https://mallory.example/", "Sec-Fetch-Site", "mallory"},
	} {
		t.Run(strings.Join(forged, " "), func(t *testing.T) {
			up := serve(t, nil)
			f := before(t, up.url)
			res, body := f.call("/mcp", forged...)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("got %d %s", res.StatusCode, body)
			}
			got, _ := up.got()
			if said := fmt.Sprint(got.Header); strings.Contains(said, "mallory") {
				t.Errorf("it gets through: %s", said)
			}
			if user, scopes := got.Header.Values(proxy.UserID), got.Header.Values(proxy.Scopes); !slices.Equal(user, []string{store.OwnerID}) || !slices.Equal(scopes, []string{"notes:read"}) {
				t.Errorf("the user is %q, with %q", user, scopes)
			}
		})
	}
}

func TestTheHeadersThatMCPClientsSendArrive(t *testing.T) {
	up := serve(t, nil)
	sent := []string{
		"Accept", "Accept-Language", "Content-Type", "Content-Language", "Last-Event-Id", "Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region",
		"User-Agent", "Traceparent", "Tracestate", "Baggage", "X-Request-Id",
	}
	var headers []string
	for _, name := range sent {
		headers = append(headers, name, "a value")
	}
	before(t, up.url).call("/mcp", headers...)
	got, _ := up.got()
	for _, name := range sent {
		if values := got.Header.Values(name); !slices.Equal(values, []string{"a value"}) {
			t.Errorf("%s arrives as %q", name, values)
		}
	}
}

// By hand, because Go's client announces trailers in its own way.
func TestATrailerForgesNothing(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	conn, err := net.Dial("tcp", parse(t, f.url).Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\nTrailer: Mcpoauth-User-Id\r\n\r\n"+
		"2\r\n{}\r\n0\r\nMcpoauth-User-Id: mallory\r\n\r\n", f.token)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, body := up.got()
	if res.StatusCode != http.StatusOK || len(got.Trailer) != 0 || string(body) != "{}" {
		t.Errorf("got %d, trailers %v, body %s", res.StatusCode, got.Trailer, body)
	}
}

func TestTheCallersTokenStaysHereAndTheUpstreamsCredentialsThere(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "inner/1.0")
		w.Header().Set("Set-Cookie", "session=1; Path=/")
		w.Header().Set("X-Powered-By", "Express")
		w.Header().Set("Strict-Transport-Security", "max-age=1")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Credentials", "true")
		w.Header().Set("Mcp-Session-Id", "session")
		io.WriteString(w, `{}`)
	})
	f := before(t, up.url)
	res, body := f.call("/mcp", "Origin", "https://page.example")
	got, _ := up.got()
	if values := got.Header.Values("Authorization"); !slices.Equal(values, []string{upstreamSecret}) || !slices.Equal(got.Header.Values("X-Api-Key"), []string{"the-upstreams-own-key"}) {
		t.Errorf("the upstream gets %q", values)
	}
	if said := fmt.Sprint(got.Header); strings.Contains(said, f.token) {
		t.Error("the upstream gets the token")
	}
	for _, name := range []string{"Server", "Set-Cookie", "X-Powered-By", "Strict-Transport-Security", "Access-Control-Allow-Credentials"} {
		if value := res.Header.Get(name); value != "" {
			t.Errorf("%s is passed on: %s", name, value)
		}
	}
	if values := res.Header.Values("Access-Control-Allow-Origin"); !slices.Equal(values, []string{"*"}) || res.Header.Get("Mcp-Session-Id") != "session" {
		t.Errorf("the answer is %v", res.Header)
	}
	everything := fmt.Sprint(res.Header) + body + f.logs.String()
	if strings.Contains(everything, "upstreams-own") || strings.Contains(f.logs.String(), f.token) {
		t.Errorf("a secret got out: %s", everything)
	}
}

// The approval's pages and cookies are on the same origin.
func TestNoHeaderOfTheUpstreamActsOnTheOrigin(t *testing.T) {
	names := []string{
		"Accept-CH", "Access-Control-Allow-Credentials", "Access-Control-Anything-Else", "Alt-Svc", "Clear-Site-Data", "NEL", "Proxy-Authenticate", "Public-Key-Pins", "Refresh",
		"Report-To", "Reporting-Endpoints", "Server", "Service-Worker-Allowed", "Set-Cookie", "Set-Cookie2", "Set-Login", "Strict-Transport-Security", "Use-As-Dictionary",
		"WWW-Authenticate", "X-Powered-By",
	}
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range names {
			w.Header().Set(name, "mallory")
		}
		w.Header().Set("X-Good", "good")
	})
	res, _ := before(t, up.url).call("/mcp")
	for name, values := range res.Header {
		if slices.Contains(values, "mallory") {
			t.Errorf("%s is passed on", name)
		}
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Good") != "good" {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
}

func TestNobodyWithoutATokenReachesTheUpstream(t *testing.T) {
	up := serve(t, nil)
	f := before(t, up.url)
	for _, path := range []string{"/mcp", "/mcp/", "/mcp/x", "/api/mcp", "/"} {
		req := f.request(t.Context(), "POST", path, strings.NewReader("{}"))
		req.Header.Set("Authorization", "Bearer mallory")
		if res, _ := f.do(req); res.StatusCode < 400 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	// Nor by a mistake in the wiring.
	bare := proxy.Upstream{URL: parse(t, up.url), Path: "/mcp", Public: parse(t, publicURL), Log: slog.New(slog.DiscardHandler)}.Handler()
	w := httptest.NewRecorder()
	bare.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/mcp", nil))
	if got, _ := up.got(); got != nil || w.Code != http.StatusBadGateway {
		t.Errorf("it was reached: %v, %d", got, w.Code)
	}
}

func TestPathsAndQueriesLandBelowTheUpstreamsEndpoint(t *testing.T) {
	up := serve(t, nil)
	for _, test := range []struct{ base, path, want string }{
		{up.url, "/mcp", "/api/mcp"},
		{up.url, "/mcp?a=1&b=%2F", "/api/mcp?a=1&b=%2F"},
		{up.url, "/mcp/", "/api/mcp/"},
		{up.url, "/mcp/x/y", "/api/mcp/x/y"},
		{up.url, "/mcp/x%2Fy", "/api/mcp/x/y"},
		{strings.TrimSuffix(up.url, "/api/mcp") + "/mcp", "/mcp/x%2Fy", "/mcp/x/y"},
		{up.url, "/%6Dcp", "/api/mcp"},
		{up.url + "/", "/mcp", "/api/mcp/"},
		{up.url + "/", "/mcp/x", "/api/mcp/x"},
		{strings.TrimSuffix(up.url, "/api/mcp"), "/mcp/x", "/x"},
	} {
		f := before(t, test.base)
		if res, body := f.call(test.path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", test.path, res.StatusCode, body)
			continue
		}
		if got, _ := up.got(); got.URL.RequestURI() != test.want {
			t.Errorf("%s before %s became %s, want %s", test.path, test.base, got.URL.RequestURI(), test.want)
		}
	}
	f := before(t, up.url)
	for _, path := range []string{"/mcp/../admin", "/mcp/%2e%2e/admin", "/mcp/..%2fadmin", "/mcp//admin"} {
		if res, _ := f.call(path); res.StatusCode != http.StatusNotFound {
			got, _ := up.got()
			t.Errorf("%s: %d, at %s", path, res.StatusCode, got.URL)
		}
	}
}

func TestEventsArriveAsTheyHappen(t *testing.T) {
	const first, last = "data: first\n\n", "data: second\n\n"
	for name, test := range map[string]struct{ method, media, length string }{
		"a stream that is opened":        {"GET", "text/event-stream", ""},
		"a stream that answers":          {"POST", "text/event-stream", ""},
		"an answer whose length is said": {"POST", "application/json", strconv.Itoa(len(first + last))},
	} {
		t.Run(name, func(t *testing.T) {
			second := make(chan struct{})
			up := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", test.media)
				if test.length != "" {
					w.Header().Set("Content-Length", test.length)
				}
				io.WriteString(w, first)
				http.NewResponseController(w).Flush()
				select {
				case <-second:
				case <-r.Context().Done():
					return
				}
				io.WriteString(w, last)
			})
			f := before(t, up.url)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			res, err := http.DefaultClient.Do(f.request(ctx, test.method, "/mcp", strings.NewReader("{}"), "Accept-Encoding", "gzip"))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got := make([]byte, len(first))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != first || res.Header.Get("Content-Type") != test.media {
				t.Fatalf("got %q, %v", got, err)
			}
			close(second) // the upstream waits for it: the first event did not wait for the second
			if got, err := io.ReadAll(res.Body); err != nil || string(got) != last {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestTheUpstreamLearnsThatTheCallerHasGone(t *testing.T) {
	for name, test := range map[string]struct {
		method string
		begun  bool // the answer has
	}{
		"from an open stream":     {"GET", true},
		"from an answer":          {"POST", true},
		"before there was answer": {"POST", false},
	} {
		t.Run(name, func(t *testing.T) {
			reached, gone := make(chan struct{}), make(chan struct{})
			up := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if test.begun {
					http.NewResponseController(w).Flush()
				}
				close(reached)
				<-r.Context().Done()
				close(gone)
			})
			f := before(t, up.url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var waiting sync.WaitGroup
			waiting.Go(func() {
				if res, err := http.DefaultClient.Do(f.request(ctx, test.method, "/mcp", strings.NewReader("{}"))); err == nil {
					<-ctx.Done()
					res.Body.Close()
				}
			})
			for _, step := range []chan struct{}{reached, gone} {
				select {
				case <-step:
					cancel()
				case <-time.After(patience):
					t.Fatal("it never did")
				}
			}
			waiting.Wait()
			f.stop()
			if strings.Contains(f.logs.String(), "ERROR") {
				t.Errorf("that is no error: %s", f.logs)
			}
		})
	}
}

func TestAnUpstreamThatIsDownIsTroubleThatPasses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	f := before(t, "http://"+address+"/mcp") // starting needs no upstream
	res, body := f.call("/mcp", "Origin", "https://page.example")
	var message struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Error   struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(body), &message); err != nil || message.Version != "2.0" || message.ID != nil || message.Error.Code != -32603 || message.Error.Message == "" {
		t.Errorf("the body is %s (%v)", body, err)
	}
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("got %d %v", res.StatusCode, res.Header)
	}
	if strings.Contains(body, address) {
		t.Errorf("the caller is told where it is: %s", body)
	}
	if !strings.Contains(f.logs.String(), `"upstream.unreachable"`) || strings.Contains(f.logs.String(), "upstreams-own") {
		t.Errorf("the log is %s", f.logs)
	}

	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ReadHeaderTimeout: patience}
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Close()
	if res, body := f.call("/mcp"); res.StatusCode != http.StatusOK {
		t.Errorf("it is up again: %d %s", res.StatusCode, body)
	}
}

// An upstream knows nothing of our tokens: what it says about its own must not have
// a client throw ours away, or lead it inside.
func TestWhatTheUpstreamRefusesIsNoBusinessOfTheClients(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header []string
		want   int
		event  string
	}{
		"401":             {401, []string{"WWW-Authenticate", `Bearer resource_metadata="http://127.0.0.1:3000/x"`}, 502, "upstream.refused"},
		"401, bare":       {401, nil, 502, "upstream.refused"},
		"403":             {403, nil, 502, "upstream.refused"},
		"403, Basic":      {403, []string{"WWW-Authenticate", `Basic realm="insufficient_scope"`}, 502, "upstream.refused"},
		"407":             {407, []string{"Proxy-Authenticate", "Basic"}, 502, "upstream.refused"},
		"a redirect":      {307, []string{"Location", "http://127.0.0.1:3000/mcp/"}, 502, "upstream.redirected"},
		"another session": {404, nil, 404, ""},
		"a bad request":   {400, []string{"WWW-Authenticate", "Bearer"}, 400, ""},
		"too many":        {429, []string{"Retry-After", "7"}, 429, ""},
		"its own trouble": {500, nil, 500, ""},
		"accepted":        {202, nil, 202, ""},
	} {
		t.Run(name, func(t *testing.T) {
			up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i < len(test.header); i += 2 {
					w.Header().Set(test.header[i], test.header[i+1])
				}
				w.WriteHeader(test.status)
			})
			f := before(t, up.url)
			res, body := f.call("/mcp", "Origin", "https://page.example")
			if res.StatusCode != test.want || res.Header.Get("WWW-Authenticate") != "" || res.Header.Get("Location") != "" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("got %d %v %s", res.StatusCode, res.Header, body)
			}
			if logged := strings.Contains(f.logs.String(), `"upstream.`); logged != (test.event != "") || !strings.Contains(f.logs.String(), test.event) {
				t.Errorf("the log is %s", f.logs)
			}
			if test.status == 429 && res.Header.Get("Retry-After") != "7" {
				t.Error("Retry-After is lost")
			}
		})
	}
}

func TestAStatusThatIsNoneIsTheUpstreamsTrouble(t *testing.T) {
	for _, status := range []string{"000", "007", "099"} {
		f := before(t, answering(t, "HTTP/1.1 "+status+" Odd\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
		if res, body := f.call("/mcp"); res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "-32603") || !strings.Contains(f.logs.String(), `"upstream.broken"`) {
			t.Errorf("%s: got %d %s, and the log is %s", status, res.StatusCode, body, f.logs)
		}
	}
}

func TestAnUpstreamCanAskForMoreScopes(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="notes:write", resource_metadata="http://inside/"`)
		w.WriteHeader(http.StatusForbidden)
	})
	res, _ := before(t, up.url).call("/mcp")
	got := res.Header.Get("WWW-Authenticate")
	if res.StatusCode != http.StatusForbidden || !strings.HasPrefix(got, `Bearer error="insufficient_scope"`) || strings.Contains(got, "inside") ||
		!strings.Contains(got, `scope="notes:read notes:write"`) || !strings.Contains(got, publicURL+"/.well-known/oauth-protected-resource/mcp") {
		t.Errorf("got %d %s", res.StatusCode, got)
	}
}

func TestAnInterimAnswerCostsTheRealOneNothing(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "early=1")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Set-Cookie")
		io.WriteString(w, "{}")
	})
	res, body := before(t, up.url).call("/mcp", "Origin", "https://page.example")
	if res.StatusCode != http.StatusOK || body != "{}" || res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Set-Cookie") != "" {
		t.Errorf("got %d %v %s", res.StatusCode, res.Header, body)
	}
}

// By then nothing looks at the header any more, and some clients take one for the other.
func TestNoTrailerOfTheUpstreamIsPassedOn(t *testing.T) {
	for name, announced := range map[string]string{
		"announced":   "Trailer: Set-Cookie, Www-Authenticate, Strict-Transport-Security, Access-Control-Allow-Origin, X-Sum\r\n",
		"unannounced": "",
	} {
		t.Run(name, func(t *testing.T) {
			address := answering(t, "HTTP/1.1 200 OK\r\nConnection: close\r\n"+announced+"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"+
				"Set-Cookie: mallory=1\r\nWww-Authenticate: Bearer mallory\r\nStrict-Transport-Security: mallory\r\nAccess-Control-Allow-Origin: mallory\r\nX-Sum: mallory\r\n\r\n")
			res, body := before(t, address).call("/mcp")
			if res.StatusCode != http.StatusOK || body != "{}" || len(res.Trailer) != 0 || strings.Contains(fmt.Sprint(res.Header), "mallory") {
				t.Errorf("got %d %s with %v and the trailers %v", res.StatusCode, body, res.Header, res.Trailer)
			}
		})
	}
}

func TestLargeBodiesPassBothWays(t *testing.T) {
	up := serve(t, nil)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// While it is still being asked: what full duplex is for.
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		defer r.Body.Close()
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(echo.Close)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	f := before(t, up.url)
	if res, _ := f.do(f.request(t.Context(), "POST", "/mcp", bytes.NewReader(large))); res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
	if _, body := up.got(); !bytes.Equal(body, large) {
		t.Errorf("%d bytes arrived, of %d", len(body), len(large))
	}
	f = before(t, echo.URL)
	chunked := io.MultiReader(bytes.NewReader(large)) // whose length the server cannot know
	if res, body := f.do(f.request(t.Context(), "POST", "/mcp", chunked)); res.StatusCode != http.StatusOK || body != string(large) {
		t.Errorf("got %d with %d bytes, of %d", res.StatusCode, len(body), len(large))
	}
}

// An upstream that refuses a request before it has read it, and what comes next on the
// same connection.
func TestARequestThatIsRefusedUnreadCostsTheNextNothing(t *testing.T) {
	for name, size := range map[string]int{"small": 2, "more than a buffer": 100 << 10} {
		t.Run(name, func(t *testing.T) {
			refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}))
			t.Cleanup(refusing.Close)
			f := before(t, refusing.URL)
			for range 20 {
				// A reader of which nothing is known, so that nothing is repeated in silence.
				body := io.MultiReader(bytes.NewReader(make([]byte, size)))
				if res, _ := f.do(f.request(t.Context(), "POST", "/mcp", body)); res.StatusCode != http.StatusRequestEntityTooLarge {
					t.Errorf("got %d", res.StatusCode)
				}
			}
		})
	}
}

// A caller who sends the rest of its body slowly, or after a 100 Continue that never comes.
func TestARefusalDoesNotWaitForTheBody(t *testing.T) {
	for name, test := range map[string]struct {
		answer, header, body string
		want                 int
	}{
		"a slow body":                {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "", "{\"a", http.StatusBadGateway},
		"a body that is asked":       {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "Expect: 100-continue\r\n", "", http.StatusBadGateway},
		"a slow body, down":          {"", "", "{\"a", http.StatusServiceUnavailable},
		"a body that is asked, down": {"", "Expect: 100-continue\r\n", "", http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			address := "http://127.0.0.1:1/mcp" // nobody is there
			if test.answer != "" {
				address = answering(t, test.answer)
			}
			f := before(t, address)
			conn, err := net.Dial("tcp", parse(t, f.url).Host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n%s\r\n%s", f.token, test.header, test.body)
			answers := bufio.NewReader(conn)
			res, err := http.ReadResponse(answers, nil)
			if err == nil && res.StatusCode == http.StatusContinue {
				res, err = http.ReadResponse(answers, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != test.want || !strings.Contains(string(body), "-32603") {
				t.Errorf("got %d %s, %v", res.StatusCode, body, err)
			}
		})
	}
}

// answering is an upstream that has the same bytes for everybody, as soon as it has read
// the headers of a request. It returns its URL.
func answering(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				lines := bufio.NewReader(conn)
				for line := ""; line != "\r\n"; {
					if line, err = lines.ReadString('\n'); err != nil {
						return
					}
				}
				io.WriteString(conn, answer)
				if answer != "" {
					io.Copy(io.Discard, lines) // a reset would take the answer back
				}
			})
		}
	})
	return "http://" + listener.Addr().String() + "/mcp"
}

func TestHeadersForTheUpstreamAreReadFromLines(t *testing.T) {
	got, err := proxy.ReadHeader(strings.NewReader("# for the notes\nAuthorization: Bearer a:b\n\n x-api-key :  key \nX-Api-Key: other\r\n"))
	if err != nil || got.Get("Authorization") != "Bearer a:b" || !slices.Equal(got.Values("X-Api-Key"), []string{"key", "other"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{
		"the-secret", "Authorization:", ": the-secret", "Na me: the-secret", "X-A: the-secret\x00", "X-A: the-secret\x1b[0m",
		"Host: the-secret", "Mcpoauth-User-Id: the-secret", "mcpoauth_user_id: the-secret", "Connection: the-secret", "Transfer-Encoding: the-secret",
		"X-Forwarded-For: the-secret", "Content-Length: the-secret", "Trailer: the-secret", "TE: the-secret", "Keep-Alive: the-secret", "Proxy-Connection: the-secret", "Upgrade: the-secret", "X-A: " + strings.Repeat("the-secret", 10_000),
	} {
		header, err := proxy.ReadHeader(strings.NewReader("X-Good: 1\n" + bad))
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.40q: %v, %v", bad, header, err)
		}
	}
}

// A buffer is a log that a test reads while the server still writes it.
type buffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestAnUpstreamCannotBreakOutOfTheChallenge(t *testing.T) {
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="notes:write é a\"`)
		w.WriteHeader(http.StatusForbidden)
	})
	res, _ := before(t, up.url).call("/mcp")
	if got := res.Header.Get("WWW-Authenticate"); !strings.Contains(got, `scope="notes:read notes:write", resource_metadata=`) {
		t.Errorf("the challenge is %q", got)
	}
}
