package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// What a ceremony is for: the answer to one is never taken for the other.
const (
	purposeEnrol   = "enrol"
	purposeApprove = "approve"
)

// A challenge is what the page needs to open the browser's passkey prompt.
type challenge struct {
	Ceremony string `json:"ceremony"`
	Options  any    `json:"options"`

	// Of a new passkey: what it is for, and whose it will be. The link alone does not
	// tell that to who opens it.
	Purpose store.Purpose `json:"purpose,omitempty"`
	Name    string        `json:"name,omitempty"`
}

// An answer is what the prompt returned.
type answer struct {
	Ceremony   string          `json:"ceremony"`
	Credential json.RawMessage `json:"credential"`
}

// begin stores a ceremony with WebAuthn's state of it and sends the challenge.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, ceremony store.Ceremony, session *webauthn.SessionData, c challenge) error {
	var err error
	if ceremony.Session, err = json.Marshal(session); err != nil {
		return fmt.Errorf("encoding the ceremony: %w", err)
	}
	ceremony.BrowserHash = h.knownBrowser(w, r)
	if c.Ceremony, err = h.Store.BeginCeremony(r.Context(), ceremony); err != nil {
		return fmt.Errorf("storing the ceremony: %w", err)
	}
	oauth.WriteJSON(w, http.StatusOK, c)
	return nil
}

// take returns the ceremony that is being answered. It is gone then, whatever the
// answer is worth: each challenge has one try.
func (h *Handler) take(r *http.Request, purpose, id string) (*store.Ceremony, *webauthn.SessionData, error) {
	ceremony, err := h.Store.TakeCeremony(r.Context(), id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil, errInvalidSession
	case err != nil:
		return nil, nil, fmt.Errorf("taking the ceremony: %w", err)
	case ceremony.Purpose != purpose, ceremony.UserID != "", !ceremony.BrowserHash.Equal(h.Browser(r)):
		return nil, nil, errInvalidSession
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(ceremony.Session, &session); err != nil {
		return nil, nil, fmt.Errorf("decoding the ceremony: %w", err)
	}
	return ceremony, &session, nil
}

var errInvalidSession = oauth.Errorf(InvalidSession, "the ceremony is unknown, expired, answered already or of another browser")

// Approved returns who approved the request of that digest in the browser that
// sends r, and uses the approval up. ErrNotApproved: nobody did.
func (h *Handler) Approved(r *http.Request, ceremonyID string, digest store.Hash) (*store.User, error) {
	user, _, err := h.Touched(r, ceremonyID, digest)
	return user, err
}

// Touched is Approved, and tells the passkey too.
func (h *Handler) Touched(r *http.Request, ceremonyID string, digest store.Hash) (user *store.User, passkeyID []byte, err error) {
	ceremony, err := h.Store.TakeApproval(r.Context(), ceremonyID)
	if err == nil {
		if ceremony.Purpose != purposeApprove || ceremony.UserID == "" ||
			!ceremony.BrowserHash.Equal(h.Browser(r)) || !ceremony.Digest.Equal(digest) {
			return nil, nil, ErrNotApproved
		}
		if user, err = h.Store.User(r.Context(), ceremony.UserID); err == nil {
			if user.Suspended() || !user.HasPasskey(ceremony.PasskeyID) {
				return nil, nil, ErrNotApproved // it was removed since it answered
			}
			return user, ceremony.PasskeyID, nil
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, ErrNotApproved
	}
	return nil, nil, fmt.Errorf("passkey: looking up the approval: %w", err)
}

// owned refuses unless the server's setup is in the state that is wanted.
func (h *Handler) owned(ctx context.Context, want bool, otherwise *oauth.Error) error {
	owned, err := h.Store.HasOwner(ctx)
	if err != nil {
		return fmt.Errorf("looking for the owner: %w", err)
	}
	if owned != want {
		return otherwise
	}
	return nil
}

// readJSON decodes the body of a request into v. That the type must be JSON makes
// a browser ask before it sends such a request from another site.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		return &oauth.Error{
			Code:        oauth.InvalidRequest,
			Description: "the body must be application/json",
			Status:      http.StatusUnsupportedMediaType,
		}
	}
	body, err := oauth.ReadBody(w, r)
	if err != nil {
		return err
	}
	if problem := oauth.CheckDepth(body); problem != "" {
		return oauth.Errorf(oauth.InvalidRequest, "the body "+problem)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return oauth.Errorf(oauth.InvalidRequest, "the body is not the JSON that is expected")
	}
	return nil
}

// readAnswer decodes the answer to a ceremony.
func readAnswer(w http.ResponseWriter, r *http.Request) (answer, error) {
	var a answer
	if err := readJSON(w, r, &a); err != nil {
		return a, err
	}
	if a.Ceremony == "" || len(a.Credential) == 0 {
		return a, oauth.Errorf(oauth.InvalidRequest, "ceremony or credential is missing")
	}
	return a, nil
}
