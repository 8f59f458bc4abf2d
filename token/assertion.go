package token

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Limits of a client assertion.
const (
	maxAssertion     = 8 << 10          // bytes
	maxAssertionLife = 10 * time.Minute // from now to its exp; Microsoft's libraries use all of it
	clockSkew        = time.Minute      // that the client's clock may be ahead or behind, in every time
)

// assertionType is the only client_assertion_type (RFC 7523 §2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Endpoints that a client may name in the aud of an assertion.
const (
	tokenPath  = "/token"
	revokePath = "/revoke"
)

var signingAlgs = func() (algs []jose.SignatureAlgorithm) {
	for _, alg := range oauth.SigningAlgs {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	return algs
}()

// authenticateByAssertion returns the client that has signed the assertion of a request.
// The TypeScript SDK sends no client_id beside it.
func (h *Handler) authenticateByAssertion(r *http.Request, form url.Values, endpoint string) (*store.Client, error) {
	switch {
	case r.Header.Get("Authorization") != "" || form.Has("client_secret"):
		return nil, oauth.Errorf(oauth.InvalidRequest, "the client authenticates in two ways at once")
	case !form.Has("client_assertion") || !form.Has("client_assertion_type"):
		return nil, oauth.Errorf(oauth.InvalidRequest, "client_assertion and client_assertion_type need each other")
	case form.Get("client_assertion_type") != assertionType:
		return nil, invalidClient("client_assertion_type must be " + assertionType)
	}
	a, err := parseAssertion(form.Get("client_assertion"))
	if err != nil {
		return nil, err
	}
	id := cmp.Or(form.Get("client_id"), a.claims.Subject)
	if id != a.claims.Subject {
		return nil, invalidClient("client_id is not the sub of the assertion")
	}
	client, err := h.client(r.Context(), id)
	switch {
	case err != nil:
		return nil, err
	case client.Public():
		// ChatGPT can do both, and nothing tells it that we settled for none. Its ID
		// alone would do, so that a bad signature says nothing, and trouble with
		// its keys must not keep it out.
		return client, nil
	case client.TokenEndpointAuthMethod != oauth.AuthPrivateKeyJWT:
		return nil, invalidClient("the client is registered with a secret, not for private_key_jwt")
	case !client.Preregistered && client.ApprovedAt.IsZero():
		// Anybody can register keys, or a URL of them. Before somebody approved
		// there is no code and no token that they could be for.
		return nil, invalidClient("nobody has approved the client yet")
	}
	if err := h.accept(r.Context(), client, a, []string{h.Issuer, h.Issuer + tokenPath, h.Issuer + endpoint}); err != nil {
		return nil, err
	}
	return client, nil
}

// accept checks an assertion of a client and uses it up. That comes last: what is
// remembered of it takes room, which only the client itself may fill.
func (h *Handler) accept(ctx context.Context, client *store.Client, a *assertion, audiences []string) error {
	if problem := a.problem(client.ID, audiences, time.Now()); problem != "" {
		return invalidClient(problem)
	}
	if err := h.verify(ctx, client, a); err != nil {
		return err
	}
	err := h.Store.UseAssertion(ctx, client.ID, a.claims.ID, a.claims.Expiry.Time().Add(clockSkew))
	if errors.Is(err, store.ErrConflict) {
		h.Log.WarnContext(ctx, "client.assertion_reused", "client_id", client.ID)
		return invalidClient("an assertion with this jti was used before; make a new one for each request")
	}
	return err
}

// An assertion is the JWT by which a client says who it is (RFC 7523 §3). Before its
// signature is verified anybody may have written it.
type assertion struct {
	jws    *jose.JSONWebSignature
	alg    string
	kid    string // empty: none
	claims jwt.Claims
}

// parseAssertion reads an assertion as far as that goes without keys. A key, or where to
// find one, that it carries itself is never looked at: whoever forges it would put
// their own there (RFC 8725 §3.10).
func parseAssertion(s string) (*assertion, error) {
	if len(s) > maxAssertion {
		return nil, invalidClient("the assertion is longer than 8192 bytes")
	}
	jws, err := jose.ParseSignedCompact(s, signingAlgs)
	if _, unexpected := errors.AsType[*jose.ErrUnexpectedSignatureAlgorithm](err); unexpected {
		return nil, invalidClient("the alg of the assertion must be one of " + strings.Join(oauth.SigningAlgs, ", "))
	}
	if err != nil {
		return nil, invalidClient("the assertion is not a signed JWT")
	}
	header := jws.Signatures[0].Protected
	if problem := headerProblem(header); problem != "" {
		return nil, invalidClient(problem)
	}
	a := &assertion{jws: jws, alg: header.Algorithm, kid: header.KeyID}
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &a.claims) != nil || a.claims.Subject == "" {
		return nil, invalidClient("the claims of the assertion are not those of RFC 7523, or sub is missing")
	}
	return a, nil
}

func headerProblem(header jose.Header) string {
	for _, name := range []jose.HeaderKey{"crit", "b64"} { // extensions, of which we have none
		if header.ExtraHeaders[name] != nil {
			return "the assertion has a header that is not supported: " + string(name)
		}
	}
	typ, given := header.ExtraHeaders[jose.HeaderType]
	name, _ := typ.(string)
	// A JWT that was made for something else is no proof of who sends it here (RFC 8725 §3.11).
	if given && !strings.EqualFold(name, "JWT") && !strings.EqualFold(name, "client-authentication+jwt") {
		return "the typ of the assertion must be client-authentication+jwt or JWT"
	}
	return ""
}

// problem says what is wrong with the claims, or "".
func (a *assertion) problem(clientID string, audiences []string, now time.Time) string {
	c := a.claims
	early := func(at *jwt.NumericDate) bool { return at != nil && at.Time().After(now.Add(clockSkew)) }
	switch {
	case c.Issuer != clientID || c.Subject != clientID:
		return "iss and sub of the assertion must both be the client_id"
	case len(c.Audience) != 1 || !slices.Contains(audiences, c.Audience[0]):
		// One alone, so that no other server that it was meant for too can use it
		// here. Clients older than RFC 7523's revision name the endpoint.
		return "aud of the assertion must be " + audiences[0] + " and nothing else"
	case c.Expiry == nil:
		return "the assertion has no exp"
	case !now.Before(c.Expiry.Time().Add(clockSkew)):
		return "the assertion has expired, or the client's clock is wrong"
	case c.Expiry.Time().After(now.Add(maxAssertionLife + clockSkew)):
		return "exp of the assertion is more than 10 minutes ahead"
	case early(c.NotBefore), early(c.IssuedAt):
		return "nbf or iat of the assertion is in the future, or the client's clock is wrong"
	case c.ID == "":
		return "the assertion has no jti"
	}
	return ""
}
