// Package passkey proves that a person is there: it makes passkeys for who has a setup,
// invitation or recovery link, and has one sign each request that is approved.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package passkey

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// Error codes of the JSON endpoints, beside those of package oauth.
const (
	AuthenticationFailed = "authentication_failed"
	InvalidSession       = "invalid_session"
	InvalidLink          = "invalid_link"
	NoPasskeys           = "no_passkeys"
	RegistrationFailed   = "registration_failed"
	RegistrationLocked   = "registration_locked"
)

// ErrNotApproved means that nobody has proven, in this browser and just now, that
// they approve the request.
var ErrNotApproved = fmt.Errorf("passkey: not approved: %w", store.ErrNotFound)

// A Store keeps people, enrolments and the ceremonies under way.
type Store interface {
	HasOwner(ctx context.Context) (bool, error)
	CreateOwner(ctx context.Context, owner store.User) error
	User(ctx context.Context, id string) (*store.User, error)
	UserByHandle(ctx context.Context, handle []byte) (*store.User, error)
	CreateUser(ctx context.Context, user store.User) error
	AddPasskey(ctx context.Context, e *store.Enrolment, p store.Passkey) error
	ReplacePasskeys(ctx context.Context, e *store.Enrolment, p store.Passkey) error
	UpdatePasskey(ctx context.Context, userID string, passkeyID []byte, alter func(*store.Passkey)) error

	Enrolment(ctx context.Context, token string) (*store.Enrolment, error)
	TakeEnrolment(ctx context.Context, id string) (*store.Enrolment, error)

	BeginCeremony(ctx context.Context, ceremony store.Ceremony) (id string, err error)
	TakeCeremony(ctx context.Context, id string) (*store.Ceremony, error)
	AnswerCeremony(ctx context.Context, ceremony store.Ceremony) error
	TakeApproval(ctx context.Context, id string) (*store.Ceremony, error)
}

// A Handler serves the pages and endpoints of passkeys.
type Handler struct {
	Store        Store
	Pages        *templates.Pages
	RelyingParty *webauthn.WebAuthn // of the function RelyingParty
	Log          *slog.Logger
	ServerURL    string
	AppName      string
	ResourceURLs []string // shown after the setup, to be added to a client
	SetupToken   string   // allows the first passkey, beside setup enrolments; if empty, only they do
}

// RelyingParty returns what the passkeys of a server are bound to: its host, and
// in each answer its whole origin (WebAuthn Level 3 §13.4.9).
func RelyingParty(serverURL, appName string) (*webauthn.WebAuthn, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, fmt.Errorf("passkey: parsing the server URL: %w", err)
	}
	timeout := webauthn.TimeoutConfig{Timeout: store.CeremonyLife, TimeoutUVD: store.CeremonyLife}
	rp, err := webauthn.New(&webauthn.Config{
		RPID:                  u.Hostname(),
		RPDisplayName:         appName,
		RPOrigins:             []string{serverURL},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// Discoverable, so that no page needs to list credential IDs.
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Password managers add outputs of their own. WebAuthn Level 3 §7.1
		// leaves it to us to ignore them, and we ask for none.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: making the relying party: %w", err)
	}
	return rp, nil
}

// SetUp reports whether the server has its owner.
func (h *Handler) SetUp(ctx context.Context) (bool, error) { return h.Store.HasOwner(ctx) }

// fail answers a JSON request that did not succeed.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	oauth.WriteError(w, r, h.Log, err)
}

var done = struct {
	OK bool `json:"ok"`
}{true}
