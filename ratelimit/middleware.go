package ratelimit

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// ByAddress lets each address through to next as often as the table allows, and
// gives what is too much to refuse.
func ByAddress(t *Table[netip.Addr], proxies Proxies, next http.Handler, refuse func(http.ResponseWriter, *http.Request, *oauth.Error)) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !t.Allow(proxies.Address(r), time.Now()) {
			refuse(w, r, oauth.TooOften(t.RetryAfter()))
			return
		}
		next.ServeHTTP(w, r)
	})
}
