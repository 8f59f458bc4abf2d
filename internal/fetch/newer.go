package fetch

import (
	"context"
	"time"
)

// Newer is Get for who has reason to think that the document has changed since, such as
// a key that is not in it: one that was had longer than age ago is asked for anew. Of
// a server that does not answer, Get's own pause holds.
func (f *Fetcher) Newer(ctx context.Context, url string, age time.Duration) (Document, error) {
	f.mu.Lock()
	e := f.entries[url]
	if e != nil && !e.underWay() && e.err == nil && e.doc.Stale == nil && time.Since(e.doc.FetchedAt) >= age {
		e.until = time.Time{}
	}
	f.mu.Unlock()
	return f.Get(ctx, url)
}
