package oauth

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAParameterThatMayBeRepeatedCountsEachTime(t *testing.T) {
	repeated := func(n int) string { return strings.TrimSuffix(strings.Repeat("resource=a&", n), "&") }
	if values, err := ParseParameters(repeated(maxPairs)); err != nil || len(values["resource"]) != maxPairs {
		t.Errorf("%d: got %d, %v", maxPairs, len(values["resource"]), err)
	}
	_, err := ParseParameters(repeated(maxPairs + 1))
	if refusal, ok := errors.AsType[*Error](err); !ok || !strings.Contains(refusal.Description, strconv.Itoa(maxPairs)) {
		t.Errorf("one more: got %v", err)
	}
}

func TestJSONIsAsDeepAsItMayBeAndNoDeeper(t *testing.T) {
	nested := func(opening, closing string, n int) string {
		return strings.Repeat(opening, n) + "1" + strings.Repeat(closing, n)
	}
	for name, test := range map[string]struct {
		body    string
		refused bool
	}{
		"lists":                         {nested("[", "]", MaxDepth), false},
		"one list more":                 {nested("[", "]", MaxDepth+1), true},
		"objects":                       {nested(`{"a":`, "}", MaxDepth), false},
		"one object more":               {nested(`{"a":`, "}", MaxDepth+1), true},
		"both, in turns":                {nested(`[{"a":`, "}]", MaxDepth/2+1), true},
		"side by side":                  {"[" + strings.Repeat("[],{},", 10_000) + "1]", false},
		"in a text":                     {`["` + strings.Repeat("[", 10_000) + `"]`, false},
		"in a text behind a quote":      {`["\"` + strings.Repeat("{", 10_000) + `"]`, false},
		"after a text with a backslash": {`["\\",` + nested("[", "]", MaxDepth) + "]", true},
		"that never closes":             {strings.Repeat("[", 60_000), true},
		"nothing":                       {"", false},
	} {
		if problem := CheckDepth([]byte(test.body)); (problem != "") != test.refused || test.refused && !strings.Contains(problem, strconv.Itoa(MaxDepth)) {
			t.Errorf("%s: got %q", name, problem)
		}
	}
}

func TestARedirectURIIsAsLongAsItMayBe(t *testing.T) {
	longest := "https://a.example/" + strings.Repeat("x", MaxRedirectURI-len("https://a.example/"))
	if problem := CheckRedirectURI(longest); problem != "" {
		t.Errorf("of %d bytes: %s", len(longest), problem)
	}
	if problem := CheckRedirectURI(longest + "x"); !strings.Contains(problem, strconv.Itoa(MaxRedirectURI)) {
		t.Errorf("of one more: %q", problem)
	}
}

// one is a listener with one connection, which a synctest bubble can hold.
type one struct{ conns chan net.Conn }

func (l one) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (one) Close() error   { return nil }
func (one) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// An http.Server waits for the rest of a body before it answers, whether a handler read
// some of it, none, or gave up.
func TestABodyHasSoLongToArriveWhoeverReadsIt(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request) {
		if _, err := ReadBody(w, r); err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
	unread := func(w http.ResponseWriter, r *http.Request) { SetDeadlines(w, r) }
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		slow    time.Duration // until the second half of the body comes
		answer  int
	}{
		"read, in time":      {read, bodyTime - time.Second, http.StatusOK},
		"read, too late":     {read, bodyTime + time.Second, http.StatusBadRequest},
		"unread, in time":    {unread, bodyTime - time.Second, http.StatusOK},
		"unread, too late":   {unread, bodyTime + time.Second, http.StatusOK},
		"read, never done":   {read, time.Hour, http.StatusBadRequest},
		"unread, never done": {unread, time.Hour, http.StatusOK},
	} {
		for form, body := range map[string][2]string{"counted": {"Content-Length: 2\r\n\r\na", "b"}, "in chunks": {"Transfer-Encoding: chunked\r\n\r\n2\r\na", "b\r\n0\r\n\r\n"}} {
			t.Run(name+", "+form, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					listener := one{make(chan net.Conn)}
					server := &http.Server{Handler: test.handler, ReadHeaderTimeout: time.Second, IdleTimeout: time.Second}
					go server.Serve(listener)
					defer server.Close()
					defer close(listener.conns)
					near, far := net.Pipe()
					listener.conns <- far
					began := time.Now()
					fmt.Fprint(near, "POST / HTTP/1.1\r\nHost: a.example\r\n", body[0])
					defer time.AfterFunc(test.slow, func() { io.WriteString(near, body[1]) }).Stop()
					defer time.AfterFunc(2*time.Hour, func() { near.Close() }).Stop() // who waits until then waits for ever
					res, err := http.ReadResponse(bufio.NewReader(near), nil)
					if err != nil || res.StatusCode != test.answer {
						t.Fatalf("%v, %v, want %d", res, err, test.answer)
					}
					io.Copy(io.Discard, near)
					if took := time.Since(began); took > bodyTime+2*time.Second {
						t.Errorf("the connection is held for %v", took)
					}
				})
			})
		}
	}
}
