package perf

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"net/url"
	"sync"

	"golang.org/x/time/rate"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// What a Floor serves, and to whom.
const (
	Origin      = "https://example.com"
	Resource    = Origin + "/mcp"
	Scope       = "mcp:tools"
	OtherScope  = "mcp:other"
	User        = "owner"
	RedirectURI = "https://client.example/callback"

	// Verifier and Challenge are those of RFC 7636 appendix B.
	Verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const registrations = 10_000

// A Floor is the least code that gives the server's answers. It is written to be
// measured, and not to be used: it does none of what the answers do not show.
type Floor struct {
	Next  http.Handler // behind the bearer check
	Limit Limit

	Page func(http.ResponseWriter, *http.Request, url.Values) // answers a good authorization request

	tokens    [256]floorTokens
	addresses *floorLimits[netip.Addr]
	grants    *floorLimits[secret.Hash]
	seed      maphash.Seed

	mu         sync.Mutex // guards what follows
	codes      map[secret.Hash]*floorCode
	sessions   map[string]*floorSession
	clients    map[string]*floorClient
	registered []string // a ring
	turn       int
}

type floorTokens struct {
	mu   sync.RWMutex
	live map[secret.Hash]*floorToken
}

// NewFloor returns a Floor that knows the clients.
func NewFloor(next http.Handler, clients ...string) *Floor {
	f := &Floor{
		Next: next, seed: maphash.MakeSeed(),
		addresses: newFloorLimits[netip.Addr](rate.Inf, 1), grants: newFloorLimits[secret.Hash](PerMinute/60, PerMinute),
		codes: make(map[secret.Hash]*floorCode), sessions: make(map[string]*floorSession), clients: make(map[string]*floorClient),
	}
	for i := range f.tokens {
		f.tokens[i].live = make(map[secret.Hash]*floorToken)
	}
	for _, id := range clients {
		f.clients[id] = &floorClient{RedirectURIs: []string{RedirectURI}}
	}
	return f
}

func (f *Floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/mcp":
		f.check(w, r)
	case "/token":
		f.token(w, r)
	case "/revoke":
		f.revoke(w, r)
	case "/authorize":
		f.authorize(w, r)
	case "/register":
		f.register(w, r)
	case "/.well-known/oauth-authorization-server":
		document(w, serverDocument, serverLength)
	case "/.well-known/oauth-protected-resource/mcp":
		document(w, resourceDocument, resourceLength)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// Values of headers that the answers share.
var (
	noStore = []string{"no-store"}
	noCache = []string{"no-cache"}
	noSniff = []string{"nosniff"}
	inJSON  = []string{"application/json"}
	cached  = []string{"public, max-age=300"}
	anybody = []string{"*"}
	exposed = []string{"WWW-Authenticate, Mcp-Session-Id, Retry-After"}
)

// answer writes JSON that is for one client and no cache.
func answer(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = anybody
	h["Access-Control-Expose-Headers"] = exposed
	h["Content-Type"] = inJSON
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	w.Write(body)
}
