package e2e

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A household is the library in this process, over a store that a test can fill with what
// would take people hours.
type household struct {
	*server
	store     *store.Store
	connected int
}

const householdToken = "a-token-of-the-owner-0123456789abcdef"

// openHousehold serves with scopes in words and two resources, whose handler answers with
// who is calling.
func openHousehold(t *testing.T) *household {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	t.Cleanup(front.Close)
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { _ = backend.Close() })
	url := strings.Replace("http://"+front.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	h := &household{
		server: &server{t: t, url: url, setupLink: url + "/passkey/register#setup_token=" + householdToken},
		store:  store.New(backend, store.Lifetimes{}),
	}
	router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(tellIdentity), mcpoauth.Config{
		ServerURL: url, AppName: "Notes", SetupToken: householdToken, Store: backend,
		Resources: []mcpoauth.Resource{{Path: "/mcp", Name: "Notes", Scopes: []string{"notes:read"}}, {Path: "/mail", Name: "Mail", Scopes: []string{"mail"}}},
		Scopes: []mcpoauth.Scope{
			{Name: "notes:read", Description: "Read your notes"},
			{Name: "notes:write", Description: "Change and delete your notes", Implies: []string{"notes:read"}},
			{Name: "mail", Description: "Read and send mail"},
		},
		RateLimits: mcpoauth.RateLimits{Auth: -1, Registration: -1, General: -1},
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal("serving the household:", err)
	}
	t.Cleanup(func() { _ = router.Close() })
	front.Config.Handler = router
	front.Start()
	return h
}

func tellIdentity(w http.ResponseWriter, r *http.Request) {
	id, _ := mcpoauth.IdentityFromContext(r.Context())
	_ = json.NewEncoder(w).Encode(id)
}

// whoCalls returns as whom the handler knows the bearer of a token.
func (h *household) whoCalls(token string) (id mcpoauth.Identity) {
	h.t.Helper()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+"/mcp", strings.NewReader("{}"))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal("calling the server:", err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&id); err != nil || resp.StatusCode != http.StatusOK {
		h.t.Fatalf("calling the server: status %d, %v", resp.StatusCode, err)
	}
	return id
}

// client is a client that registered itself.
func (h *household) client(name, redirectURI string) *store.Client {
	h.connected++
	return &store.Client{ID: fmt.Sprintf("%022d", h.connected), Name: name, RedirectURIs: []string{redirectURI}, TokenEndpointAuthMethod: "none"}
}

// connect stores a connection as if it had been approved and redeemed, and used a while
// ago.
func (h *household) connect(userID string, client *store.Client, ago time.Duration) {
	h.t.Helper()
	ctx := h.t.Context()
	code, err := h.store.Approve(ctx, store.Approval{
		UserID: userID, Client: client, RedirectURI: client.RedirectURIs[0], Resource: h.url + "/mcp",
		Scopes: []string{"notes:read", "notes:write"}, Challenge: secret.S256(verifier),
	})
	if err != nil {
		h.t.Fatal("storing an approval:", err)
	}
	redeemed, err := h.store.ConsumeCode(ctx, store.Redemption{
		Code: code, ClientID: client.ID, Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		h.t.Fatal("storing a connection:", err)
	}
	h.use(redeemed.Grant, ago)
}

// use notes that a connection was used a while ago.
func (h *household) use(g *store.Grant, ago time.Duration) {
	h.t.Helper()
	use := store.Use{GrantID: g.ID, At: time.Now().Add(-ago), From: "2001:db8:85a3:8d3::/64"}
	if _, err := h.store.NoteUse(h.t.Context(), use); err != nil {
		h.t.Fatal("storing a use:", err)
	}
}
