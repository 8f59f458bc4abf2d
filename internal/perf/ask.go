package perf

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A Writer takes one answer after the other. Like that of net/http it makes a header for
// each, if there is one.
type Writer struct {
	Status  int
	Body    []byte
	Reached bool // by Handler
	header  http.Header
}

// Header implements http.ResponseWriter.
func (w *Writer) Header() http.Header {
	if w.header == nil {
		w.header = make(http.Header)
	}
	return w.header
}

// WriteHeader implements http.ResponseWriter.
func (w *Writer) WriteHeader(status int) { w.Status = status }

// SetReadDeadline is there because net/http has it, and its absence costs an error.
func (w *Writer) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline is as SetReadDeadline.
func (w *Writer) SetWriteDeadline(time.Time) error { return nil }

func (w *Writer) Write(p []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	w.Body = append(w.Body, p...)
	return len(p), nil
}

// Handler is what stands behind a bearer check. It notes in a Writer that a request came
// with the user whom the check put into its context, as user finds it: a fast check that
// lets nobody in, or anybody, must not win.
func Handler(want string, user func(context.Context) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(*Writer).Reached = user(r.Context()) == want
		w.WriteHeader(http.StatusOK)
	})
}

// Ask returns what sends the requests that next returns to h, one after the other, and
// fails unless each has that status and check, if there is one, finds the answer good. It
// is for one goroutine.
func Ask(tb testing.TB, h http.Handler, status int, next func() *http.Request, check func(*Writer) bool) func(n int) {
	w := new(Writer)
	return func(n int) {
		for range n {
			*w = Writer{Body: w.Body[:0]}
			h.ServeHTTP(w, next())
			if w.Status != status || check != nil && !check(w) {
				tb.Fatalf("got %d %s, want %d", w.Status, w.Body, status)
			}
		}
	}
}

// Reached is a check that the request went through to Handler.
func Reached(w *Writer) bool { return w.Reached }

// InTurn returns what returns each of the requests in turn. A handler may have them more
// than once if they have no body.
func InTurn(requests []*http.Request) func() *http.Request {
	next := -1
	return func() *http.Request {
		if next++; next == len(requests) {
			next = 0
		}
		return requests[next]
	}
}

// Request is as net/http would make it; httptest's would be parsed anew.
func Request(method, target string, headers ...string) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	r := &http.Request{
		Method: method, URL: u, RequestURI: target, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Host: "example.com", RemoteAddr: "192.0.2.1:1234", Header: make(http.Header), Body: http.NoBody,
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// Post is a request with a body. Making it is a part of what is measured, as reading it
// is of what a server does.
func Post(target, mediaType, body string) *http.Request {
	r := Request(http.MethodPost, target, "Content-Type", mediaType)
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return r
}
