package register

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// Handler answers POST /register.
type Handler struct {
	Store interface {
		RegisterClient(ctx context.Context, client *store.Client) error
	}
	Scopes       oauth.Scopes
	RedirectURIs []string // that a client may register; nil: any safe one
	Log          *slog.Logger
}

// response is what a client is told it registered (RFC 7591 §3.2.1). No member is
// ever null: the TypeScript SDK and all that is built on it refuse the answer then.
type response struct {
	ClientID                string   `json:"client_id"`
	ClientIDIssuedAt        int64    `json:"client_id_issued_at"`
	ClientSecret            string   `json:"client_secret,omitempty"`
	ClientSecretExpiresAt   *int64   `json:"client_secret_expires_at,omitempty"`
	RedirectURIs            []string `json:"redirect_uris"`
	TokenEndpointAuthMethod string   `json:"token_endpoint_auth_method"`
	GrantTypes              []string `json:"grant_types"`
	ResponseTypes           []string `json:"response_types"`
	ClientName              string   `json:"client_name"`
	Scope                   string   `json:"scope,omitempty"`
	ApplicationType         string   `json:"application_type,omitempty"`
	ClientURI               string   `json:"client_uri,omitempty"`
	LogoURI                 string   `json:"logo_uri,omitempty"`
	PolicyURI               string   `json:"policy_uri,omitempty"`
	TermsURI                string   `json:"tos_uri,omitempty"`
	Contacts                []string `json:"contacts,omitempty"`
	SoftwareID              string   `json:"software_id,omitempty"`
	SoftwareVersion         string   `json:"software_version,omitempty"`
}

// ServeHTTP registers a client. Anybody may: a registration grants nothing, it
// only gives an approval page something to show.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := h.register(w, r)
	if err != nil {
		oauth.WriteError(w, r, h.Log, err)
		return
	}
	oauth.WriteJSON(w, http.StatusCreated, answer)
}

func (h *Handler) register(w http.ResponseWriter, r *http.Request) (*response, error) {
	if oauth.MediaType(r) != "application/json" {
		return nil, oauth.Errorf(oauth.InvalidClientMetadata, "the body must be application/json")
	}
	body, err := oauth.ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	asked, err := parse(body)
	if err != nil {
		return nil, err
	}
	if err := asked.checkKeys(); err != nil {
		return nil, oauth.Errorf(oauth.InvalidClientMetadata, err.Error())
	}
	method, err := asked.authMethod()
	if err != nil {
		return nil, err
	}
	client, err := asked.client(method, h.RedirectURIs, h.Scopes)
	if err != nil {
		return nil, err
	}
	var clientSecret string
	switch client.TokenEndpointAuthMethod {
	case oauth.AuthNone:
		client.ID = sharedID(client)
	case oauth.AuthPrivateKeyJWT:
		client.ID = secret.NewID()
	default:
		client.ID, clientSecret = secret.NewID(), store.NewClientSecret()
		client.SecretHash = secret.Sum(clientSecret)
	}
	client.CreatedAt = time.Now().UTC().Truncate(time.Second)
	if err := checkSize(client, len(body)); err != nil {
		return nil, err
	}
	if err := h.Store.RegisterClient(r.Context(), client); err != nil {
		return nil, err
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "client.registered", slog.String("client_id", client.ID),
		slog.String("redirect_uri", client.RedirectURIs[0]), slog.String("client_name", client.Name))
	answer := describe(client)
	if clientSecret != "" {
		answer.ClientSecret, answer.ClientSecretExpiresAt = clientSecret, new(int64) // 0: never
	}
	return answer, nil
}

// checkSize refuses a client whose record would be too long. Of a short body none is: JSON
// writes at most six bytes for one, and what is not from the body takes less than 1 KiB.
func checkSize(client *store.Client, body int) error {
	if 6*body+1<<10 <= MaxRecord {
		return nil
	}
	record, err := client.Encode()
	if err != nil {
		return fmt.Errorf("encoding the client: %w", err)
	}
	if len(record) > MaxRecord {
		return oauth.Errorf(oauth.InvalidClientMetadata, "the metadata take more than 8 KiB")
	}
	return nil
}

// sharedID returns the ID that all identical registrations of a public client share.
// Claude registers anew at each connection, Gemini CLI at each sign-in: they find
// their record again, and it does not matter who made it, because without a
// secret there is nothing in it to own. The client has no time yet, which would differ.
func sharedID(client *store.Client) string {
	record, err := client.Encode()
	if err != nil {
		panic("register: " + err.Error()) // strings and times always encode
	}
	return secret.IDOf("registration", string(record))
}

func describe(c *store.Client) *response {
	return &response{
		ClientID:                c.ID,
		ClientIDIssuedAt:        c.CreatedAt.Unix(),
		RedirectURIs:            c.RedirectURIs,
		TokenEndpointAuthMethod: c.TokenEndpointAuthMethod,
		GrantTypes:              c.GrantTypes,
		ResponseTypes:           c.ResponseTypes,
		ClientName:              c.Name,
		Scope:                   c.Scope,
		ApplicationType:         c.ApplicationType,
		ClientURI:               c.URI,
		LogoURI:                 c.LogoURI,
		PolicyURI:               c.PolicyURI,
		TermsURI:                c.TermsURI,
		Contacts:                c.Contacts,
		SoftwareID:              c.SoftwareID,
		SoftwareVersion:         c.SoftwareVersion,
	}
}
