package mcpoauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var everyMethod = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"}

// challenge returns the parameters of the one Bearer challenge of an answer, and
// fails unless it is in the form that every client can read.
func (a answer) challenge(t *testing.T) map[string]string {
	t.Helper()
	lines := a.Header.Values("WWW-Authenticate")
	if len(lines) != 1 {
		t.Fatalf("there are %d lines: %q", len(lines), lines)
	}
	line := lines[0]
	if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' || c == '\\' }) {
		t.Errorf("it is not plain ASCII: %q", line)
	}
	rest, ok := strings.CutPrefix(line, "Bearer ")
	if !ok || strings.Count(line, "Bearer") != 1 {
		t.Fatalf("Bearer is not first and alone: %s", line)
	}
	params := make(map[string]string)
	for param := range strings.SplitSeq(rest, `", `) {
		name, value, ok := strings.Cut(strings.TrimSuffix(param, `"`), `="`)
		if _, twice := params[name]; !ok || twice || !regexp.MustCompile(`^[a-z_]+$`).MatchString(name) || strings.Contains(value, `"`) {
			t.Fatalf("%q is no quoted parameter of its own in: %s", param, line)
		}
		params[name] = value
	}
	for name, value := range params {
		// The TypeScript and Python SDKs read a parameter by this expression
		// from the whole line.
		sdk := regexp.MustCompile(regexp.QuoteMeta(name) + `=(?:"([^"]+)"|([^\s,]+))`).FindStringSubmatch(line)
		if sdk == nil || sdk[1] != value {
			t.Errorf("an SDK reads %s as %q in: %s", name, sdk, line)
		}
	}
	return params
}

func TestR14_WithoutATokenEveryMethodGetsTheExactChallenge(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	const want = `Bearer resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"`
	for _, method := range everyMethod {
		for _, path := range []string{"/mcp", "/mcp/", "/mcp/below/it", "/mcp?x=y"} {
			for name, headers := range map[string][]string{
				"nothing":        nil,
				"another scheme": {"Authorization", "Basic dXNlcjpwYXNzd29yZA=="},
				"only a scheme":  {"Authorization", "Bearer"},
				"an empty token": {"Authorization", "Bearer "},
				"an empty value": {"Authorization", ""},
				"no scheme":      {"Authorization", "mcpoauth_at_x"},
				"a cookie":       {"Cookie", "access_token=x; __Host-mcpoauth=x"},
			} {
				res := s.do(method, path, nil, headers...)
				if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != http.StatusUnauthorized || got != want {
					t.Errorf("%s %s with %s: %d %s", method, path, name, res.StatusCode, got)
				}
				if res.challenge(t)["error"] != "" || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s with %s: %v", method, path, name, res.Header)
				}
			}
		}
	}
	res := s.get("/mcp")
	if code := res.text(t, "error"); code == "invalid_token" || code == "" {
		t.Errorf("the body is %s", res.body)
	}
	// A token in the URL is in every log on the way (RFC 6750 §5.3).
	if got := s.get("/mcp?access_token=x").Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("with a token in the query: %s", got)
	}
	if got := s.form("/mcp", url.Values{"access_token": {"x"}}).Header.Get("WWW-Authenticate"); got != want {
		t.Errorf("with a token in the form: %s", got)
	}
}

func TestR15_ATokenThatIsNoGoodGets401InvalidToken(t *testing.T) {
	s := owned(t)
	good := s.login()
	revoked := s.login()
	s.revoke(revoked.clientID, revoked.refresh)
	for name, token := range map[string]string{
		"rubbish":                    "rubbish",
		"the form of one":            "mcpoauth_at_" + strings.Repeat("A", len(good.access)-len("mcpoauth_at_")),
		"one cut short":              good.access[:len(good.access)-1],
		"one with more":              good.access + "A",
		"one with another secret":    good.access[:len(good.access)-4] + "AAAA",
		"a refresh token":            good.refresh,
		"a revoked one":              revoked.access,
		"two":                        good.access + " " + good.access,
		"one in quotes":              `"` + good.access + `"`,
		"one in other letters":       strings.ToUpper(good.access),
		"beyond measure":             strings.Repeat("x", 100_000),
		"what HTTP barely lets pass": "\x80\xff",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			res := s.do(method, "/mcp", nil, "Authorization", "Bearer "+token)
			got := res.challenge(t)
			if res.StatusCode != http.StatusUnauthorized || got["error"] != "invalid_token" || got["error_description"] == "" ||
				got["resource_metadata"] != serverURL+prmMetadata+"/mcp" || got["scope"] != "mcp:tools" {
				t.Errorf("%s with %s: %d %v", method, name, res.StatusCode, got)
			}
			if method != "HEAD" {
				res.wantError(t, http.StatusUnauthorized, "invalid_token")
			}
		}
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "BEARER ", "Bearer  "} {
		if res := s.get("/mcp", "Authorization", scheme+good.access); res.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", scheme, res.StatusCode)
		}
	}
}

func TestR15_ATokenThatRanOutGets401InvalidToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{AccessTokenLifetime: time.Hour})
		s.setUp()
		client := s.login()
		time.Sleep(time.Hour - time.Second)
		if res := s.call(client.access); res.StatusCode != http.StatusOK {
			t.Errorf("a second before its end: %d", res.StatusCode)
		}
		time.Sleep(time.Second)
		res := s.call(client.access)
		res.wantError(t, http.StatusUnauthorized, "invalid_token")
		if got := res.challenge(t)["error"]; got != "invalid_token" {
			t.Errorf("the challenge says %q", got)
		}
	})
}

func TestR15_TroubleInTheStoreIsNotABadToken(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	broken := watch(backend)
	s := serve(t, mcpoauth.Config{Store: broken})
	s.setUp()
	client := s.login()
	broken.breakDown("")
	res := s.call(client.access)
	res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if res.Header.Get("Retry-After") == "" || res.Header.Get("WWW-Authenticate") != "" || strings.Contains(res.body, errBroken.Error()) {
		t.Errorf("%v %s", res.Header, res.body)
	}
	broken.mend()
	if res := s.call(client.access); res.StatusCode != http.StatusOK {
		t.Errorf("after it: %d", res.StatusCode)
	}
}

func TestR15_TwoAuthorizationHeadersAreRefusedEvenIfOneIsGood(t *testing.T) {
	s := owned(t)
	client := s.login()
	for _, headers := range [][]string{
		{"Authorization", "Bearer " + client.access, "Authorization", "Bearer " + client.access},
		{"Authorization", "Bearer " + client.access, "Authorization", "Bearer other"},
		{"Authorization", "Basic eDp5", "Authorization", "Bearer " + client.access},
	} {
		res := s.get("/mcp", headers...)
		res.wantError(t, http.StatusBadRequest, "invalid_request")
		if got := res.challenge(t)["error"]; got != "invalid_request" {
			t.Errorf("the challenge says %q", got)
		}
	}
}

// scoped is a server with three scopes and two resources of which each needs its
// own, around a handler of which parts need more.
func scoped(t *testing.T) *server {
	t.Helper()
	show := http.HandlerFunc(showIdentity)
	mux := http.NewServeMux()
	mux.Handle("/mcp/write", mcpoauth.RequireScopes(show, "write"))
	mux.Handle("/mcp/both", mcpoauth.RequireScopes(show, "write", "admin"))
	mux.Handle("/mcp/read", mcpoauth.RequireScopes(show, "read"))
	mux.Handle("/", show)
	s := serveWith(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "read"}, {Name: "write"}, {Name: "admin"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"read"}}, {Path: "/rw", Scopes: []string{"read", "write"}}, {Path: "/all"}},
	}, mux)
	s.setUp()
	return s
}

// token logs a client in with a scope at a resource.
func (s *server) token(path, scope string) string {
	s.t.Helper()
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	request.Set("resource", s.url+path)
	request.Set("scope", scope)
	res := s.redeem(id, webClient, s.code(request))
	if res.StatusCode != http.StatusOK || res.text(s.t, "scope") != scope {
		s.t.Fatalf("logging in for %q: %d %s", scope, res.StatusCode, res.body)
	}
	return res.text(s.t, "access_token")
}

func TestR16_AMissingScopeIs403WithAllThatIsNeeded(t *testing.T) {
	s := scoped(t)
	for name, test := range map[string]struct {
		resource, scope string // of the token
		path            string
		needed          string // empty: let in
	}{
		"entering":                             {"/mcp", "read", "/mcp", ""},
		"entering with more":                   {"/mcp", "read write admin", "/mcp", ""},
		"entering without the resource's":      {"/mcp", "write admin", "/mcp", "read"},
		"entering with one of two":             {"/rw", "write", "/rw", "read write"},
		"entering what needs all by default":   {"/all", "read admin", "/all/below", "read write admin"},
		"entering that with all":               {"/all", "read write admin", "/all/below", ""},
		"a part that needs what was needed":    {"/mcp", "read", "/mcp/read", ""},
		"a part that needs more":               {"/mcp", "read", "/mcp/write", "read write"},
		"a part that needs more, had":          {"/mcp", "read write", "/mcp/write", ""},
		"a part that needs two more":           {"/mcp", "read", "/mcp/both", "read write admin"},
		"a part that needs two more, had one":  {"/mcp", "read admin", "/mcp/both", "read write admin"},
		"a part that needs two more, had both": {"/mcp", "read write admin", "/mcp/both", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.in(t)
			token := s.token(test.resource, test.scope)
			for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
				res := s.do(method, test.path, nil, "Authorization", "Bearer "+token)
				if test.needed == "" {
					if res.StatusCode != http.StatusOK || res.Header.Get("WWW-Authenticate") != "" {
						t.Errorf("%s: %d %v", method, res.StatusCode, res.Header)
					}
					continue
				}
				got := res.challenge(t)
				if res.StatusCode != http.StatusForbidden || got["error"] != "insufficient_scope" ||
					got["resource_metadata"] != serverURL+prmMetadata+test.resource {
					t.Errorf("%s: %d %v", method, res.StatusCode, got)
				}
				wantSame(t, method+": the scopes of the challenge", strings.Fields(got["scope"]), strings.Fields(test.needed))
				if method != "HEAD" {
					res.wantError(t, http.StatusForbidden, "insufficient_scope")
				}
			}
		})
	}
}

func TestR16_AskingForWhatTheChallengeSaysLetsTheClientIn(t *testing.T) {
	s := scoped(t)
	res := s.get("/mcp/both", "Authorization", "Bearer "+s.token("/mcp", "read"))
	if res := s.get("/mcp/both", "Authorization", "Bearer "+s.token("/mcp", res.challenge(t)["scope"])); res.StatusCode != http.StatusOK {
		t.Errorf("after the step up: %d %s", res.StatusCode, res.body)
	}
}

func TestR16_ANarrowedTokenIsMeasuredByItsOwnScopesNotTheGrants(t *testing.T) {
	s := scoped(t)
	id := s.public(webClient)
	request := authorizationRequest(id, webClient)
	request.Set("scope", "read write")
	tokens := s.redeem(id, webClient, s.code(request))
	get := func(path string, tokens answer) int {
		return s.get(path, "Authorization", "Bearer "+tokens.text(t, "access_token")).StatusCode
	}
	if got := get("/mcp/write", tokens); got != http.StatusOK {
		t.Errorf("with both scopes: %d", got)
	}
	tokens = s.refresh(id, tokens.text(t, "refresh_token"), "scope", "read")
	if got := get("/mcp/write", tokens); got != http.StatusForbidden {
		t.Errorf("narrowed, at the part that needs the other: %d", got)
	}
	tokens = s.refresh(id, tokens.text(t, "refresh_token"), "scope", "write")
	if got := get("/mcp", tokens); got != http.StatusForbidden {
		t.Errorf("narrowed to what does not let in: %d", got)
	}
}

func TestR16_RequireScopesOutsideAGuardedHandlerLetsNobodyIn(t *testing.T) {
	s := through(t, mcpoauth.RequireScopes(http.HandlerFunc(showIdentity)))
	s.get("/anything", "Authorization", "Bearer x").wantError(t, http.StatusForbidden, "insufficient_scope")
}

func TestR56_ATokenOfOneResourceIsNoGoodAtAnother(t *testing.T) {
	s := scoped(t)
	token := s.token("/mcp", "read write admin")
	res := s.get("/rw", "Authorization", "Bearer "+token)
	if got := res.challenge(t); res.StatusCode != http.StatusUnauthorized || got["error"] != "invalid_token" || got["resource_metadata"] != serverURL+prmMetadata+"/rw" {
		t.Errorf("%d %v", res.StatusCode, got)
	}
}

func TestR17_TheChallengeIsOneLineOfQuotedASCIIWithBearerFirst(t *testing.T) {
	scopes := []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "https://scopes.example/a?b=c,d"}, {Name: "!#[]~"}}
	s := serve(t, mcpoauth.Config{Scopes: scopes, Resources: []mcpoauth.Resource{{Path: "/a-b_c.d~e/f"}, {Path: "/"}}})
	want := map[string]string{
		"/a-b_c.d~e/f": serverURL + prmMetadata + "/a-b_c.d~e/f",
		"/anything":    serverURL + prmMetadata,
	}
	for path, metadata := range want {
		for _, headers := range [][]string{nil, {"Authorization", "Bearer x"}} {
			got := s.get(path, headers...).challenge(t)
			if got["resource_metadata"] != metadata || got["scope"] != "mcp:tools https://scopes.example/a?b=c,d !#[]~" {
				t.Errorf("%s with %q: %v", path, headers, got)
			}
		}
	}
}

func TestR18_AnAnswerThatSucceedsHasNoChallenge(t *testing.T) {
	s := owned(t)
	client := s.login()
	for _, res := range []answer{
		s.call(client.access),
		s.get("/mcp", "Authorization", "Bearer "+client.access),
		s.do("HEAD", "/mcp", nil, "Authorization", "Bearer "+client.access),
		s.do("DELETE", "/mcp", nil, "Authorization", "Bearer "+client.access),
		s.do("OPTIONS", "/mcp", nil),
		s.get(asMetadata), s.get(prmMetadata), s.get("/health"), s.get("/passkey/register"),
		s.get("/authorize?" + authorizationRequest(client.clientID, webClient).Encode()),
		s.json("/register", map[string]any{"redirect_uris": []string{webClient}}),
		s.refresh(client.clientID, client.refresh),
		s.revoke(client.clientID, client.refresh),
	} {
		if got := res.Header.Values("WWW-Authenticate"); len(got) != 0 {
			t.Errorf("%s %s: %d with %q", res.Request.Method, res.Request.URL.Path, res.StatusCode, got)
		}
	}
}

func TestR18_TheHandlersOwnAnswersPassAsTheyAre(t *testing.T) {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusOK
		fmt.Sscan(r.URL.Query().Get("status"), &status)
		w.Header().Set("X-Inner", "yes")
		w.WriteHeader(status)
		fmt.Fprint(w, "inner")
	})
	s := serveWith(t, mcpoauth.Config{}, inner)
	s.setUp()
	client := s.login()
	for _, status := range []int{200, 202, 400, 401, 403, 404, 405, 500} {
		res := s.get(fmt.Sprint("/mcp?status=", status), "Authorization", "Bearer "+client.access)
		if res.StatusCode != status || res.body != "inner" || res.Header.Get("X-Inner") != "yes" || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("%d: got %d %q %v", status, res.StatusCode, res.body, res.Header)
		}
		if slices.Contains(res.Header.Values("Cache-Control"), "no-store") {
			t.Errorf("%d: the guard writes into the handler's header: %v", status, res.Header)
		}
	}
}
