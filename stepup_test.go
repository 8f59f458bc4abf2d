package mcpoauth_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// A notebook is a server with scopes that imply one another, of which entering needs
// the least.
func notebook(t *testing.T, mcp http.Handler) *server {
	t.Helper()
	s := serveWith(t, mcpoauth.Config{
		Scopes: []mcpoauth.Scope{
			{Name: "notes:read", Description: "Read your notes"},
			{Name: "notes:write", Description: "Change your notes", Implies: []string{"notes:read"}},
			{Name: "notes:admin", Description: "Do anything", Implies: []string{"notes:write"}},
		},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"notes:read"}}},
	}, mcp)
	s.setUp()
	return s
}

// signIn connects a client that asks for scope, and returns its tokens.
func (s *server) signIn(clientID, scope string) answer {
	s.t.Helper()
	return s.redeem(clientID, webClient, s.code(with(authorizationRequest(clientID, webClient), "scope", scope)))
}

func TestABroaderScopeImpliesNarrowerOnes(t *testing.T) {
	needsWriting := mcpoauth.RequireScopes(http.HandlerFunc(showIdentity), "notes:write")
	s := notebook(t, needsWriting)
	for scope, status := range map[string]int{
		"notes:read":  http.StatusForbidden,
		"notes:write": http.StatusOK, // and enters, though it is not the scope that entering names
		"notes:admin": http.StatusOK, // by way of the one that implies it
	} {
		tokens := s.signIn(s.public(webClient), scope)
		if got := tokens.text(t, "scope"); got != scope {
			t.Errorf("asked for %s, was told %s: a client takes that for another grant", scope, got)
		}
		if res := s.call(tokens.text(t, "access_token")); res.StatusCode != status {
			t.Errorf("with %s: %d %s, want %d", scope, res.StatusCode, res.body, status)
		}
	}
}

func TestARefreshMayNarrowToWhatAScopeImplies(t *testing.T) {
	s := notebook(t, http.HandlerFunc(showIdentity))
	id := s.public(webClient)
	tokens := s.signIn(id, "notes:write")
	narrowed := s.refresh(id, tokens.text(t, "refresh_token"), "scope", "notes:read notes:admin")
	if got := narrowed.text(t, "scope"); got != "notes:read" {
		t.Errorf("got %q: want what notes:write implies, and no more", got)
	}
}

func TestAnImpliedScopeThatDoesNotExistIsAMistakeInTheConfig(t *testing.T) {
	_, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{
		ServerURL: serverURL,
		Scopes:    []mcpoauth.Scope{{Name: "a", Implies: []string{"b"}}},
	})
	if err == nil || !strings.Contains(err.Error(), `Config.Scopes[0].Implies[0]`) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("got %v", err)
	}
}

func TestScopesThatImplyEachOtherAreNoLoop(t *testing.T) {
	s := serve(t, mcpoauth.Config{Scopes: []mcpoauth.Scope{{Name: "a", Implies: []string{"b"}}, {Name: "b", Implies: []string{"a"}}}})
	s.setUp()
	tokens := s.signIn(s.public(webClient), "b")
	if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("got %d", res.StatusCode)
	}
}

// A client that is refused asks for what the challenge says beside what it has, and
// the page then shows what is new.
func TestAStepUpShowsOnlyWhatIsNew(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !mcpoauth.HasScopes(r, "notes:write") {
			mcpoauth.InsufficientScope(w, r, "notes:write")
			return
		}
		showIdentity(w, r)
	})
	s := notebook(t, handler)
	id := s.public(webClient)
	first := s.signIn(id, "notes:read")
	refused := s.call(first.text(t, "access_token"))
	challenge := refused.challenge(t)
	if refused.StatusCode != http.StatusForbidden || challenge["error"] != "insufficient_scope" || challenge["scope"] != "notes:read notes:write" {
		t.Fatalf("got %d %v", refused.StatusCode, challenge)
	}

	request := with(authorizationRequest(id, webClient), "scope", challenge["scope"])
	page := s.get("/authorize?" + request.Encode())
	before, after, found := strings.Cut(page.words(), "What you approved before")
	if !found || !strings.Contains(before, "Change your notes") || strings.Contains(before, "Read your notes") || !strings.Contains(after, "Read your notes") {
		t.Errorf("the page says %q", page.words())
	}
	if got := s.submit(page, "approve", s.touch(page)); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("got %d", got.StatusCode)
	}
	second := s.signIn(id, challenge["scope"])
	if res := s.call(second.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("after the step-up: %d %s", res.StatusCode, res.body)
	}
	if page := s.get("/authorize?" + request.Encode()); strings.Contains(page.words(), "What you approved before") || !strings.Contains(page.words(), "Read your notes") {
		t.Errorf("nothing is new, but the page says %q", page.words())
	}
}

// Any program on the machine can come by a client's ID, and ask again for what the
// owner let another do: it must stand where the owner looks.
func TestForAProgramOnThisComputerNothingWasApprovedBefore(t *testing.T) {
	s := notebook(t, http.HandlerFunc(showIdentity))
	id := s.public(loopback)
	request := with(authorizationRequest(id, loopback), "scope", "notes:read")
	s.code(request)
	page := s.get("/authorize?" + with(request, "scope", "notes:read notes:write").Encode())
	if strings.Contains(page.words(), "What you approved before") || !strings.Contains(page.words(), "Read your notes") {
		t.Errorf("the page says %q", page.words())
	}
}

// Who has connected what is nobody's business.
func TestWhatWasApprovedBeforeShowsOnlyInItsBrowser(t *testing.T) {
	s := notebook(t, http.HandlerFunc(showIdentity))
	id := s.public(webClient)
	s.signIn(id, "notes:read")
	s.http.Jar = newJar(t)
	page := s.get("/authorize?" + with(authorizationRequest(id, webClient), "scope", "notes:read notes:write").Encode())
	if strings.Contains(page.words(), "before") || !strings.Contains(page.words(), "Read your notes") {
		t.Errorf("another browser is shown %q", page.words())
	}
}

func TestTheChallengeOfAToolNamesAllThatIsNeeded(t *testing.T) {
	s := notebook(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, mcpoauth.ToolChallenge(r.Context(), "notes:write"))
	}))
	tokens := s.signIn(s.public(webClient), "notes:read")
	res := s.call(tokens.text(t, "access_token"))
	const want = `Bearer error="insufficient_scope", error_description="the access token lacks a scope that is needed here", ` +
		`scope="notes:read notes:write", resource_metadata="https://example.com/.well-known/oauth-protected-resource/mcp"`
	if res.body != want {
		t.Errorf("got  %s\nwant %s", res.body, want)
	}
	if got := mcpoauth.ToolChallenge(t.Context(), "notes:write"); got != "" {
		t.Errorf("outside a guarded handler: %s", got)
	}
}

func TestToolsNeedScopesOfTheirOwn(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	s := notebook(t, mcpoauth.RequireToolScopes(echo, map[string][]string{"add": {"notes:write"}, "übel": {"notes:admin"}}))
	reader := s.signIn(s.public(webClient), "notes:read").text(t, "access_token")
	writer := s.signIn(s.public(webClient), "notes:write").text(t, "access_token")

	call := func(name string) string {
		return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":{"name":"add"}}}`, name)
	}
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	encoded := "=?base64?" + base64.StdEncoding.EncodeToString([]byte("übel")) + "?="
	for name, test := range map[string]struct {
		token, body string
		headers     []string
		status      int
	}{
		"a tool that needs nothing more":                     {reader, call("list"), nil, http.StatusOK},
		"a tool that needs more":                             {reader, call("add"), nil, http.StatusForbidden},
		"a tool that needs more, had":                        {writer, call("add"), nil, http.StatusOK},
		"another method":                                     {reader, list, nil, http.StatusOK},
		"several messages, one of which needs more":          {reader, "[" + list + "," + call("add") + "]", nil, http.StatusForbidden},
		"several messages":                                   {reader, "[" + list + "," + call("list") + "]", nil, http.StatusOK},
		"with the headers of 2026-07-28":                     {writer, call("add"), []string{"Mcp-Method", "tools/call", "Mcp-Name", "add"}, http.StatusOK},
		"headers that need more and say so":                  {reader, call("add"), []string{"Mcp-Method", "tools/call", "Mcp-Name", "add"}, http.StatusForbidden},
		"a harmless tool in the header, another in the body": {reader, call("add"), []string{"Mcp-Method", "tools/call", "Mcp-Name", "list"}, http.StatusBadRequest},
		"a harmless method in the header":                    {reader, call("add"), []string{"Mcp-Method", "tools/list"}, http.StatusBadRequest},
		"two names in headers":                               {writer, call("add"), []string{"Mcp-Name", "add", "Mcp-Name", "list"}, http.StatusBadRequest},
		"headers for several messages":                       {writer, "[" + call("add") + "," + list + "]", []string{"Mcp-Method", "tools/call"}, http.StatusBadRequest},
		"a name that a header cannot carry":                  {reader, call("übel"), []string{"Mcp-Method", "tools/call", "Mcp-Name", encoded}, http.StatusForbidden},
		"a name that is no UTF-8":                            {reader, call("add\xff"), nil, http.StatusBadRequest},
		"a name given twice":                                 {reader, `{"method":"tools/call","params":{"name":"list","name":"add"}}`, nil, http.StatusBadRequest},
		"a name in another case as well":                     {reader, `{"method":"tools/call","params":{"name":"list","Name":"add"}}`, nil, http.StatusBadRequest},
		"a method in another case":                           {reader, `{"Method":"tools/call","params":{"name":"add"}}`, nil, http.StatusBadRequest},
		"a method given twice":                               {reader, `{"method":"tools/list","method":"tools/call","params":{"name":"add"}}`, nil, http.StatusBadRequest},
		"params given twice":                                 {reader, `{"method":"tools/call","params":{"name":"list"},"params":{"name":"add"}}`, nil, http.StatusBadRequest},
		"a second message behind the first":                  {reader, list + call("add"), nil, http.StatusBadRequest},
		"no name":                                            {reader, `{"method":"tools/call","params":{}}`, nil, http.StatusBadRequest},
		"no JSON":                                            {reader, `tools/call`, nil, http.StatusBadRequest},
		"more messages than a batch may have":                {reader, "[" + strings.Repeat(list+",", 100) + list + "]", nil, http.StatusBadRequest},
		"a broken encoding of a name":                        {reader, call("list"), []string{"Mcp-Name", "=?base64?!?="}, http.StatusBadRequest},
		"a compressed message":                               {reader, call("add"), []string{"Content-Encoding", "gzip"}, http.StatusUnsupportedMediaType},
		"too large a message":                                {reader, `{"method":"` + strings.Repeat("x", 4<<20) + `"}`, nil, http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			headers := append([]string{"Authorization", "Bearer " + test.token, "Content-Type", "application/json"}, test.headers...)
			res := s.do("POST", "/mcp", strings.NewReader(test.body), headers...)
			if res.StatusCode != test.status {
				t.Fatalf("got %d %.200s, want %d", res.StatusCode, res.body, test.status)
			}
			switch res.StatusCode {
			case http.StatusOK:
				if res.body != test.body {
					t.Errorf("the handler got another body: %.200s", res.body)
				}
			case http.StatusForbidden:
				if res.challenge(t)["error"] != "insufficient_scope" {
					t.Errorf("the challenge is %q", res.Header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	if res := s.do("GET", "/mcp", nil, "Authorization", "Bearer "+reader); res.StatusCode != http.StatusOK {
		t.Errorf("a stream: %d", res.StatusCode)
	}
}
