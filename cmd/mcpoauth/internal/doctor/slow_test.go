package doctor

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
)

// pipes is a listener whose connections never leave the bubble of a synctest.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.accept <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accept:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// slowly examines a good server that takes its time.
func slowly(t *testing.T, within time.Duration, delay func(*http.Request) time.Duration) (Report, error) {
	t.Helper()
	router := deployment{config: mcpoauth.Config{ServerURL: "http://localhost:8080"}}.router(t)
	listener := pipes{make(chan net.Conn), make(chan struct{})}
	serving, stop := context.WithCancel(t.Context())
	defer stop() // requests that nobody waits for any more
	server := &http.Server{BaseContext: func(net.Listener) context.Context { return serving }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay(r)):
			router.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})}
	go server.Serve(listener)
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	return Examine(ctx, "http://localhost:8080/mcp", Options{Dial: listener.dial}, func(Finding) {})
}

func TestAServerThatTakesItsTimeIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		delay  func(*http.Request) time.Duration
		within time.Duration
		want   string // in the findings; empty: none
		failed string // in the error
	}{
		"half a second": {delay: func(*http.Request) time.Duration { return time.Second / 2 }, within: time.Hour},
		"three seconds": {delay: func(*http.Request) time.Duration { return 3 * time.Second }, within: time.Hour, want: "warning R10 discovery answers within a second: 3s"},
		"an endpoint that never answers": {
			delay: func(r *http.Request) time.Duration {
				if r.URL.Path == "/mcp" {
					return time.Hour
				}
				return 0
			},
			within: time.Hour, want: "fail R14 POST without a token gets 401: no answer within 10 seconds",
		},
		"nothing ever answers":        {delay: func(*http.Request) time.Duration { return time.Hour }, within: time.Hour, failed: "no answer within 10 seconds"},
		"more than there is time for": {delay: func(*http.Request) time.Duration { return 9 * time.Second }, within: 2 * time.Minute, want: "there was no time left for it"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				report, err := slowly(t, test.within, test.delay)
				if took := time.Since(began); took > 20*time.Minute || took > test.within+patience {
					t.Errorf("it took %s", took)
				}
				if test.failed != "" {
					if err == nil || !strings.Contains(err.Error(), test.failed) {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var said strings.Builder
				said.WriteString(report.String())
				for _, f := range report.Findings {
					if f.Severity == Skipped {
						said.WriteString(f.Seen + "\n")
					}
				}
				if !strings.Contains(said.String(), test.want) || test.want == "" && !report.Sound() {
					t.Errorf("want %q:\n%s", test.want, said.String())
				}
			})
		})
	}
}
