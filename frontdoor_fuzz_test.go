package mcpoauth_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
)

// Whatever a proxy or somebody who pretends to be one says of the request: every answer is
// the same as without, and each line of the log is one of ours.
func FuzzForwardedHeaders(f *testing.F) {
	for _, value := range []string{
		"example.com", "evil.example", "evil.example:443, example.com", "EXAMPLE.COM", "", "[::1]:1", "http", "https", "for=evil;host=evil.example;proto=http", "203.0.113.9, 10.0.0.2",
		"\"><script>", "x\" }\n{\"msg\":\"setup.completed", "\xff", "a\u2028b", strings.Repeat("é", 150), "10.0.0.1", "/evil", "evil.example/mcp#",
	} {
		f.Add(value, value, value, value, "")
		f.Add("example.com", value, "http", "198.51.100.1", "document")
		f.Add(value, "", "", "", "document")
	}
	var logged bytes.Buffer
	s := newFuzzed(f, mcpoauth.Config{TrustedProxies: []string{"10.0.0.0/8"}, Logger: slog.New(slog.NewJSONHandler(&logged, nil))})
	requests := []struct{ method, path, query string }{
		{"GET", "/.well-known/oauth-authorization-server", ""},
		{"GET", "/.well-known/oauth-protected-resource/mcp", ""},
		{"POST", "/mcp", ""},
		{"GET", "/authorize", authorizationRequest("web", webClient).Encode()},
		{"GET", "/authorize", "client_id=x"},
		{"POST", "/token", ""},
		{"GET", "/account", ""},
		{"GET", "/nowhere", ""},
	}
	plain := make([]answer, len(requests))
	for i, r := range requests {
		plain[i] = s.ask(f.Context(), r.method, r.path, r.query, "")
	}
	f.Fuzz(func(t *testing.T, host, forwardedHost, proto, forwarded, dest string) {
		headers := []string{
			"Host", host, "X-Forwarded-Host", forwardedHost, "X-Forwarded-Proto", proto, "X-Forwarded-Scheme", proto, "X-Forwarded-For", forwarded, "Forwarded", forwarded,
			"X-Original-URL", forwarded, "X-Rewrite-URL", forwarded, "X-Forwarded-Prefix", forwarded, "X-HTTP-Method-Override", forwarded, "Sec-Fetch-Dest", dest,
		}
		logged.Reset()
		for i, r := range requests {
			a := s.ask(t.Context(), r.method, r.path, r.query, "", headers...)
			if a.StatusCode != plain[i].StatusCode || a.body != plain[i].body || !sameHeader(a.Header, plain[i].Header) {
				t.Errorf("%s %s: %d %v %s\nwithout: %d %v %s", r.method, r.path, a.StatusCode, a.Header, a.body, plain[i].StatusCode, plain[i].Header, plain[i].body)
			}
		}
		for line := range strings.Lines(logged.String()) {
			var event struct{ Msg, About string }
			if json.Unmarshal([]byte(line), &event) != nil || len(event.About) > 210 || !frontDoorEvents[event.Msg] {
				t.Errorf("the log has %q", line)
			}
		}
	})
}

var frontDoorEvents = map[string]bool{"proxy.untrusted": true, "proxy.plaintext": true, "host.unexpected": true, "path.prefixed": true}

func sameHeader(a, b http.Header) bool {
	var x, y strings.Builder
	_, _ = a.Write(&x), b.Write(&y) // to memory
	return x.String() == y.String()
}

// Whatever a browser's page says of itself and of what it wants to send: any origin gets the
// same leave, never with cookies, and the answer repeats no header but those of tools.
func FuzzOrigin(f *testing.F) {
	for _, origin := range []string{"https://client.example", "null", "", "https://example.com", "*", "https://a.example, https://b.example", "\xff"} {
		for _, asked := range []string{
			"", "authorization", "mcp-param-x", "MCP-Param-X, x-evil", "mcp-param-a\r\nSet-Cookie: x", "mcp-param-é", "mcp-param-,mcp-param-a b,mcp-param-*", "*", strings.Repeat("mcp-param-x,", 200), "mcp-param-k\u212a",
		} {
			f.Add(origin, "POST", asked)
			f.Add(origin, "\x00", asked)
		}
	}
	s := newFuzzed(f, mcpoauth.Config{})
	f.Fuzz(func(t *testing.T, origin, method, asked string) {
		headers := []string{"Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", asked}
		for path, method := range map[string]string{
			"/mcp": "POST", "/token": "POST", "/.well-known/oauth-authorization-server": "GET", "/.well-known/x": "GET",
			"/authorize": "GET", "/account": "GET", "/passkey/auth/start": "POST",
		} {
			open := !strings.HasPrefix(path, "/a") && !strings.HasPrefix(path, "/p")
			for _, method := range []string{method, "OPTIONS"} {
				a := s.ask(t.Context(), method, path, "", "", headers...)
				a.wantSound(t)
				if slices.Equal(a.Header.Values("Access-Control-Allow-Origin"), []string{"*"}) != open || a.Header.Get("Access-Control-Allow-Credentials") != "" {
					t.Errorf("%s %s from %q: %v", method, path, origin, a.Header)
				}
				if method != "OPTIONS" || !open {
					continue
				}
				for _, name := range a.headerList("Access-Control-Allow-Headers") {
					ofTool := strings.HasPrefix(name, "mcp-param-") && isParamToken(name) && strings.Contains(strings.ToLower(asked), name)
					if !ofTool && !slices.Contains(corsHeadersOfMCP, name) {
						t.Errorf("%s for %q: %q is allowed", path, asked, name)
					}
				}
				if n := len(a.Header.Get("Access-Control-Allow-Headers")); n > 2048 {
					t.Errorf("%d bytes of headers are allowed", n)
				}
			}
		}
	})
}

var corsHeadersOfMCP = []string{
	"authorization", "content-type", "accept", "mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id", "last-event-id",
}

func isParamToken(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("-._~", c)
	})
}
