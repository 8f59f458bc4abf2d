package memory_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// RFC 7636 appendix B.
const (
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

var someClient = &store.Client{ID: "client", Name: "A client", RedirectURIs: []string{"https://client.example/callback"}}

func allScopes(g *store.Grant) ([]string, error) { return g.Scopes, nil }

// connected returns what a client has that a person approved just now.
func connected(tb testing.TB, s *store.Store) store.Tokens {
	tb.Helper()
	tokens, err := connect(tb.Context(), s, someClient.RedirectURIs[0])
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}

func connect(ctx context.Context, s *store.Store, redirectURI string) (store.Tokens, error) {
	code, err := s.Approve(ctx, store.Approval{
		UserID: store.OwnerID, Client: someClient, RedirectURI: redirectURI,
		Resource: "https://mcp.example.com/mcp", Scopes: []string{"mcp:tools", "notes:read"}, Challenge: challenge,
	})
	if err != nil {
		return store.Tokens{}, err
	}
	return s.ConsumeCode(ctx, store.Redemption{
		Code: code, ClientID: someClient.ID, Verifier: verifier,
		Refresh: func([]string) bool { return true },
		Accept:  func(*store.Grant) error { return nil },
	})
}

func rotated(tb testing.TB, s *store.Store, tokens store.Tokens) store.Tokens {
	tb.Helper()
	next, err := s.RotateRefresh(tb.Context(), tokens.Refresh, someClient.ID, allScopes)
	if err != nil {
		tb.Fatal(err)
	}
	return next
}

// Grants as they are in service: one access and one refresh token, and what three
// refreshes left. The JSON of one has about 1.5 kB.
func inService(tb testing.TB, s *store.Store, n int) []store.Tokens {
	tb.Helper()
	all := make([]store.Tokens, n)
	for i := range all {
		all[i] = rotated(tb, s, rotated(tb, s, connected(tb, s)))
	}
	return all
}

// stateOf writes a state file with n grants in service, in the oldest format that
// can be read, and returns their tokens.
func stateOf(tb testing.TB, path string, n int) []store.Tokens {
	tb.Helper()
	b := memory.New(memory.Options{})
	defer b.Close()
	tokens := inService(tb, store.New(b, store.Lifetimes{Access: time.Nanosecond}), n)
	type line struct {
		Kind    store.Kind      `json:"kind"`
		ID      string          `json:"id"`
		Expires time.Time       `json:"expires,omitzero"`
		Value   json.RawMessage `json:"value"`
	}
	var lines []line
	for _, kind := range []store.Kind{store.KindClient, store.KindGrant} {
		listed, err := b.List(tb.Context(), kind, "", "", 1<<30)
		if err != nil {
			tb.Fatal(err)
		}
		for _, r := range listed {
			value, err := r.Value.Encode()
			if err != nil {
				tb.Fatal(err)
			}
			lines = append(lines, line{r.Key.Kind, r.Key.ID, r.ExpiresAt, value})
		}
	}
	data, err := json.MarshalIndent(map[string]any{"version": 1, "records": lines}, "", "  ")
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%d grants: %d bytes", n, len(data))
	return tokens
}
