package account

import (
	"net/http"
	"time"
)

// A notice says on the next page what was done. Its code waits in a cookie and not in the
// URL: whoever makes somebody follow a link must not choose what this server says, nor have
// it say of something that it was done.
type notice struct {
	text   string
	failed bool
}

var notices = map[string]notice{
	"signed-out-everywhere": {text: "You were signed out of every browser."},
	"signed-out-before":     {text: "You were signed out before that. Nothing was changed: sign in and try again.", failed: true},
	"revoked":               {text: "Revoked. It cannot get in any more."},
	"revoked-app":           {text: "Revoked. That app cannot get in any more."},
	"revoked-all":           {text: "Everything was revoked. Nothing is connected any more."},
	"passkey-added":         {text: "The new passkey works."},
	"passkey-removed":       {text: "The passkey was removed. It does not sign anybody in any more."},
	"renamed":               {text: "Renamed."},
	"bad-name":              {text: "That name cannot be used. Take one of 1 to 64 characters that nobody else here has.", failed: true},
	"many-invitations":      {text: "So many invitations wait to be used that there can be no more. Withdraw one first.", failed: true},
	"many-people":           {text: "There are so many people that there can be no more. Remove one first.", failed: true},
	"withdrawn":             {text: "The invitation was withdrawn. Its link opens nothing any more."},
	"suspended":             {text: "Suspended. They are signed out, and nothing of theirs is connected any more."},
	"resumed":               {text: "They can sign in and approve apps again."},
	"removed":               {text: "Removed. They are signed out, and nothing of theirs is connected any more."},
}

const (
	noticeCookie = "mcpoauth_notice"

	// noticeLife is how long a notice waits for the page that shows it.
	noticeLife = time.Minute
)

// report redirects as leave does, to a page that shows the notice of that code once.
func (h *Handler) report(v *visit, code, path string, params ...string) {
	cookie := h.cookie(noticeCookie, http.SameSiteStrictMode, noticeLife)
	cookie.Value = code
	http.SetCookie(v.w, cookie)
	v.leave(path, params...)
}

// notice returns what waits to be said on this page, and takes it from the browser.
func (h *Handler) notice(v *visit) notice {
	cookie := h.cookie(noticeCookie, http.SameSiteStrictMode, -1)
	waiting, err := v.r.Cookie(cookie.Name)
	if err != nil || v.r.Method != http.MethodGet {
		return notice{}
	}
	http.SetCookie(v.w, cookie)
	return notices[waiting.Value]
}
