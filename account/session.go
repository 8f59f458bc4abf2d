package account

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const sessionCookie = "mcpoauth_session"

// sessionCookie is the cookie without a value. Lax and not strict: who follows a link here
// is signed in, and no GET changes anything.
func (h *Handler) sessionCookie() *http.Cookie {
	return h.cookie(sessionCookie, http.SameSiteLaxMode, store.SessionLife)
}

// cookie returns a cookie without a value. On https the prefix keeps subdomains and plain
// http from planting one (RFC 6265bis §4.1.3.2); on http, which is loopback only, Safari
// would drop a cookie that says Secure. A negative life takes it from the browser.
func (h *Handler) cookie(name string, sameSite http.SameSite, life time.Duration) *http.Cookie {
	cookie := &http.Cookie{Name: name, Path: "/", HttpOnly: true, SameSite: sameSite, MaxAge: int(life / time.Second)}
	if life < 0 {
		cookie.MaxAge = -1
	}
	if strings.HasPrefix(h.ServerURL, "https://") {
		cookie.Name, cookie.Secure = "__Host-"+name, true
	}
	return cookie
}

// identify finds out who is signed in. That nobody is, is no error.
func (h *Handler) identify(v *visit) error {
	cookie, err := v.r.Cookie(h.sessionCookie().Name)
	if err != nil {
		return nil
	}
	session, user, err := h.Store.Session(v.r.Context(), cookie.Value)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return wrap("looking up the session", err)
	}
	v.session, v.user = session, user
	return nil
}

// begin signs v's browser in. The session is always a new one, so that nobody can plant
// one beforehand (fixation), and the one before ends.
func (h *Handler) begin(v *visit, user *store.User, passkeyID []byte) error {
	token, err := h.Store.SignIn(v.r.Context(), user.ID, passkeyID)
	if err != nil {
		return wrap("storing the session", err)
	}
	if v.session != nil {
		if err := h.Store.SignOut(v.r.Context(), v.session.ID); err != nil {
			return wrap("ending the session before", err)
		}
	}
	cookie := h.sessionCookie()
	cookie.Value = token
	http.SetCookie(v.w, cookie)
	return nil
}

// forget takes the cookie from the browser.
func (h *Handler) forget(v *visit) {
	cookie := h.sessionCookie()
	cookie.MaxAge = -1
	http.SetCookie(v.w, cookie)
}
