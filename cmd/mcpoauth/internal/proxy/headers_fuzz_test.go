package proxy

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/ratelimit"
)

// Whatever is in a file of headers: what is taken is that many headers, none of them the
// proxy's own, and no error repeats a value.
func FuzzReadHeader(f *testing.F) {
	for _, text := range []string{
		"", "# nothing\n\n", "Authorization: Bearer hunter2", "X-Api-Key:hunter2\r\nX-Tenant: a\r\n", "Host: evil", "mcpoauth-user-id: x", "Mcpoauth_User_Id: x", "X-Forwarded-For: x", "X_FORWARDED_FOR: x", "Connection: close", "hunter2", "a b: hunter2", ": hunter2", "A:", "A: b\x00c", "A: b\x7f",
		"A: b\u0085", "A: \u00e9", "A: b\n c", "A: b: c", "Transfer-Encoding: chunked", "content-length: 1", "A:\tb", "\ufeffA: b", "a: b\nA: c", "Te: x", "te.: x",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		header, err := ReadHeader(strings.NewReader(text))
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") || len(header) != 0 {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var out bytes.Buffer
		r := &http.Request{Method: "GET", URL: &url.URL{Host: "h", Path: "/"}, Header: header}
		if err := r.Write(&out); err != nil {
			t.Fatalf("%q becomes %v, which cannot be sent: %v", text, header, err)
		}
		lines := 0
		for name, values := range header {
			lines += len(values)
			if isOurs(name) || !isToken(name) || name != http.CanonicalHeaderKey(name) {
				t.Errorf("%q sets %q", text, name)
			}
		}
		if sent := strings.Count(out.String(), "\r\n"); sent != lines+3 && sent != lines+4 || strings.Count(out.String(), "\n") != sent { // beside the request line, Host, an agent and the end
			t.Errorf("%q becomes %d headers in %q", text, lines, out.String())
		}
	})
}

// Whatever a caller calls a header and wherever it asks: nothing that reaches the upstream
// passes for the proxy's or the operator's, and the request goes to the upstream alone.
func FuzzWhatReachesTheUpstream(f *testing.F) {
	for _, name := range []string{
		"Mcpoauth-User-Id", "mcpoauth_user_id", "MCPOAUTH.USER.ID", "Mcpoauth-User-Id ", "X-Api-Key", "x_api_key", "X-Tenant", "Authorization", "Cookie", "X-Forwarded-Host", "Forwarded", "X-Real-IP", "Connection", "Upgrade", "Sec-Fetch-Site", "Origin", "Mcp-Session-Id", "Content-Type",
		"X-Remote-User", "Remote_User", "Host", "Content-Length", "Te", "Proxy", "\u212acpoauth", "x-forwarded", "X-HTTP-Method-Override", "\u017fec-x", "Trailer", "X-Original-Url", "",
	} {
		f.Add(name, "mallory", "/mcp")
		f.Add("Connection", name, "/mcp/below")
	}
	for _, path := range []string{"/mcp/", "/mcp//evil.example", "/mcp/../x", "/mcp/%2e%2e", "/mcp?x", "/mcp#x", "/mcp/\u00e9", "/mcp/;x", "/mcp/@evil.example", "//evil.example/mcp", "/mcp/\x00", `/mcp/\x`} {
		f.Add("Mcp-Name", "x", path)
	}
	target, public := &url.URL{Scheme: "http", Host: "127.0.0.1:3000", Path: "/upstream"}, &url.URL{Scheme: "https", Host: "mcp.example.com"}
	up := Upstream{
		URL: target, Path: "/mcp", Public: public, Proxies: ratelimit.Proxies{netip.MustParsePrefix("127.0.0.0/8")}, Log: slog.New(slog.DiscardHandler),
		Header: http.Header{"Authorization": {"Bearer own"}, "X-Api-Key": {"own"}, "X_tenant": {"own"}},
	}
	f.Fuzz(func(t *testing.T, name, value, path string) {
		name = http.CanonicalHeaderKey(name) // as net/http reads it
		in := &http.Request{Method: "POST", URL: &url.URL{Path: path}, Host: "mcp.example.com", RemoteAddr: "198.51.100.7:1", Header: http.Header{name: {value}}, Trailer: http.Header{name: {value}}}
		w := httptest.NewRecorder()
		if path != up.Path && !strings.HasPrefix(path, up.Path+"/") || refused(w, in) {
			return // which the guard or the proxy answers
		}
		out := in.Clone(t.Context())
		up.rewrite(&httputil.ProxyRequest{In: in, Out: out})
		if out.Host != target.Host || out.URL.Host != target.Host || out.URL.Scheme != "http" || out.URL.User != nil || len(out.Trailer) != 0 {
			t.Errorf("%q leads to %v at %q", path, out.URL, out.Host)
		}
		sent, err := url.ParseRequestURI(out.URL.RequestURI())
		if want := "/upstream" + strings.TrimPrefix(path, up.Path); err != nil || sent.Path != want || !strings.HasPrefix(out.URL.EscapedPath(), "/upstream") {
			t.Errorf("%q becomes %q, and is read as %v (%v)", path, out.URL.RequestURI(), sent, err)
		}
		spelt := make(map[string]string)
		for name, values := range out.Header {
			cgi := folded(name)
			if other, twice := spelt[cgi]; twice {
				t.Errorf("the upstream gets %q and %q", other, name)
			}
			spelt[cgi] = name
			own := up.Header[name] != nil || strings.HasPrefix(name, "X-Forwarded-")
			if strings.HasPrefix(cgi, "mcpoauth-") || isPrivate(name) && !own || own && name == "Authorization" && values[0] != "Bearer own" {
				t.Errorf("the upstream gets %q: %q", name, values)
			}
		}
		for name, want := range map[string]string{"authorization": "Bearer own", "x-api-key": "own", "x-tenant": "own", "x-forwarded-for": "198.51.100.7", "x-forwarded-host": public.Host, "x-forwarded-proto": "https"} {
			if got := out.Header[spelt[name]]; len(got) != 1 || got[0] != want {
				t.Errorf("with %q: %q the upstream gets %q as %q", name, value, got, name)
			}
		}
	})
}

// Whatever an upstream answers: it sends no client to log in or elsewhere, sets no cookie of
// ours, and asks for nothing but scopes.
func FuzzWhatComesBack(f *testing.F) {
	for _, challenge := range []string{
		"", `Bearer error="insufficient_scope", scope="notes:write"`, `bearer error=insufficient_scope,scope="a b"`, `Bearer error="insufficient_scope", scope="a\"`, `Bearer error="insufficient_scope", scope="a\", resource_metadata=\"https://evil.example"`,
		`Bearer error="invalid_token"`, `Basic realm="x"`, "Bearer error=\"insufficient_scope\", scope=\"\u00e9 \x01 ok\"", `Bearer scope="x", error="insufficient_scope"`, strings.Repeat("a", 9000) + ` error="insufficient_scope`,
	} {
		for _, status := range []int{200, 401, 403, 407, 302, 101, 404, 500} {
			f.Add(status, challenge, "https://evil.example/", "Set-Cookie")
		}
	}
	f.Add(99, "", "", "Set-Cookie")
	f.Add(201, "", "/elsewhere", "Access-Control-Allow-Origin")
	f.Fuzz(func(t *testing.T, status int, challenge, location, name string) {
		header := http.Header{"Www-Authenticate": {challenge}, "Location": {location}}
		header.Set(name, "mallory")
		challenge = header.Get("Www-Authenticate")
		res := &http.Response{StatusCode: status, Header: header, Request: httptest.NewRequest("POST", "/mcp", nil)}
		err := modify(res)
		if err == nil && (status == 401 || status == 407 || status < 200 || status/100 == 3 && header.Get("Location") != "") {
			t.Errorf("%d with %q passes", status, header)
		}
		for _, name := range unwanted {
			if got := res.Header.Get(name); got != "" && name != "Www-Authenticate" {
				t.Errorf("%s: %q passes", name, got)
			}
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s passes", name)
			}
		}
		for _, scope := range wanted(challenge) {
			if strings.ContainsFunc(scope, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' }) || !strings.Contains(challenge, scope) {
				t.Errorf("%q wants the scope %q", challenge, scope)
			}
		}
	})
}
