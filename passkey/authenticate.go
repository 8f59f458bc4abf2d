package passkey

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// AuthStart serves POST /passkey/auth/start.
func (h *Handler) AuthStart(w http.ResponseWriter, r *http.Request) {
	if err := h.startAuthentication(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) startAuthentication(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Digest store.Hash `json:"digest"`
	}
	if err := readJSON(w, r, &request); err != nil {
		return err
	}
	if request.Digest == (store.Hash{}) {
		return oauth.Errorf(oauth.InvalidRequest, "digest is missing")
	}
	if err := h.owned(r.Context(), true, oauth.Errorf(NoPasskeys, "this server is not set up yet")); err != nil {
		return err
	}
	options, session, err := h.RelyingParty.BeginDiscoverableLogin()
	if err != nil {
		return fmt.Errorf("beginning the authentication: %w", err)
	}
	return h.begin(w, r, store.Ceremony{Purpose: purposeApprove, Digest: request.Digest}, session, challenge{Options: options})
}

// AuthFinish serves POST /passkey/auth/finish.
func (h *Handler) AuthFinish(w http.ResponseWriter, r *http.Request) {
	if err := h.finishAuthentication(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	oauth.WriteJSON(w, http.StatusOK, done)
}

func (h *Handler) finishAuthentication(w http.ResponseWriter, r *http.Request) error {
	a, err := readAnswer(w, r)
	if err != nil {
		return err
	}
	ceremony, session, err := h.take(r, purposeApprove, a.Ceremony)
	if err != nil {
		return err
	}
	user, passkeyID, err := h.verifyAssertion(r, session, a.Credential)
	if refusal, ok := errors.AsType[*refused](err); ok {
		h.Log.InfoContext(r.Context(), "passkey.refused", "reason", refusal.reason)
		return &oauth.Error{Code: AuthenticationFailed, Description: "the passkey was not accepted", Status: http.StatusForbidden}
	}
	if err != nil {
		return err
	}
	ceremony.UserID, ceremony.PasskeyID, ceremony.Session = user.ID, passkeyID, nil
	if err := h.Store.AnswerCeremony(r.Context(), *ceremony); err != nil {
		return fmt.Errorf("storing the answer: %w", err)
	}
	h.Log.InfoContext(r.Context(), "passkey.accepted", "user_id", user.ID, "passkey", passkeyName(passkeyID))
	return nil
}

// refused is an assertion that proves nothing. Why is for the log, not for whoever
// sent it.
type refused struct{ reason string }

func (e *refused) Error() string { return "passkey: refused: " + e.reason }

// verifyAssertion returns whose passkey answered, and which.
func (h *Handler) verifyAssertion(r *http.Request, session *webauthn.SessionData, response []byte) (*store.User, []byte, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, nil, &refused{reason(err)}
	}
	user, err := h.Store.UserByHandle(r.Context(), parsed.Response.UserHandle)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, &refused{"unknown user handle"}
	case err != nil:
		return nil, nil, fmt.Errorf("looking up the user: %w", err)
	case user.Suspended():
		return nil, nil, &refused{"the person is suspended"}
	}
	find := func(_, _ []byte) (webauthn.User, error) { return h.account(user), nil }
	if _, _, err = h.RelyingParty.ValidatePasskeyLogin(find, *session, parsed); err != nil {
		return nil, nil, &refused{reason(err)}
	}
	return user, parsed.RawID, h.usePasskey(r, user, parsed)
}

// usePasskey records the use of a passkey, and refuses a copied one: the counter
// of the original is ahead of the copy's, or the other way round (WebAuthn
// Level 3 §6.1.1). It looks at the counter as it is stored at the moment of
// writing, so that of an original and its copy at once only one gets in.
func (h *Handler) usePasskey(r *http.Request, user *store.User, parsed *protocol.ParsedCredentialAssertionData) error {
	data := parsed.Response.AuthenticatorData
	copied := false
	err := h.Store.UpdatePasskey(r.Context(), user.ID, parsed.RawID, func(p *store.Passkey) {
		authenticator := webauthn.Authenticator{SignCount: p.SignCount}
		authenticator.UpdateCounter(data.Counter)
		if copied = authenticator.CloneWarning; copied {
			return
		}
		p.SignCount = authenticator.SignCount
		p.BackedUp = data.Flags.HasBackupState()
		p.UsedAt = time.Now().UTC()
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &refused{"the passkey was removed"}
	case err != nil:
		return fmt.Errorf("recording the use of the passkey: %w", err)
	case copied:
		return &refused{"the signature counter went back: the passkey may have been copied"}
	}
	return nil
}
