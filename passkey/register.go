package passkey

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/templates"
)

// RegisterPage serves GET /passkey/register, where the owner makes the first passkey.
// Once there is an owner it answers 403, as the endpoints behind it do, and not 410:
// whoever restores a server without its owner gets the page back.
func (h *Handler) RegisterPage(w http.ResponseWriter, r *http.Request) {
	owned, err := h.Store.HasOwner(r.Context())
	switch {
	case err != nil:
		h.trouble(w, r, fmt.Errorf("looking for the owner: %w", err))
	case owned:
		h.Pages.Render(w, r, http.StatusForbidden, templates.Problem{
			Title:   "This server is set up already",
			Message: "Its owner has a passkey, and setting the server up happens once.",
			Remedy:  "To connect an app, add this server to it; the app leads you to a page where the passkey approves it. If the passkey is lost, only somebody who can reach the storage of the server can make a recovery link.",
			Code:    RegistrationLocked,
		})
	default:
		h.Pages.Render(w, r, http.StatusOK, templates.Setup{
			ReturnTo:     returnTo(r),
			ResourceURLs: h.ResourceURLs,
		})
	}
}

// EnrolPage serves GET /passkey/enrol, where an invitation or recovery link leads. The
// link's token is in its fragment, which no server sees; what the query says the link is
// for only chooses the words.
func (h *Handler) EnrolPage(w http.ResponseWriter, r *http.Request) {
	h.Pages.Render(w, r, http.StatusOK, templates.Enrol{
		Recovery:     r.URL.Query().Get("for") == "recovery",
		ResourceURLs: h.ResourceURLs,
	})
}

func (h *Handler) trouble(w http.ResponseWriter, r *http.Request, err error) {
	h.Log.ErrorContext(r.Context(), "request.failed", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", oauth.Seconds(oauth.RetryAfter))
	h.Pages.Render(w, r, http.StatusServiceUnavailable, templates.Unavailable())
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

// RegisterStart serves POST /passkey/register/start: who has a link's token gets the
// challenge for a new passkey.
func (h *Handler) RegisterStart(w http.ResponseWriter, r *http.Request) {
	if err := h.startRegistration(w, r); err != nil {
		h.fail(w, r, err)
	}
}

func (h *Handler) startRegistration(w http.ResponseWriter, r *http.Request) error {
	var request struct {
		Token string `json:"token"`
	}
	if err := readJSON(w, r, &request); err != nil {
		return err
	}
	e, err := h.enrolment(r, request.Token)
	if err != nil {
		return err
	}
	user, err := h.enrolled(r, e)
	if err != nil {
		return err
	}
	return h.beginRegistration(w, r, e, user)
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
	ceremony, session, err := h.take(r, purposeEnrol, a.Ceremony)
	if err != nil {
		return err
	}
	credential, err := h.verifyRegistration(session, a.Credential)
	if err != nil {
		h.Log.InfoContext(r.Context(), "enrolment.refused", "reason", reason(err))
		return oauth.Errorf(RegistrationFailed, "the new passkey could not be verified")
	}
	p := newPasskey(credential)
	if ceremony.EnrolmentID == "" {
		return h.setUp(r, session.UserID, p)
	}
	return h.enrol(r, ceremony.EnrolmentID, session.UserID, p)
}
