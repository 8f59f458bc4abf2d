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

// authenticate returns the client that makes a request to the token or revocation
// endpoint: public by its ID alone, confidential by its secret in the form or in
// the Authorization header (RFC 6749 §2.3.1). It comes before the code or token is
// looked at: x/oauth2 tries Basic first and then repeats with the same code.
func authenticate(r *http.Request, clients Clients, form url.Values) (*store.Client, error) {
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
	client, err := clients.Client(r.Context(), id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalidClient("the client is not registered here; register again")
	}
	if err != nil {
		return nil, err
	}
	for _, password := range passwords {
		// An empty password is none: x/oauth2 sends "id:" for a public client.
		if client.Public() && password == "" || client.SecretHash.Matches(password) {
			return client, nil
		}
	}
	return nil, invalidClient("the client secret is missing or wrong")
}

func parseBasic(header string) (id, password string, ok bool) {
	scheme, credentials, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
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
