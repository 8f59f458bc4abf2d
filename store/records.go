package store

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// Hash is the SHA-256 of a secret that this server made: all that is kept of one.
type Hash = secret.Hash

// OwnerID is the user who set the server up. That there can be only one record
// of this name is what closes the setup for good.
const OwnerID = "owner"

// A User is a person who can approve clients, with every passkey they have. It
// exists from the moment its first passkey does.
type User struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Handle      []byte    `json:"handle"` // WebAuthn user handle: random bytes, then the ID
	Passkeys    []Passkey `json:"passkeys"`
	CreatedAt   time.Time `json:"created_at"`
	SuspendedAt time.Time `json:"suspended_at,omitzero"` // zero: not suspended

	// Epoch grows when the person is signed out everywhere, recovered or suspended.
	// Sessions and links of another epoch are void, whatever the clocks say.
	Epoch int `json:"epoch,omitempty"`
}

// HasPasskey reports whether u has the passkey of that ID.
func (u *User) HasPasskey(id []byte) bool {
	return slices.ContainsFunc(u.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, id) })
}

// Owner reports whether u is who set the server up.
func (u *User) Owner() bool { return u.ID == OwnerID }

// Suspended reports whether the owner has shut u out.
func (u *User) Suspended() bool { return !u.SuspendedAt.IsZero() }

// A Passkey is a WebAuthn credential (WebAuthn Level 3 §4). Nothing in it is secret.
type Passkey struct {
	ID             []byte    `json:"id"`
	Name           string    `json:"name,omitempty"` // as its person calls it
	PublicKey      []byte    `json:"public_key"`     // COSE
	AAGUID         []byte    `json:"aaguid,omitempty"`
	Transports     []string  `json:"transports,omitempty"`
	SignCount      uint32    `json:"sign_count"`
	BackupEligible bool      `json:"backup_eligible"` // synced between devices, or able to be
	BackedUp       bool      `json:"backed_up"`
	CreatedAt      time.Time `json:"created_at"`
	UsedAt         time.Time `json:"used_at,omitzero"`
}

// A Client is an OAuth client as it described itself (RFC 7591 §2). Only its
// redirect URIs are proven by anything; its name is what it says.
type Client struct {
	ID                      string          `json:"client_id"`
	SecretHash              Hash            `json:"client_secret_hash,omitzero"` // zero: a public client
	Name                    string          `json:"client_name,omitempty"`
	RedirectURIs            []string        `json:"redirect_uris"`
	TokenEndpointAuthMethod string          `json:"token_endpoint_auth_method"`
	JWKS                    json.RawMessage `json:"jwks,omitempty"`     // the public keys of private_key_jwt, in here
	JWKSURI                 string          `json:"jwks_uri,omitempty"` // or there
	GrantTypes              []string        `json:"grant_types,omitempty"`
	ResponseTypes           []string        `json:"response_types,omitempty"`
	Scope                   string          `json:"scope,omitempty"`
	ApplicationType         string          `json:"application_type,omitempty"`
	URI                     string          `json:"client_uri,omitempty"`
	LogoURI                 string          `json:"logo_uri,omitempty"`
	PolicyURI               string          `json:"policy_uri,omitempty"`
	TermsURI                string          `json:"tos_uri,omitempty"`
	Contacts                []string        `json:"contacts,omitempty"`
	SoftwareID              string          `json:"software_id,omitempty"`
	SoftwareVersion         string          `json:"software_version,omitempty"`
	CreatedAt               time.Time       `json:"created_at,omitzero"`
	ApprovedAt              time.Time       `json:"approved_at,omitzero"` // when somebody first did; zero: nobody yet
	Preregistered           bool            `json:"-"`                    // from the configuration: not in any backend
}

// Refreshes reports whether the client gets a refresh token for scopes: if it
// registered that grant, as one does that listed none, or asks by OpenID's scope.
func (c *Client) Refreshes(scopes []string) bool {
	return slices.Contains(c.GrantTypes, "refresh_token") || slices.Contains(scopes, "offline_access")
}

// Public reports whether the client can prove nothing, so that its ID alone has to do.
// One that has no secret because it has keys is not public.
func (c *Client) Public() bool {
	method := c.TokenEndpointAuthMethod
	return c.SecretHash == Hash{} && (method == "none" || method == "")
}

// A Grant is one approval: one person let one client use one resource. Everything
// that must change together is in this one record, and deleting it ends every
// token at once.
type Grant struct {
	// What the check before every request reads stands together.
	Access   []AccessToken `json:"access,omitempty"`    // oldest first
	Resource string        `json:"resource"`            // as the configuration spells it
	ClientID string        `json:"client_id,omitempty"` // empty: an API key
	ID       string        `json:"id"`                  // begins alike for all of one user

	UserID      string   `json:"user_id"`
	UserName    string   `json:"user_name,omitempty"`    // what the user is called, as RenameUser keeps it
	KeyName     string   `json:"key_name,omitempty"`     // of an API key, which has no client
	RedirectURI string   `json:"redirect_uri,omitempty"` // empty: an API key
	Scopes      []string `json:"scopes"`
	CreatedAt   Instant  `json:"created_at"`
	UsedAt      Instant  `json:"used_at,omitzero"`     // when tokens were last issued; zero: never yet
	CodeHash    Hash     `json:"code_hash,omitzero"`   // kept for good, to know the code again
	Code        *Code    `json:"code,omitempty"`       // until it is redeemed
	FamilyHash  Hash     `json:"family_hash,omitzero"` // the part that all refresh tokens share
	RefreshHash Hash     `json:"refresh_hash,omitzero"`
	Spent       []Spent  `json:"spent,omitempty"` // oldest first
}

// A Code is an authorization code that waits to be redeemed.
type Code struct {
	Challenge string    `json:"challenge"` // PKCE S256; a code lives too short to be kept small
	ExpiresAt time.Time `json:"expires_at"`
}

// An AccessToken is a live access token of a grant.
type AccessToken struct {
	Hash      Hash     `json:"hash"`
	Scopes    []string `json:"scopes"`
	ExpiresAt Instant  `json:"expires_at"`
}

// A Spent is a code or refresh token that was exchanged a moment ago: whoever
// presents it again soon gets the successors it was exchanged for, which only the
// spent secret itself can open.
type Spent struct {
	Until      Instant       `json:"until"` // when a repeat becomes a reuse
	Successors secret.Sealed `json:"successors"`
}

// A Ceremony is a WebAuthn ceremony under way: a challenge that waits for its
// answer, or, after the answer, for the one request that it allows.
type Ceremony struct {
	ID          string          `json:"id"`
	Purpose     string          `json:"purpose"`
	BrowserHash Hash            `json:"browser_hash"`           // of the cookie of the browser that began it
	EnrolmentID string          `json:"enrolment_id,omitempty"` // that a new passkey is made by
	Digest      Hash            `json:"digest,omitzero"`        // of the authorization request that it approves
	Session     json.RawMessage `json:"session,omitempty"`      // WebAuthn's own state
	UserID      string          `json:"user_id,omitempty"`      // who answered; empty until then
	PasskeyID   []byte          `json:"passkey_id,omitempty"`   // that answered
}

// Encode implements Value.
func (u *User) Encode() ([]byte, error) { return json.Marshal(u) }

// Encode implements Value.
func (c *Client) Encode() ([]byte, error) { return json.Marshal(c) }

// Encode implements Value.
func (g *Grant) Encode() ([]byte, error) { return json.Marshal(g) }

// Encode implements Value.
func (c *Ceremony) Encode() ([]byte, error) { return json.Marshal(c) }
