// Package fetch gets JSON documents from strangers: whoever opens the authorization
// page chooses the URL. So nothing inside our own network can be reached through it,
// it takes little, waits little, and asks nobody twice without need.
package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of what a stranger can make us do.
const (
	Timeout     = 5 * time.Second // for one document, from the waiting in line to its last byte
	MaxDocument = 5 << 10         // bytes of a client metadata document, as its draft recommends

	minLifetime = 5 * time.Minute
	maxLifetime = 24 * time.Hour // also of a document that cannot be had anew, and of its having been taken back

	// pause is how long a URL is left alone that gave nothing good. The metadata
	// document draft forbids to cache errors, so that a mended document is seen;
	// this only keeps a click in a loop from becoming a load on somebody's server.
	pause = 10 * time.Second

	maxHeader  = 64 << 10 // bytes of an answer's header
	maxAtOnce  = 64       // connections
	maxWaiting = 256      // fetches under way, those that wait for a connection included
	maxEntries = 1000     // documents kept
	maxKept    = 8 << 20  // bytes of them, if each is as large as it may be
)

// userAgent lets the people whose server is asked see by what.
const userAgent = "mcpoauth (+https://github.com/mcpoauth/mcpoauth)"

// A Fetcher gets documents and keeps them as long as they are good. Its zero value
// is ready. It is safe for use by many goroutines, and must not be copied.
type Fetcher struct {
	// Transport makes the requests. If nil, it connects to public addresses
	// only and by no proxy. Whoever sets another one, such as one that goes
	// through a proxy, has to keep it from reaching the inner network. If it panics,
	// the server counts as unreachable.
	Transport http.RoundTripper

	// Allow reports whether a host may be asked. If nil, every public one may.
	Allow func(host string) bool

	// MaxBytes is how large a document may be. If zero, MaxDocument.
	MaxBytes int64

	once      sync.Once
	transport http.RoundTripper
	slots     chan struct{} // holds one for every connection

	mu       sync.Mutex // guards what follows
	entries  map[string]*entry
	underWay int
}

// A Document is what a URL holds.
type Document struct {
	Body      []byte // shared: not to be changed
	FetchedAt time.Time
	Stale     error // why it could not be had anew; nil: it is fresh
	New       bool  // nobody was given it since it was fetched

	until time.Time // it need not be asked for again before then
}

// An entry is a fetch: under way, or done and kept.
type entry struct {
	done     chan struct{} // closed as soon as doc and err are there
	doc      Document
	err      error
	given    atomic.Bool // to anybody
	until    time.Time   // guarded by Fetcher.mu, like what follows
	used     time.Time
	rejected bool
	no       time.Time // when the server itself gave no good document; zero: it did not, last
}

// last is the document of e, if that may stand for one that cannot be had anew.
func (e *entry) last() Document {
	if e == nil || e.rejected {
		return Document{}
	}
	return e.doc
}

func (e *entry) underWay() bool {
	select {
	case <-e.done:
		return false
	default:
		return true
	}
}

// Get returns the document at url. Many who want the same one at once share one
// request; who hangs up leaves the others theirs. If a document that was had before
// cannot be had anew, the old one is served for a while, marked as Stale.
//
// An error is an *Error, or else that of ctx.
func (f *Fetcher) Get(ctx context.Context, url string) (Document, error) {
	host, problem := CheckURL(url)
	if problem != "" {
		return Document{}, &Error{Kind: Refused, Reason: "the URL " + problem}
	}
	if f.Allow != nil && !f.Allow(host) {
		return Document{}, &Error{Kind: Refused, Reason: "the host " + host + " is not allowed here"}
	}
	e, kept := f.entry(ctx, url)
	if e == nil {
		return kept, kept.unlessGood()
	}
	select {
	case <-e.done:
		doc := e.doc
		doc.New = e.err == nil && doc.Stale == nil && !e.given.Swap(true)
		return doc, e.err
	case <-ctx.Done():
		return Document{}, ctx.Err()
	}
}

// Reject says that the document at url has arrived, but is not a good one. It is
// not kept, so that a mended one is seen soon, and never served as stale.
func (f *Fetcher) Reject(url string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.entries[url]
	if e == nil || e.underWay() {
		return
	}
	e.rejected = true
	e.no = time.Now()
	if soon := time.Now().Add(pause); soon.Before(e.until) {
		e.until = soon
	}
}

// entry returns the fetch of url that is under way or still good, or begins one. If
// there are too many already it returns nil, and what was had before, if that may
// still be served.
func (f *Fetcher) entry(ctx context.Context, url string) (*entry, Document) {
	f.once.Do(f.setUp)
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	old := f.entries[url]
	if old != nil && (old.underWay() || now.Before(old.until)) {
		old.used = now
		return old, Document{}
	}
	if f.underWay >= maxWaiting {
		if last := old.last(); last.servable(now) {
			last.Stale = busy(nil)
			return nil, last
		}
		return nil, Document{}
	}
	f.makeRoom()
	f.underWay++
	e := &entry{done: make(chan struct{}), used: now}
	f.entries[url] = e
	go f.fill(context.WithoutCancel(ctx), url, e, old)
	return e, Document{}
}

// servable reports whether a document that cannot be had anew may be served still.
func (d Document) servable(now time.Time) bool {
	return d.Body != nil && now.Sub(d.FetchedAt) < maxLifetime
}

// unlessGood is the error of not having asked, unless there is a document all the same.
func (d Document) unlessGood() error {
	if d.Body == nil {
		return busy(nil)
	}
	return nil
}

func (f *Fetcher) setUp() {
	f.slots = make(chan struct{}, maxAtOnce)
	f.entries = make(map[string]*entry)
	f.transport = f.Transport
	if f.transport == nil {
		f.transport = guarded(nil)
	}
}

// makeRoom forgets what was not used for longest. A fetch under way stays: somebody
// waits for it.
func (f *Fetcher) makeRoom() {
	for len(f.entries) >= min(maxEntries, maxKept/int(f.maxBytes())) {
		oldest := ""
		for url, e := range f.entries {
			if !e.underWay() && (oldest == "" || e.used.Before(f.entries[oldest].used)) {
				oldest = url
			}
		}
		if oldest == "" {
			return
		}
		delete(f.entries, oldest)
	}
}

func (f *Fetcher) maxBytes() int64 {
	if f.MaxBytes == 0 {
		return MaxDocument
	}
	return f.MaxBytes
}

// fill fetches url into e; old is the fetch before, or nil.
func (f *Fetcher) fill(ctx context.Context, url string, e, old *entry) {
	doc, err := f.fetch(ctx, url)

	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	e.doc, e.err, e.until = doc, err, doc.until
	if err != nil {
		e.until = now.Add(pause)
	}
	failure, _ := errors.AsType[*Error](err)
	unheard := failure != nil && (failure.Kind == Unreachable || failure.Kind == Busy)
	last := old.last()
	switch {
	case unheard && last.servable(now):
		e.doc, e.err = last, nil
		e.doc.Stale = failure
	case unheard && old != nil && now.Sub(old.no) < maxLifetime:
		// That it is down now must not bring back what it took back before.
		failure.TakenBack, e.no = true, old.no
	case failure != nil && failure.Kind == Broken:
		e.no = now
	}
	f.underWay--
	close(e.done)
}

func busy(err error) *Error {
	return &Error{Kind: Busy, Reason: "the server was not asked, because too many others are being asked just now", Err: err}
}

// late is the error of a server that was left less time than any may take, because the
// rest went by in line: it may be in good health.
func late(err error) *Error {
	return &Error{Kind: Busy, Reason: "the server was asked too late, because too many others are being asked just now", Err: err}
}
