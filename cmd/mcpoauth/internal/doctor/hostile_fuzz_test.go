package doctor

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode"
)

// Whatever a server answers, to everything or in its metadata and challenge alone: the
// doctor comes to an end, says something of each check and client, and writes nothing into
// the terminal that does anything there.
func FuzzAHostileServer(f *testing.F) {
	const document = `{"resource":"http://localhost:8080/mcp","authorization_servers":["http://localhost:8080"],"issuer":"http://localhost:8080","token_endpoint":"http://localhost:8080/token",` +
		`"authorization_endpoint":"http://localhost:8080/authorize","registration_endpoint":"http://localhost:8080/register","code_challenge_methods_supported":["S256"],"scopes_supported":["a"]}`
	const challenge = `Bearer resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp", scope="a"`
	for _, document := range []string{
		document, "{}", "null", "[]", "", strings.ReplaceAll(document, `"a"`, `"\u001b[2J\u202e"`), strings.ReplaceAll(document, "localhost", "evil.example"), strings.ReplaceAll(document, `["S256"]`, `null`), strings.ReplaceAll(document, ":8080/", ":8080/\\u0000"),
		strings.ReplaceAll(document, "http://localhost:8080", "javascript:alert(1)//"), `{"authorization_servers":[7]}`, `{"issuer":"` + strings.Repeat("x", 3000) + `"}`, strings.Repeat("[", 20000), strings.ReplaceAll(document, "8080", "99999"),
	} {
		f.Add(200, document, challenge, "application/json", false)
		f.Add(401, document, challenge, "application/json", true)
	}
	for _, challenge := range []string{
		"", "Basic", `Bearer realm="\"`, "Bearer \x1b[2J", `Bearer resource_metadata=http://[::1, scope`, `Bearer resource_metadata="http://evil.example/\u001b"`, "bearer error=insufficient_scope, =,", "Bearer \u202eevil", strings.Repeat(`a="b",`, 3000), "Bearer, Basic realm=x", `Bearer scope="a" scope="b"`,
	} {
		f.Add(401, document, challenge, "text/html", true)
		f.Add(403, "<title>Just a moment...</title>", challenge, "text/html; charset=\x1b", true)
		f.Add(302, "", challenge, "x", true)
		f.Add(503, challenge, challenge, "text/event-stream", true)
	}
	f.Fuzz(func(t *testing.T, status int, document, challenge, media string, everywhere bool) {
		if status < 200 || status > 599 || strings.ContainsAny(challenge+media, "\r\n\x00") {
			return
		}
		hostile := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Server", challenge)
			w.Header().Set("Location", challenge)
			if !wellKnown(r) {
				w.Header().Set("WWW-Authenticate", challenge)
				w.WriteHeader(status)
			}
			_, _ = w.Write([]byte(document)) // a status may have no body
		})
		handler := http.Handler(hostile)
		if !everywhere {
			handler = instead(func(r *http.Request) bool { return wellKnown(r) || atEndpoint(r) }, hostile)(http.NotFoundHandler())
		}
		listener := pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{Handler: handler}
		go server.Serve(listener)
		defer server.Close()
		report, err := Examine(t.Context(), "http://localhost:8080/mcp", Options{Dial: listener.dial}, func(Finding) {})
		if err != nil {
			wantPrintable(t, err.Error())
			return
		}
		for _, found := range report.Findings {
			if found.Seen == "" || (found.Severity == Fail || found.Severity == Warning) && (found.Why == "" || found.Cure == "") {
				t.Errorf("nothing is said: %+v", found)
			}
			wantPrintable(t, found.Seen, found.Why, found.Cure)
			if n := len(found.Seen) + len(found.Why) + len(found.Cure); n > 8000 {
				t.Errorf("%s says %d bytes", found.ID, n)
			}
		}
		if len(report.Clients) == 0 {
			t.Error("no client is told of")
		}
	})
}

func wantPrintable(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
			t.Errorf("%q would be written", text)
		}
	}
}

// Whatever the header is: what is taken out of it is in it.
func FuzzBearer(f *testing.F) {
	for _, line := range []string{
		"", "Bearer", `Bearer realm="a", error=invalid_token`, `Bearer scope="a \"b\" c", x=y`, `bearer a="b`, `Bearer a="\`, "Bearer =,=", "Basic realm=x, Bearer a=b", `Bearer a = "b"`, "Bearer é=ü", `Bearer a="b"c="d"`, " Bearer a=b", "Bearer\ta=b",
	} {
		f.Add(line, "Basic x")
		f.Add("Negotiate", line)
	}
	f.Fuzz(func(t *testing.T, line, other string) {
		b := parseBearer(http.Header{"Www-Authenticate": {line, other}})
		both := line + "\n" + other
		for name, value := range b.params {
			if name == "" || name != strings.ToLower(name) || !strings.Contains(strings.ToLower(both), name) || !strings.Contains(both, value) {
				t.Errorf("%q has %q=%q", both, name, value)
			}
		}
		for _, name := range b.unquoted {
			if _, there := b.params[name]; !there {
				t.Errorf("%q has no %q", both, name)
			}
		}
		if len(b.lines) != 2 || b.first() && !strings.EqualFold(strings.TrimSpace(line)[:6], "bearer") || !strings.Contains(both, b.scheme) {
			t.Errorf("%q is %+v", both, b)
		}
	})
}
