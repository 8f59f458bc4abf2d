package mcpoauth_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestAnAPIKeyWorksUntilItIsRevoked(t *testing.T) {
	s := signedIn(t)
	made := s.touched("/account/keys/create", "name", "Backup", "resource", mcpURL, "scope.mcp:tools", "yes", "life", "90")
	made.wantPage(t, http.StatusOK, "shown this once", "read -rs MCP_API_KEY", "Authorization: Bearer $MCP_API_KEY", "in 3 months")
	key := keyPattern.FindString(made.body)
	for _, command := range []string{"Bearer ", "API_KEY="} {
		if strings.Contains(made.body, command+key) {
			t.Errorf("the key is in a line that a shell remembers: %s", made.words())
		}
	}
	s.wantAlive(t, "the key", key)
	identity, _ := s.call(key).json(t, "identity").(map[string]any)
	if identity["UserID"] != "owner" || identity["ClientID"] != "" {
		t.Errorf("the wrapped handler sees %v", identity)
	}
	for _, path := range []string{"/account", "/account/keys"} {
		page := s.get(path)
		page.wantPage(t, http.StatusOK, "Backup")
		if strings.Contains(page.body, key) || strings.Contains(page.body, key[len("mcpoauth_ak_")+22:]) {
			t.Errorf("%s shows the key again", path)
		}
	}
	if strings.Contains(s.logs.String(), key[len("mcpoauth_ak_")+22:]) {
		t.Error("the log has the key")
	}
	s.wantDone(s.post("/account/revoke", "grant", s.get("/account/keys").only(t, "grant"), "from", "keys"), "/account/keys", "Revoked.")
	s.wantDead(t, "the key", key)
	s.get("/account/keys").wantNot(t, "Backup")
}

func TestAnAPIKeyEndsWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		s.enter()
		key := s.key("CI")
		time.Sleep(30*24*time.Hour - time.Second)
		s.wantAlive(t, "the key", key)
		time.Sleep(time.Second)
		s.wantDead(t, "the key", key)
		s.enter()
		s.get("/account").wantPage(t, http.StatusOK, "Nothing is connected")
	})
}

func TestAnAPIKeyIsGoodForItsResourceAndScopesOnly(t *testing.T) {
	cfg := mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "notes", Description: "Read notes"}, {Name: "notes:write"}, {Name: "mail"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Name: "Notes", Scopes: []string{"notes"}}, {Path: "/mail", Name: "Mail", Scopes: []string{"mail"}}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/mcp", showIdentity)
	mux.HandleFunc("/mail", showIdentity)
	mux.Handle("/mcp/write", mcpoauth.RequireScopes(http.HandlerFunc(showIdentity), "notes:write"))
	s := serveWith(t, cfg, mux)
	s.setUp()
	s.enter()
	s.get("/account/keys").wantPage(t, http.StatusOK, "Notes (/mcp)", "Mail (/mail)", "Read notes")
	key := keyPattern.FindString(s.touched("/account/keys/create", "name", "CI", "resource", mcpURL, "scope.notes", "yes", "life", "7").body)
	bearer := []string{"Authorization", "Bearer " + key}
	for path, want := range map[string]int{"/mcp": http.StatusOK, "/mail": http.StatusUnauthorized, "/mcp/write": http.StatusForbidden} {
		if got := s.get(path, bearer...); got.StatusCode != want {
			t.Errorf("%s answers the key with %d, want %d", path, got.StatusCode, want)
		}
	}
	for name, fields := range map[string][]string{
		"no name":                     {"name", "", "resource", mcpURL, "scope.notes", "yes", "life", "7"},
		"a long name":                 {"name", strings.Repeat("x", 65), "resource", mcpURL, "scope.notes", "yes", "life", "7"},
		"no scope":                    {"name", "x", "resource", mcpURL, "life", "7"},
		"a scope that there is not":   {"name", "x", "resource", mcpURL, "scope.admin", "yes", "life", "7"},
		"a scope that lets in nobody": {"name", "x", "resource", mcpURL, "scope.mail", "yes", "life", "7"},
		"a resource of another":       {"name", "x", "resource", "https://evil.example/mcp", "scope.notes", "yes", "life", "7"},
		"no resource":                 {"name", "x", "scope.notes", "yes", "life", "7"},
		"no life":                     {"name", "x", "resource", mcpURL, "scope.notes", "yes"},
		"a life of choice":            {"name", "x", "resource", mcpURL, "scope.notes", "yes", "life", "9999"},
		"a life that is negative":     {"name", "x", "resource", mcpURL, "scope.notes", "yes", "life", "-7"},
	} {
		page := s.post("/account/keys/create", fields...)
		if page.StatusCode != http.StatusOK || !strings.Contains(page.body, `role="alert"`) || strings.Contains(page.body, "data-digest") {
			t.Errorf("%s: %d %s", name, page.StatusCode, page.words())
		}
	}
}

// Whoever holds a session, but no passkey, makes no key; and who got somebody to touch
// for a small key does not get a bigger one.
func TestATouchMakesTheKeyThatThePageShowed(t *testing.T) {
	cfg := mcpoauth.Config{Scopes: []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "admin"}}, Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}}}
	s := serve(t, cfg)
	s.setUp()
	s.enter()
	shown := []string{"name", "CI", "resource", mcpURL, "scope.mcp:tools", "yes", "life", "7"}
	for name, sent := range map[string][]string{
		"more scopes":    append([]string{"scope.admin", "yes"}, shown...),
		"a longer life":  {"name", "CI", "resource", mcpURL, "scope.mcp:tools", "yes", "life", "365"},
		"another name":   {"name", "CD", "resource", mcpURL, "scope.mcp:tools", "yes", "life", "7"},
		"no touch":       append([]string{"ceremony", "AAAAAAAAAAAAAAAAAAAAAA"}, shown...),
		"only a yes":     append([]string{"ceremony", "yes", "confirmed", "yes"}, shown...),
		"the same twice": nil,
	} {
		ceremony := s.touch(s.post("/account/keys/create", shown...))
		switch {
		case sent == nil:
			s.post("/account/keys/create", append(shown, "ceremony", ceremony)...).wantPage(t, http.StatusOK)
			sent = append(shown, "ceremony", ceremony)
		case sent[0] != "ceremony":
			sent = append(sent, "ceremony", ceremony)
		}
		if page := s.post("/account/keys/create", sent...); page.StatusCode != http.StatusForbidden || strings.Contains(page.body, "mcpoauth_ak_") {
			t.Errorf("%s: %d %s", name, page.StatusCode, page.words())
		}
	}
}

func TestEachMakesKeysForThemselves(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	owners, bobs := s.key("The owner's"), bob.key("Bob's")
	s.get("/account/keys").wantNot(t, "Bob's")
	bob.get("/account/keys").wantNot(t, "The owner's")
	bob.post("/account/revoke", "grant", s.grantOf(t, owners)).wantPage(t, http.StatusNotFound)
	s.post("/account/revoke", "grant", s.grantOf(t, bobs)).wantRedirect(t, "/account")
	s.wantAlive(t, "the owner's key", owners)
	s.wantDead(t, "Bob's key", bobs)
}

func TestThereIsAnEndToAPIKeys(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	bob := s.invite("Bob")
	st := store.New(backend, store.Lifetimes{})
	for range 99 {
		if _, _, err := st.CreateKey(t.Context(), store.NewKey{UserID: store.OwnerID, Name: "CI", Resource: mcpURL, Scopes: []string{"mcp:tools"}, Life: time.Hour}); err != nil {
			t.Fatal(err)
		}
	}
	s.login() // which is no key
	form := []string{"name", "CI", "resource", mcpURL, "scope.mcp:tools", "yes", "life", "7"}
	late := s.touch(s.post("/account/keys/create", form...))
	s.wantAlive(t, "the hundredth key", s.key("CI"))
	for _, sent := range [][]string{form, append(form, "ceremony", late)} {
		page := s.post("/account/keys/create", sent...)
		page.wantPage(t, http.StatusOK, "You have 100 keys, and there can be no more. Revoke one first.")
		if strings.Contains(page.body, "data-digest") || keyPattern.MatchString(page.body) {
			t.Errorf("one more is made: %s", page.words())
		}
	}
	page := s.get("/account/keys")
	if n := len(page.field("grant")); n != 100 || s.weight(page) >= 100_000 {
		t.Errorf("%d keys in %d bytes", n, s.weight(page))
	}
	s.wantAlive(t, "another person's key", bob.key("CI"))
	s.post("/account/revoke", "grant", page.field("grant")[0])
	s.wantAlive(t, "a key in the place of one", s.key("CI"))
}
