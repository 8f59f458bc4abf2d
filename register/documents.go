package register

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Documents answers who a client is that names itself by the URL of a document about
// it (draft-ietf-oauth-client-id-metadata-document, MCP authorization). It asks other
// people's servers, so only the authorization page, where a person waits, may use it.
type Documents struct {
	Fetch interface {
		Get(ctx context.Context, url string) (fetch.Document, error)
		Reject(url string)
	}
	Store interface {
		Client(ctx context.Context, id string) (*store.Client, error)
	}
	Methods      []string // of client authentication that a client may choose from, the best first; nil: none
	RedirectURIs []string // that a client may have; nil: any safe one
	Scopes       oauth.Scopes
	Log          *slog.Logger
}

// Client returns the client that the document at url describes.
//
// If the server cannot be reached, whoever was approved before is who they were then,
// and the well-known clients are who they are known to be. What the server itself
// says always counts, also when that is a mistake or that the client is no more: a
// redirect URI that was taken back must not come back by a broken document.
//
// An error is a *DocumentError, or else trouble of ours.
func (d *Documents) Client(ctx context.Context, url string) (*store.Client, error) {
	if problem := CheckDocumentURL(url); problem != "" {
		return nil, d.refused(ctx, &DocumentError{Reason: "the URL " + problem, Status: http.StatusBadRequest})
	}
	doc, err := d.Fetch.Get(ctx, url)
	if err != nil {
		return d.without(ctx, url, err)
	}
	client, err := d.read(url, doc.Body)
	if err != nil {
		d.Fetch.Reject(url)
		return nil, d.refused(ctx, &DocumentError{URL: url, Reason: err.Error(), Status: http.StatusBadRequest})
	}
	client.CreatedAt = doc.FetchedAt.UTC().Truncate(time.Second)
	if doc.New {
		d.Log.InfoContext(ctx, "client.document_fetched", "client_id", url, "client_name", client.Name)
	}
	if doc.Stale != nil {
		d.served(ctx, url, "the copy in memory", doc.Stale)
	}
	return client, nil
}

// without returns who the client is although its document could not be had.
func (d *Documents) without(ctx context.Context, url string, err error) (*store.Client, error) {
	failure, ok := errors.AsType[*fetch.Error](err)
	if !ok {
		return nil, err
	}
	if failure.Kind == fetch.Unreachable && !failure.TakenBack {
		client, err := d.Store.Client(ctx, url)
		if err == nil {
			d.served(ctx, url, "the copy from its last approval", failure)
			return client, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if client := d.pinned(url); client != nil {
			d.served(ctx, url, "the copy that came with this server", failure)
			return client, nil
		}
	}
	// Not 502: Cloudflare shows a page of its own in place of one with that status.
	status := http.StatusBadRequest
	switch failure.Kind {
	case fetch.Refused:
		status = http.StatusForbidden
	case fetch.Unreachable, fetch.Busy:
		status = http.StatusServiceUnavailable
	}
	return nil, d.refused(ctx, &DocumentError{URL: url, Reason: failure.Reason, Status: status, cause: failure.Err})
}

func (d *Documents) served(ctx context.Context, url, instead string, why error) {
	d.Log.WarnContext(ctx, "client.document_unavailable", "client_id", url, "used", instead, "error", why)
}

func (d *Documents) refused(ctx context.Context, err *DocumentError) error {
	d.Log.InfoContext(ctx, "client.document_refused", "client_id", err.URL, "error", err)
	return err
}
