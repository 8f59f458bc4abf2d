package mcpoauth

import (
	"log/slog"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

const (
	defaultAppName          = "MCP server"
	defaultPasskeyFile      = "passkeys.json"
	defaultStateFile        = "state.json"
	defaultAuthRate         = 120
	defaultRegistrationRate = 60
	defaultGeneralRate      = 6000
	defaultCallers          = 10_000

	minSecret       = 16 // characters of a secret that a person chose
	maxCodeLifetime = 10 * time.Minute
	maxRefreshGrace = 24 * time.Hour
)

var defaultScopes = []Scope{{Name: "mcp:tools", Description: "Use the tools of this server"}}

// settings are a Config that has been checked, with every default in place.
type settings struct {
	issuer       string
	appName      string
	resources    oauth.Resources
	clients      map[string]*store.Client
	registration bool
	documents    bool
	fetcher      *fetch.Fetcher // of metadata documents
	keySets      *fetch.Fetcher
	redirectURIs []string
	scopes       oauth.Scopes
	passkeyFile  string
	stateFile    string
	backend      store.Backend
	setupToken   string
	lifetimes    store.Lifetimes
	rates        RateLimits
	capacity     Capacity
	proxies      ratelimit.Proxies
	log          *slog.Logger
	pages        *templates.Pages
	tooOften     templates.Fixed
	repair401    bool
}
