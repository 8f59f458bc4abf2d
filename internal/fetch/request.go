package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// fetch asks for url, once, as soon as there is a slot.
func (f *Fetcher) fetch(ctx context.Context, url string) (Document, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	waited := false
	select {
	case f.slots <- struct{}{}:
	default:
		waited = true
		select {
		case f.slots <- struct{}{}:
		case <-ctx.Done():
			return Document{}, busy(ctx.Err())
		}
	}
	defer func() { <-f.slots }()
	doc, err := f.ask(ctx, url)
	failure, _ := errors.AsType[*Error](err)
	if waited && failure != nil && failure.Kind == Unreachable && over(ctx) {
		return Document{}, late(failure.Err)
	}
	return doc, err
}

// over reports whether the time is up, by the clock: a connection's own deadline may
// end it a moment before the context's timer does.
func over(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return !time.Now().Before(deadline)
}

// ask sends the request and reads its answer.
func (f *Fetcher) ask(ctx context.Context, url string) (doc Document, err error) {
	// No handler is below this goroutine: a panic of the operator's Transport would end
	// the process, by whatever URL a stranger found that brings it about.
	defer func() {
		if p := recover(); p != nil {
			doc, err = Document{}, &Error{Kind: Unreachable, Reason: "the request failed in this server", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Document{}, &Error{Kind: Refused, Reason: "the URL cannot be asked for", Err: err}
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("User-Agent", userAgent)
	// Not by an http.Client: a transport knows neither redirects nor cookies.
	response, err := f.transport.RoundTrip(request)
	if err != nil {
		return Document{}, noAnswer(err)
	}
	defer response.Body.Close()
	if err := check(response); err != nil {
		return Document{}, err
	}
	body, err := read(response, f.maxBytes())
	if err != nil {
		return Document{}, err
	}
	now := time.Now()
	return Document{Body: body, FetchedAt: now, until: now.Add(lifetime(response.Header, now))}, nil
}

// read returns the whole body. One that is too large is refused, not cut.
func read(r *http.Response, maxBytes int64) ([]byte, error) {
	var body []byte
	if r.ContentLength <= maxBytes {
		var err error
		if body, err = io.ReadAll(io.LimitReader(r.Body, maxBytes+1)); err != nil {
			return nil, noAnswer(err)
		}
	}
	if max(r.ContentLength, int64(len(body))) > maxBytes {
		return nil, &Error{Kind: Broken, Reason: fmt.Sprintf("the server sent more than %d bytes", maxBytes)}
	}
	return body, nil
}

// check says what is wrong with an answer, by its head. A document is served with
// 200 and as JSON (metadata document draft, "Client Information Discovery"). What
// comes with another type is not the document: claude.ai has answered with its home
// page, and others with the page of a bot check.
func check(r *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case r.StatusCode == http.StatusNotFound || r.StatusCode == http.StatusGone:
		return &Error{Kind: Broken, Reason: "the server says that there is no such document"}
	case r.StatusCode >= 300 && r.StatusCode < 400:
		return &Error{Kind: Unreachable, Reason: "the server sends elsewhere, and redirects are not followed"}
	case r.StatusCode != http.StatusOK:
		return &Error{Kind: Unreachable, Reason: fmt.Sprintf("the server answered with HTTP status %d", r.StatusCode)}
	case !isJSON(mediaType):
		return &Error{Kind: Unreachable, Reason: "the server did not answer with JSON, going by the Content-Type"}
	case encoding != "" && encoding != "identity":
		return &Error{Kind: Unreachable, Reason: "the server answered compressed, which was not asked for"}
	}
	return nil
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}

// noAnswer turns an error of the connection into ours. A name that does not exist, one
// of an inner address and one that nobody listens at read the same: the difference
// would tell a stranger what there is in our network.
func noAnswer(err error) *Error {
	e := &Error{Kind: Unreachable, Reason: "the server could not be reached at a public address", Err: err}
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		e.Reason = "the server has no certificate for its name that is trusted here"
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Reason = "the server did not answer in full within 5 seconds"
	}
	return e
}
