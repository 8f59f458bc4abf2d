package mcpoauth

import (
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// Config configures a Router. Only ServerURL is required; the zero value of every
// other field is a good default.
type Config struct {
	// ServerURL is the one public origin of the server, as clients and browsers
	// see it: https://mcp.example.com. It is the issuer, the prefix of every
	// endpoint and the origin of the passkeys, and clients bind what they keep
	// to it, so it should never change. Plain http is for loopback only
	// (http://localhost:8080). An IP address cannot be a passkey's relying party.
	ServerURL string

	// AppName is what pages and passkey prompts call this server.
	// If empty, "MCP server".
	AppName string

	// AccentColor is the colour of the buttons and marks of the pages, as #rrggbb. Text
	// on it is black or white, whichever is easier to read. If empty, blue. A logo is an
	// icon.svg in Templates.
	AccentColor string

	// Resources are the MCP endpoints that are guarded, the default one first.
	// If empty, one at /mcp. All are served by the handler that is wrapped.
	Resources []Resource

	// Clients are clients that are known beforehand. Most need no entry: they
	// register themselves.
	Clients []Client

	// DisableRegistration turns POST /register off. Clients known by a metadata
	// document can still ask for approval: with DisableMetadataDocuments too, only
	// Clients can connect, and those that were approved before.
	DisableRegistration bool

	// DisableMetadataDocuments turns client ID metadata documents off: this server
	// then asks no other. Claude, ChatGPT, VS Code and others register themselves
	// instead.
	DisableMetadataDocuments bool

	// AllowClientHost, if not nil, is asked at the approval page before a metadata
	// document of a host is fetched or used, and before a key set is fetched. It does
	// not end what was approved before. It may be called from many goroutines at once.
	AllowClientHost func(host string) bool

	// DangerouslyFetchThrough fetches metadata documents and key sets in place of the
	// guarded transport, for networks whose only way out is a proxy. Anybody can have
	// this server fetch a URL of their choice: what it reaches, they reach (SSRF). If
	// nil, public addresses on port 443 only, checked when they are dialled, and no
	// proxy from the environment. If it panics, the log says so, and the server that was
	// asked counts as one that cannot be reached.
	DangerouslyFetchThrough http.RoundTripper

	// RedirectURIs are the redirect URIs that clients may register and use; those
	// of Clients are allowed in any case. If nil, any safe one: https, http on
	// loopback, or an app's private-use scheme. Empty but not nil is an error. Every
	// approval shows it.
	RedirectURIs []string

	// Scopes are the scopes that can be granted. If empty, mcp:tools alone. Without
	// offline_access, which every client may ask for: this server grants it by itself.
	Scopes []Scope

	// PasskeyFile and StateFile are where people and their passkeys, and clients
	// and grants, are kept. If empty, passkeys.json and state.json in the working
	// directory. They must be empty if Store is set.
	PasskeyFile string
	StateFile   string

	// Store keeps everything instead of the files. The caller closes it, after
	// the Router. memory.New(memory.Options{}) forgets all at the end of the process.
	Store store.Backend

	// SetupToken is needed to make the first passkey, and good for nothing after.
	// If empty and there is no passkey yet, one is made and the link that has it
	// is logged, once. At least 16 characters, without white space around them.
	SetupToken string

	// AccessTokenLifetime is how long an access token lives. If zero, 24 hours:
	// some clients are bad at refreshing, and a token dies at once when its grant
	// is revoked.
	AccessTokenLifetime time.Duration

	// CodeLifetime is how long a client has to redeem a code. If zero, 5 minutes;
	// at most 10 (RFC 6749 §4.1.2).
	CodeLifetime time.Duration

	// RefreshIdleLifetime is how long a connection lasts that nobody uses. Each
	// refresh starts it anew. If zero, 90 days, or twice AccessTokenLifetime if that
	// is longer.
	RefreshIdleLifetime time.Duration

	// RefreshGrace is how long a refresh token that was exchanged still gets the
	// same answer, for clients that lost it or refresh from several processes at
	// once. Later use ends the grant. If zero, 120 seconds; if negative, none.
	RefreshGrace time.Duration

	// RateLimits bound how often one caller may ask.
	RateLimits RateLimits

	// Capacity bounds what strangers can make the server keep.
	Capacity Capacity

	// TrustedProxies are the addresses or prefixes (10.0.0.0/8) of the reverse
	// proxies whose X-Forwarded-For is believed. If empty, nobody's is: behind a
	// proxy, all callers then share its limits.
	TrustedProxies []string

	// Logger gets what happens, under stable names, and never a secret but for
	// the setup link. If nil, slog.Default().
	Logger *slog.Logger

	// OnEvent, if not nil, is told of each event that decides who is in, such as to send a
	// mail when an app was approved or a token came twice. Events come one at a time, in
	// the order of the log, after the request that caused them or beside it: no request
	// waits, and a panic is logged and harms nothing. If it is slow they wait for it, up
	// to 1000, beyond which it misses some, and Close waits for it at most 5 seconds.
	OnEvent func(Event)

	// Templates replaces files of the pages by name, such as the logo, icon.svg; see the
	// package templates.
	Templates fs.FS

	// InnerUnauthorizedAsNotFound turns a 401 of the wrapped handler into 404. It
	// is for handlers that answer 401 to an unknown session, which clients take
	// for a bad token. If false, the handler's answers pass as they are.
	InnerUnauthorizedAsNotFound bool
}

// A Resource is a guarded MCP endpoint.
type Resource struct {
	// Path is where it is; requests below it belong to it too. "/" is the whole
	// origin but for the routes of this package.
	Path string

	// Name is what the approval page calls it. If empty, AppName.
	Name string

	// Scopes are the scopes a token needs to enter, and those that a client is
	// told to ask for. If empty, all of Config.Scopes. RequireScopes asks for
	// more in places.
	Scopes []string
}

// A Scope is a permission that a client can ask for.
type Scope struct {
	Name        string
	Description string // in words, for the approval page: "Read your notes"

	// Implies are narrower scopes of Config.Scopes that who has this one has too,
	// and what those imply.
	Implies []string
}

// A Client is a client that is known beforehand.
type Client struct {
	ID           string // of A-Z a-z 0-9 - . _ ~
	Secret       string // of at least 16 characters; empty for a public client, or one with keys
	Name         string // if empty, the ID
	RedirectURIs []string

	// JWKS are the public keys, as a JSON Web Key Set, of a client that signs instead
	// of having a secret (private_key_jwt); JWKSURI is where it publishes them. One of
	// them, or neither.
	JWKS    string
	JWKSURI string
}

// RateLimits are requests a minute. A caller may make all of them at once, and after a
// pause one in 256 more, at most 15. Zero is the default, a negative number no limit.
type RateLimits struct {
	Auth         int // pages and passkeys, and apart from them tokens and revocation, by address; 120
	Registration int // of clients, by address; 60
	General      int // MCP requests by grant, and by address health checks, assets of the pages and, with a database, unknown tokens; 6000
}

// Capacity is how many records of a kind strangers can fill. When one is full, the
// oldest gives way; what somebody approved never does. Zero is the default. A Store of
// one's own has capacities of its own: Clients and Ceremonies must be zero then.
type Capacity struct {
	Clients    int // registrations that nobody has approved; 10,000
	Ceremonies int // passkey prompts under way; 10,000
	Callers    int // whose rate is remembered, in each of the limits; 10,000, and of grants at least 131,072
}
