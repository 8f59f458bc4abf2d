package token

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Clients answers who a client is.
type Clients interface {
	// Client returns a client by its ID, or store.ErrNotFound.
	Client(ctx context.Context, id string) (*store.Client, error)
}

// authenticate returns the client that makes a request to one of our endpoints: public
// by its ID alone, confidential by its secret in the form or in the Authorization
// header (RFC 6749 §2.3.1), or by an assertion that it has signed. It comes before the
// code or token is looked at: x/oauth2 tries Basic first and then repeats with the same
// code.
func (h *Handler) authenticate(r *http.Request, form url.Values, endpoint string) (*store.Client, error) {
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return h.authenticateByAssertion(r, form, endpoint)
	}
	id, passwords := form.Get("client_id"), []string{form.Get("client_secret")}
	if header := r.Header.Get("Authorization"); header != "" {
		basicID, password, ok := parseBasic(header)
		switch {
		case !ok:
			return nil, invalidClient("the Authorization header is not Basic credentials")
		case form.Has("client_secret"):
			return nil, oauth.Errorf(oauth.InvalidRequest, "the client authenticates in two ways at once")
		case id != "" && id != basicID:
			return nil, oauth.Errorf(oauth.InvalidRequest, "client_id is not the client of the Authorization header")
		}
		// openid-client and x/oauth2 form-encode the password, as RFC 6749 asks;
		// the TypeScript SDK does not.
		id, passwords = basicID, []string{unescape(password), password}
	}
	if id == "" {
		return nil, invalidClient("client_id is missing")
	}
	client, err := h.client(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if client.TokenEndpointAuthMethod == oauth.AuthPrivateKeyJWT {
		return nil, invalidClient("the client has to authenticate with a client_assertion (private_key_jwt)")
	}
	for _, password := range passwords {
		// An empty password is none: x/oauth2 sends "id:" for a public client.
		if client.Public() && password == "" || client.SecretHash.Matches(password) {
			return client, nil
		}
	}
	return nil, invalidClient("the client secret is missing or wrong")
}

func (h *Handler) client(ctx context.Context, id string) (*store.Client, error) {
	client, err := h.Clients.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalidClient("the client is not registered here; register again")
	}
	return client, err
}

func parseBasic(header string) (id, password string, ok bool) {
	scheme, credentials, _ := strings.Cut(header, " ")
	if len(scheme) != len("Basic") || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials))
	if err != nil {
		return "", "", false
	}
	id, password, ok = strings.Cut(string(raw), ":")
	return unescape(id), password, ok // an ID of ours has no character that this would change
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// invalidClient is the answer on which clients register anew. HTTP wants a
// challenge with every 401 (RFC 9110 §15.5.2).
func invalidClient(description string) error {
	return &oauth.Error{
		Code:        oauth.InvalidClient,
		Description: description,
		Status:      http.StatusUnauthorized,
		Challenge:   `Basic realm="token endpoint", charset="UTF-8"`,
	}
}
