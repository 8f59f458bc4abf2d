package token

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// keySetAge is how old a set may be in which a key is missing. An older one is
	// fetched anew, since the client may have changed its keys. Whoever makes up
	// names of keys has us ask the client's server no more often than that.
	keySetAge = time.Minute

	// keySetRetry is what a client is told to wait if its keys cannot be had.
	keySetRetry = 10 * time.Second
)

// KeySets gets what clients publish at their jwks_uri.
type KeySets interface {
	Get(ctx context.Context, url string) (fetch.Document, error)
	Newer(ctx context.Context, url string, age time.Duration) (fetch.Document, error)
	Reject(url string)
}

// verify checks that the client has signed an assertion. That its keys cannot be had is
// trouble and not invalid_client, on which clients throw away what they have.
func (h *Handler) verify(ctx context.Context, client *store.Client, a *assertion) error {
	if len(client.JWKS) != 0 {
		if err := a.verify(client.JWKS); err != nil {
			return fmt.Errorf("with the jwks of the client %s: %w", client.ID, err)
		}
		return nil
	}
	if client.JWKSURI == "" {
		return errNoKey
	}
	doc, err := h.KeySets.Get(ctx, client.JWKSURI)
	if err != nil {
		return h.keysUnavailable(ctx, client, err)
	}
	result := a.verify(doc.Body)
	if a.mayBeNewer(result) {
		if doc, err = h.KeySets.Newer(ctx, client.JWKSURI, keySetAge); err != nil {
			return h.keysUnavailable(ctx, client, err)
		}
		result = a.verify(doc.Body)
	}
	switch {
	case errors.Is(result, errNotKeySet):
		h.KeySets.Reject(client.JWKSURI)
		return h.keysUnavailable(ctx, client, result)
	case a.mayBeNewer(result) && doc.Stale != nil:
		return h.keysUnavailable(ctx, client, doc.Stale)
	}
	return result
}

// mayBeNewer reports whether an assertion can have failed because its key is newer than
// the set.
func (a *assertion) mayBeNewer(result error) bool {
	return errors.Is(result, errNoKey) || errors.Is(result, errSignature) && a.kid == ""
}

// verify checks the signature with the one key of a set that it can be made with.
func (a *assertion) verify(set []byte) error {
	keys, err := parseKeys(set)
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k publicKey) bool {
		return !slices.Contains(k.algs, a.alg) || a.kid != "" && a.kid != k.id
	})
	if len(keys) != 1 {
		return errNoKey
	}
	if _, err := a.jws.Verify(keys[0].key); err != nil {
		return errSignature
	}
	return nil
}

func (h *Handler) keysUnavailable(ctx context.Context, client *store.Client, err error) error {
	h.Log.WarnContext(ctx, "client.keys_unavailable", "client_id", client.ID, "jwks_uri", client.JWKSURI, "error", err)
	return &oauth.Error{
		Code:        oauth.TemporarilyUnavailable,
		Description: "the keys at the client's jwks_uri cannot be had just now; try again",
		Status:      http.StatusServiceUnavailable,
		RetryAfter:  keySetRetry,
	}
}
