package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// assertionMargin is how much longer than it is good an assertion is remembered: the
// clocks of several servers on one backend differ.
const assertionMargin = time.Minute

// An Assertion is a JWT that a client has authenticated with, so that nobody does so
// with it again.
type Assertion struct {
	ClientID string `json:"client_id"`
}

// Encode implements Value.
func (a *Assertion) Encode() ([]byte, error) { return json.Marshal(a) }

// UseAssertion notes that a client authenticates with the assertion of this jti, which
// is good until then. Of many calls one succeeds; the others get ErrConflict (RFC 7523
// §3). It is for assertions whose signature was verified: with others anybody could
// fill the store.
func (s *Store) UseAssertion(ctx context.Context, clientID, jti string, until time.Time) error {
	key := Key{KindAssertion, secret.IDOf(clientID, jti)} // a jti is any text that the client likes
	return s.backend.Create(ctx, key, &Assertion{ClientID: clientID}, until.Add(assertionMargin))
}
