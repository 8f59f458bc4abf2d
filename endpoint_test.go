package mcpoauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestAnEndpointHasOneOfAFewNamesWhateverIsAskedFor(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), mcpoauth.Config{
		ServerURL: serverURL, SetupToken: setupToken, Store: backend, Resources: []mcpoauth.Resource{{Path: "/mcp"}, {Path: "/mcp/admin"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { router.Close() })
	for path, want := range map[string]string{
		"/mcp":                             "/mcp",
		"/mcp/any/thing":                   "/mcp",
		"/mcp/admin/x":                     "/mcp/admin",
		"/mcp//admin":                      "",
		"/token":                           "/token",
		"/token/":                          "",
		"/account/revoke":                  "/account/revoke",
		"/authorize/assets/style.css":      "/authorize/assets/{file}",
		"/authorize/assets/any-other.file": "/authorize/assets/{file}",
		prmMetadata + "/mcp":               prmMetadata + "/mcp",
		prmMetadata + "/elsewhere":         "/.well-known/*",
		"/.well-known/openid":              "/.well-known/*",
		"/nothing":                         "",
		"/":                                "",
		"":                                 "",
		"*":                                "",
		"no/slash":                         "",
		"/" + strings.Repeat("x/", 5000):   "",
		"/{file}":                          "",
		"/authorize/assets/{file}/":        "",
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS", "TRACE", "made-up", ""} {
			if got := router.Endpoint(&http.Request{Method: method, URL: &url.URL{Path: path}}); got != want {
				t.Errorf("%s %.60q: got %q, want %q", method, path, got, want)
			}
		}
	}
	for path, methods := range routes {
		if got := router.Endpoint(&http.Request{Method: methods[0], URL: &url.URL{Path: path}}); got == "" {
			t.Errorf("%s has no name", path)
		}
	}
}
