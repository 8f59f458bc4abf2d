package mcpotel_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestEachEndpointAndOutcomeIsCountedUnderItsName(t *testing.T) {
	s := start(t, mcpoauth.Config{Scopes: []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "more"}}, Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}}},
		func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/mcp/more":
				mcpoauth.InsufficientScope(w, r, "more")
			case "/mcp/status":
				status, _ := strconv.Atoi(r.URL.Query().Get("is"))
				w.WriteHeader(status)
			case "/mcp/early":
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusAccepted)
			case "/mcp/panic":
				panic(http.ErrAbortHandler)
			}
		})
	access, _ := s.connect("somebody")
	good := []string{"Authorization", "Bearer " + access}
	const form, json = "application/x-www-form-urlencoded", "application/json"
	tests := []struct {
		method, target, body string
		headers              []string
		want                 string // endpoint, method and outcome
	}{
		{"GET", "/.well-known/oauth-authorization-server", "", nil, "/.well-known/oauth-authorization-server GET 2xx"},
		{"GET", "/.well-known/oauth-protected-resource", "", nil, "/.well-known/oauth-protected-resource GET 2xx"},
		{"GET", "/.well-known/oauth-protected-resource/mcp", "", nil, "/.well-known/oauth-protected-resource/mcp GET 2xx"},
		{"GET", "/.well-known/openid-configuration", "", nil, "/.well-known/* GET not_found"},
		{"GET", "/authorize", "", nil, "/authorize GET 4xx"},
		{"GET", "/authorize?client_id=test-client&redirect_uri=" + redirectURI, "", nil, "/authorize GET 3xx"},
		{"POST", "/authorize", "", nil, "/authorize POST 4xx"},
		{"GET", "/authorize/assets/style.css", "", nil, "/authorize/assets/{file} GET 2xx"},
		{"HEAD", "/authorize/assets/style.css", "", nil, "/authorize/assets/{file} HEAD 2xx"},
		{"GET", "/authorize/assets/no.css", "", nil, "/authorize/assets/{file} GET 4xx"},
		{"GET", "/passkey/register", "", nil, "/passkey/register GET 2xx"},
		{"POST", "/passkey/register/start", "{}", []string{"Content-Type", json, "Sec-Fetch-Site", "cross-site"}, "/passkey/register/start POST access_denied"},
		{"GET", "/account", "", nil, "/account GET 3xx"},
		{"POST", "/account/revoke", "", []string{"Origin", "https://attacker.example"}, "/account/revoke POST access_denied"},
		{"POST", "/register", "{", []string{"Content-Type", json}, "/register POST invalid_client_metadata"},
		{"POST", "/register", `{"redirect_uris":["javascript:x"]}`, []string{"Content-Type", json}, "/register POST invalid_redirect_uri"},
		{"POST", "/register", `{"redirect_uris":["https://client.example/"]}`, []string{"Content-Type", json}, "/register POST 2xx"},
		{"OPTIONS", "/register", "", nil, "/register OPTIONS 2xx"},
		{"POST", "/token", "grant_type=password&client_id=test-client", []string{"Content-Type", form}, "/token POST unsupported_grant_type"},
		{"POST", "/token", "grant_type=refresh_token&client_id=nobody&refresh_token=x", []string{"Content-Type", form}, "/token POST invalid_client"},
		{"POST", "/token", "grant_type=refresh_token&client_id=test-client&refresh_token=x", []string{"Content-Type", form}, "/token POST invalid_grant"},
		{"POST", "/token", "", []string{"Content-Type", form}, "/token POST invalid_request"},
		{"PUT", "/token", "", nil, "/token PUT invalid_request"},
		{"PROPFIND", "/token", "", nil, "/token other invalid_request"},
		{"POST", "/revoke", "token=x&client_id=test-client", []string{"Content-Type", form}, "/revoke POST 2xx"},
		{"GET", "/health", "", nil, "/health GET 2xx"},
		{"GET", "/nothing", "", nil, "none GET not_found"},
		{"GET", "/nothing", "", []string{"Accept", "text/html"}, "none GET 4xx"},
		{"GET", "/mcp//x", "", good, "none GET not_found"},
		{"POST", "/mcp", "", nil, "/mcp POST unauthorized"},
		{"POST", "/mcp", "", []string{"Authorization", "Bearer x"}, "/mcp POST invalid_token"},
		{"POST", "/mcp", "", good, "/mcp POST 2xx"},
		{"DELETE", "/mcp/below", "", good, "/mcp DELETE 2xx"},
		{"POST", "/mcp/more", "", good, "/mcp POST insufficient_scope"},
		{"PATCH", "/mcp/status?is=500", "", good, "/mcp PATCH 5xx"},
		{"PATCH", "/mcp/status?is=404", "", good, "/mcp PATCH 4xx"},
		{"PATCH", "/mcp/status?is=307", "", good, "/mcp PATCH 3xx"},
		{"PATCH", "/mcp/status?is=429", "", good, "/mcp PATCH too_many_requests"},
		{"PATCH", "/mcp/status?is=777", "", good, "/mcp PATCH other"},
		{"PATCH", "/mcp/early", "", good, "/mcp PATCH 2xx"},
		{"PATCH", "/mcp/panic", "", good, "/mcp PATCH aborted"},
	}
	for _, test := range tests {
		series := "mcpoauth.request.duration " + test.want
		before := s.series(t)[series]
		status, body := s.do(test.method, test.target, test.body, test.headers...)
		if after := s.series(t)[series]; after != before+1 {
			t.Errorf("%s %s (%d %.80s): %s is %d after %d; there are %v", test.method, test.target, status, body, series, after, before, s.series(t))
		}
	}
}

func TestWhatALimitRefusesIsCounted(t *testing.T) {
	s := start(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 1, Registration: 1, General: 1}}, func(http.ResponseWriter, *http.Request) {})
	access, _ := s.connect("somebody") // which takes the one call of /token
	for range 3 {
		s.do("POST", "/mcp", "", "Authorization", "Bearer "+access)
		s.do("GET", "/account/sign-in", "")
		s.form("/token", "grant_type", "refresh_token")
	}
	got := s.series(t)
	for series, want := range map[string]int64{"/mcp POST": 2, "/account/sign-in GET": 2, "/token POST": 3} {
		if n := got["mcpoauth.request.duration "+series+" too_many_requests"]; n != want {
			t.Errorf("%s: %d are counted as refused, want %d; there are %v", series, n, want, got)
		}
	}
}

// broken is a store that fails once it is told to.
type broken struct {
	store.Backend
	with atomic.Pointer[error] // nil: it works
}

func (b *broken) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := b.with.Load(); err != nil {
		return store.Record{}, *err
	}
	return b.Backend.Get(ctx, key)
}

func TestTroubleInTheStoreIsCountedAtTheStoreAndAtTheEndpoint(t *testing.T) {
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	backend := &broken{Backend: inMemory}
	s := start(t, mcpoauth.Config{Store: backend}, func(http.ResponseWriter, *http.Request) {})
	access, _ := s.connect("somebody")
	for outcome, err := range map[string]error{
		"error": errors.New("no route to the database at 192.0.2.77"), "timeout": context.DeadlineExceeded, "canceled": context.Canceled,
		"conflict": fmt.Errorf("wrapped: %w", store.ErrConflict),
	} {
		backend.with.Store(&err)
		before := s.series(t)
		s.do("POST", "/mcp", "", "Authorization", "Bearer "+access)
		after := s.series(t)
		for _, series := range []string{"mcpoauth.store.duration get grant " + outcome, "mcpoauth.request.duration /mcp POST temporarily_unavailable"} {
			if after[series] != before[series]+1 {
				t.Errorf("%v: %s is %d after %d", err, series, after[series], before[series])
			}
		}
	}
	backend.with.Store(nil)
}

// A code that is left out would be counted as 4xx and found by no alarm.
func TestEachCodeOfTheProtocolIsAnOutcome(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/oauth/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if decl, ok := n.(*ast.GenDecl); ok && decl.Tok == token.CONST {
			for _, spec := range decl.Specs {
				if value, ok := spec.(*ast.ValueSpec).Values[0].(*ast.BasicLit); ok && value.Kind == token.STRING {
					code, _ := strconv.Unquote(value.Value)
					codes = append(codes, code)
				}
			}
		}
		return true
	})
	if len(codes) < 10 {
		t.Fatalf("there are only %q", codes)
	}
	s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, `{"error":"%s","error_description":"of the test"}`, strings.TrimPrefix(r.URL.Path, "/mcp/"))
	})
	access, _ := s.connect("somebody")
	for _, code := range append(codes, "made_up") {
		s.do("GET", "/mcp/"+code, "", "Authorization", "Bearer "+access)
	}
	got := s.series(t)
	for _, code := range append(codes, "4xx") {
		if got["mcpoauth.request.duration /mcp GET "+code] != 1 {
			t.Errorf("%s is not counted; there are %v", code, got)
		}
	}
}
