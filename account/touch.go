package account

import (
	"encoding/json"
	"errors"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// digest stands for exactly one action with all its parameters. A touch is bound to it, so
// that it does what the page said and nothing else.
func digest(action string, params ...string) store.Hash {
	canonical, err := json.Marshal([]any{"mcpoauth account", action, params})
	if err != nil {
		panic("account: " + err.Error()) // strings always encode
	}
	return secret.Sum(string(canonical))
}

func text(h store.Hash) string {
	s, _ := h.MarshalText()
	return string(s)
}

// touch returns who answered for a digest.
func (h *Handler) touch(v *visit, digest store.Hash) (*store.User, []byte, error) {
	user, passkeyID, err := h.People.Touched(v.r, v.form.Get("ceremony"), digest)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, errNotTouched
	}
	return user, passkeyID, err
}

// confirmed reports whether who is signed in has answered page with their passkey. If they
// were not asked yet, it asks them.
func (h *Handler) confirmed(v *visit, page templates.Confirm, action string, params ...string) (bool, error) {
	bound := digest(action, append([]string{v.user.ID}, params...)...)
	if v.form.Get("ceremony") == "" {
		page.Digest = text(bound)
		return false, h.ask(v, page)
	}
	user, _, err := h.touch(v, bound)
	if err != nil {
		return false, err
	}
	if user.ID != v.user.ID {
		return false, errNotTouched // somebody else's passkey on this computer
	}
	return true, nil
}

// agreed reports whether who is signed in has said yes to page. If they were not asked
// yet, it asks them.
func (h *Handler) agreed(v *visit, page templates.Confirm) (bool, error) {
	if v.form.Get("confirmed") == "yes" {
		return true, nil
	}
	return false, h.ask(v, page)
}

func (h *Handler) ask(v *visit, page templates.Confirm) (err error) {
	if page.Account, err = h.frame(v, page.Cancel); err != nil {
		return err
	}
	page.Action = v.r.URL.Path
	return h.render(v, page)
}
