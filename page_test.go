package mcpoauth_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// words returns what a person reads on a page, in one line.
func (a answer) words() string {
	text := regexp.MustCompile(`(?s)<(script|style|noscript).*?</(script|style|noscript)>|<[^>]*>`).ReplaceAllString(a.body, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

func TestR37_ThePageSaysWhoAsksForWhatAndWhereTheAnswerGoes(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		AppName:   "Ada's notes",
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools", Description: "Use the tools"}, {Name: "notes:write", Description: "Change your notes"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Name: "The notebook", Scopes: []string{"mcp:tools"}}},
	})
	s.setUp()
	always := []string{
		"Test client", "name given by the app, not verified", "The notebook", mcpURL, "Use the tools mcp:tools",
		"Change your notes notes:write", "Stay connected", "offline_access", "Approve with passkey", "Deny", "Ada's notes",
	}
	tests := []struct {
		name, redirectURI string
		says, hides       []string
	}{
		{
			"a website", "https://client.example:8443/callback?x=1",
			[]string{"client.example:8443 wants to use", "Website client.example:8443 verified", "You will be sent to client.example:8443 (https)"},
			[]string{"could be asking", "calls itself"},
		},
		{
			"a program on this computer", loopback,
			[]string{"An app that calls itself “ Test client ” wants", "a program on this computer ( http://127.0.0.1:4711 )", "Any program on this computer could be asking"},
			[]string{"Website", "not verified verified"},
		},
		{
			"a program on localhost", "http://localhost:3118/callback",
			[]string{"a program on this computer ( http://localhost:3118 )", "Any program on this computer could be asking"},
			[]string{"Website"},
		},
		{
			"a program on this computer behind TLS", "https://localhost:3118/callback",
			[]string{"a program on this computer ( https://localhost:3118 )", "Any program on this computer could be asking"},
			[]string{"Website", "it is from"},
		},
		{
			"an app", "cursor://anysphere.cursor-mcp/oauth/callback",
			[]string{"an app on this device ( cursor://anysphere.cursor-mcp )", "Any app on this device could be asking"},
			[]string{"Website"},
		},
		{
			"a client that takes another's host for its path", "https://evil.example/claude.ai/callback",
			[]string{"evil.example wants to use", "Website evil.example verified", "You will be sent to evil.example (https) https://evil.example/claude.ai/callback"},
			nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := with(authorizationRequest(s.public(test.redirectURI), test.redirectURI), "scope", "mcp:tools notes:write offline_access")
			page := s.get("/authorize?" + request.Encode())
			text := page.words()
			for _, says := range append(test.says, always...) {
				if !strings.Contains(text, says) {
					t.Errorf("the page does not say %q:\n%s", says, text)
				}
			}
			for _, hides := range test.hides {
				if strings.Contains(text, hides) {
					t.Errorf("the page says %q:\n%s", hides, text)
				}
			}
		})
	}
}

func TestR37_ThePageShowsTheScopesThatWillBeGrantedAndNoOthers(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "notes:write", Description: "Change your notes"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}},
	})
	s.setUp()
	request := with(authorizationRequest(s.public(webClient), webClient), "scope", "mcp:tools admin openid")
	page := s.get("/authorize?" + request.Encode())
	if strings.Contains(page.words(), "admin") || strings.Contains(page.words(), "notes") || !strings.Contains(page.words(), "mcp:tools") {
		t.Errorf("the page says\n%s", page.words())
	}
}

func TestR37_PagesCannotBeFramedOrScriptedAndTheirFormMayLeadAway(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	id, app := s.public(webClient), s.public("cursor://callback")
	request := authorizationRequest(id, webClient)
	pages := map[string]answer{"setup needed": s.get("/authorize?" + request.Encode()), "setup": s.get("/passkey/register")}
	s.setUp()
	pages["approval"] = s.get("/authorize?" + request.Encode())
	pages["approved"] = s.approve(authorizationRequest(app, "cursor://callback"))
	pages["problem"] = s.get("/authorize")
	pages["set up already"] = s.get("/passkey/register")
	pages["not found"] = s.get("/", "Accept", "text/html")
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
				t.Fatalf("no page: %d %s", page.StatusCode, page.body)
			}
			policy := make(map[string]string)
			for directive := range strings.SplitSeq(page.Header.Get("Content-Security-Policy"), ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
				policy[name] = value
			}
			for directive, want := range map[string]string{
				"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "frame-ancestors": "'none'", "base-uri": "'none'",
			} {
				if policy[directive] != want {
					t.Errorf("%s is %q, want %q", directive, policy[directive], want)
				}
			}
			if _, ok := policy["form-action"]; ok || strings.Contains(page.Header.Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("the policy is %q", page.Header.Get("Content-Security-Policy"))
			}
			for header, want := range map[string]string{"Cache-Control": "no-store", "X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"} {
				if got := page.Header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
			if page.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("another origin may read the page")
			}
			rest := regexp.MustCompile(`<script defer src="/authorize/assets/[^"]+"></script>`).ReplaceAllString(page.body, "")
			if inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=`).FindString(rest); inline != "" {
				t.Errorf("the page has something inline: %q", inline)
			}
		})
	}
}

func TestR37_AHostileNameIsTextAndNothingElse(t *testing.T) {
	s := owned(t)
	names := []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`' onmouseover='alert(1)`,
		`</q></bdi></dd></dl><form action="https://evil.example">`,
		`{{.Digest}} ${7*7} <!-- `,
		"Claude\u202e verified \u2066",
		"Claude\nWebsite claude.ai verified",
		"\u200b\u2060",
	}
	for _, name := range names {
		for _, uri := range []string{webClient, "cursor://callback"} {
			id, _ := s.register(map[string]any{"client_name": name, "redirect_uris": []string{uri}, "token_endpoint_auth_method": "none"})
			request := authorizationRequest(id, uri)
			for _, page := range []answer{s.get("/authorize?" + request.Encode()), s.approve(request)} {
				if strings.Contains(page.body, "<script>") || strings.Contains(page.body, "<img src=x") || strings.Contains(page.body, "<form action=") ||
					strings.Contains(page.body, "' onmouseover") || strings.Contains(page.body, "<!-- ") {
					t.Errorf("the name %q is markup:\n%s", name, page.body)
				}
				if strings.ContainsAny(page.body, "\u202e\u2066\u200b\u2060") || strings.Contains(page.body, "Claude\nWebsite") {
					t.Errorf("the name %q disguises itself:\n%s", name, page.body)
				}
			}
		}
	}
}

// The query comes from whoever made the link. On the page it is where the form goes.
func TestR37_AHostileRequestCannotChangeThePage(t *testing.T) {
	s := owned(t)
	request := with(authorizationRequest(s.public(webClient), webClient), "state", `"><script>alert(1)</script>`)
	for _, raw := range []string{
		request.Encode(),
		request.Encode() + `&x="><script>alert(1)</script>`,
		request.Encode() + `&x='%22%3E%3Cscript%3E`,
		request.Encode() + `&action=https://evil.example&digest=x`,
	} {
		page := s.get("/authorize?" + strings.ReplaceAll(raw, " ", "%20"))
		if page.StatusCode != http.StatusOK || strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s makes the page (%d)\n%s", raw, page.StatusCode, page.body)
		}
		action := link(t, page, formAction.String())
		if !strings.HasPrefix(action, "/authorize?") {
			t.Errorf("the form goes to %q", action)
		}
	}
}

func TestR37_ThePageAfterTheSetupLeadsNowhereElse(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	const good = "/authorize?client_id=x&state=a%26b"
	if got := link(t, s.get("/passkey/register?return_to="+url.QueryEscape(good)), `id="continue" href="([^"]*)"`); got != good {
		t.Errorf("the page leads to %q, want %q", got, good)
	}
	for _, target := range []string{
		"", "https://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, "/authorize", "/authorize@evil.example",
		"//authorize?x", "/authorize/../evil?x", "https://example.com/authorize?x", "javascript:alert(1)//authorize?",
		" /authorize?x", "\t//evil.example/authorize?x", "authorize?x", "/authorize?" + strings.Repeat("x", 16<<10),
	} {
		page := s.get("/passkey/register?return_to=" + url.QueryEscape(target))
		if page.StatusCode != http.StatusOK || strings.Contains(page.body, `id="continue"`) || strings.Contains(page.body, "evil") {
			t.Errorf("return_to=%q makes the page (%d)\n%s", target, page.StatusCode, page.body)
		}
	}
}

func TestR37_ALinkThatIsNoRequestIsExplained(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	tests := map[string]struct{ query, says string }{
		"nothing":               {"", "incomplete"},
		"not form-urlencoded":   {request.Encode() + "&x=%zz", "cannot be read"},
		"a parameter twice":     {request.Encode() + "&state=other", "cannot be read"},
		"far too long":          {request.Encode() + "&x=" + strings.Repeat("x", 16<<10), "too long"},
		"with many parameters":  {request.Encode() + manyParameters(), "cannot be read"},
		"redirect URI repeated": {request.Encode() + "&redirect_uri=https://evil.example/", "cannot be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s.get("/authorize?"+test.query).wantPage(t, http.StatusBadRequest, test.says, "What to do")
		})
	}
	for name, form := range map[string]url.Values{"an unknown decision": {"decision": {"maybe"}}, "a decision given twice": {"decision": {"deny", "approve"}}} {
		t.Run(name, func(t *testing.T) {
			s.form("/authorize?"+request.Encode(), form).wantPage(t, http.StatusBadRequest, "What to do")
		})
	}
	s.json("/authorize?"+request.Encode(), map[string]string{"decision": "approve"}).wantPage(t, http.StatusBadRequest, "What to do")
}

func manyParameters() string {
	var out strings.Builder
	for i := range 101 {
		out.WriteString("&p" + strings.Repeat("p", i) + "=1")
	}
	return out.String()
}
