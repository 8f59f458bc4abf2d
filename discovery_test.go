package mcpoauth_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	asMetadata  = "/.well-known/oauth-authorization-server"
	prmMetadata = "/.well-known/oauth-protected-resource"
)

// document fetches a metadata document.
func (s *server) document(target string, headers ...string) answer {
	s.t.Helper()
	res := s.get(target, headers...)
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" {
		s.t.Fatalf("%s: %d %s %s", target, res.StatusCode, res.Header.Get("Content-Type"), res.body)
	}
	return res
}

// texts returns a member of the body that is a list of strings.
func (a answer) texts(t *testing.T, member string) (all []string) {
	t.Helper()
	list, _ := a.json(t, member).([]any)
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			t.Fatalf("%s has %v in it", member, v)
		}
		all = append(all, text)
	}
	return all
}

func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%s are %q, want %q", what, got, want)
	}
}

func TestR1_AuthorizationServerMetadataIsServed(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	res := s.document(asMetadata)
	for member, want := range map[string]string{
		"issuer":                 serverURL,
		"authorization_endpoint": serverURL + "/authorize",
		"token_endpoint":         serverURL + "/token",
		"registration_endpoint":  serverURL + "/register",
		"revocation_endpoint":    serverURL + "/revoke",
	} {
		if got := res.text(t, member); got != want {
			t.Errorf("%s is %q, want %q", member, got, want)
		}
	}
}

func TestR1_OpenIDConfigurationIs404BecauseClientsReadItAsFullOpenID(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/"}}})
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/openid-configuration/mcp"} {
		s.get(path).wantError(t, http.StatusNotFound, "not_found")
		s.get(path, "Accept", "text/html").wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestR2_TheIssuerIsTheRootByDefault(t *testing.T) {
	for _, path := range []string{"/mcp", "/a/b", "/"} {
		s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: path}}})
		if got := s.document(asMetadata).text(t, "issuer"); got != serverURL {
			t.Errorf("with a resource at %s the issuer is %s", path, got)
		}
		s.get(asMetadata+"/mcp").wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestR3_TheIssuerIsTheSameBytesEverywhere(t *testing.T) {
	for _, configured := range []string{"https://example.com", "https://example.com/", "HTTPS://EXAMPLE.com:443/", "https://example.com:/"} {
		t.Run(configured, func(t *testing.T) {
			s := through(t, build(t, mcpoauth.Config{ServerURL: configured}))
			if got := s.document(asMetadata).text(t, "issuer"); got != serverURL {
				t.Errorf("the issuer is %q", got)
			}
			if got := s.document(prmMetadata+"/mcp").texts(t, "authorization_servers"); !slices.Equal(got, []string{serverURL}) {
				t.Errorf("the authorization servers are %q", got)
			}
			s.setUp()
			id := s.public(webClient)
			for _, decision := range []string{"approve", "deny"} {
				request := authorizationRequest(id, webClient)
				page := s.get("/authorize?" + request.Encode())
				if got := s.decide(request, decision, s.touch(page)).location(t)["iss"]; !slices.Equal(got, []string{serverURL}) {
					t.Errorf("after %s iss is %q", decision, got)
				}
			}
		})
	}
}

// build makes a Router in pure memory.
func build(t *testing.T, cfg mcpoauth.Config) *mcpoauth.Router {
	t.Helper()
	return buildWith(t, cfg, http.HandlerFunc(showIdentity))
}

func buildWith(t *testing.T, cfg mcpoauth.Config, mcp http.Handler) *mcpoauth.Router {
	t.Helper()
	if cfg.Store == nil {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		cfg.Store = backend
	}
	if cfg.ServerURL == "" {
		cfg.ServerURL = serverURL
	}
	if cfg.SetupToken == "" {
		cfg.SetupToken = setupToken
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	router, err := mcpoauth.BuildOAuthRouter(mcp, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.Close(); err != nil {
			t.Error(err)
		}
	})
	return router
}

// in has s fail the subtest it is used in.
func (s *server) in(t *testing.T) {
	outer := s.t
	s.t = t
	t.Cleanup(func() { s.t = outer })
}

// through is a browser in front of a handler, without a network.
func through(t *testing.T, handler http.Handler) *server {
	t.Helper()
	return &server{t: t, url: serverURL, credential: newCredential(), http: &http.Client{
		Transport:     straight{handler},
		Jar:           newJar(t),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func TestR4_AResourceHasExactlyOneAuthorizationServer(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/other"}}})
	for _, path := range []string{"", "/mcp", "/other"} {
		if got := s.document(prmMetadata+path).texts(t, "authorization_servers"); !slices.Equal(got, []string{serverURL}) {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestR5_ResourceMetadataIsAtItsPathAndTheRootWithOrWithoutASlash(t *testing.T) {
	two := []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/deep/notes"}}
	withRoot := []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/"}}
	for name, test := range map[string]struct {
		resources []mcpoauth.Resource
		want      map[string]string // path behind the well-known one -> resource, or empty for 404
	}{
		"the default": {nil, map[string]string{
			"": "/mcp", "/": "/mcp", "/mcp": "/mcp", "/mcp/": "/mcp", "/other": "", "/mcp/below": "", "/MCP": "", "//mcp": "", "mcp": "",
		}},
		"two": {two, map[string]string{
			"": "/mcp", "/": "/mcp", "/mcp": "/mcp", "/deep/notes": "/deep/notes", "/deep/notes/": "/deep/notes", "/deep": "", "/notes": "",
		}},
		"the whole origin": {[]mcpoauth.Resource{{Path: "/"}}, map[string]string{"": "/", "/": "/", "/mcp": ""}},
		"the origin, not the default, has the root to itself": {withRoot, map[string]string{"": "/", "/": "/", "/mcp": "/mcp", "/mcp/": "/mcp"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, mcpoauth.Config{Resources: test.resources})
			for path, want := range test.want {
				if want == "" {
					s.get(prmMetadata+path).wantError(t, http.StatusNotFound, "not_found")
					continue
				}
				if got := s.document(prmMetadata+path).text(t, "resource"); got != serverURL+strings.TrimSuffix(want, "/") {
					t.Errorf("%s%s: the resource is %q, want that of %s", prmMetadata, path, got, want)
				}
			}
		})
	}
}

func TestR6_TheResourceIsThePublicURLOfItsPathWithoutASlash(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/Deep/notes~1"}, {Path: "/"}}})
	for path, want := range map[string]string{
		"/mcp":          serverURL + "/mcp",
		"/Deep/notes~1": serverURL + "/Deep/notes~1",
		"":              serverURL,
	} {
		res := s.document(prmMetadata + path)
		if got := res.text(t, "resource"); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
		// The way round that clients check: the challenge at that URL leads back
		// to the document that names it.
		challenge := s.get(want + "/").Header.Get("WWW-Authenticate")
		if want := `resource_metadata="` + serverURL + prmMetadata + path + `"`; !strings.Contains(challenge, want) {
			t.Errorf("%s: the challenge is %s, want %s in it", path, challenge, want)
		}
	}
}

func TestR7_TheRootDocumentIsThatOfTheOneEndpoint(t *testing.T) {
	s := serve(t, mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/notes", Name: "Notes"}}})
	root, own := s.document(prmMetadata), s.document(prmMetadata+"/notes")
	if root.body != own.body || own.text(t, "resource") != serverURL+"/notes" || own.text(t, "resource_name") != "Notes" {
		t.Errorf("the root says  %s\nthe path says  %s", root.body, own.body)
	}
}

func TestR9_OnlyTheAuthorizationServerListsOfflineAccess(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "read"}, {Name: "write"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/ro", Scopes: []string{"read"}}},
	})
	wantSame(t, "the server's scopes", s.document(asMetadata).texts(t, "scopes_supported"), []string{"read", "write", "offline_access"})
	for path, want := range map[string][]string{"/mcp": {"read", "write"}, "/ro": {"read"}, "": {"read", "write"}} {
		res := s.document(prmMetadata + path)
		wantSame(t, "the scopes of "+path, res.texts(t, "scopes_supported"), want)
		if strings.Contains(res.body, "offline_access") {
			t.Errorf("%s: %s", path, res.body)
		}
		if got := s.get(res.text(t, "resource")).Header.Get("WWW-Authenticate"); strings.Contains(got, "offline_access") || got == "" {
			t.Errorf("%s: the challenge is %q", path, got)
		}
	}
}

func TestR10_DiscoveryIs200Or404InJSONWhateverIsAsked(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for path, status := range map[string]int{
		asMetadata: 200, prmMetadata: 200, prmMetadata + "/": 200, prmMetadata + "/mcp": 200, prmMetadata + "/mcp/": 200,
		asMetadata + "?x=y": 200,
		"/.well-known":      404, "/.well-known/": 404, "/.well-known/nothing": 404, "/.well-known/openid-configuration": 404,
		asMetadata + "/mcp": 404, prmMetadata + "/mcp/x": 404, prmMetadata + "/%2e%2e/token": 404, "/.well-known//oauth-authorization-server": 404,
		"/.well-known/security.txt": 404, "/.well-known/webauthn": 404,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, headers := range [][]string{
				nil,
				{"MCP-Protocol-Version", "2024-11-05"},
				{"MCP-Protocol-Version", "2025-11-25"},
				{"MCP-Protocol-Version", "2026-07-28"},
				{"MCP-Protocol-Version", "not a version"},
				{"MCP-Protocol-Version", "2025-03-26", "MCP-Protocol-Version", "1999-01-01"},
				{"Accept", "text/html"},
				{"Accept", "application/xml"},
				{"Authorization", "Bearer rubbish"},
				{"If-None-Match", "*"},
				{"Range", "bytes=0-3"},
			} {
				res := s.do(method, path, nil, headers...)
				if res.StatusCode != status || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Location") != "" {
					t.Errorf("%s %s with %q: %d %v", method, path, headers, res.StatusCode, res.Header)
				}
				if res.Header.Get("WWW-Authenticate") != "" || res.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s %s with %q: %v", method, path, headers, res.Header)
				}
			}
		}
	}
}

func TestR10_DiscoveryIsTheSameBytesEachTimeAndHEADIsGETWithoutThem(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, path := range []string{asMetadata, prmMetadata, prmMetadata + "/mcp"} {
		first := s.document(path)
		again := s.document(path, "MCP-Protocol-Version", "2026-07-28", "Origin", "https://inspector.example")
		head := s.do("HEAD", path, nil)
		if first.body != again.body || first.body == "" || head.body != "" {
			t.Errorf("%s: %q, then %q, HEAD %q", path, first.body, again.body, head.body)
		}
		for _, res := range []answer{first, again, head} {
			res.Header.Del("Date")
		}
		if !maps.EqualFunc(first.Header, head.Header, slices.Equal) || !maps.EqualFunc(first.Header, again.Header, slices.Equal) {
			t.Errorf("%s:\nGET   %v\nagain %v\nHEAD  %v", path, first.Header, again.Header, head.Header)
		}
	}
}

func TestR10_DiscoveryHasNoRateLimit(t *testing.T) {
	s := start(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 1, Registration: 1, General: 1}})
	for _, path := range []string{asMetadata, prmMetadata, prmMetadata + "/mcp"} {
		for range 50 {
			s.document(path)
		}
	}
	for range 50 {
		s.get("/.well-known/openid-configuration").wantError(t, http.StatusNotFound, "not_found")
	}
}

func TestR10_DiscoveryWorksWithoutTheStore(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	broken := watch(backend)
	s := serve(t, mcpoauth.Config{Store: broken})
	broken.breakDown("")
	broken.seen()
	for _, path := range []string{asMetadata, prmMetadata, prmMetadata + "/mcp"} {
		s.document(path)
	}
	if calls := broken.seen(); len(calls) != 0 {
		t.Errorf("the store is asked for %q", calls)
	}
	if res := s.get("/health"); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the store is not broken: /health says %d", res.StatusCode)
	}
}

func TestR12_TheOldDefaultEndpointsAreAtTheRoot(t *testing.T) {
	s := owned(t)
	id := s.public(webClient) // POST /register
	if res := s.get("/authorize?" + authorizationRequest(id, webClient).Encode()); res.StatusCode != http.StatusOK {
		t.Errorf("/authorize: %d", res.StatusCode)
	}
	s.form("/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {"x"}}).wantError(t, http.StatusBadRequest, "invalid_grant")
}

var anyURL = regexp.MustCompile(`https?:(?://|\\/\\/)[^"'<>\s]*`)

func TestR13_EveryURLIsOfTheConfigurationWhateverTheRequestSays(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	lies := []string{
		"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "X-Forwarded-Port", "81", "X-Forwarded-Prefix", "/evil",
		"Forwarded", "host=evil.example;proto=http", "X-Original-URL", "http://evil.example/", "X-Forwarded-Server", "evil.example",
		"Origin", "https://evil.example", "Referer", "https://evil.example/",
	}
	for _, target := range []string{
		asMetadata, prmMetadata, prmMetadata + "/mcp", "/mcp", "/nothing", "/passkey/register", "/health",
		"/authorize?" + authorizationRequest(id, webClient).Encode(),
	} {
		for _, headers := range [][]string{nil, lies, append([]string{"Accept", "text/html"}, lies...)} {
			res := s.askAs("evil.example:81", target, headers...)
			said := res.body + " " + strings.Join(slices.Concat(slices.Collect(maps.Values(res.Header))...), " ")
			if strings.Contains(said, "evil") {
				t.Errorf("%s with %q: it says %s", target, headers, said)
			}
			for _, found := range anyURL.FindAllString(said, -1) {
				u, err := url.Parse(found)
				if err != nil || u.Scheme != "https" || u.Host != "example.com" && u.Host != "client.example" {
					t.Errorf("%s with %q: it names %s", target, headers, found)
				}
			}
		}
	}
	for _, path := range []string{asMetadata, prmMetadata} {
		if body := s.askAs("evil.example", path, lies...).body; !strings.Contains(body, serverURL) || body != s.get(path).body {
			t.Errorf("%s: %s", path, body)
		}
	}
}

// askAs sends a GET with another Host.
func (s *server) askAs(host, target string, headers ...string) answer {
	s.t.Helper()
	old := s.http
	defer func() { s.http = old }()
	asked := *old
	asked.Transport = hostTransport{host, old.Transport}
	s.http = &asked
	return s.get(target, headers...)
}

type hostTransport struct {
	host string
	next http.RoundTripper
}

func (h hostTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = h.host
	return h.next.RoundTrip(r)
}

// proof returns what proves a client by one of the methods.
func proof(method, id, clientSecret string) (form url.Values, headers []string) {
	switch method {
	case "client_secret_basic":
		return url.Values{}, []string{"Authorization", basic(id, clientSecret)}
	case "client_secret_post":
		return url.Values{"client_id": {id}, "client_secret": {clientSecret}}, nil
	default:
		return url.Values{"client_id": {id}}, nil
	}
}

func TestR8_WhatIsAdvertisedWorksAndWhatWorksIsAdvertised(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "read"}, {Name: "write"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"read"}}, {Path: "/notes", Scopes: []string{"write"}}},
	})
	s.setUp()
	metadata := s.document(asMetadata)
	advertised := func(member string) []string { return metadata.texts(t, member) }
	endpoint := func(member string) string { return metadata.text(t, member) }
	request := func(id string, pairs ...string) url.Values {
		values := authorizationRequest(id, webClient)
		values.Set("scope", "read")
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return values
	}
	redeem := func(form url.Values, headers []string, code string) answer {
		maps.Copy(form, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {webClient}, "code_verifier": {verifier}})
		return s.form(endpoint("token_endpoint"), form, headers...)
	}

	t.Run("nothing is claimed that is not looked at here", func(t *testing.T) {
		s.in(t)
		var members map[string]any
		metadata.decode(t, &members)
		wantSame(t, "the members", slices.Collect(maps.Keys(members)), []string{
			"issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint",
			"scopes_supported", "response_types_supported", "response_modes_supported", "grant_types_supported",
			"token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported", "code_challenge_methods_supported",
			"authorization_response_iss_parameter_supported", "protected_resources", "client_id_metadata_document_supported",
			"token_endpoint_auth_signing_alg_values_supported", "revocation_endpoint_auth_signing_alg_values_supported", // keyclient_test.go
		})
	})

	t.Run("client authentication and registration", func(t *testing.T) {
		s.in(t)
		for _, candidate := range []string{"none", "client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"} {
			res := s.json(endpoint("registration_endpoint"), map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": candidate, "jwks_uri": "https://keys.example/jwks"})
			if taken := res.StatusCode == http.StatusCreated; taken != slices.Contains(advertised("token_endpoint_auth_methods_supported"), candidate) {
				t.Errorf("%s: registering it gets %d", candidate, res.StatusCode)
			}
		}
		for _, method := range advertised("token_endpoint_auth_methods_supported") {
			if method == "private_key_jwt" {
				continue // keyclient_test.go
			}
			id, clientSecret := s.register(map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": method})
			form, headers := proof(method, id, clientSecret)
			res := redeem(form, headers, s.code(request(id)))
			if res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", method, res.StatusCode, res.body)
			}
		}
		for _, method := range advertised("revocation_endpoint_auth_methods_supported") {
			if method == "private_key_jwt" {
				continue // keyclient_test.go
			}
			id, clientSecret := s.register(map[string]any{"redirect_uris": []string{webClient}, "token_endpoint_auth_method": method})
			form, headers := proof(method, id, clientSecret)
			token := redeem(maps.Clone(form), headers, s.code(request(id))).text(t, "access_token")
			form.Set("token", token)
			if res := s.form(endpoint("revocation_endpoint"), form, headers...); res.StatusCode != http.StatusOK {
				t.Errorf("%s: revoking gets %d %s", method, res.StatusCode, res.body)
			}
			s.call(token).wantError(t, http.StatusUnauthorized, "invalid_token")
		}
	})

	t.Run("grants", func(t *testing.T) {
		s.in(t)
		id := s.public(webClient)
		for _, candidate := range []string{
			"authorization_code", "refresh_token", "client_credentials", "password", "implicit", "urn:ietf:params:oauth:grant-type:device_code",
			"urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "urn:openid:params:grant-type:ciba",
		} {
			res := s.form(endpoint("token_endpoint"), url.Values{"grant_type": {candidate}, "client_id": {id}})
			if known := res.text(t, "error") != "unsupported_grant_type"; known != slices.Contains(advertised("grant_types_supported"), candidate) {
				t.Errorf("%s: %d %s", candidate, res.StatusCode, res.body)
			}
		}
		tokens := redeem(url.Values{"client_id": {id}}, nil, s.code(request(id)))
		if res := s.refresh(id, tokens.text(t, "refresh_token")); res.StatusCode != http.StatusOK {
			t.Errorf("refresh_token: %d %s", res.StatusCode, res.body)
		}
	})

	t.Run("scopes", func(t *testing.T) {
		s.in(t)
		for _, candidate := range []string{"read", "write", "offline_access", "openid", "email", "profile", "mcp:tools", "admin", "*"} {
			id := s.public(webClient)
			var granted []string
			if code := s.maybeCode(request(id, "scope", candidate)); code != "" {
				granted = strings.Fields(redeem(url.Values{"client_id": {id}}, nil, code).text(t, "scope"))
			}
			if slices.Contains(granted, candidate) != slices.Contains(advertised("scopes_supported"), candidate) {
				t.Errorf("%s: what is granted is %q", candidate, granted)
			}
		}
	})

	t.Run("the authorization request", func(t *testing.T) {
		s.in(t)
		id := s.public(webClient)
		for parameter, test := range map[string]struct {
			member     string
			candidates []string
		}{
			"response_type":         {"response_types_supported", []string{"code", "token", "id_token", "code token", "code id_token", "none"}},
			"code_challenge_method": {"code_challenge_methods_supported", []string{"S256", "plain", "S512"}},
		} {
			for _, candidate := range test.candidates {
				res := s.get(endpoint("authorization_endpoint") + "?" + request(id, parameter, candidate).Encode())
				if works := res.StatusCode == http.StatusOK; works != slices.Contains(advertised(test.member), candidate) {
					t.Errorf("%s=%s gets %d %s", parameter, candidate, res.StatusCode, res.Header.Get("Location"))
				}
			}
		}
		if !slices.Equal(advertised("response_modes_supported"), []string{"query"}) {
			t.Errorf("the response modes are %q", advertised("response_modes_supported"))
		}
		answered := s.approve(request(id)).location(t) // reads the query
		if claimed, _ := metadata.json(t, "authorization_response_iss_parameter_supported").(bool); claimed != answered.Has("iss") || !claimed {
			t.Errorf("iss: claimed %v, sent %v", claimed, answered)
		}
	})

	t.Run("resources", func(t *testing.T) {
		s.in(t)
		for _, resource := range advertised("protected_resources") {
			found := regexp.MustCompile(`resource_metadata="([^"]+)"`).FindStringSubmatch(s.get(resource).Header.Get("WWW-Authenticate"))
			if found == nil || s.document(found[1]).text(t, "resource") != resource {
				t.Errorf("%s: its challenge leads to %q", resource, found)
			}
		}
		wantSame(t, "the resources", advertised("protected_resources"), []string{serverURL + "/mcp", serverURL + "/notes"})
	})

	t.Run("endpoints", func(t *testing.T) {
		s.in(t)
		var members map[string]any
		metadata.decode(t, &members)
		for _, candidate := range []string{
			"/authorize", "/token", "/register", "/revoke", "/introspect", "/userinfo", "/jwks", "/jwks.json", "/.well-known/jwks.json",
			"/par", "/device_authorization", "/device", "/logout", "/end_session", "/bc-authorize", "/register/x",
		} {
			there := s.do("PUT", candidate, nil).StatusCode != http.StatusNotFound
			told := slices.Contains(slices.Collect(maps.Values(members)), any(serverURL+candidate))
			if there != told {
				t.Errorf("%s: it is there: %v, it is advertised: %v", candidate, there, told)
			}
		}
	})
}

// maybeCode approves a request that may be refused.
func (s *server) maybeCode(request url.Values) string {
	s.t.Helper()
	page := s.get("/authorize?" + request.Encode())
	if page.target() != "" {
		return ""
	}
	return s.decide(request, "approve", s.touch(page)).location(s.t).Get("code")
}

func TestR8_WithoutRegistrationNeitherTheEndpointNorItsMetadataIsThere(t *testing.T) {
	s := serve(t, mcpoauth.Config{DisableRegistration: true, Clients: []mcpoauth.Client{{ID: "known", RedirectURIs: []string{webClient}}}})
	if strings.Contains(s.document(asMetadata).body, "register") {
		t.Error(s.document(asMetadata).body)
	}
	s.json("/register", map[string]any{"redirect_uris": []string{webClient}}).wantError(t, http.StatusNotFound, "not_found")
	s.do("GET", "/register", nil).wantError(t, http.StatusNotFound, "not_found")
	s.do("OPTIONS", "/register", nil).wantError(t, http.StatusNotFound, "not_found")

	s.setUp()
	if res := s.redeem("known", webClient, s.code(authorizationRequest("known", webClient))); res.StatusCode != http.StatusOK {
		t.Errorf("a client that is known beforehand: %d %s", res.StatusCode, res.body)
	}
}

// decode decodes the body.
func (a answer) decode(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
}
