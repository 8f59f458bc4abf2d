package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/mcpoauth/mcpoauth"
)

func examine(t *testing.T, address string, o Options) Report {
	t.Helper()
	var seen []Finding
	report, err := Examine(t.Context(), address, o, func(f Finding) { seen = append(seen, f) })
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != len(report.Findings) {
		t.Errorf("%d findings were told as they came, of %d", len(seen), len(report.Findings))
	}
	return report
}

// ids returns the IDs of what is to be put right, in order and once each.
func (r Report) ids() []string {
	found := make(map[string]bool)
	for _, f := range r.Findings {
		if f.Severity == Fail || f.Severity == Warning {
			found[f.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (r Report) outcome(c Client) Outcome {
	for _, v := range r.Clients {
		if v.Client == c {
			return v.Outcome
		}
	}
	return ""
}

// String is what went wrong, for failing tests.
func (r Report) String() string {
	var b strings.Builder
	for _, f := range r.Findings {
		if f.Severity == Fail || f.Severity == Warning {
			fmt.Fprintf(&b, "  %s %s %s: %s %q\n", f.Severity, f.ID, f.Check, f.Seen, f.Clients)
		}
	}
	return b.String()
}

func TestAGoodDeploymentHasNoFinding(t *testing.T) {
	for name, d := range map[string]deployment{
		"the default":                {},
		"asked for by its origin":    {address: publicURL},
		"an endpoint at the root":    {address: publicURL, config: mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/"}}}},
		"the root, with a slash":     {address: publicURL + "/", config: mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/"}}}},
		"the second of two":          {address: publicURL + "/deep/notes", config: mcpoauth.Config{Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/deep/notes"}}}},
		"without metadata documents": {config: mcpoauth.Config{DisableMetadataDocuments: true}},
		"nothing on port 80":         {port80: http.NotFoundHandler()},
		"HTTP Strict Transport Security": {wrap: edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
			a.Header().Set("Strict-Transport-Security", "max-age=63072000")
		})},
		"an issuer that has a path": {wrap: func(next http.Handler) http.Handler {
			below := instead(func(r *http.Request) bool { return r.URL.Path == serverPath+"/tenant" }, func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = serverPath
				next.ServeHTTP(w, r)
			})
			return rewrite(`"issuer":"https://mcp.example.com"`, `"issuer":"https://mcp.example.com/tenant"`)(
				rewrite(`"authorization_servers":["https://mcp.example.com"]`, `"authorization_servers":["https://mcp.example.com/tenant"]`)(below(next)))
		}},
		"the server's metadata below the endpoint's path too": {wrap: func(next http.Handler) http.Handler {
			return instead(func(r *http.Request) bool { return r.URL.Path == serverPath+"/mcp" }, func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = serverPath
				next.ServeHTTP(w, r)
			})(next)
		}},
		"complete OpenID": {wrap: func(next http.Handler) http.Handler {
			return edit(func(r *http.Request, a *httptest.ResponseRecorder) {
				if r.URL.Path == openIDPath {
					a.Code = 200
					a.Body.Reset()
					a.Body.WriteString(`{"jwks_uri":"https://x/","subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"]}`)
				}
			})(next)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			address := d.address
			if address == "" {
				address = endpoint
			}
			report := examine(t, address, d.start(t))
			if !report.Sound() {
				t.Errorf("it has findings:\n%s", report)
			}
			for _, v := range report.Clients {
				if v.Outcome != Connects || len(v.Because) != 0 {
					t.Errorf("%s: %s because of %v", v.Client, v.Outcome, v.Because)
				}
			}
			if report.Count(OK) < 50 {
				t.Errorf("only %d checks were made", report.Count(OK))
			}
		})
	}
}

func TestAGoodServerOnThisMachineHasNoFindingAndIsOutOfReachForHostedClients(t *testing.T) {
	address := localhost(t)
	for _, given := range []string{address, address + "/mcp"} {
		report := examine(t, given, Options{})
		if !report.Sound() || report.Endpoint != address+"/mcp" {
			t.Errorf("%s: looked at %s:\n%s", given, report.Endpoint, report)
		}
		if report.outcome(Claude) != OutOfReach || report.outcome(ClaudeCode) != Connects {
			t.Errorf("Claude: %s, Claude Code: %s", report.outcome(Claude), report.outcome(ClaudeCode))
		}
	}
}

func TestNothingThatAServerSaysReachesATerminalAsItIs(t *testing.T) {
	const evil = "\x1b]0;owned\a\x1b[2J\u009b31m\u202eevil"
	d := deployment{wrap: edit(func(r *http.Request, a *httptest.ResponseRecorder) {
		if wellKnown(r) && a.Code == 200 {
			document, err := json.Marshal(map[string]any{"resource": "https://x/" + evil, "authorization_servers": []string{evil, evil}, "issuer": evil, "scopes_supported": []string{evil}})
			if err != nil {
				t.Error(err)
			}
			a.Body.Reset()
			a.Body.Write(document)
			a.Header().Set("Cache-Control", "max-age=999999, \u009b31m")
		}
		if r.URL.Path == "/mcp" {
			a.Header().Set("WWW-Authenticate", "Bearer realm=\"\u009b31m\u202e\", resource_metadata=\"\u009b\"")
		}
	})}
	report := examine(t, endpoint, d.start(t))
	if report.Sound() {
		t.Error("nothing was found")
	}
	for _, f := range report.Findings {
		for _, text := range []string{f.Seen, f.Why, f.Cure} {
			if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) || len(text) > 2000 {
				t.Errorf("%s %s: %q", f.ID, f.Check, text)
			}
		}
	}
}

func TestTheDoctorChangesNothingAndSendsNoCredentials(t *testing.T) {
	d := deployment{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/register" && r.Method == http.MethodPost {
				body, err := io.ReadAll(r.Body)
				if err != nil || json.Valid(body) {
					t.Errorf("it registers with %q", body)
				}
			}
			if authorization := r.Header.Get("Authorization"); authorization != "" && !strings.Contains(authorization, "is-not-a-token") || r.Header.Get("Cookie") != "" {
				t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
			}
			if r.Method == http.MethodPut || r.Method == http.MethodPatch {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			next.ServeHTTP(w, r)
		})
	}}
	examine(t, endpoint, d.start(t))
}

func TestAnOpenServerIsNotAskedToDelete(t *testing.T) {
	d := deployment{wrap: instead(atEndpoint, func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			t.Error("it was")
		}
	})}
	examine(t, endpoint, d.start(t))
}

func TestWhatIsNoServerIsAnErrorThatSaysSo(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for address, want := range map[string]string{
		"":                               "not the URL",
		"mcp.example.com/mcp":            "not the URL",
		"ftp://mcp.example.com":          "not the URL",
		"https://user:secret@x.example/": "leave it out",
		"https://x.example/#here":        "fragment",
		"https://\x1b[2J.example":        "not the URL",
		closed.URL:                       "cannot reach",
		strings.Replace(plain.URL, "http:", "https:", 1): "cannot reach",
	} {
		_, err := Examine(t.Context(), address, Options{}, func(Finding) { t.Errorf("%q was looked at", address) })
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAnAnswerWithoutEndIsCutOff(t *testing.T) {
	d := deployment{wrap: instead(wellKnown, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for range 64 << 20 / len(chunk) { // which no buffer between the two takes up
			if _, err := w.Write(chunk); err != nil || r.Context().Err() != nil {
				return
			}
		}
		t.Error("it reads on and on")
	})}
	if report := examine(t, endpoint, d.start(t)); !strings.Contains(report.String(), "more than 256 KB") {
		t.Errorf("got\n%s", report)
	}
}
