package mcpoauth_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// inMemory is cfg with what keeps it off the disk.
func inMemory(t *testing.T, cfg mcpoauth.Config) mcpoauth.Config {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	cfg.Store = backend
	cfg.Logger = slog.New(slog.DiscardHandler)
	return cfg
}

// A mistake is a Config that is refused, with what the error has to say: the field,
// the value (if it is no secret) and the cure.
type mistake struct {
	change             func(*mcpoauth.Config)
	field, value, cure string
	secret             string
}

func serverURLIs(s string) func(*mcpoauth.Config) {
	return func(cfg *mcpoauth.Config) { cfg.ServerURL = s }
}

func pathIs(s string) func(*mcpoauth.Config) {
	return func(cfg *mcpoauth.Config) { cfg.Resources = []mcpoauth.Resource{{Path: "/ok"}, {Path: s}} }
}

func clientIs(c mcpoauth.Client) func(*mcpoauth.Config) {
	return func(cfg *mcpoauth.Config) {
		cfg.Clients = []mcpoauth.Client{{ID: "first", RedirectURIs: []string{webClient}}, c}
	}
}

var mistakes = map[string]mistake{
	"no server URL":          {change: serverURLIs(""), field: "ServerURL", cure: "https://mcp.example.com"},
	"no scheme":              {change: serverURLIs("mcp.example.com"), field: "ServerURL", value: `"mcp.example.com"`, cure: "https://mcp.example.com"},
	"no host":                {change: serverURLIs("https://"), field: "ServerURL", value: `"https://"`, cure: "https://mcp.example.com"},
	"a port alone":           {change: serverURLIs("https://:8443"), field: "ServerURL", value: `"https://:8443"`, cure: "https://mcp.example.com"},
	"no URL":                 {change: serverURLIs("https://a b"), field: "ServerURL", value: `"https://a b"`, cure: "https://mcp.example.com"},
	"plain http":             {change: serverURLIs("http://mcp.example.com"), field: "ServerURL", value: `"http://mcp.example.com"`, cure: "use https://mcp.example.com"},
	"another scheme":         {change: serverURLIs("ftp://mcp.example.com"), field: "ServerURL", value: `"ftp://mcp.example.com"`, cure: "use https://mcp.example.com"},
	"a path":                 {change: serverURLIs("https://mcp.example.com/mcp"), field: "ServerURL", value: `"https://mcp.example.com/mcp"`, cure: "Config.Resources"},
	"a query":                {change: serverURLIs("https://mcp.example.com?x=y"), field: "ServerURL", value: `"https://mcp.example.com?x=y"`, cure: "use https://mcp.example.com"},
	"an empty query":         {change: serverURLIs("https://mcp.example.com/?"), field: "ServerURL", value: `"https://mcp.example.com/?"`, cure: "use https://mcp.example.com"},
	"a fragment":             {change: serverURLIs("https://mcp.example.com/#x"), field: "ServerURL", value: `"https://mcp.example.com/#x"`, cure: "use https://mcp.example.com"},
	"a password":             {change: serverURLIs("https://me:hunter2hunter2@mcp.example.com"), field: "ServerURL", value: "@mcp.example.com", cure: "use https://mcp.example.com", secret: "hunter2"},
	"a password in no URL":   {change: serverURLIs("https://me:hunter2hunter2@a b"), field: "ServerURL", value: "@a b", cure: "https://mcp.example.com", secret: "hunter2"},
	"an IPv4 address":        {change: serverURLIs("https://192.0.2.1"), field: "ServerURL", value: `"https://192.0.2.1"`, cure: "relying party of a passkey; use a host name"},
	"an IPv6 address":        {change: serverURLIs("https://[2001:db8::1]"), field: "ServerURL", value: `"https://[2001:db8::1]"`, cure: "relying party of a passkey; use a host name"},
	"a loopback address":     {change: serverURLIs("http://127.0.0.1:8080"), field: "ServerURL", value: `"http://127.0.0.1:8080"`, cure: "http://localhost:8080"},
	"a loopback IPv6":        {change: serverURLIs("http://[::1]:8080"), field: "ServerURL", value: `"http://[::1]:8080"`, cure: "http://localhost:8080"},
	"an international name":  {change: serverURLIs("https://bücher.example"), field: "ServerURL", value: "bücher.example", cure: "xn--"},
	"an underscore":          {change: serverURLIs("https://my_host.example"), field: "ServerURL", value: "my_host", cure: "punycode"},
	"a list of redirects":    {change: func(c *mcpoauth.Config) { c.RedirectURIs = []string{} }, field: "RedirectURIs", cure: "leave it nil"},
	"a dangerous redirect":   {change: func(c *mcpoauth.Config) { c.RedirectURIs = []string{webClient, "javascript:x"} }, field: "RedirectURIs[1]", value: `"javascript:x"`, cure: "use https"},
	"a short setup token":    {change: func(c *mcpoauth.Config) { c.SetupToken = "hunter2" }, field: "SetupToken", value: "7 characters", cure: "at least 16", secret: "hunter2"},
	"a token from a file":    {change: func(c *mcpoauth.Config) { c.SetupToken = "hunter2hunter2hunter2\n" }, field: "SetupToken", value: "white space around it", cure: "trim it", secret: "hunter2"},
	"a token after a mark":   {change: func(c *mcpoauth.Config) { c.SetupToken = "\ufeffhunter2hunter2hunter2" }, field: "SetupToken", value: "white space around it", cure: "trim it", secret: "hunter2"},
	"a token of a newline":   {change: func(c *mcpoauth.Config) { c.SetupToken = "\n" }, field: "SetupToken", value: "white space around it", cure: "leave it empty"},
	"a short access life":    {change: func(c *mcpoauth.Config) { c.AccessTokenLifetime = time.Millisecond }, field: "AccessTokenLifetime", value: "1ms", cure: "zero for the default"},
	"a negative access life": {change: func(c *mcpoauth.Config) { c.AccessTokenLifetime = -time.Hour }, field: "AccessTokenLifetime", value: "-1h0m0s", cure: "zero for the default"},
	"a negative code life":   {change: func(c *mcpoauth.Config) { c.CodeLifetime = -1 }, field: "CodeLifetime", value: "-1ns", cure: "zero for the default"},
	"a long code life":       {change: func(c *mcpoauth.Config) { c.CodeLifetime = time.Hour }, field: "CodeLifetime", value: "1h0m0s", cure: "10m"},
	"a short idle life":      {change: func(c *mcpoauth.Config) { c.RefreshIdleLifetime = time.Hour }, field: "RefreshIdleLifetime", value: "1h0m0s", cure: "24h"},
	"a long grace":           {change: func(c *mcpoauth.Config) { c.RefreshGrace = 48 * time.Hour }, field: "RefreshGrace", value: "48h0m0s", cure: "use minutes"},
	"a negative capacity":    {change: func(c *mcpoauth.Config) { c.Capacity.Clients = -1 }, field: "Capacity.Clients", value: "-1", cure: "zero for the default"},
	"another one":            {change: func(c *mcpoauth.Config) { c.Capacity.Ceremonies = -2 }, field: "Capacity.Ceremonies", value: "-2", cure: "zero for the default"},
	"and another":            {change: func(c *mcpoauth.Config) { c.Capacity.Callers = -3 }, field: "Capacity.Callers", value: "-3", cure: "zero for the default"},
	"a proxy by name":        {change: func(c *mcpoauth.Config) { c.TrustedProxies = []string{"10.0.0.1", "proxy.local"} }, field: "TrustedProxies[1]", value: `"proxy.local"`, cure: "10.0.0.0/8"},
	"a proxy of IPv4 in /95": {change: func(c *mcpoauth.Config) { c.TrustedProxies = []string{"::ffff:10.0.0.7/95"} }, field: "TrustedProxies[0]", value: `"::ffff:10.0.0.7/95"`, cure: "10.0.0.0/8"},
	"a proxy of all of IPv4": {change: func(c *mcpoauth.Config) { c.TrustedProxies = []string{"::ffff:0.0.0.0/96"} }, field: "TrustedProxies[0]", value: "::ffff:0.0.0.0/96", cure: "your proxy's own"},
	"a proxy with a port":    {change: func(c *mcpoauth.Config) { c.TrustedProxies = []string{"10.0.0.1:80"} }, field: "TrustedProxies[0]", value: `"10.0.0.1:80"`, cure: "10.0.0.7"},
	"no scope":               {change: func(c *mcpoauth.Config) { c.Scopes = []mcpoauth.Scope{{Name: ""}} }, field: "Scopes[0].Name", value: `""`, cure: "printable ASCII"},
	"a scope of two words":   {change: func(c *mcpoauth.Config) { c.Scopes = []mcpoauth.Scope{{Name: "a"}, {Name: "b c"}} }, field: "Scopes[1].Name", value: `"b c"`, cure: "printable ASCII"},
	"offline_access":         {change: func(c *mcpoauth.Config) { c.Scopes = []mcpoauth.Scope{{Name: "offline_access"}} }, field: "Scopes[0].Name", value: "offline_access", cure: "leave it out"},
	"a scope twice":          {change: func(c *mcpoauth.Config) { c.Scopes = []mcpoauth.Scope{{Name: "a"}, {Name: "a"}} }, field: "Scopes[1].Name", value: `"a"`, cure: "leave one out"},
	"no path":                {change: pathIs(""), field: "Resources[1].Path", value: `""`, cure: "/mcp"},
	"a relative path":        {change: pathIs("mcp"), field: "Resources[1].Path", value: `"mcp"`, cure: "/mcp"},
	"a slash at the end":     {change: pathIs("/mcp/"), field: "Resources[1].Path", value: `"/mcp/"`, cure: "/mcp"},
	"a path that climbs":     {change: pathIs("/a/../mcp"), field: "Resources[1].Path", value: `"/a/../mcp"`, cure: "/mcp"},
	"a path of two slashes":  {change: pathIs("//mcp"), field: "Resources[1].Path", value: `"//mcp"`, cure: "/mcp"},
	"a pattern":              {change: pathIs("/{id}"), field: "Resources[1].Path", value: `"/{id}"`, cure: "letters, digits"},
	"a wildcard":             {change: pathIs("/mcp/*"), field: "Resources[1].Path", value: `"/mcp/*"`, cure: "letters, digits"},
	"an escape":              {change: pathIs("/a%2Fb"), field: "Resources[1].Path", value: `"/a%2Fb"`, cure: "letters, digits"},
	"a query in a path":      {change: pathIs("/mcp?x"), field: "Resources[1].Path", value: `"/mcp?x"`, cure: "letters, digits"},
	"an endpoint's path":     {change: pathIs("/token"), field: "Resources[1].Path", value: `"/token"`, cure: "choose another"},
	"a path below one":       {change: pathIs("/authorize/mcp"), field: "Resources[1].Path", value: `"/authorize/mcp"`, cure: "choose another"},
	"a well-known path":      {change: pathIs("/.well-known/mcp"), field: "Resources[1].Path", value: `"/.well-known/mcp"`, cure: "choose another"},
	"the health path":        {change: pathIs("/health"), field: "Resources[1].Path", value: `"/health"`, cure: "choose another"},
	"a path twice":           {change: pathIs("/ok"), field: "Resources[1].Path", value: `"/ok"`, cure: "leave one out"},
	"an unknown scope": {
		change: func(c *mcpoauth.Config) {
			c.Resources = []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools", "other"}}}
		},
		field: "Resources[0].Scopes[1]", value: `"other"`, cure: "add it",
	},
	"a client without ID":     {change: clientIs(mcpoauth.Client{RedirectURIs: []string{webClient}}), field: "Clients[1].ID", value: `""`, cure: "letters, digits"},
	"a client of odd letters": {change: clientIs(mcpoauth.Client{ID: "my app", RedirectURIs: []string{webClient}}), field: "Clients[1].ID", value: `"my app"`, cure: "letters, digits"},
	"a client twice":          {change: clientIs(mcpoauth.Client{ID: "first", RedirectURIs: []string{webClient}}), field: "Clients[1].ID", value: `"first"`, cure: "leave one out"},
	"a short secret":          {change: clientIs(mcpoauth.Client{ID: "b", Secret: "hunter2", RedirectURIs: []string{webClient}}), field: "Clients[1].Secret", value: "7 characters", cure: "openssl rand", secret: "hunter2"},
	"a secret from a file":    {change: clientIs(mcpoauth.Client{ID: "b", Secret: "hunter2hunter2hunter2\r\n", RedirectURIs: []string{webClient}}), field: "Clients[1].Secret", value: "white space around it", cure: "trim it", secret: "hunter2"},
	"a secret after a space":  {change: clientIs(mcpoauth.Client{ID: "b", Secret: " hunter2hunter2hunter2", RedirectURIs: []string{webClient}}), field: "Clients[1].Secret", value: "white space around it", cure: "trim it", secret: "hunter2"},
	"a client without URIs":   {change: clientIs(mcpoauth.Client{ID: "b"}), field: "Clients[1].RedirectURIs", cure: "list where"},
	"a client's plain http":   {change: clientIs(mcpoauth.Client{ID: "b", RedirectURIs: []string{webClient, "http://a.example/"}}), field: "Clients[1].RedirectURIs[1]", value: `"http://a.example/"`, cure: "use https"},
	"a file beside a store":   {change: func(c *mcpoauth.Config) { c.StateFile = "x.json" }, field: "Store", cure: "the one or the other"},
	"a port that is none":     {change: serverURLIs("https://example.com:99999"), field: "ServerURL", value: "example.com:99999", cure: "1 to 65535"},
	"a port with a zero":      {change: serverURLIs("https://example.com:08443"), field: "ServerURL", value: "example.com:08443", cure: "without, as :8443"},
	"a default port with one": {change: serverURLIs("https://example.com:0443"), field: "ServerURL", value: "example.com:0443", cure: "without, as :443"},
	"a loopback port with it": {change: serverURLIs("http://localhost:0080"), field: "ServerURL", value: "localhost:0080", cure: "without, as :80"},
	"the port zero":           {change: serverURLIs("https://example.com:00"), field: "ServerURL", value: "example.com:00", cure: "1 to 65535"},
	"no domain":               {change: serverURLIs("https://example"), field: "ServerURL", value: `"https://example"`, cure: "use a domain name"},
	"a trailing dot":          {change: serverURLIs("https://example.com."), field: "ServerURL", value: "example.com.", cure: "use a domain name"},
	"a star in a URI":         {change: clientIs(mcpoauth.Client{ID: "b", RedirectURIs: []string{"https://a.example/*"}}), field: "Clients[1].RedirectURIs[0]", value: "a.example/*", cure: "in full"},
	"a proxy of everybody":    {change: func(c *mcpoauth.Config) { c.TrustedProxies = []string{"0.0.0.0/0"} }, field: "TrustedProxies[0]", value: "0.0.0.0/0", cure: "your proxy's own"},
	"capacity beside a store": {change: func(c *mcpoauth.Config) { c.Capacity.Clients = 5 }, field: "Store", cure: "leave those zero"},
	"a broken template":       {change: func(c *mcpoauth.Config) { c.Templates = fstest.MapFS{"consent.html": {Data: []byte("{{.Nope")}} }, field: "Templates", value: "consent.html", cure: "mend"},
}

func TestAMistakeInTheConfigIsNamedWithItsFieldValueAndCure(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			cfg := inMemory(t, mcpoauth.Config{ServerURL: serverURL})
			m.change(&cfg)
			router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
			if err == nil || router != nil {
				t.Fatalf("got %v, %v", router, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != 1 {
				t.Errorf("one mistake is %d errors: %q", len(lines), lines)
			}
			if !slices.ContainsFunc(lines, m.in) {
				t.Errorf("got  %v\nwant Config.%s: ... %s ... %s", err, m.field, m.value, m.cure)
			}
			if m.secret != "" && strings.Contains(err.Error(), m.secret) {
				t.Errorf("the secret is in it: %v", err)
			}
		})
	}
}

// in reports whether a line of an error says all there is to say of the mistake.
func (m mistake) in(line string) bool {
	return strings.HasPrefix(line, "mcpoauth: Config."+m.field+": ") && strings.Contains(line, m.value) && strings.Contains(line, m.cure)
}

func TestAllMistakesComeAtOnce(t *testing.T) {
	const secret = "hunter2"
	cfg := inMemory(t, mcpoauth.Config{
		ServerURL:      "http://mcp.example.com",
		Resources:      []mcpoauth.Resource{{Path: "mcp"}, {Path: "/token"}},
		Clients:        []mcpoauth.Client{{ID: "a b", Secret: secret}},
		Scopes:         []mcpoauth.Scope{{Name: "a b"}},
		RedirectURIs:   []string{"data:,x"},
		SetupToken:     secret,
		CodeLifetime:   time.Hour,
		RefreshGrace:   48 * time.Hour,
		Capacity:       mcpoauth.Capacity{Callers: -1},
		TrustedProxies: []string{"x"},
		PasskeyFile:    "x.json",
		Templates:      fstest.MapFS{"consent.html": {Data: []byte("{{")}},
	})
	_, err := mcpoauth.BuildOAuthRouter(nil, cfg)
	if err == nil {
		t.Fatal("it is taken")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, what := range []string{
		"BuildOAuthRouter: the handler is nil", "Config.ServerURL:", "Config.Resources[0].Path:", "Config.Resources[1].Path:", "Config.Clients[0].ID:",
		"Config.Clients[0].Secret:", "Config.Clients[0].RedirectURIs:", "Config.Scopes[0].Name:", "Config.RedirectURIs[0]:", "Config.SetupToken:",
		"Config.CodeLifetime:", "Config.RefreshGrace:", "Config.Capacity.Callers:", "Config.TrustedProxies[0]:", "Config.Store:", "Config.Templates:",
	} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, "mcpoauth: "+what) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is there %d times in:\n%v", what, n, err)
		}
	}
	if len(lines) != 16 || strings.Contains(err.Error(), secret) {
		t.Errorf("there are %d lines:\n%v", len(lines), err)
	}
}

func TestANilHandlerIsRefused(t *testing.T) {
	_, err := mcpoauth.BuildOAuthRouter(nil, inMemory(t, mcpoauth.Config{ServerURL: serverURL}))
	if err == nil || !strings.Contains(err.Error(), "the handler is nil; pass") {
		t.Error(err)
	}
}

func TestR13_OnlyHTTPSOrLoopbackIsAServerURLAndItHasOneSpelling(t *testing.T) {
	for configured, want := range map[string]string{
		"https://mcp.example.com":          "https://mcp.example.com",
		"https://mcp.example.com/":         "https://mcp.example.com",
		"HTTPS://MCP.Example.COM":          "https://mcp.example.com",
		"https://mcp.example.com:443":      "https://mcp.example.com",
		"https://mcp.example.com:443/":     "https://mcp.example.com",
		"https://mcp.example.com:":         "https://mcp.example.com",
		"https://mcp.example.com:8443":     "https://mcp.example.com:8443",
		"https://localhost:8443":           "https://localhost:8443",
		"https://xn--bcher-kva.example":    "https://xn--bcher-kva.example",
		"http://localhost":                 "http://localhost",
		"http://localhost:80":              "http://localhost",
		"http://localhost:8080/":           "http://localhost:8080",
		"http://LOCALHOST:8080":            "http://localhost:8080",
		"http://mcp.localhost:8080":        "http://mcp.localhost:8080",
		"http://localhost.evil.example":    "",
		"http://evillocalhost":             "",
		"http://mcp.example.com:443":       "",
		"http://mcp.local":                 "",
		"http://10.0.0.1":                  "",
		"//mcp.example.com":                "",
		"https:mcp.example.com":            "",
		"javascript://mcp.example.com/%0a": "",
	} {
		router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), inMemory(t, mcpoauth.Config{ServerURL: configured}))
		if want == "" {
			if err == nil {
				t.Errorf("%s is taken", configured)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", configured, err)
			continue
		}
		s := through(t, router)
		if got := s.document(asMetadata).text(t, "issuer"); got != want {
			t.Errorf("%s: the issuer is %s", configured, got)
		}
		if got := s.document(prmMetadata).text(t, "resource"); got != want+"/mcp" {
			t.Errorf("%s: the resource is %s", configured, got)
		}
	}
}

func TestAZeroConfigKeepsItsFilesInTheWorkingDirectoryAndLogsTheirPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	logs := new(safeBuffer)
	router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{ServerURL: serverURL, Logger: slog.New(slog.NewJSONHandler(logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	id := through(t, router).public(webClient)
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passkeys.json", "state.json"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if want := filepath.Join(dir, name); !strings.Contains(logs.String(), `"`+want+`"`) {
			t.Errorf("%s is not in the log: %s", want, logs)
		}
	}
	again, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{ServerURL: serverURL, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	defer again.Close()
	through(t, again).refresh(id, "x").wantError(t, http.StatusBadRequest, "invalid_grant") // and not invalid_client
}

func TestASecondRouterOnTheSameFilesIsRefused(t *testing.T) {
	cfg := inFiles(t, t.TempDir())
	router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg); err == nil || !strings.Contains(err.Error(), "p.json") {
		t.Errorf("the second one: %v", err)
	}
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	router, err = mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
	if err != nil {
		t.Fatalf("after the first was closed: %v", err)
	}
	if err := router.Close(); err != nil {
		t.Error(err)
	}
}

func inFiles(t *testing.T, dir string) mcpoauth.Config {
	t.Helper()
	return mcpoauth.Config{
		ServerURL:   serverURL,
		PasskeyFile: filepath.Join(dir, "p.json"),
		StateFile:   filepath.Join(dir, "s.json"),
		Logger:      slog.New(slog.DiscardHandler),
	}
}

func TestR58_AFileThatCannotBeReadIsAStartUpErrorThatNamesItAndStaysAsItIs(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no JSON": "{", "another format": `{"version":-1,"records":[]}`, "a list": "[]",
		"half of it": `{"version":1,"records":[{"kind":"client","id":"x"`,
	} {
		for _, broken := range []string{"p.json", "s.json"} {
			t.Run(name+" "+broken, func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, broken)
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				cfg := inFiles(t, dir)
				_, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
				if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "restore it from a backup, or move it away") {
					t.Fatalf("got %v", err)
				}
				if got := readFile(t, path); got != content {
					t.Errorf("it is %q now", got)
				}
				// The cure works, and nothing is left locked.
				if err := os.Rename(path, path+".old"); err != nil {
					t.Fatal(err)
				}
				router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := router.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestAStoreThatFailsAtTheStartIsAnError(t *testing.T) {
	cfg := inMemory(t, mcpoauth.Config{ServerURL: serverURL})
	broken := watch(cfg.Store)
	broken.breakDown("")
	cfg.Store = broken
	if _, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg); err == nil || !strings.Contains(err.Error(), errBroken.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestClosingTheRouterLeavesTheCallersStoreOpen(t *testing.T) {
	cfg := inMemory(t, mcpoauth.Config{ServerURL: serverURL})
	router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := cfg.Store.Create(t.Context(), store.Key{Kind: store.KindClient, ID: "x"}, &store.Client{ID: "x"}, time.Time{}); err != nil {
		t.Error(err)
	}
}

func TestTheSetupLinkIsLoggedOnceAndOnlyWhenItIsNeeded(t *testing.T) {
	build := func(cfg mcpoauth.Config) (*mcpoauth.Router, string) {
		t.Helper()
		logs := new(safeBuffer)
		cfg.Logger = slog.New(slog.NewJSONHandler(logs, nil))
		router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return router, logs.String()
	}
	const link = serverURL + "/passkey/register#setup_token="
	cfg := inMemory(t, mcpoauth.Config{ServerURL: serverURL})

	router, logs := build(cfg)
	if n := strings.Count(logs, link); n != 1 || strings.Count(logs, "mcpoauth_et_") != 1 {
		t.Errorf("with neither owner nor token the link is there %d times: %s", n, logs)
	}
	_, token, _ := strings.Cut(logs, link)
	token, _, _ = strings.Cut(token, `"`)

	if _, other := build(cfg); strings.Contains(other, token) || !strings.Contains(other, link) {
		t.Errorf("each start makes a token of its own: %s", other)
	}
	configured := cfg
	configured.SetupToken = setupToken
	known, logs := build(configured)
	if strings.Contains(logs, setupToken) || strings.Contains(logs, "setup_token=") || !strings.Contains(logs, serverURL+"/passkey/register") {
		t.Errorf("with a token of the configuration: %s", logs)
	}

	if res := through(t, router).fetch("/passkey/register/start", map[string]string{"token": token}); res.StatusCode != http.StatusOK {
		t.Errorf("the token of the link gets %d %s", res.StatusCode, res.body)
	}
	through(t, known).setUp()
	for _, cfg := range []mcpoauth.Config{cfg, configured} {
		if _, logs := build(cfg); strings.Contains(logs, "setup") {
			t.Errorf("with an owner: %s", logs)
		}
	}
}

func TestWithoutALoggerTheDefaultOneIsUsed(t *testing.T) {
	old := slog.Default()
	defer slog.SetDefault(old)
	logs := new(safeBuffer)
	slog.SetDefault(slog.New(slog.NewJSONHandler(logs, nil)))
	cfg := inMemory(t, mcpoauth.Config{ServerURL: serverURL})
	cfg.Logger = nil
	if _, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), cfg); err != nil || !strings.Contains(logs.String(), "setup_link") {
		t.Errorf("%v, %s", err, logs)
	}
}

func TestClientsOfTheConfigurationNeedNoRegistrationAndAreNotStored(t *testing.T) {
	const secret = "a-secret-of-the-configuration"
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s := serve(t, mcpoauth.Config{Store: backend, Clients: []mcpoauth.Client{
		{ID: "web.app~1", Secret: secret, Name: "The App", RedirectURIs: []string{webClient}},
		{ID: "cli", RedirectURIs: []string{loopback}},
	}})
	s.setUp()
	request := authorizationRequest("web.app~1", webClient)
	page := s.get("/authorize?" + request.Encode())
	if !strings.Contains(page.body, "The App") {
		t.Errorf("the page does not say The App: %s", page.body)
	}
	for _, method := range []string{"client_secret_post", "client_secret_basic"} {
		form, headers := proof(method, "web.app~1", secret)
		form.Set("grant_type", "authorization_code")
		form.Set("code", s.code(request))
		form.Set("code_verifier", verifier)
		if res := s.form("/token", form, headers...); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", method, res.StatusCode, res.body)
		}
	}
	if res := s.redeem("cli", "http://127.0.0.1:9999/callback", s.code(authorizationRequest("cli", "http://127.0.0.1:9999/callback"))); res.StatusCode != http.StatusOK {
		t.Errorf("the public one: %d %s", res.StatusCode, res.body)
	}
	if clients := list(t, backend, store.KindClient); len(clients) != 0 {
		t.Errorf("the store has %v", clients)
	}
	if strings.Contains(s.logs.String(), secret) {
		t.Error("the secret is in the log")
	}
}

func TestInnerUnauthorizedAsNotFound(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		switch r.URL.Path {
		case "/mcp/unknown-session":
			http.Error(w, "no such session", http.StatusUnauthorized)
		case "/mcp/forbidden":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Del("WWW-Authenticate")
			w.Write([]byte("hello"))
		}
	})
	for _, repair := range []bool{false, true} {
		s := serveWith(t, mcpoauth.Config{InnerUnauthorizedAsNotFound: repair}, inner)
		s.setUp()
		bearer := []string{"Authorization", "Bearer " + s.login().access}
		lost := s.get("/mcp/unknown-session", bearer...)
		want := http.StatusUnauthorized
		if repair {
			want = http.StatusNotFound
		}
		if lost.StatusCode != want || repair && (lost.Header.Get("WWW-Authenticate") != "" || lost.body != "Session not found") || !repair && lost.body != "no such session\n" {
			t.Errorf("repair %v: %d %v %q", repair, lost.StatusCode, lost.Header, lost.body)
		}
		if res := s.get("/mcp/forbidden", bearer...); res.StatusCode != http.StatusForbidden {
			t.Errorf("repair %v: another status becomes %d", repair, res.StatusCode)
		}
		if res := s.get("/mcp", bearer...); res.StatusCode != http.StatusOK || res.body != "hello" {
			t.Errorf("repair %v: %d %q", repair, res.StatusCode, res.body)
		}
		// The guard's own 401 is about the token, and stays.
		if res := s.get("/mcp/unknown-session"); res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("repair %v: without a token %d %v", repair, res.StatusCode, res.Header)
		}
	}
}
