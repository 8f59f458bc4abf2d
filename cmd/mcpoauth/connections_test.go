package main

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/store"
)

type connections struct {
	Connections []connection `json:"connections"`
}

func listsConnections(t *testing.T, s *site) {
	if out := s.good("connections"); out != "Nothing is connected.\n" {
		t.Errorf("it says %q", out)
	}
	if out := s.good("connections", "--json"); !strings.Contains(out, `"connections": []`) {
		t.Errorf("the JSON is %s", out)
	}
	s.owner()
	_, ada := s.join("Ada")
	_, ofOwner := s.connect(store.OwnerID, claude, "Claude", claudeBack, "notes")
	_, ofAda := s.connect(ada, editor, "Editor\x1b[31m\nRoot", editorBack)
	keyToken, key := s.key(ada, "ci")
	at := time.Now().UTC().Add(-3 * 24 * time.Hour).Truncate(time.Second)
	if _, err := s.on().NoteUse(t.Context(), store.Use{GrantID: key.ID, At: at, From: usedNetwork}); err != nil {
		t.Fatal(err)
	}

	all := decoded[connections](s, "connections").Connections
	for _, want := range []connection{
		{ID: ofOwner.ID, UserID: store.OwnerID, UserName: "owner", ClientID: claude, ClientName: "Claude", ClientHost: "claude.ai", Scopes: []string{"mcp:tools", "notes"}, UsedAt: ofOwner.UsedAt.Time()},
		{ID: ofAda.ID, UserID: ada, UserName: "Ada", ClientID: editor, ClientName: "Editor\x1b[31m\nRoot", Scopes: []string{"mcp:tools"}, UsedAt: ofAda.UsedAt.Time()},
		{ID: key.ID, UserID: ada, UserName: "Ada", KeyName: "ci", Scopes: []string{"mcp:tools"}, UsedAt: at, UsedFrom: usedNetwork, ExpiresAt: key.Access[0].ExpiresAt.Time()},
	} {
		i := slices.IndexFunc(all, func(c connection) bool { return c.ID == want.ID })
		if i < 0 {
			t.Fatalf("%+v is not in %+v", want, all)
		}
		got := all[i]
		if got.CreatedAt.IsZero() || !got.UsedAt.Equal(want.UsedAt) || !got.ExpiresAt.Equal(want.ExpiresAt) || !slices.Equal(got.Scopes, want.Scopes) || got.Resource != origin+"/mcp" {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got.UserID != want.UserID || got.UserName != want.UserName || got.KeyName != want.KeyName || got.ClientID != want.ClientID || got.ClientName != want.ClientName || got.ClientHost != want.ClientHost || got.UsedFrom != want.UsedFrom {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if len(all) != 3 || all[2].ID != key.ID {
		t.Errorf("who was used last does not come first: %+v", all)
	}

	out := s.good("connections")
	for _, want := range []string{
		ofOwner.ID + "  Claude ", "of owner", "verified claude.ai", "mcp:tools notes", "client " + claude,
		ofAda.ID + "  Editor[31m Root ", "of Ada", "unverified", "client " + editor,
		key.ID + "  API key ci ", "3 days ago", "expires in 29 days", "last from " + usedNetwork,
		"\n2 connections and 1 API key\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > lineWidth {
			t.Errorf("too long: %s", line)
		}
	}
	if strings.Contains(out, "mcpoauth_") || strings.Contains(out, keyToken) {
		t.Errorf("a secret is in\n%s", out)
	}
	for _, who := range []string{"ada", ada} {
		if mine := decoded[connections](s, "connections", "--person", who).Connections; len(mine) != 2 || mine[0].UserID != ada || mine[1].UserID != ada {
			t.Errorf("of %s are %+v", who, mine)
		}
	}
	s.refused(exitFindings, `no person of the name or ID "Bob"`, "connections", "--person", "Bob")
}
