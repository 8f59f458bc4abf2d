package mcpoauth_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func ExampleBuildOAuthRouter() {
	var mcpHandler http.Handler // any handler that speaks MCP

	router, err := mcpoauth.BuildOAuthRouter(mcpHandler, mcpoauth.Config{
		ServerURL: "https://mcp.example.com",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()
	server := &http.Server{
		Addr: "localhost:8080", Handler: router,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	log.Print(server.ListenAndServe()) // TLS is the reverse proxy's or the tunnel's
}

func ExampleIdentityFromContext() {
	backend := memory.New(memory.Options{})
	defer backend.Close()

	whoami := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		identity, ok := mcpoauth.IdentityFromContext(r.Context())
		fmt.Fprintln(w, ok, identity.UserID, identity.Scopes)
	})
	router, err := mcpoauth.BuildOAuthRouter(whoami, mcpoauth.Config{ServerURL: "https://mcp.example.com", Store: backend, SetupToken: "an example, not a secret"})
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()

	// Without a token nobody gets as far as whoami.
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "POST", "/mcp", nil))
	fmt.Println(w.Code)
	fmt.Println(w.Header().Get("WWW-Authenticate"))
	// Output:
	// 401
	// Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", scope="mcp:tools"
}

// Two MCP servers under one sign-in, with scopes of their own: a token for the one is
// refused at the other.
func ExampleBuildOAuthRouter_severalServers() {
	backend := memory.New(memory.Options{})
	defer backend.Close()

	mux := http.NewServeMux()
	mux.Handle("/notes", http.NotFoundHandler()) // any handlers that speak MCP
	mux.Handle("/mail", http.NotFoundHandler())
	router, err := mcpoauth.BuildOAuthRouter(mux, mcpoauth.Config{
		ServerURL: "https://mcp.example.com",
		Scopes: []mcpoauth.Scope{
			{Name: "notes", Description: "Read and change your notes"},
			{Name: "mail", Description: "Read your mail"},
		},
		Resources: []mcpoauth.Resource{
			{Path: "/notes", Name: "Notes", Scopes: []string{"notes"}},
			{Path: "/mail", Name: "Mail", Scopes: []string{"mail"}},
		},
		Store:      backend,
		SetupToken: "an example, not a secret",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()

	for _, path := range []string{"/notes", "/mail"} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "POST", path, nil))
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/notes", scope="notes"
	// 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mail", scope="mail"
}

// The first program a reader copies is one that the compiler has seen.
func TestTheProgramInTheReadmeIsTheExample(t *testing.T) {
	readme := readFile(t, "README.md")
	_, after, found := strings.Cut(readme, "```go\n")
	program, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("README.md has no Go program")
	}
	source := readFile(t, "example_test.go")
	for line := range strings.Lines(program) {
		if !strings.Contains(source, strings.TrimSpace(line)) {
			t.Errorf("the README's line is not in ExampleBuildOAuthRouter: %s", line)
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
