package mcpoauth

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
	"github.com/mcpoauth/mcpoauth/token"
)

// A validator collects what is wrong with a Config, so that its author can mend
// everything at once.
type validator struct{ problems []error }

// report adds a problem: which field, what is wrong with it, and the cure. Its
// value is in the text unless it is a secret.
func (v *validator) report(field, format string, args ...any) {
	v.problems = append(v.problems, fmt.Errorf("mcpoauth: Config.%s: %s", field, fmt.Sprintf(format, args...)))
}

func (cfg Config) validate(mcp http.Handler) (settings, error) {
	v := new(validator)
	if mcp == nil {
		v.problems = append(v.problems, errors.New("mcpoauth: BuildOAuthRouter: the handler is nil; pass the MCP server's http.Handler"))
	}
	s := settings{
		issuer:       v.serverURL(cfg.ServerURL),
		appName:      cmp.Or(strings.TrimSpace(cfg.AppName), defaultAppName),
		registration: !cfg.DisableRegistration,
		documents:    !cfg.DisableMetadataDocuments,
		fetcher:      &fetch.Fetcher{Transport: cfg.DangerouslyFetchThrough, Allow: cfg.AllowClientHost},
		keySets:      &fetch.Fetcher{Transport: cfg.DangerouslyFetchThrough, Allow: cfg.AllowClientHost, MaxBytes: token.MaxKeySet},
		redirectURIs: slices.Clone(cfg.RedirectURIs),
		backend:      cfg.Store,
		setupToken:   cfg.SetupToken,
		lifetimes:    v.lifetimes(cfg),
		rates: RateLimits{
			Auth:         cmp.Or(cfg.RateLimits.Auth, defaultAuthRate),
			Registration: cmp.Or(cfg.RateLimits.Registration, defaultRegistrationRate),
			General:      cmp.Or(cfg.RateLimits.General, defaultGeneralRate),
		},
		capacity:  v.capacity(cfg.Capacity),
		proxies:   v.proxies(cfg.TrustedProxies),
		log:       cmp.Or(cfg.Logger, slog.Default()),
		repair401: cfg.InnerUnauthorizedAsNotFound,
	}
	s.scopes = v.scopes(cfg.Scopes)
	s.resources = v.resources(cfg.Resources, s)
	s.clients = v.clients(cfg.Clients)
	s.passkeyFile, s.stateFile = v.files(cfg)
	if cfg.RedirectURIs != nil && len(cfg.RedirectURIs) == 0 {
		v.report("RedirectURIs", "is empty but not nil, which allows none; leave it nil to allow any safe one, or list those allowed")
	}
	for i, uri := range cfg.RedirectURIs {
		v.redirectURI(fmt.Sprintf("RedirectURIs[%d]", i), uri)
	}
	switch n := len(cfg.SetupToken); {
	case hasSpaceAround(cfg.SetupToken):
		v.report("SetupToken", "has white space around it, which the page takes off what is typed; trim it, if it was read from a file, or leave it empty to have one made")
	case n > 0 && n < minSecret:
		v.report("SetupToken", "has %d characters, which can be guessed; use at least %d, or leave it empty to have one made", n, minSecret)
	}
	if cfg.AccentColor != "" && !templates.ValidAccent(cfg.AccentColor) {
		v.report("AccentColor", "is not a colour, got %q; use the form #2f4fd0, or leave it empty", cfg.AccentColor)
	}
	var err error
	if s.pages, err = templates.Parse(templates.App{Name: s.appName, Accent: cfg.AccentColor}, cfg.Templates); err == nil {
		s.pages.Log = s.log
		s.tooOften, err = s.pages.Fix(tooOften)
	}
	if err != nil {
		v.report("Templates", "%v; mend the file or leave it out", err)
	}
	return s, errors.Join(v.problems...)
}

func (v *validator) lifetimes(cfg Config) store.Lifetimes {
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"AccessTokenLifetime", cfg.AccessTokenLifetime},
		{"CodeLifetime", cfg.CodeLifetime},
		{"RefreshIdleLifetime", cfg.RefreshIdleLifetime},
	} {
		if d.value < 0 || d.value > 0 && d.value < time.Second {
			v.report(d.field, "is shorter than a second, got %v; use a longer one, or zero for the default", d.value)
		}
	}
	if cfg.CodeLifetime > maxCodeLifetime {
		v.report("CodeLifetime", "is longer than %v, got %v; clients redeem a code at once, so use minutes or leave it zero", maxCodeLifetime, cfg.CodeLifetime)
	}
	access := cmp.Or(cfg.AccessTokenLifetime, store.DefaultAccess)
	// Most clients refresh when the access token has run out, not before.
	idle := cmp.Or(cfg.RefreshIdleLifetime, max(store.DefaultRefreshIdle, 2*access))
	if idle <= access {
		v.report("RefreshIdleLifetime", "is not longer than the life of an access token (%v), got %v; make it longer, or AccessTokenLifetime shorter", access, idle)
	}
	if grace := cmp.Or(cfg.RefreshGrace, store.DefaultRefreshGrace); grace > maxRefreshGrace {
		v.report("RefreshGrace", "is longer than %v, got %v; use minutes, because as long a stolen refresh token works unnoticed", maxRefreshGrace, grace)
	}
	return store.Lifetimes{
		Code:         cfg.CodeLifetime,
		Access:       cfg.AccessTokenLifetime,
		RefreshIdle:  idle,
		RefreshGrace: cfg.RefreshGrace,
	}
}

func (v *validator) capacity(c Capacity) Capacity {
	for _, n := range []struct {
		field string
		value int
	}{{"Clients", c.Clients}, {"Ceremonies", c.Ceremonies}, {"Callers", c.Callers}} {
		if n.value < 0 {
			v.report("Capacity."+n.field, "is negative, got %d; use a number of records, or zero for the default", n.value)
		}
	}
	c.Callers = cmp.Or(c.Callers, defaultCallers)
	return c
}

func (v *validator) proxies(list []string) ratelimit.Proxies {
	var proxies ratelimit.Proxies
	for i, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if err != nil {
			addr, errAddr := netip.ParseAddr(s)
			if errAddr != nil {
				v.report(fmt.Sprintf("TrustedProxies[%d]", i), "is neither an address nor a prefix, got %q; use the form 10.0.0.7 or 10.0.0.0/8", s)
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if addr := prefix.Addr(); addr.Is4In6() {
			if prefix.Bits() < 96 {
				v.report(fmt.Sprintf("TrustedProxies[%d]", i), "is an IPv4 address with a prefix shorter than /96, got %q, which has none of them in it; use the form 10.0.0.0/8", s)
				continue
			}
			prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96) // as peers are compared
		}
		if prefix.Bits() == 0 {
			v.report(fmt.Sprintf("TrustedProxies[%d]", i), "believes everybody, got %q, who could then pass for any address; list your proxy's own", s)
		}
		proxies = append(proxies, prefix.Masked())
	}
	return proxies
}

func (v *validator) scopes(list []Scope) oauth.Scopes {
	if len(list) == 0 {
		list = defaultScopes
	}
	var scopes oauth.Scopes
	for i, scope := range list {
		field := fmt.Sprintf("Scopes[%d].Name", i)
		switch {
		case !oauth.ValidScope(scope.Name):
			v.report(field, "is not a scope, got %q; use printable ASCII without space, quote and backslash (RFC 6749 §3.3)", scope.Name)
		case scope.Name == oauth.OfflineAccess:
			v.report(field, "is offline_access, which this server grants by itself; leave it out")
		case scopes.Find(scope.Name) != nil:
			v.report(field, "is there twice, got %q; leave one out", scope.Name)
		default:
			scopes = append(scopes, oauth.Scope(scope))
		}
	}
	for i, scope := range list {
		for j, name := range scope.Implies {
			if scopes.Find(name) == nil {
				v.report(fmt.Sprintf("Scopes[%d].Implies[%d]", i, j), "is not in Config.Scopes, got %q; add it there", name)
			}
		}
	}
	return scopes
}

func (v *validator) resources(list []Resource, s settings) oauth.Resources {
	if len(list) == 0 {
		list = []Resource{{Path: "/mcp"}}
	}
	var all []string
	for _, scope := range s.scopes {
		all = append(all, scope.Name)
	}
	var resources oauth.Resources
	for i, r := range list {
		field := fmt.Sprintf("Resources[%d]", i)
		switch {
		case !strings.HasPrefix(r.Path, "/") || path.Clean(r.Path) != r.Path || !isPlainPath(r.Path):
			v.report(field+".Path", "is not a clean absolute path, got %q; use the form /mcp, of letters, digits and - . _ ~ /", r.Path)
		case r.Path != "/" && isReserved(r.Path):
			v.report(field+".Path", "is taken by an OAuth endpoint, got %q; choose another, such as /mcp", r.Path)
		case slices.ContainsFunc(resources, func(other oauth.Resource) bool { return other.Path == r.Path }):
			v.report(field+".Path", "is there twice, got %q; leave one out", r.Path)
		}
		for j, name := range r.Scopes {
			if !slices.Contains(all, name) {
				v.report(fmt.Sprintf("%s.Scopes[%d]", field, j), "is not in Config.Scopes, got %q; add it there", name)
			}
		}
		resource := oauth.Resource{
			URL:    s.issuer + strings.TrimSuffix(r.Path, "/"),
			Path:   r.Path,
			Name:   cmp.Or(r.Name, s.appName),
			Scopes: slices.Clone(r.Scopes),
		}
		if len(r.Scopes) == 0 {
			resource.Scopes = all
		}
		resources = append(resources, resource)
	}
	return resources
}

func (v *validator) clients(list []Client) map[string]*store.Client {
	clients := make(map[string]*store.Client)
	for i, c := range list {
		field := fmt.Sprintf("Clients[%d]", i)
		switch {
		case c.ID == "" || strings.ContainsFunc(c.ID, func(c rune) bool { return !isUnreserved(c) }):
			v.report(field+".ID", "is empty or has a character that some clients cannot send, got %q; use letters, digits and - . _ ~", c.ID)
		case clients[c.ID] != nil:
			v.report(field+".ID", "is there twice, got %q; leave one out", c.ID)
		}
		switch n := len(c.Secret); {
		case hasSpaceAround(c.Secret):
			v.report(field+".Secret", "has white space around it, which is lost where it is pasted; trim it, if it was read from a file")
		case n > 0 && n < minSecret:
			v.report(field+".Secret", "has %d characters, which can be guessed; use at least %d, such as the output of: openssl rand -hex 32", n, minSecret)
		}
		if len(c.RedirectURIs) == 0 {
			v.report(field+".RedirectURIs", "is empty; list where the client may be sent, such as https://claude.ai/api/mcp/auth_callback")
		}
		for j, uri := range c.RedirectURIs {
			v.redirectURI(fmt.Sprintf("%s.RedirectURIs[%d]", field, j), uri)
		}
		client := &store.Client{
			ID:                      c.ID,
			Name:                    cmp.Or(c.Name, c.ID),
			RedirectURIs:            slices.Clone(c.RedirectURIs),
			TokenEndpointAuthMethod: oauth.AuthNone,
			GrantTypes:              oauth.GrantTypes,
			ResponseTypes:           oauth.ResponseTypes,
			Preregistered:           true,
		}
		if c.Secret != "" {
			client.TokenEndpointAuthMethod = oauth.AuthPost
			client.SecretHash = secret.Sum(c.Secret)
		}
		v.keys(field, c, client)
		clients[c.ID] = client
	}
	return clients
}

// hasSpaceAround reports whether a secret has what String.trim of a browser takes off, such
// as the newline at the end of a file or the mark at the start of one.
func hasSpaceAround(s string) bool {
	return strings.TrimFunc(s, func(c rune) bool { return unicode.IsSpace(c) || c == '\ufeff' }) != s
}

// keys makes client one that signs, if it has keys.
func (v *validator) keys(field string, c Client, client *store.Client) {
	if c.JWKS == "" && c.JWKSURI == "" {
		return
	}
	switch {
	case c.Secret != "":
		v.report(field+".Secret", "is set together with JWKS or JWKSURI; leave it empty, since a client with keys has no secret")
	case c.JWKS != "" && c.JWKSURI != "":
		v.report(field+".JWKS", "is set together with JWKSURI; use the one or the other")
	case c.JWKS != "":
		if problem := token.CheckKeys([]byte(c.JWKS)); problem != "" {
			v.report(field+".JWKS", "%s; use {\"keys\": [...]} with the client's public key", problem)
		}
	default:
		if _, problem := fetch.CheckURL(c.JWKSURI); problem != "" {
			v.report(field+".JWKSURI", "%s, got %q; use a public https URL, or JWKS", problem, c.JWKSURI)
		}
	}
	client.TokenEndpointAuthMethod, client.JWKSURI = oauth.AuthPrivateKeyJWT, c.JWKSURI
	if c.JWKS != "" {
		client.JWKS = json.RawMessage(c.JWKS)
	}
}

func (v *validator) redirectURI(field, uri string) {
	if strings.Contains(uri, "*") {
		v.report(field, "has a *, got %q, which is no wildcard here; list each URI in full", uri)
	}
	if problem := oauth.CheckRedirectURI(uri); problem != "" {
		v.report(field, "%s, got %q; use https, http on loopback, or an app's own scheme", problem, uri)
	}
}

func (v *validator) files(cfg Config) (passkeys, state string) {
	if cfg.Store != nil {
		if cfg.PasskeyFile != "" || cfg.StateFile != "" {
			v.report("Store", "is set together with PasskeyFile or StateFile; use the one or the other")
		}
		if cfg.Capacity.Clients > 0 || cfg.Capacity.Ceremonies > 0 {
			v.report("Store", "is set together with Capacity.Clients or Capacity.Ceremonies, and has capacities of its own; leave those zero")
		}
		return "", ""
	}
	return cmp.Or(cfg.PasskeyFile, defaultPasskeyFile), cmp.Or(cfg.StateFile, defaultStateFile)
}
