package mcpotel_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/mcpoauth/mcpoauth"
	mcpotel "github.com/mcpoauth/mcpoauth/otel"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	redirectURI = "https://client.example/callback"
	verifier    = "a-verifier-of-at-least-forty-three-characters"
)

// unlimited is for tests that ask more often than anybody honest does.
var unlimited = mcpoauth.RateLimits{Auth: -1, Registration: -1, General: -1}

// A probe is what a program's own OpenTelemetry would see.
type probe struct {
	reader    *sdkmetric.ManualReader
	spans     *tracetest.SpanRecorder
	telemetry *mcpotel.Telemetry
}

func newProbe(t testing.TB) *probe {
	t.Helper()
	p := &probe{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	var err error
	p.telemetry, err = mcpotel.New(mcpotel.Options{
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.reader), sdkmetric.WithResource(resource.Empty())),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p.spans), sdktrace.WithResource(resource.Empty())),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// series returns how often each series was recorded, or its value, by a name such as
// mcpoauth.store.duration get grant ok.
func (p *probe) series(t *testing.T) map[string]int64 {
	t.Helper()
	found := make(map[string]int64)
	for _, m := range p.collect(t).Metrics {
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			for _, point := range data.DataPoints {
				found[name(m.Name, point.Attributes.MarshalLog())] = int64(point.Count)
			}
		case metricdata.Sum[int64]:
			for _, point := range data.DataPoints {
				found[name(m.Name, point.Attributes.MarshalLog())] = point.Value
			}
		case metricdata.Gauge[int64]:
			for _, point := range data.DataPoints {
				found[name(m.Name, point.Attributes.MarshalLog())] = point.Value
			}
		default:
			t.Fatalf("%s is a %T", m.Name, m.Data)
		}
	}
	return found
}

func (p *probe) collect(t *testing.T) metricdata.ScopeMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := p.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.ScopeMetrics) == 0 {
		return metricdata.ScopeMetrics{}
	}
	return all.ScopeMetrics[0]
}

// order is the one in which name writes the values of attributes.
var order = []string{"mcpoauth.endpoint", "http.request.method", "mcpoauth.store.operation", "mcpoauth.store.kind", "mcpoauth.event", "mcpoauth.outcome"}

func name(metric string, attributes any) string {
	values, _ := attributes.(map[string]string)
	words := []string{metric}
	for _, key := range order {
		if value, ok := values[key]; ok {
			words = append(words, value)
		}
	}
	if len(words) != len(values)+1 {
		panic(fmt.Sprint("a series has an attribute that no test knows: ", values))
	}
	return strings.Join(words, " ")
}

// A server is a measured router on a listener.
type server struct {
	*probe
	t       *testing.T
	url     string
	store   *store.Store // the router's, by another way
	backend store.Backend
	serving sync.WaitGroup
}

func start(t *testing.T, cfg mcpoauth.Config, mcp http.HandlerFunc) *server {
	t.Helper()
	s := &server{probe: newProbe(t), t: t, backend: cfg.Store}
	if s.backend == nil {
		inMemory := memory.New(memory.Options{})
		t.Cleanup(func() { inMemory.Close() })
		s.backend = inMemory
	}
	var handler atomic.Pointer[http.Handler]
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serving.Add(1)
		defer s.serving.Done()
		(*handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	listener.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	address, err := url.Parse(listener.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://localhost:" + address.Port()
	s.store = store.New(s.backend, store.Lifetimes{})
	cfg.ServerURL, cfg.SetupToken, cfg.Logger = s.url, "not-used-in-this-test", slog.New(slog.DiscardHandler)
	cfg.Store, cfg.OnEvent = s.telemetry.Store(s.backend), s.telemetry.OnEvent(cfg.OnEvent)
	cfg.RateLimits = cmp.Or(cfg.RateLimits, unlimited)
	cfg.Clients = append(cfg.Clients, mcpoauth.Client{ID: "test-client", RedirectURIs: []string{redirectURI}})
	router, err := mcpoauth.BuildOAuthRouter(mcp, cfg)
	if err != nil {
		t.Fatal(err)
	}
	measured := s.telemetry.Handler(router)
	handler.Store(&measured)
	t.Cleanup(func() {
		if err := errors.Join(router.Close(), s.telemetry.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// do sends a request with headers given as name, value, name, value... It returns the
// status, or 0 if the connection was cut.
func (s *server) do(method, target, body string, headers ...string) (status int, answer string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	defer s.serving.Wait() // an answer may be here before it is counted
	res, err := noRedirects.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func (s *server) form(target string, values ...string) (status int, answer map[string]any) {
	s.t.Helper()
	form := make(url.Values)
	for pair := range slices.Chunk(values, 2) {
		form.Set(pair[0], pair[1])
	}
	status, text := s.do("POST", target, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	if text != "" {
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			s.t.Fatalf("%s: %d %s", target, status, text)
		}
	}
	return status, answer
}

// connect does what the approval page does, and redeems the code.
func (s *server) connect(userID string) (access, refresh string) {
	s.t.Helper()
	if err := s.store.CreateUser(s.t.Context(), store.User{ID: userID, Name: userID}); err != nil && !errors.Is(err, store.ErrConflict) {
		s.t.Fatal(err)
	}
	challenge := sha256.Sum256([]byte(verifier))
	code, err := s.store.Approve(s.t.Context(), store.Approval{
		UserID:      userID,
		Client:      &store.Client{ID: "test-client", RedirectURIs: []string{redirectURI}, Preregistered: true},
		RedirectURI: redirectURI,
		Resource:    s.url + "/mcp",
		Scopes:      []string{"mcp:tools"},
		Challenge:   base64.RawURLEncoding.EncodeToString(challenge[:]),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	status, answer := s.form("/token", "grant_type", "authorization_code", "code", code, "code_verifier", verifier, "client_id", "test-client", "redirect_uri", redirectURI)
	access, _ = answer["access_token"].(string)
	refresh, _ = answer["refresh_token"].(string)
	if access == "" {
		s.t.Fatal(status, answer)
	}
	return access, refresh
}

func (s *server) refresh(token string) (status int, answer map[string]any) {
	s.t.Helper()
	return s.form("/token", "grant_type", "refresh_token", "refresh_token", token, "client_id", "test-client")
}
