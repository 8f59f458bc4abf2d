package mcpoauth

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/ratelimit"
)

// A frontDoor looks at how requests arrive and says, once for each, what in the
// set-up before this server will make somebody's sign-in fail. It changes nothing: a
// header that anybody can send must not.
type frontDoor struct {
	issuer  *url.URL
	proxies ratelimit.Proxies
	log     *slog.Logger

	saidMu sync.Mutex                 // guards said
	said   map[string]map[string]bool // what about, by event
}

func (s settings) frontDoor() (*frontDoor, error) {
	issuer, err := url.Parse(s.issuer)
	return &frontDoor{issuer: issuer, proxies: s.proxies, log: s.log, said: make(map[string]map[string]bool)}, err
}

// watch looks at requests on their way to next: those for this package's own routes,
// since MCP requests have nothing to add and no time to lose. Most of those routes read
// no body, and wait for none.
func (d *frontDoor) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.look(r)
		oauth.SetDeadlines(w, r)
		next.ServeHTTP(w, r)
	})
}

func (d *frontDoor) look(r *http.Request) {
	forwarded := header(r, "X-Forwarded-For") != ""
	if forwarded && !d.proxies.Trust(r) {
		d.say("proxy.untrusted", "a request with X-Forwarded-For came from an address that is not in Config.TrustedProxies: if, and only if, that address is yours, add it, or all callers share one rate limit",
			d.proxies.Address(r).String())
	}
	if header(r, "X-Forwarded-Proto") == "http" && d.issuer.Scheme == "https" && d.proxies.Trust(r) {
		d.say("proxy.plaintext", "your proxy says that a request came to it by http, but Config.ServerURL is https: have the proxy redirect to https, or passkeys will not work",
			d.issuer.String())
	}
	// A proxy that is not known may have put in its own name for us.
	if header(r, "Sec-Fetch-Dest") == "document" && (!forwarded || d.proxies.Trust(r)) {
		if host := forwardedHost(r, d.proxies); host != "" && !strings.EqualFold(host, d.issuer.Host) {
			d.say("host.unexpected", "a page was asked for by another name than Config.ServerURL: either a browser opened that name, where its passkeys do not work, or a proxy in front replaces Host and should pass it on",
				host)
		}
	}
	if prefix := strippable(r.URL.Path); prefix != "" {
		d.say("path.prefixed", "a request for an OAuth endpoint came with something before its path: have the proxy in front pass paths on as they are, from the root of the host in Config.ServerURL",
			prefix)
	}
}

// header is Header.Get for a name in its canonical form, which it need not look for: this
// is asked of every request, and most have nothing to find.
func header(r *http.Request, canonical string) string {
	if values := r.Header[canonical]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// forwardedHost is the host that the browser asked for, as far as that is known.
func forwardedHost(r *http.Request, proxies ratelimit.Proxies) string {
	if !proxies.Trust(r) {
		return r.Host
	}
	return r.Header.Get("X-Forwarded-Host") // without it, the proxy may have put in its own name for us
}

// strippable returns what stands before the path of an endpoint, if anything does.
func strippable(path string) string {
	last := strings.LastIndexByte(path, '/')
	if last <= 0 {
		return ""
	}
	switch path[last:] {
	case "/authorize", "/token", "/register":
		if !isReserved(path) {
			return path[:last]
		}
	}
	return ""
}

// Strangers can make up what is said, but not drown the log or fill memory with it, nor
// hide one event behind another.
const (
	maxSaid  = 8   // different things about each event
	maxAbout = 200 // bytes of what each is about
)

// say warns, once for each event and what it is about.
func (d *frontDoor) say(event, advice, about string) {
	about = about[:min(len(about), maxAbout)]
	d.saidMu.Lock()
	said := d.said[event]
	if said == nil {
		said = make(map[string]bool)
		d.said[event] = said
	}
	before := said[about] || len(said) >= maxSaid
	if !before {
		said[about] = true
	}
	d.saidMu.Unlock()
	if !before {
		d.log.Warn(event, "advice", advice, "about", about, "server_url", d.issuer.String())
	}
}
