package memory_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// serveForEver lets clients connect, refresh and disconnect, and prints what was
// acknowledged: the number of a connection with what its client then has.
func serveForEver(dir string) error {
	b, err := memory.Open(optionsIn(dir))
	if err != nil {
		return err
	}
	s := store.New(b, store.Lifetimes{})
	const clients = 8
	failed := make(chan error, clients)
	for c := range clients {
		go func() { failed <- beClient(s, fmt.Sprint(os.Getpid(), ".", c)) }()
	}
	return <-failed
}

func beClient(s *store.Store, name string) error {
	ctx := context.Background()
	long := someClient.RedirectURIs[0] + "?" + strings.Repeat("x", 4<<10) // so that merges come soon
	for n := 0; ; n++ {
		id := fmt.Sprint(name, ".", n)
		tokens, err := connect(ctx, s, long)
		if err != nil {
			return err
		}
		fmt.Println(id, "has", tokens.Refresh, tokens.Access)
		for range 1 + n%13 {
			if tokens, err = s.RotateRefresh(ctx, tokens.Refresh, someClient.ID, allScopes); err != nil {
				return err
			}
			fmt.Println(id, "has", tokens.Refresh, tokens.Access)
		}
		if n%2 != 0 {
			continue
		}
		// From here on the grant may be gone, whether or not it is said.
		fmt.Println(id, "revokes")
		if _, err := s.RevokeToken(ctx, tokens.Refresh, someClient.ID); err != nil {
			return err
		}
		fmt.Println(id, "revoked", tokens.Refresh, tokens.Access)
	}
}

// A connection is what its client was told last.
type connection struct{ state, refresh, access string }

func TestTokensOutliveAKillAndRevokedOnesStayDead(t *testing.T) {
	const rounds = 25
	dir := t.TempDir()
	b := opened(t, optionsIn(dir))
	enlarge(t, b) // so that changes go to a log
	closed(t, b)
	connections := make(map[string]*connection)
	merges, last := 0, ""
	for round := range rounds {
		for _, line := range runAndKill(t, "serve", dir, 60+8*round) {
			note(t, connections, line)
		}
		if now := headOf(t, optionsIn(dir).StateFile); now != last {
			merges, last = merges+1, now
		}
		checked := dir
		if round%5 != 4 {
			// A copy, so that the next child finds what a killed one left.
			checked = t.TempDir()
			if err := os.CopyFS(checked, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
		}
		b := opened(t, optionsIn(checked))
		s := store.New(b, store.Lifetimes{})
		var wg sync.WaitGroup
		for id, c := range connections {
			wg.Go(func() {
				tokens := check(t, s, fmt.Sprintf("round %d: %s", round, id), c)
				if checked == dir && c.state == "has" {
					c.refresh, c.access = tokens.Refresh, tokens.Access
				}
			})
		}
		wg.Wait()
		closed(t, b)
	}
	counts := make(map[string]int)
	for _, c := range connections {
		counts[c.state]++
	}
	t.Logf("%d kills, %d different files found, connections: %v", rounds, merges, counts)
	if counts["has"] < rounds || counts["revoked"] < rounds {
		t.Errorf("too little was seen: %v", counts)
	}
}

func note(t *testing.T, connections map[string]*connection, line string) {
	t.Helper()
	words := strings.Fields(line)
	switch {
	case len(words) == 4:
		connections[words[0]] = &connection{words[1], words[2], words[3]}
	case len(words) == 2 && words[1] == "revokes":
		connections[words[0]].state = "revokes"
	default:
		t.Fatalf("the child says %q", line)
	}
}

// check asks for what a client was promised. Its last token may have been spent
// without its knowing: it then gets the successors.
func check(t *testing.T, s *store.Store, name string, c *connection) (tokens store.Tokens) {
	t.Helper()
	_, _, errAccess := s.Access(t.Context(), c.access, time.Now())
	switch c.state {
	case "has":
		if errAccess != nil {
			t.Errorf("%s: the access token: %v", name, errAccess)
		}
		var err error
		if tokens, err = s.RotateRefresh(t.Context(), c.refresh, someClient.ID, allScopes); err != nil {
			t.Errorf("%s: the refresh token: %v", name, err)
		}
	case "revoked":
		_, err := s.RotateRefresh(t.Context(), c.refresh, someClient.ID, allScopes)
		if !errors.Is(errAccess, store.ErrNotFound) || !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s was revoked, and its tokens return %v and %v", name, errAccess, err)
		}
	}
	return tokens
}

// enlarge makes the state so large that its changes go to a log.
func enlarge(t *testing.T, b *memory.Backend) {
	t.Helper()
	large := &store.Client{ID: "large", Name: strings.Repeat("x", 100<<10)}
	if err := b.Create(t.Context(), store.Key{Kind: store.KindClient, ID: "large"}, large, time.Time{}); err != nil {
		t.Fatal(err)
	}
}

// headOf returns what a file says of itself, without its records.
func headOf(t *testing.T, path string) string {
	t.Helper()
	head, _, _ := strings.Cut(contents(t, path), `"records"`)
	return head
}
