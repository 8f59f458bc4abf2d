package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestADocumentIsTakenAsItIs(t *testing.T) {
	for name, contentType := range map[string]string{
		"plain JSON":         "application/json",
		"with a charset":     "application/json; charset=utf-8",
		"in capitals":        "Application/JSON",
		"a type of its own":  "application/oauth-client+json",
		"HAL, just the same": "application/hal+json; profile=x",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := `{"a":"` + strings.Repeat("x", MaxDocument-8) + `"}`
				f := origin(t, map[string]page{"/d": sends(body, "Content-Type", contentType)})
				start := time.Now()
				doc := mustGet(t, f, "https://example.com/d")
				if string(doc.Body) != body || doc.Stale != nil || doc.FetchedAt.Before(start) {
					t.Errorf("%d bytes, stale %v, of %v", len(doc.Body), doc.Stale, doc.FetchedAt)
				}
			})
		})
	}
}

func TestTheRequestTellsNothingButWhatIsAskedAndByWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := make(chan http.Header, 2)
		f := origin(t, map[string]page{
			"/d": func(w http.ResponseWriter, r *http.Request) {
				header := r.Header.Clone()
				header.Set("Host", r.Host)
				header.Set("Request", r.Method+" "+r.RequestURI)
				seen <- header
				sends("{}", "Set-Cookie", "id=1; Path=/")(w, r)
			},
		})
		mustGet(t, f, "https://one.example.com/d")
		mustGet(t, f, "https://one.example.com/d?again")
		<-seen
		want := http.Header{
			"Accept": {"application/json"}, "Accept-Encoding": {"identity"}, "Connection": {"close"},
			"Host": {"one.example.com"}, "Request": {"GET /d?again"}, "User-Agent": {userAgent},
		}
		got := <-seen
		for name := range got {
			if want[name] == nil || want.Get(name) != got.Get(name) {
				t.Errorf("%s: %q, want %q", name, got.Get(name), want.Get(name))
			}
		}
		if len(got) != len(want) {
			t.Errorf("the request has %v, want %v", got, want)
		}
	})
}

func TestAHostileServerGetsAndGivesNothing(t *testing.T) {
	var followed atomic.Bool
	var written atomic.Int64
	redirect := func(status int, to string) page {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", to)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
		}
	}
	for name, test := range map[string]struct {
		page   page
		kind   Kind
		reason string
	}{
		"a redirect to the inner network":                  {redirect(302, "https://169.254.169.254/latest/meta-data/"), Unreachable, "redirects are not followed"},
		"a redirect on the same host":                      {redirect(301, "/inner"), Unreachable, "redirects are not followed"},
		"a redirect that keeps the body":                   {redirect(307, "https://example.com/inner"), Unreachable, "redirects are not followed"},
		"nothing changed, to a request without conditions": {redirect(304, ""), Unreachable, "redirects are not followed"},
		"one byte too many":                                {sends(strings.Repeat(" ", MaxDocument+1)), Broken, "more than 5120 bytes"},
		"6 KB of good JSON":                                {sends(`{"a":"` + strings.Repeat("x", 6<<10) + `"}`), Broken, "more than 5120 bytes"},
		"an honest size":                                   {sends("", "Content-Length", "6000"), Broken, "more than 5120 bytes"},
		"not there":                                        {http.NotFound, Broken, "no such document"},
		"gone":                                             {status(410), Broken, "no such document"},
		"a bot check":                                      {status(403), Unreachable, "HTTP status 403"},
		"an outage":                                        {status(503), Unreachable, "HTTP status 503"},
		"created":                                          {status(201), Unreachable, "HTTP status 201"},
		"a part":                                           {status(206), Unreachable, "HTTP status 206"},
		"a home page":                                      {sends("<!doctype html>", "Content-Type", "text/html"), Unreachable, "did not answer with JSON"},
		"JSON that calls itself text":                      {sends("{}", "Content-Type", "text/plain"), Unreachable, "did not answer with JSON"},
		"JSON that calls itself script":                    {sends("{}", "Content-Type", "text/json+json"), Unreachable, "did not answer with JSON"},
		"no type":                                          {sends("{}", "Content-Type", ""), Unreachable, "did not answer with JSON"},
		"a bomb":                                           {sends(bomb(t), "Content-Encoding", "gzip"), Unreachable, "compressed"},
		"an endless body": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for line := bytes.Repeat([]byte(" "), 1024); ; {
				n, err := w.Write(line)
				if written.Add(int64(n)); err != nil {
					return
				}
			}
		}, Broken, "more than 5120 bytes"},
		"endless headers": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			sends("{}")(w, r)
		}, Unreachable, "could not be reached"},
		"a body that stops half way": {func(w http.ResponseWriter, r *http.Request) {
			sends(`{"a`, "Content-Length", "100")(w, r)
		}, Unreachable, "could not be reached"},
		"a byte now and then": {func(w http.ResponseWriter, r *http.Request) {
			sends("{")(w, r)
			for http.NewResponseController(w).Flush() == nil && r.Context().Err() == nil {
				time.Sleep(700 * time.Millisecond) // never at the very moment that the time is up
				w.Write([]byte(" "))
			}
		}, Unreachable, "within 5 seconds"},
		"silence": {func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		}, Unreachable, "within 5 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := origin(t, map[string]page{"/d": test.page, "/inner": func(w http.ResponseWriter, r *http.Request) {
					followed.Store(true)
					sends("{}")(w, r)
				}})
				within(t, Timeout, func() { mustFail(t, f, "https://example.com/d", test.kind, test.reason) })
			})
		})
	}
	if followed.Load() {
		t.Error("a redirect was followed")
	}
	if n := written.Load(); n > 1<<20 {
		t.Errorf("%d bytes were taken of the endless body", n)
	}
}

func TestASetOfKeysMayBeLarger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := origin(t, map[string]page{"/jwks": sends(strings.Repeat(" ", 20<<10)), "/more": sends(strings.Repeat(" ", 20<<10+1))})
		f.MaxBytes = 20 << 10
		mustGet(t, f, "https://example.com/jwks")
		mustFail(t, f, "https://example.com/more", Broken, "more than 20480 bytes")
	})
}

func TestAServerThatCannotProveItsNameIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Bool
		f := origin(t, map[string]page{"/d": func(w http.ResponseWriter, r *http.Request) { asked.Store(true) }})
		f.Transport.(*http.Transport).TLSClientConfig.ServerName = "" // then it is the host of the URL
		mustFail(t, f, "https://claude.ai/d", Unreachable, "no certificate")
		if asked.Load() {
			t.Error("it was asked all the same")
		}
	})
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialled := newTransport(func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			t.Cleanup(func() { far.Close() })
			return near, nil
		})
		f := &Fetcher{Transport: dialled}
		within(t, Timeout, func() { mustFail(t, f, "https://example.com/d", Unreachable, "within 5 seconds") })
	})
}

// What an operator sets runs where no handler of net/http catches its panics.
func TestATransportThatPanicsEndsNothingButItsOwnRequest(t *testing.T) {
	for name, panics := range map[string]func() *http.Response{
		"at once":               func() *http.Response { panic("a bug") },
		"in the body":           func() *http.Response { return panicking(faultyBody{read: true}) },
		"at the end":            func() *http.Response { return panicking(faultyBody{}) },
		"by no answer":          func() *http.Response { return nil },
		"with what is no error": func() *http.Response { panic([]string{"a bug"}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, requests := counted(func(n int, _ *http.Request) (*http.Response, error) {
					if n == 2 {
						return answer("{}", nil), nil
					}
					return panics(), nil
				})
				failure := mustFail(t, f, example, Unreachable, "the request failed in this server")
				if failure.Err == nil || name != "by no answer" && !strings.Contains(failure.Err.Error(), "a bug") {
					t.Errorf("what lies behind it is %v", failure.Err)
				}
				time.Sleep(pause)
				first := mustGet(t, f, example)
				time.Sleep(minLifetime)
				if doc := mustGet(t, f, example); doc.Stale == nil || !doc.FetchedAt.Equal(first.FetchedAt) {
					t.Errorf("after a good one: of %v, stale %v", doc.FetchedAt, doc.Stale)
				}
				for i := range maxWaiting + 1 { // each place is free again
					mustFail(t, f, fmt.Sprintf("https://h%d.example/d", i), Unreachable, "in this server")
				}
				if n := requests.Load(); n != 3+maxWaiting+1 || f.underWay != 0 || len(f.slots) != 0 {
					t.Errorf("%d requests, and then %d are under way and hold %d slots", n, f.underWay, len(f.slots))
				}
			})
		})
	}
}

func panicking(body faultyBody) *http.Response {
	r := answer("{}", nil)
	r.Body = body
	return r
}

// A faultyBody panics when it is read, or else when it is closed.
type faultyBody struct{ read bool }

func (b faultyBody) Read([]byte) (int, error) {
	if b.read {
		panic("a bug")
	}
	return 0, io.EOF
}

func (b faultyBody) Close() error {
	if !b.read {
		panic("a bug")
	}
	return nil
}

func status(code int) page {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		w.Write([]byte("{}"))
	}
}

// bomb is 4 KB that unpack to 4 MB.
func bomb(t *testing.T) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(bytes.Repeat([]byte(" "), 4<<20))
	w.Close()
	if b.Len() > MaxDocument {
		t.Fatalf("the bomb has %d bytes", b.Len())
	}
	return b.String()
}
