package mcpoauth_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

const inspector = "https://inspector.example"

// headerList returns the names in the header of that name, in lower case.
func (a answer) headerList(name string) (all []string) {
	for item := range strings.SplitSeq(a.Header.Get(name), ",") {
		all = append(all, strings.ToLower(strings.TrimSpace(item)))
	}
	return all
}

// readable reports whether a browser lets a page of any origin read the answer, and
// what an MCP client needs from its header.
func (a answer) readable() bool {
	exposed := a.headerList("Access-Control-Expose-Headers")
	return slices.Equal(a.Header.Values("Access-Control-Allow-Origin"), []string{"*"}) &&
		a.Header.Get("Access-Control-Allow-Credentials") == "" &&
		slices.Contains(exposed, "www-authenticate") && slices.Contains(exposed, "mcp-session-id") && slices.Contains(exposed, "retry-after")
}

// preflight asks as a browser does before a request that is not simple.
func (s *server) preflight(target, method, headers string) answer {
	s.t.Helper()
	list := []string{"Origin", inspector, "Access-Control-Request-Method", method}
	if headers != "" {
		list = append(list, "Access-Control-Request-Headers", headers)
	}
	return s.do("OPTIONS", target, nil, list...)
}

// wantAllowed fails unless a browser would send the request after this preflight.
func (a answer) wantAllowed(t *testing.T, method, headers string) {
	t.Helper()
	allowed := a.headerList("Access-Control-Allow-Headers")
	if a.StatusCode/100 != 2 || !a.readable() || !slices.Contains(a.headerList("Access-Control-Allow-Methods"), strings.ToLower(method)) {
		t.Errorf("%s %s: %d %v", method, a.Request.URL.Path, a.StatusCode, a.Header)
	}
	for name := range strings.SplitSeq(headers, ",") {
		if name = strings.TrimSpace(strings.ToLower(name)); name != "" && !slices.Contains(allowed, name) {
			t.Errorf("%s %s: %s is not among %q", method, a.Request.URL.Path, name, allowed)
		}
	}
	if slices.Contains(allowed, "*") {
		t.Error("a wildcard does not cover Authorization")
	}
}

func TestR11_APreflightNeedsNoToken(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, test := range []struct{ target, method, headers string }{
		{asMetadata, "GET", "mcp-protocol-version"},
		{prmMetadata, "GET", "mcp-protocol-version"},
		{prmMetadata + "/", "GET", "mcp-protocol-version"},
		{prmMetadata + "/mcp", "GET", "mcp-protocol-version"},
		{"/register", "POST", "content-type"},
		{"/token", "POST", "authorization, content-type"},
		{"/revoke", "POST", "authorization,content-type"},
		{"/mcp", "POST", "authorization, content-type, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name"},
		{"/mcp", "GET", "authorization, mcp-protocol-version, last-event-id"},
		{"/mcp", "DELETE", "Authorization, Mcp-Session-Id"},
		{"/mcp", "POST", "authorization, accept, content-type, Mcp-Param-Path, mcp-param-dry-run, MCP-PARAM-A.b~c_1"},
		{"/mcp/below/it", "POST", "authorization"},
		{"/mcp", "GET", ""},
	} {
		s.preflight(test.target, test.method, test.headers).wantAllowed(t, test.method, test.headers)
	}
}

func TestR11_APreflightAllowsNoMoreThanItShould(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	basis := s.preflight("/mcp", "POST", "").headerList("Access-Control-Allow-Headers")
	for name, headers := range map[string]string{
		"another header":        "x-evil, cookie, mcp-params, x-mcp-param-a",
		"what is no name":       "mcp-param-a b, mcp-param-a\tb, mcp-param-(a), mcp-param-*, mcp-param-é",
		"more than anybody has": strings.Repeat("mcp-param-x,", 100),
	} {
		res := s.preflight("/mcp", "POST", headers)
		if got := res.headerList("Access-Control-Allow-Headers"); !slices.Equal(got, basis) {
			t.Errorf("%s: %q", name, got)
		}
		if !strings.Contains(res.Header.Get("Vary"), "Access-Control-Request-Headers") {
			t.Errorf("%s: a cache may give it to another request: %v", name, res.Header)
		}
	}
}

func TestR11_EveryAnswerThatBrowserClientsGetIsReadable(t *testing.T) {
	s := owned(t)
	client := s.login()
	origin := []string{"Origin", inspector}
	with := func(headers ...string) []string { return append(slices.Clone(origin), headers...) }
	for name, test := range map[string]struct {
		answer answer
		status int
	}{
		"metadata":                        {s.get(asMetadata, origin...), 200},
		"metadata at the root":            {s.get(prmMetadata, origin...), 200},
		"metadata at its path":            {s.get(prmMetadata+"/mcp", origin...), 200},
		"metadata that is not there":      {s.get("/.well-known/openid-configuration", origin...), 404},
		"metadata at another path":        {s.get(prmMetadata+"/other", origin...), 404},
		"metadata by another method":      {s.do("DELETE", prmMetadata, nil, origin...), 405},
		"a token by another method":       {s.get("/token", origin...), 405},
		"a registration to look at":       {s.get("/register", origin...), 405},
		"a registration":                  {s.json("/register", map[string]any{"redirect_uris": []string{webClient}}, origin...), 201},
		"a refused registration":          {s.json("/register", map[string]any{}, origin...), 400},
		"tokens":                          {s.form("/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {client.clientID}, "refresh_token": {client.refresh}}, origin...), 200},
		"a refused token request":         {s.form("/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {"unknown"}}, origin...), 401},
		"a token request that is no form": {s.json("/token", map[string]any{}, origin...), 400},
		"the challenge":                   {s.do("POST", "/mcp", nil, origin...), 401},
		"a bad token":                     {s.get("/mcp", with("Authorization", "Bearer x")...), 401},
		"the handler":                     {s.get("/mcp", with("Authorization", "Bearer "+client.access)...), 200},
		"a revocation":                    {s.form("/revoke", url.Values{"client_id": {client.clientID}, "token": {client.refresh}}, origin...), 200},
	} {
		if test.answer.StatusCode != test.status || !test.answer.readable() {
			t.Errorf("%s: %d, want %d; %v", name, test.answer.StatusCode, test.status, test.answer.Header)
		}
	}
}

// A handler may turn its header round as it likes: the next answer has one of its own.
func TestR11_WhatTheHandlerMakesOfItsHeaderStaysThere(t *testing.T) {
	s, _ := inProcessWith(t, mcpoauth.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, values := range w.Header() {
			for i := range values {
				values[i] = "spoiled"
			}
		}
	}))
	s.setUp()
	client := s.login()
	for range 2 {
		s.get("/mcp", "Origin", inspector, "Authorization", "Bearer "+client.access)
	}
	for target, res := range map[string]answer{"/mcp": s.get("/mcp", "Origin", inspector), prmMetadata: s.get(prmMetadata, "Origin", inspector)} {
		if !res.readable() {
			t.Errorf("%s: %v", target, res.Header)
		}
	}
	s.preflight("/mcp", "POST", "").wantAllowed(t, "POST", "")
}

func TestR11_ARefusalForTheRateIsReadableToo(t *testing.T) {
	s := start(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 1, Registration: 1}})
	for _, target := range []string{"/token", "/register"} {
		s.form(target, url.Values{})
		if res := s.form(target, url.Values{}, "Origin", inspector); res.StatusCode != http.StatusTooManyRequests || !res.readable() {
			t.Errorf("%s: %d %v", target, res.StatusCode, res.Header)
		}
		s.preflight(target, "POST", "content-type").wantAllowed(t, "POST", "content-type")
	}
}

func TestR11_ProbesForMetadataThatIsNotThereMayBePreflighted(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for _, path := range []string{"/.well-known/openid-configuration", asMetadata + "/mcp"} {
		s.preflight(path, "GET", "mcp-protocol-version").wantAllowed(t, "GET", "mcp-protocol-version")
	}
}

func TestR11_PagesAndTheirEndpointsAreForThisOriginAlone(t *testing.T) {
	s := owned(t)
	id := s.public(webClient)
	for _, test := range []struct{ method, target string }{
		{"GET", "/authorize?" + authorizationRequest(id, webClient).Encode()},
		{"GET", "/authorize"},
		{"POST", "/authorize"},
		{"GET", "/passkey/register"},
		{"POST", "/passkey/register/start"},
		{"POST", "/passkey/register/finish"},
		{"POST", "/passkey/auth/start"},
		{"POST", "/passkey/auth/finish"},
		{"GET", "/health"},
		{"GET", "/nothing"},
	} {
		for _, res := range []answer{s.do(test.method, test.target, nil, "Origin", inspector), s.preflight(test.target, test.method, "content-type")} {
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s %s: %d with %s: %s", res.Request.Method, test.target, res.StatusCode, name, res.Header.Get(name))
				}
			}
		}
	}
	for _, target := range []string{"/passkey/register/start", "/passkey/register/finish", "/passkey/auth/start", "/passkey/auth/finish"} {
		for _, headers := range [][]string{
			{"Sec-Fetch-Site", "cross-site", "Origin", inspector},
			{"Sec-Fetch-Site", "same-site", "Origin", "https://other.example.com"},
			{"Sec-Fetch-Site", "cross-site", "Origin", "null"},
			{"Origin", inspector}, // a browser too old for Sec-Fetch-Site
			{"Origin", "null"},
		} {
			s.json(target, map[string]any{}, headers...).wantError(t, http.StatusForbidden, "access_denied")
		}
	}
}

func TestR11_ARequestFromNoBrowserPaysNothingForThem(t *testing.T) {
	s := owned(t)
	client := s.login()
	for name := range s.call(client.access).Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is there", name)
		}
	}
}
