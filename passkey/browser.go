package passkey

import (
	"net/http"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// The cookie says which browser it is, not who: it ties the steps of a ceremony
// together, so that nobody can have one person answer the prompt of another's
// request, and lets the approval page show what is new since the last time. It
// approves nothing. Lax and not strict: a client's redirect opens that page.
const cookieName = "mcpoauth"

// browserCookie is the cookie without a value. On https the prefix keeps
// subdomains and plain http from planting one (RFC 6265bis §4.1.3.2); on http,
// which is loopback only, Safari would drop a cookie that says Secure.
func (h *Handler) browserCookie() *http.Cookie {
	cookie := &http.Cookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: int(store.ConsentLife.Seconds())}
	if strings.HasPrefix(h.ServerURL, "https://") {
		cookie.Name, cookie.Secure = "__Host-"+cookieName, true
	}
	return cookie
}

// Browser returns what identifies the browser of r, or the zero Hash for one that was
// never here. The zero Hash equals nothing.
func (h *Handler) Browser(r *http.Request) store.Hash {
	cookie, err := r.Cookie(h.browserCookie().Name)
	if err != nil || len(cookie.Value) != secret.Len {
		return store.Hash{}
	}
	return secret.Sum(cookie.Value)
}

// knownBrowser is Browser, and gives one that has no cookie its cookie. A cookie that is
// there stays, for the ceremonies of other tabs.
func (h *Handler) knownBrowser(w http.ResponseWriter, r *http.Request) store.Hash {
	if hash := h.Browser(r); hash != (store.Hash{}) {
		return hash
	}
	cookie := h.browserCookie()
	cookie.Value = secret.New()
	http.SetCookie(w, cookie)
	return secret.Sum(cookie.Value)
}
