package token

import (
	"errors"
	"net/http"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// Revoke answers POST /revoke (RFC 7009). A client ends its own tokens only; a token
// that is unknown, dead or another's gets the same 200, so that nobody learns
// which it is.
func (h *Handler) Revoke(w http.ResponseWriter, r *http.Request) {
	if err := h.revoke(w, r); err != nil {
		oauth.WriteError(w, r, h.Log, err)
		return
	}
	oauth.WriteJSON(w, http.StatusOK, struct{}{})
}

func (h *Handler) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := oauth.ReadForm(w, r)
	if err != nil {
		return err
	}
	client, err := h.authenticate(r, form, revokePath)
	if err != nil {
		return err
	}
	token := form.Get("token")
	if token == "" {
		return oauth.Errorf(oauth.InvalidRequest, "token is missing")
	}
	grant, err := h.Store.RevokeToken(r.Context(), token, client.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	h.Log.InfoContext(r.Context(), "token.revoked", "user_id", grant.UserID, "client_id", client.ID, "grant_id", grant.ID)
	return nil
}
