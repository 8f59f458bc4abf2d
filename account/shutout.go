package account

import (
	"context"
	"errors"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// person returns who a form of the owner's is about, with a page that names them.
func (h *Handler) person(v *visit, question string) (*store.User, templates.Confirm, error) {
	id := v.form.Get("person")
	page := templates.Confirm{Cancel: peoplePath, Fields: []templates.Field{{Name: "person", Value: id}}}
	users, err := h.Store.Users(v.r.Context()) // and not User: id may be anything
	if err != nil {
		return nil, page, wrap("listing people", err)
	}
	for _, u := range users {
		if u.ID == id && !u.Owner() {
			page.Title = strings.Replace(question, "NAME", "“"+short(u.Name)+"”", 1)
			return u, page, nil
		}
	}
	return nil, page, errNotFound
}

func (h *Handler) suspend(v *visit) error {
	user, page, err := h.person(v, "Suspend NAME?")
	if err != nil {
		return err
	}
	page.Button, page.Danger = "Suspend", true
	page.Lines, err = h.shutOut(v, user, "Their passkeys stay: once you resume them, they can sign in and approve apps again.")
	if err != nil {
		return err
	}
	if yes, err := h.agreed(v, page); !yes {
		return err
	}
	ended, err := h.Store.SuspendUser(v.r.Context(), user.ID)
	h.logEnded(v, ended...)
	if err == nil || h.suspended(v, user.ID) {
		h.Log.InfoContext(v.r.Context(), "person.suspended", "user_id", user.ID, "by", v.user.ID)
	}
	if err != nil {
		return wrap("suspending a person", err)
	}
	h.report(v, "suspended", peoplePath)
	return nil
}

// suspended reports whether a suspension that failed, perhaps at the connections, has shut
// its person out all the same.
func (h *Handler) suspended(v *visit, id string) bool {
	user, err := h.Store.User(context.WithoutCancel(v.r.Context()), id)
	return err == nil && user.Suspended()
}

// gone is suspended, for a removal.
func (h *Handler) gone(v *visit, id string) bool {
	_, err := h.Store.User(context.WithoutCancel(v.r.Context()), id)
	return errors.Is(err, store.ErrNotFound)
}

func (h *Handler) removePerson(v *visit) error {
	user, page, err := h.person(v, "Remove NAME?")
	if id := v.form.Get("person"); errors.Is(err, errNotFound) && secret.ValidID(id) {
		// It may have failed half-way before, with connections left.
		user, page.Title, err = &store.User{ID: id}, "Remove what is left of a person who is gone?", nil
	}
	if err != nil {
		return err
	}
	page.Button, page.Danger = "Remove with your passkey", true
	page.Lines, err = h.shutOut(v, user, "Their passkeys are forgotten. To come back they need a new invitation, and are somebody new to the server.")
	if err != nil {
		return err
	}
	if yes, err := h.confirmed(v, page, "remove person", user.ID); !yes {
		return err
	}
	ended, err := h.Store.RemoveUser(v.r.Context(), user.ID)
	h.logEnded(v, ended...)
	switch {
	case err == nil || h.gone(v, user.ID):
		h.Log.InfoContext(v.r.Context(), "person.removed", "user_id", user.ID, "by", v.user.ID)
	case h.suspended(v, user.ID): // which is as far as it got
		h.Log.InfoContext(v.r.Context(), "person.suspended", "user_id", user.ID, "by", v.user.ID)
	}
	if err != nil {
		return wrap("removing a person", err)
	}
	h.report(v, "removed", peoplePath)
	return nil
}

func (h *Handler) resume(v *visit) error {
	user, page, err := h.person(v, "Let NAME in again?")
	if err != nil {
		return err
	}
	page.Button = "Resume with your passkey"
	page.Lines = []string{"They can sign in and approve apps again, with the passkeys that they had. What was connected before stays ended."}
	if yes, err := h.confirmed(v, page, "resume", user.ID); !yes {
		return err
	}
	if user.Suspended() {
		// A suspension that failed half-way may have left connections, which must not be back.
		ended, err := h.Store.RevokeGrants(v.r.Context(), user.ID, nil)
		h.logEnded(v, ended...)
		if err != nil {
			return wrap("ending what is left of a person", err)
		}
		if err := h.Store.ResumeUser(v.r.Context(), user.ID); err != nil {
			return wrap("resuming a person", err)
		}
		h.Log.InfoContext(v.r.Context(), "person.resumed", "user_id", user.ID, "by", v.user.ID)
	}
	h.report(v, "resumed", peoplePath)
	return nil
}

// shutOut says what it means for a person to be shut out.
func (h *Handler) shutOut(v *visit, user *store.User, after string) ([]string, error) {
	n := 0
	for _, err := range h.grants(v.r.Context(), user.ID) {
		if err != nil {
			return nil, wrap("listing grants", err)
		}
		n++
	}
	line := "They are signed out everywhere at once."
	if n > 0 {
		line = "They are signed out everywhere at once, and " + count(n, "connection") + " of theirs will end."
	}
	return []string{line, after}, nil
}
