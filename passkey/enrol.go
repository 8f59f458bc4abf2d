package passkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// ownerName is what password managers list the passkey under, next to the host.
const ownerName = "owner"

var (
	errLocked = &oauth.Error{
		Code:        RegistrationLocked,
		Description: "this server has its passkey already",
		Status:      http.StatusForbidden,
	}
	errInvalidLink = &oauth.Error{
		Code:        InvalidLink,
		Description: "the token is not right, was used already or has expired",
		Status:      http.StatusForbidden,
	}
)

// enrolment returns what a link's token stands for. The token that the configuration
// chose has no record: its enrolment has no ID.
func (h *Handler) enrolment(r *http.Request, token string) (*store.Enrolment, error) {
	if h.SetupToken != "" && secret.Equal(token, h.SetupToken) {
		return &store.Enrolment{Purpose: store.ForSetup}, nil
	}
	e, err := h.Store.Enrolment(r.Context(), token)
	if errors.Is(err, store.ErrNotFound) {
		h.Log.InfoContext(r.Context(), "enrolment.refused", "reason", "wrong or expired token")
		return nil, errInvalidLink
	}
	if err != nil {
		return nil, fmt.Errorf("looking up the enrolment: %w", err)
	}
	if e.Purpose == store.ForAddition && !e.BrowserHash.Equal(h.Browser(r)) {
		// Sent as a link it would put another person's passkey into this account.
		h.Log.InfoContext(r.Context(), "enrolment.refused", "reason", "another browser")
		return nil, errInvalidLink
	}
	return e, nil
}

// enrolled returns whose the new passkey will be.
func (h *Handler) enrolled(r *http.Request, e *store.Enrolment) (*store.User, error) {
	switch e.Purpose {
	case store.ForSetup:
		if err := h.owned(r.Context(), false, errLocked); err != nil {
			return nil, err
		}
		return &store.User{ID: store.OwnerID, Name: ownerName, Handle: store.NewUserHandle(store.OwnerID)}, nil
	case store.ForInvitation:
		return &store.User{ID: e.UserID, Name: e.Name, Handle: store.NewUserHandle(e.UserID)}, nil
	}
	user, err := h.Store.User(r.Context(), e.UserID)
	if err == nil && (user.Suspended() || user.Epoch != e.Epoch) {
		err = store.ErrNotFound
	}
	if errors.Is(err, store.ErrNotFound) {
		h.Log.InfoContext(r.Context(), "enrolment.refused", "reason", "the person is gone or suspended, or the link is void since a recovery")
		return nil, errInvalidLink
	}
	return user, err
}

func (h *Handler) beginRegistration(w http.ResponseWriter, r *http.Request, e *store.Enrolment, user *store.User) error {
	account := h.account(user)
	var known []protocol.CredentialDescriptor
	if e.Purpose == store.ForAddition {
		// Not the same authenticator twice: losing it would lose both.
		known = webauthn.Credentials(account.WebAuthnCredentials()).CredentialDescriptors()
	}
	options, session, err := h.RelyingParty.BeginRegistration(account, webauthn.WithExclusions(known))
	if err != nil {
		return fmt.Errorf("beginning the registration: %w", err)
	}
	id := e.ID
	if e.Purpose == store.ForSetup {
		id = "" // who comes first becomes the owner, and that ends all setup links
	}
	return h.begin(w, r, store.Ceremony{Purpose: purposeEnrol, EnrolmentID: id}, session, challenge{Options: options, Purpose: e.Purpose, Name: user.Name})
}

func (h *Handler) verifyRegistration(session *webauthn.SessionData, response []byte) (*webauthn.Credential, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, err
	}
	made, err := h.RelyingParty.CreateCredential(account{User: &store.User{Handle: session.UserID}}, *session, parsed)
	if err != nil {
		return nil, err
	}
	if len(made.PublicKey) > maxPublicKey {
		return nil, errPublicKey
	}
	// Without attestation nothing was verified by the key yet. One that never verifies
	// anything would close the setup, or use a link up, and let nobody in.
	if _, err := webauthncose.ParsePublicKey(made.PublicKey); err != nil {
		return nil, err
	}
	return made, nil
}

// setUp makes the owner, and closes the setup for good. Of several who were let in by a
// token it admits one.
func (h *Handler) setUp(r *http.Request, handle []byte, p store.Passkey) error {
	err := h.Store.CreateOwner(r.Context(), store.User{
		Name: ownerName, Handle: handle, Passkeys: []store.Passkey{p}, CreatedAt: p.CreatedAt,
	})
	if errors.Is(err, store.ErrConflict) {
		h.Log.InfoContext(r.Context(), "enrolment.refused", "reason", "set up already")
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("storing the owner: %w", err)
	}
	h.Log.InfoContext(r.Context(), "setup.completed", "user_id", store.OwnerID, "passkey", passkeyName(p.ID))
	return nil
}

// enrol uses a link up and keeps the passkey that was made by it.
func (h *Handler) enrol(r *http.Request, enrolmentID string, handle []byte, p store.Passkey) error {
	ctx := r.Context()
	e, err := h.Store.TakeEnrolment(ctx, enrolmentID)
	if errors.Is(err, store.ErrNotFound) {
		h.Log.InfoContext(ctx, "enrolment.refused", "reason", "used already or expired")
		return errInvalidLink
	}
	if err != nil {
		return fmt.Errorf("taking the enrolment: %w", err)
	}
	// The link is used up: who hangs up now must not lose it for nothing.
	ctx = context.WithoutCancel(ctx)
	event := "passkey.added"
	switch e.Purpose {
	case store.ForInvitation:
		event = "person.joined"
		err = h.Store.CreateUser(ctx, store.User{
			ID: e.UserID, Name: e.Name, Handle: handle, Passkeys: []store.Passkey{p}, CreatedAt: p.CreatedAt,
		})
	case store.ForRecovery:
		event = "passkeys.replaced"
		err = h.Store.ReplacePasskeys(ctx, e, p)
	default:
		err = h.Store.AddPasskey(ctx, e, p)
	}
	switch {
	case errors.Is(err, store.ErrTooManyPasskeys):
		return oauth.Errorf(RegistrationFailed, "there are too many passkeys already; remove one first")
	case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
		return errInvalidLink
	case err != nil:
		return fmt.Errorf("storing the passkey: %w", err)
	}
	h.Log.InfoContext(ctx, event, "user_id", e.UserID, "passkey", passkeyName(p.ID))
	return nil
}
