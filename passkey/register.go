package passkey

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// ownerName is what password managers list the passkey under, next to the host.
const ownerName = "owner"

var errLocked = &oauth.Error{
	Code:        RegistrationLocked,
	Description: "this server has its passkey already",
	Status:      http.StatusForbidden,
}

// RegisterPage serves GET /passkey/register. Once there is an owner it answers
// 403, as the endpoints behind it do, and not 410: whoever restores a server
// without its owner gets the page back.
func (h *Handler) RegisterPage(w http.ResponseWriter, r *http.Request) {
	owned, err := h.Store.HasOwner(r.Context())
	switch {
	case err != nil:
		h.Log.ErrorContext(r.Context(), "request.failed", "path", r.URL.Path, "error", fmt.Errorf("looking for the owner: %w", err))
		w.Header().Set("Retry-After", oauth.Seconds(oauth.RetryAfter))
		h.Pages.Render(w, r, http.StatusServiceUnavailable, templates.Unavailable())
	case owned:
		h.Pages.Render(w, r, http.StatusForbidden, templates.Problem{
			Title:   "This server is set up already",
			Message: "Its owner has a passkey, and setting the server up happens once.",
			Remedy:  "To connect an app, add this server to it; the app leads you to a page where the passkey approves it. If the passkey is lost, only somebody who can reach the storage of the server can set it up anew.",
			Code:    RegistrationLocked,
		})
	default:
		h.Pages.Render(w, r, http.StatusOK, templates.Setup{
			ReturnTo:     returnTo(r),
			ResourceURLs: h.ResourceURLs,
		})
	}
}

// returnTo is the authorization request that waits for the setup, if there is one.
// Nothing else may be named: the page links to it with the owner's trust.
func returnTo(r *http.Request) string {
	target := r.URL.Query().Get("return_to")
	if !strings.HasPrefix(target, "/authorize?") || len(target) > oauth.MaxQuery {
		return ""
	}
	return target
}

// RegisterStart serves POST /passkey/register/start.
func (h *Handler) RegisterStart(w http.ResponseWriter, r *http.Request) {
	if err := h.startRegistration(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) startRegistration(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		SetupToken string `json:"setup_token"`
	}
	if err := readJSON(w, r, &request); err != nil {
		return err
	}
	if err := h.owned(r.Context(), false, errLocked); err != nil {
		return err
	}
	// Without a token nobody may in, not even with an empty one.
	if h.SetupToken == "" || !secret.Equal(request.SetupToken, h.SetupToken) {
		h.Log.InfoContext(r.Context(), "setup.refused", "reason", "wrong setup token")
		return &oauth.Error{Code: InvalidSetupToken, Description: "the setup token is not right", Status: http.StatusForbidden}
	}
	options, session, err := h.RelyingParty.BeginRegistration(h.account(&store.User{
		Name:   ownerName,
		Handle: store.NewUserHandle(store.OwnerID),
	}))
	if err != nil {
		return fmt.Errorf("beginning the registration: %w", err)
	}
	return h.begin(w, r, store.Ceremony{Purpose: purposeSetup}, session, options)
}

// RegisterFinish serves POST /passkey/register/finish.
func (h *Handler) RegisterFinish(w http.ResponseWriter, r *http.Request) {
	if err := h.finishRegistration(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	oauth.WriteJSON(w, http.StatusOK, done)
}

func (h *Handler) finishRegistration(w http.ResponseWriter, r *http.Request) error {
	a, err := readAnswer(w, r)
	if err != nil {
		return err
	}
	_, session, err := h.take(r, purposeSetup, a.Ceremony)
	if err != nil {
		return err
	}
	owner := store.User{Name: ownerName, Handle: session.UserID, CreatedAt: time.Now().UTC()}
	credential, err := h.verifyRegistration(&owner, session, a.Credential)
	if err != nil {
		h.Log.InfoContext(r.Context(), "setup.refused", "reason", reason(err))
		return oauth.Errorf(RegistrationFailed, "the new passkey could not be verified")
	}
	passkey := newPasskey(credential, owner.CreatedAt)
	owner.Passkeys = []store.Passkey{passkey}
	if err := h.createOwner(r.Context(), owner); err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "setup.completed", "user_id", store.OwnerID, "passkey", passkeyName(passkey.ID))
	return nil
}

func (h *Handler) verifyRegistration(owner *store.User, session *webauthn.SessionData, response []byte) (*webauthn.Credential, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, err
	}
	return h.RelyingParty.CreateCredential(h.account(owner), *session, parsed)
}

// createOwner closes the setup for good. Of several who were let in by the token
// it admits one.
func (h *Handler) createOwner(ctx context.Context, owner store.User) error {
	err := h.Store.CreateOwner(ctx, owner)
	if errors.Is(err, store.ErrConflict) {
		h.Log.InfoContext(ctx, "setup.refused", "reason", "set up already")
		return errLocked
	}
	if err != nil {
		return fmt.Errorf("storing the owner: %w", err)
	}
	return nil
}
