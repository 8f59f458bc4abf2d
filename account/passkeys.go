package account

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

const passkeysPath = "/account/passkeys"

func (h *Handler) passkeysPage(v *visit) error {
	frame, err := h.frame(v, passkeysPath)
	if err != nil {
		return err
	}
	if v.addedLately() {
		frame.Notice = notices["passkey-added"].text
	}
	page := templates.Passkeys{Account: frame, Invite: v.user.Owner() && frame.Person == ""}
	for i, p := range v.user.Passkeys {
		page.Passkeys = append(page.Passkeys, templates.Passkey{
			ID: passkeyID(p), Name: passkeyName(p, i), Kind: kind(p), This: bytes.Equal(p.ID, v.session.PasskeyID),
			Created: templates.NewWhen(p.CreatedAt, v.now), Used: templates.NewWhen(p.UsedAt, v.now),
		})
	}
	return h.render(v, page)
}

// addedLately reports whether who is signed in has just made a passkey. The script that
// had it made leads to a page that says so, and so could a link.
func (v *visit) addedLately() bool {
	return v.r.URL.Query().Has("added") && slices.ContainsFunc(v.user.Passkeys, func(p store.Passkey) bool {
		return p.UsedAt.IsZero() && v.now.Sub(p.CreatedAt) < noticeLife
	})
}

// logged is a passkey as the log names it.
func logged(p store.Passkey) string { return fmt.Sprintf("%x", p.ID[:min(len(p.ID), 8)]) }

func passkeyID(p store.Passkey) string { return base64.RawURLEncoding.EncodeToString(p.ID) }

// passkeyName is what its person calls a passkey, or else who keeps it.
func passkeyName(p store.Passkey, index int) string {
	if p.Name != "" {
		return p.Name
	}
	if maker := makers[fmt.Sprintf("%x", p.AAGUID)]; maker != "" {
		return maker
	}
	return "Passkey " + strconv.Itoa(index+1)
}

// passkey returns the passkey that a form is about, of who is signed in and of nobody else.
func (v *visit) passkey() (p store.Passkey, name string, err error) {
	id := v.form.Get("passkey")
	i := slices.IndexFunc(v.user.Passkeys, func(p store.Passkey) bool { return passkeyID(p) == id })
	if i < 0 {
		return p, "", errNotFound
	}
	return v.user.Passkeys[i], passkeyName(v.user.Passkeys[i], i), nil
}

func (h *Handler) renamePasskey(v *visit) error {
	p, _, err := v.passkey()
	if err != nil {
		return err
	}
	name, ok := cleanName(v.form.Get("name"))
	if !ok {
		h.report(v, "bad-name", passkeysPath)
		return nil
	}
	if err := h.Store.UpdatePasskey(v.r.Context(), v.user.ID, p.ID, func(p *store.Passkey) { p.Name = name }); err != nil {
		return wrap("renaming a passkey", err)
	}
	h.Log.InfoContext(v.r.Context(), "passkey.renamed", "user_id", v.user.ID, "passkey", logged(p), "name", name)
	h.report(v, "renamed", passkeysPath)
	return nil
}

var errLastPasskey = &problem{
	status:  http.StatusConflict,
	title:   "The last passkey stays",
	message: "Without it you could not get in any more.",
	remedy:  "Add another passkey first. Then this one can be removed.",
	back:    passkeysPath,
}

func (h *Handler) removePasskey(v *visit) error {
	p, name, err := v.passkey()
	if err != nil {
		return err
	}
	if len(v.user.Passkeys) == 1 {
		return errLastPasskey
	}
	page := templates.Confirm{
		Title: "Remove the passkey “" + short(name) + "”?", Button: "Remove with a passkey", Danger: true, Cancel: passkeysPath,
		Lines: []string{
			"It will not sign you in or approve anything any more, and the browsers that it signed in are signed out. Apps stay connected.",
			"The device or password manager keeps its own copy, which is then good for nothing: delete it there too.",
		},
		Fields: []templates.Field{{Name: "passkey", Value: passkeyID(p)}},
	}
	if yes, err := h.confirmed(v, page, "remove passkey", passkeyID(p)); !yes {
		return err
	}
	err = h.Store.RemovePasskey(v.r.Context(), v.user.ID, p.ID)
	if errors.Is(err, store.ErrLastPasskey) {
		return errLastPasskey // another one was removed at the same moment
	}
	if err != nil {
		return wrap("removing a passkey", err)
	}
	h.Log.InfoContext(v.r.Context(), "passkey.removed", "user_id", v.user.ID, "passkey", logged(p))
	h.report(v, "passkey-removed", passkeysPath)
	return nil
}

// addPasskey is the one action of two passkeys: the page's script has the old one answer,
// gets a token from addition, and has the new one made with it.
const addPasskey = "add passkey"

func (h *Handler) addPasskey(v *visit) error {
	return h.ask(v, templates.Confirm{
		Title: "Add another passkey", Button: "Continue with a passkey", Cancel: passkeysPath, Adds: true,
		Digest: text(digest(addPasskey, v.user.ID)),
		Lines: []string{
			"First show that it is you, with a passkey that you have. Then create the new one: on another device, in another password manager, or on a security key.",
		},
	})
}

func (h *Handler) addition(w http.ResponseWriter, r *http.Request) {
	token, err := h.enrol(w, r)
	if err != nil {
		oauth.WriteError(w, r, h.Log, err)
		return
	}
	oauth.WriteJSON(w, http.StatusOK, struct {
		Token string `json:"token"`
	}{token})
}

func (h *Handler) enrol(w http.ResponseWriter, r *http.Request) (token string, err error) {
	v := &visit{w: w, r: r}
	if err := h.identify(v); err != nil {
		return "", err
	}
	if v.user == nil {
		return "", &oauth.Error{Code: oauth.AccessDenied, Description: "you were signed out; reload the page", Status: http.StatusForbidden}
	}
	body, err := oauth.ReadBody(w, r)
	if err != nil {
		return "", err
	}
	if problem := oauth.CheckDepth(body); problem != "" {
		return "", oauth.Errorf(oauth.InvalidRequest, "the body "+problem)
	}
	var request struct {
		Ceremony string `json:"ceremony"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return "", oauth.Errorf(oauth.InvalidRequest, "the body is not the JSON that is expected")
	}
	user, passkeyID, err := h.People.Touched(r, request.Ceremony, digest(addPasskey, v.user.ID))
	if errors.Is(err, store.ErrNotFound) || err == nil && user.ID != v.user.ID {
		return "", &oauth.Error{Code: oauth.AccessDenied, Description: "the passkey did not answer for this, or is another person's", Status: http.StatusForbidden}
	}
	if err != nil {
		return "", err
	}
	token, err = h.Store.EnrolAddition(r.Context(), user, passkeyID, h.People.Browser(r))
	return token, wrap("storing the enrolment", err)
}
