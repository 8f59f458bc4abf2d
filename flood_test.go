package mcpoauth_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/register"
)

// hostile is the n-th registration of a flood: large, and like no other.
func hostile(n int) string {
	long := strings.Repeat("x", 1900)
	return fmt.Sprintf(`{"client_name":"flood %d","redirect_uris":["https://evil.example/a/%s","https://evil.example/b/%s","https://evil.example/c/%s"],"token_endpoint_auth_method":"none"}`,
		n, long, long, long)
}

// A crowd sends registrations into a handler, each from an address of its own behind a
// proxy, or all from one.
type crowd struct {
	handler http.Handler
	proxied bool
}

func (c crowd) register(n int) (status int) {
	r := httptest.NewRequest("POST", serverURL+"/register", strings.NewReader(hostile(n)))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = "192.0.2.66:4711"
	if c.proxied {
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("11.%d.%d.%d", n>>16&255, n>>8&255, n&255))
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w.Code
}

// heap is what is in use after everything that is not has been swept away.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what had a finaliser goes the second time
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestR26_AFloodOfRegistrationsLeavesRoomForARealClientAndBoundsTheMemory(t *testing.T) {
	const capacity, callers = floodSize / 100, 1000
	for name, proxied := range map[string]bool{"from many addresses": true, "from one": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), mcpoauth.Config{
				ServerURL: serverURL, SetupToken: setupToken, TrustedProxies: []string{"10.0.0.0/8"}, Logger: slog.New(slog.DiscardHandler),
				PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json"),
				Capacity: mcpoauth.Capacity{Clients: capacity, Callers: callers},
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := router.Close(); err != nil {
					t.Error(err)
				}
			})
			owner := through(t, from("198.51.100.7", router))
			owner.setUp()
			earlier := owner.login()
			flood := crowd{router, proxied}
			before := heap()

			var taken, refused int
			for n := range floodSize {
				switch status := flood.register(n); status {
				case http.StatusCreated:
					taken++
				case http.StatusTooManyRequests:
					refused++
				default:
					t.Fatalf("the registration is answered with %d", status)
				}
				if n%(floodSize/10) == 0 {
					if res := owner.call(earlier.access); res.StatusCode != http.StatusOK {
						t.Errorf("in the middle of it the owner's client is answered with %d", res.StatusCode)
					}
				}
			}
			if proxied && refused != 0 || !proxied && taken > 200 {
				t.Errorf("%d were taken and %d refused", taken, refused)
			}

			// What may be kept: each record as it is, and in the image of a file that
			// is being written, whose buffer has grown by doubling; and the
			// addresses of callers.
			const bound = 4*capacity*register.MaxRecord + 4*callers*1024
			if grown := heap() - before; grown > bound {
				t.Errorf("the heap has grown by %d KiB, want at most %d", grown>>10, bound>>10)
			} else {
				t.Logf("%d taken, %d refused; the heap has grown by %d KiB of %d", taken, refused, grown>>10, bound>>10)
			}

			if res := owner.refresh(earlier.clientID, earlier.refresh); res.StatusCode != http.StatusOK {
				t.Errorf("the owner's client refreshes: %d %s", res.StatusCode, res.body)
			}
			later := owner.login()
			if res := owner.call(later.access); res.StatusCode != http.StatusOK {
				t.Errorf("a client that came after the flood is answered with %d", res.StatusCode)
			}
			owner.ask(earlier.clientID, webClient).wantPage(t, http.StatusOK)

			if err := router.Close(); err != nil {
				t.Fatal(err)
			}
			for name, most := range map[string]int64{"state.json": 64 << 10, "state.unapproved.json": 2 * capacity * register.MaxRecord} {
				info, err := os.Stat(filepath.Join(dir, name))
				if err != nil || info.Size() > most {
					t.Errorf("%s has %d bytes, want at most %d (%v)", name, info.Size(), most, err)
				}
			}
		})
	}
}
