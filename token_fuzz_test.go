package mcpoauth_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

var tokenErrors = []string{
	oauth.InvalidClient, oauth.InvalidGrant, oauth.InvalidRequest, oauth.InvalidScope, oauth.InvalidTarget, oauth.UnsupportedGrantType,
}

// Whatever comes to the token endpoint: tokens go to the client whose code or refresh token
// it is, proven in one way alone; and what was refused has spent nothing.
func FuzzTokenRequest(f *testing.F) {
	// CODE and REFRESH stand for those of a client with a secret, PCODE and PREFRESH for
	// those of one without.
	encode := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	query := url.QueryEscape
	id, in := "&client_id=confidential", "&client_secret="+query(confidentialSecret)
	code, refresh := "grant_type=authorization_code&code=CODE&code_verifier="+verifier, "grant_type=refresh_token&refresh_token=REFRESH"
	for _, header := range []string{
		"", encode("confidential:" + confidentialSecret), encode("confidential:" + query(confidentialSecret)), encode("%63onfidential:" + query(confidentialSecret)),
		encode("confidential:"), encode("web:"), encode(":"), "Bearer x", "Basic !", encode("confidential:" + confidentialSecret[1:]),
	} {
		for _, body := range []string{
			code, code + id, code + id + in, refresh, refresh + id + in, refresh + in, refresh + id + "&client_secret=" + confidentialSecret, refresh + id + in + in,
			strings.Replace(code, "CODE", "PCODE", 1) + "&client_id=web", strings.Replace(refresh, "REFRESH", "PREFRESH", 1) + "&client_id=web",
			strings.Replace(refresh, "REFRESH", "PREFRESH", 1) + "&client_id=web&client_secret=x", strings.Replace(refresh, "REFRESH", "PREFRESH", 1),
			refresh + id + in + "&client_assertion=x", refresh + "&client_assertion=a.b.c&client_assertion_type=" + query("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			refresh + id + in + "&scope=mcp:tools&resource=" + query(mcpURL), refresh + id + in + "&resource=x", refresh + id + in + "&scope=x", code + id + in + "&redirect_uri=" + query(webClient) + "x",
			"grant_type=client_credentials" + id + in, "grant_type=refresh_token&refresh_token=CODE" + id + in, "", "%zz", "grant_type", "grant_type=refresh_token&grant_type=refresh_token",
		} {
			f.Add(header, body)
		}
	}
	s := newFuzzed(f, mcpoauth.Config{})
	f.Fuzz(func(t *testing.T, header, body string) {
		if strings.ContainsAny(header, "\x00\r\n") {
			return // which no HTTP server passes on
		}
		owner, public := "confidential", strings.Contains(body, "PCODE") || strings.Contains(body, "PREFRESH")
		if public {
			owner = "web"
		}
		code, _ := s.connected(t, owner, false)
		_, tokens := s.connected(t, owner, true)
		sent := strings.NewReplacer("PCODE", code, "PREFRESH", tokens.Refresh, "CODE", code, "REFRESH", tokens.Refresh).Replace(body)
		headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
		if header != "" {
			headers = append(headers, "Authorization", header)
		}
		a := s.ask(t.Context(), "POST", "/token", "", sent, headers...)
		a.wantSound(t)
		defer func() {
			for _, end := range []string{code, tokens.Refresh} {
				grant, err := s.store.RevokeToken(t.Context(), end, owner)
				_, _ = grant, err // it may be gone
			}
		}()

		form, errForm := url.ParseQuery(sent)
		proven := errForm == nil && provenClient(header, form) == owner
		var answer map[string]any
		if err := json.Unmarshal([]byte(a.body), &answer); err != nil || a.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %s", a.StatusCode, a.Header, a.body)
		}
		if a.StatusCode == http.StatusOK {
			if !proven || answer["access_token"] == "" || answer["token_type"] != "Bearer" || answer["scope"] != "mcp:tools" {
				t.Errorf("%q, %q gets %s", header, body, a.body)
			}
			return
		}
		description, _ := answer["error_description"].(string)
		if said, _ := answer["error"].(string); !slices.Contains(tokenErrors, said) || (said == oauth.InvalidClient) != (a.StatusCode == http.StatusUnauthorized) || said == oauth.InvalidClient && proven {
			t.Errorf("%q, %q: %d %s, and the client is proven: %v", header, body, a.StatusCode, a.body, proven)
		}
		if strings.ContainsFunc(description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) || strings.Contains(a.body, code) || strings.Contains(a.body, tokens.Refresh) {
			t.Errorf("%q, %q: %s", header, body, a.body)
		}
		for _, good := range []url.Values{
			{"grant_type": {oauth.GrantCode}, "code": {code}, "code_verifier": {verifier}},
			{"grant_type": {oauth.GrantRefresh}, "refresh_token": {tokens.Refresh}},
		} {
			good.Set("client_id", owner)
			if !public {
				good.Set("client_secret", confidentialSecret)
			}
			if after := s.ask(t.Context(), "POST", "/token", "", good.Encode(), "Content-Type", "application/x-www-form-urlencoded"); after.StatusCode != http.StatusOK {
				t.Errorf("%q, %q was refused with %s, and then %s with %s", header, body, a.body, good.Get("grant_type"), after.body)
			}
		}
	})
}

// provenClient is who a request proves to be from, as RFC 6749 §2.3 has it: by one method
// alone, each parameter given once. It takes a password that was encoded or was not.
func provenClient(header string, form url.Values) string {
	for _, name := range []string{"client_id", "client_secret", "client_assertion", "client_assertion_type"} {
		form[name] = slices.DeleteFunc(form[name], func(s string) bool { return s == "" })
		if len(form[name]) > 1 {
			return ""
		}
	}
	id, password := form.Get("client_id"), form.Get("client_secret")
	if header != "" {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		basicID, basicPassword, ok := r.BasicAuth()
		if decoded, err := url.QueryUnescape(basicID); err == nil {
			basicID = decoded
		}
		if decoded, err := url.QueryUnescape(basicPassword); err == nil && basicPassword != confidentialSecret {
			basicPassword = decoded
		}
		if !ok || password != "" || id != "" && id != basicID {
			return ""
		}
		id, password = basicID, basicPassword
	}
	switch {
	case form.Get("client_assertion") != "", form.Get("client_assertion_type") != "":
		return ""
	case id == "confidential" && password == confidentialSecret, id == "web" && password == "":
		return id
	}
	return ""
}
