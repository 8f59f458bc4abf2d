// Package mcpoauth gives any MCP server complete OAuth in one call: discovery, client
// registration, an approval page that a passkey answers, tokens, and the bearer check
// in front of the handler.
//
//	router, err := mcpoauth.BuildOAuthRouter(mcpHandler, mcpoauth.Config{ServerURL: "https://mcp.example.com"})
//
// On the first run it logs a setup link. Whoever opens it registers a passkey and
// is the owner, who approves each client from then on.
package mcpoauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/mcpoauth/mcpoauth/account"
	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/authorize"
	"github.com/mcpoauth/mcpoauth/discovery"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/passkey"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/register"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/templates"
	"github.com/mcpoauth/mcpoauth/token"
)

// startupTimeout bounds what BuildOAuthRouter asks of the store.
const startupTimeout = 10 * time.Second

// A Router is an authorization server and the guard of the handler it wraps. It
// serves everything of its origin, and listens on nothing by itself. Answers share the
// values of their headers: what stands in front of it may set and delete headers, and
// must not edit a value in its place.
type Router struct {
	guarded []guarded // longest path first
	own     http.Handler
	routes  *chi.Mux // within own
	admin   admin
	uses    *token.Uses
	journal *audit.Journal
	close   func() error
}

type guarded struct {
	path    string
	handler http.Handler
}

// BuildOAuthRouter wraps mcp with OAuth. It returns every mistake in cfg at once,
// each with its field, value and cure, or what is wrong with the store.
func BuildOAuthRouter(mcp http.Handler, cfg Config) (*Router, error) {
	s, err := cfg.validate(mcp)
	if err != nil {
		return nil, err
	}
	journal := audit.New(cfg.OnEvent, s.log)
	s.log = slog.New(journal.Handler(s.log.Handler()))
	closeStore := func() error { return nil }
	if s.backend == nil {
		files, err := memory.Open(memory.Options{
			PasskeyFile: s.passkeyFile,
			StateFile:   s.stateFile,
			Capacity:    memory.Capacity{Clients: s.capacity.Clients, Ceremonies: s.capacity.Ceremonies},
		})
		if err != nil {
			return nil, fmt.Errorf("mcpoauth: opening the store: %w", err)
		}
		s.backend, closeStore = files, files.Close
		s.log.Info("store.opened", "passkey_file", absolute(s.passkeyFile), "state_file", absolute(s.stateFile))
	}
	st := store.New(s.backend, s.lifetimes)
	journal.SaveTo(st)
	router, err := s.build(mcp, st, journal)
	if err != nil {
		journal.Close()
		return nil, errors.Join(err, closeStore())
	}
	router.close = closeStore
	return router, nil
}

// Close writes down the last uses and events, waits for what is being written and closes
// the files; a second call does nothing more. Stop the http.Server first. A store that
// came from Config is its caller's to close, afterwards.
func (rt *Router) Close() error {
	rt.uses.Close() // which may be an event
	rt.journal.Close()
	return rt.close()
}

// ServeHTTP looks for a guarded path first: MCP requests are nearly all there are,
// and need nothing of the routing below.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i := range rt.guarded {
		if g := &rt.guarded[i]; g.covers(r.URL.Path) {
			g.handler.ServeHTTP(w, r)
			return
		}
	}
	rt.own.ServeHTTP(w, r)
}

// build wires the endpoints together. It is the whole map of the server.
func (s settings) build(mcp http.Handler, st *store.Store, journal *audit.Journal) (*Router, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startupTimeout)
	defer cancel()
	if err := s.announceSetup(ctx, st); err != nil {
		return nil, err
	}
	if err := s.endSuspended(ctx, st); err != nil {
		return nil, err
	}
	rp, err := passkey.RelyingParty(s.issuer, s.appName)
	if err != nil {
		return nil, fmt.Errorf("mcpoauth: setting up passkeys: %w", err)
	}
	sameOrigin := http.NewCrossOriginProtection()
	if err := sameOrigin.AddTrustedOrigin(s.issuer); err != nil {
		return nil, fmt.Errorf("mcpoauth: trusting the server's own origin: %w", err)
	}
	sameOrigin.SetDenyHandler(http.HandlerFunc(s.refuseCrossOrigin))

	// Only /authorize, where a person waits, asks other people's servers.
	clients := &register.Clients{Preregistered: s.clients, ApprovedOnly: !s.registration, Store: st}
	asking := *clients
	asking.AllowHost = s.fetcher.Allow
	if s.documents {
		asking.Documents = &register.Documents{
			Fetch: s.fetcher, Store: st, Methods: []string{oauth.AuthNone, oauth.AuthPrivateKeyJWT}, RedirectURIs: s.redirectURIs, Scopes: s.scopes, Log: s.log,
		}
	}
	people := &passkey.Handler{
		Store: st, Pages: s.pages, RelyingParty: rp, ServerURL: s.issuer, AppName: s.appName,
		ResourceURLs: s.resourceURLs(), SetupToken: s.setupToken, Log: s.log,
	}
	approval := &authorize.Handler{
		Clients: &asking, Store: st, People: people, Pages: s.pages, Issuer: s.issuer, Resources: s.resources,
		Scopes: s.scopes, RedirectURIs: s.redirectURIs, Protection: sameOrigin, Log: s.log,
	}
	accounts := &account.Handler{
		Store: st, People: people, Clients: clients, Pages: s.pages, ServerURL: s.issuer, Resources: s.resources, Scopes: s.scopes, Log: s.log,
		Events: recorder{journal},
	}
	tokens := &token.Handler{Clients: clients, Store: st, Issuer: s.issuer, KeySets: s.keySets, Resources: s.resources, Scopes: s.scopes, Log: s.log}
	registration := &register.Handler{Store: st, Scopes: s.scopes, RedirectURIs: s.redirectURIs, Log: s.log}
	metadata := discovery.Document(discovery.NewAuthorizationServer(s.issuer, s.scopes, s.resources, s.registration, s.documents))

	// What stands before a handler. Endpoints that clients call, browser clients
	// among them, get CORS; pages are for this origin alone.
	var (
		json  = s.refuseJSON
		auth  = s.limit("pages", s.rates.Auth)
		shown = func(page http.HandlerFunc) http.Handler { return s.inOwnWindow(auth(s.refusePage, page)) }
		calls = s.limit("tokens", s.rates.Auth) // junk for the pages stops no refresh, nor the other way
		regis = s.limit("registration", s.rates.Registration)
		rest  = s.limit("general", s.rates.General)
		same  = sameOrigin.Handler
	)
	routes := []route{
		{"GET", oauth.AuthorizationServerPath, cors(metadata)},
		{"POST", "/token", cors(calls(json, tokens.Exchange))},
		{"POST", "/revoke", cors(calls(json, tokens.Revoke))},
		{"GET", "/authorize", shown(approval.Get)},
		{"POST", "/authorize", shown(approval.Post)}, // decisions are checked for their origin inside
		{"GET", templates.AssetPath + "{file}", rest(json, s.asset)},
		{"GET", "/passkey/register", shown(people.RegisterPage)},
		{"GET", "/passkey/enrol", shown(people.EnrolPage)},
		{"POST", "/passkey/register/start", same(auth(json, people.RegisterStart))},
		{"POST", "/passkey/register/finish", same(auth(json, people.RegisterFinish))},
		{"POST", "/passkey/auth/start", same(auth(json, people.AuthStart))},
		{"POST", "/passkey/auth/finish", same(auth(json, people.AuthFinish))},
		{"GET", "/account", shown(accounts.ConnectionsPage)},
		{"GET", "/account/sign-in", shown(accounts.SignInPage)},
		{"POST", "/account/sign-in", same(shown(accounts.SignIn))},
		{"POST", "/account/sign-out", same(shown(accounts.SignOut))},
		{"POST", "/account/sign-out-everywhere", same(shown(accounts.SignOutEverywhere))},
		{"POST", "/account/revoke", same(shown(accounts.Revoke))},
		{"POST", "/account/revoke-app", same(shown(accounts.RevokeApp))},
		{"POST", "/account/revoke-all", same(shown(accounts.RevokeAll))},
		{"GET", "/account/passkeys", shown(accounts.PasskeysPage)},
		{"POST", "/account/passkeys/rename", same(shown(accounts.RenamePasskey))},
		{"POST", "/account/passkeys/remove", same(shown(accounts.RemovePasskey))},
		{"POST", "/account/passkeys/add", same(shown(accounts.AddPasskey))},
		{"GET", "/account/keys", shown(accounts.KeysPage)},
		{"POST", "/account/keys/create", same(shown(accounts.CreateKey))},
		{"GET", "/account/people", shown(accounts.PeoplePage)},
		{"POST", "/account/people/invite", same(shown(accounts.Invite))},
		{"POST", "/account/people/withdraw", same(shown(accounts.Withdraw))},
		{"POST", "/account/people/suspend", same(shown(accounts.Suspend))},
		{"POST", "/account/people/resume", same(shown(accounts.Resume))},
		{"POST", "/account/people/remove", same(shown(accounts.RemovePerson))},
		{"GET", "/account/events", shown(accounts.EventsPage)},
		{"GET", "/health", rest(json, s.health(st))},
	}
	if s.registration {
		routes = append(routes, route{"POST", "/register", cors(regis(json, registration.ServeHTTP))})
	}
	for _, resource := range s.protectedResources() {
		document := cors(discovery.Document(discovery.NewProtectedResource(s.issuer, resource.Resource)))
		routes = append(routes, route{"GET", resource.at, document}, route{"GET", resource.at + "/", document})
	}

	perGrant, strangers, uses := s.perGrant(), s.strangers(), token.NewUses(st, s.proxies.Network, s.log)
	door, err := s.frontDoor()
	if err != nil {
		return nil, fmt.Errorf("mcpoauth: parsing the server URL: %w", err)
	}
	mux := s.mux(routes)
	router := &Router{
		own: door.watch(direct(routes, mux)), routes: mux, uses: uses, journal: journal,
		admin: admin{store: st, clients: clients, issuer: s.issuer, resources: s.resources, scopes: s.scopes, log: s.log},
	}
	if s.repair401 {
		mcp = unauthorizedAsNotFound(mcp)
	}
	for _, resource := range s.resources {
		guard := token.Guard{
			Store: st, Resource: resource, Scopes: s.scopes, MetadataURL: s.issuer + resource.MetadataPath(), Limit: perGrant,
			Strangers: strangers, Uses: uses, Log: s.log,
		}
		router.guarded = append(router.guarded, guarded{resource.Path, corsGuarded(guard.Protect(mcp))})
	}
	slices.SortFunc(router.guarded, func(a, b guarded) int { return cmp.Compare(len(b.path), len(a.path)) })
	return router, nil
}

// A route is a line of the table above.
type route struct {
	method, pattern string
	handler         http.Handler
}

// direct finds routes that are no more than a method and a path by these, and leaves all
// else to mux: its search costs as much as it does to answer some of them.
func direct(routes []route, mux http.Handler) http.Handler {
	byMethod := make(map[string]map[string]http.Handler)
	for _, rt := range routes {
		if byMethod[rt.method] == nil {
			byMethod[rt.method] = make(map[string]http.Handler)
		}
		if !strings.ContainsAny(rt.pattern, "{*") {
			byMethod[rt.method][rt.pattern] = rt.handler
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next := byMethod[r.Method][r.URL.Path]
		if next == nil || r.URL.RawPath != "" { // escapes are for the mux to read
			next = mux
		}
		next.ServeHTTP(w, r)
	})
}

// mux returns the routes as a handler. Where there is GET there is HEAD; every
// other method of a path is answered with those it has.
func (s settings) mux(routes []route) *chi.Mux {
	mux := chi.NewMux()
	mux.NotFound(s.notFound)
	mux.MethodNotAllowed(s.unknownMethod) // what chi asks for a method it never heard of
	// Clients probe here. To one in a browser 404 is an answer, but no CORS an error.
	mux.Handle("/.well-known/*", cors(http.HandlerFunc(s.notFound)))
	mux.Method("OPTIONS", "/.well-known/*", preflight("GET", "HEAD", "OPTIONS"))
	methods, crossOrigin := make(map[string][]string), make(map[string]bool)
	for _, rt := range routes {
		methods[rt.pattern] = append(methods[rt.pattern], rt.method)
		if _, is := rt.handler.(corsHandler); is {
			crossOrigin[rt.pattern] = true
		}
	}
	for pattern, allowed := range methods {
		if slices.Contains(allowed, "GET") {
			allowed = append(allowed, "HEAD")
		}
		allowed = append(allowed, "OPTIONS")
		if !crossOrigin[pattern] {
			mux.Handle(pattern, s.otherMethod(allowed))
			continue
		}
		mux.Handle(pattern, cors(s.otherMethod(allowed)))
		mux.Method("OPTIONS", pattern, preflight(allowed...))
	}
	for _, rt := range routes {
		mux.Method(rt.method, rt.pattern, rt.handler)
		if rt.method == "GET" {
			mux.Method("HEAD", rt.pattern, rt.handler)
		}
	}
	return mux
}

// A metadataRoute is where the metadata of a resource is served.
type metadataRoute struct {
	at       string
	Resource oauth.Resource
}

// protectedResources returns the metadata of every resource at its own place
// (RFC 9728 §3.1), and that of the default one at the root too, where clients look
// that know no other.
func (s settings) protectedResources() []metadataRoute {
	root := s.resources[0]
	var routes []metadataRoute
	for _, resource := range s.resources {
		if resource.Path == "/" {
			root = resource
			continue
		}
		routes = append(routes, metadataRoute{resource.MetadataPath(), resource})
	}
	return append(routes, metadataRoute{oauth.ProtectedResourcePath, root})
}

func (s settings) resourceURLs() []string {
	var urls []string
	for _, resource := range s.resources {
		urls = append(urls, resource.URL)
	}
	return urls
}

// endSuspended finishes what a crash interrupted: who is suspended has no connections.
func (s settings) endSuspended(ctx context.Context, st *store.Store) error {
	ended, err := st.EndSuspended(ctx)
	for _, g := range ended {
		s.log.Info("grant.revoked", "user_id", g.UserID, "client_id", g.ClientID, "grant_id", g.ID, "reason", "the person is suspended")
	}
	if err != nil {
		return fmt.Errorf("mcpoauth: ending what suspended people have connected: %w", err)
	}
	return nil
}

// announceSetup says how the first passkey is made, unless there is one. The link is the
// one secret that is ever logged: whoever reads the log of a server that nobody owns
// yet may become its owner. Of several replicas each logs a link, and each link works at
// all of them.
func (s settings) announceSetup(ctx context.Context, st *store.Store) error {
	done, err := st.HasOwner(ctx)
	if err != nil {
		return fmt.Errorf("mcpoauth: reading the store: %w", err)
	}
	page := s.issuer + "/passkey/register"
	switch {
	case done:
		return nil
	case s.setupToken != "":
		s.log.Info("setup.needed", "advice", "open the page and enter the setup token to create the owner's passkey", "page", page)
		return nil
	}
	token, err := st.Enrol(ctx, store.ForSetup, store.OwnerID, "")
	if err != nil {
		return fmt.Errorf("mcpoauth: storing the setup token: %w", err)
	}
	s.log.Info("setup.needed", "advice", "open this link in your browser to create the owner's passkey",
		"setup_link", page+"#setup_token="+token, "works_until", time.Now().Add(store.SetupLife).Format(time.RFC3339))
	return nil
}

// limit returns a limiter of its own by address: what is refused is said as JSON or
// as a page. Whatever has events is behind one, so that they tell where they came from.
func (s settings) limit(name string, perMinute int) func(refusal, http.HandlerFunc) http.Handler {
	table := s.limited(name, perMinute)
	return func(refuse refusal, next http.HandlerFunc) http.Handler {
		return ratelimit.ByAddress(table, s.proxies, s.asked(next), refuse)
	}
}
