package mcpoauth_test

import (
	"net/http"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

var setupLink = regexp.MustCompile(`/passkey/register#setup_token=([A-Za-z0-9_-]+)`)

// setupTokenOf is the one in the link that a server logged.
func (s *server) setupTokenOf(t *testing.T) string {
	t.Helper()
	found := setupLink.FindStringSubmatch(s.logs.String())
	if found == nil {
		t.Fatal("no setup link was logged")
	}
	return found[1]
}

func TestTheSetupLinkOfEachReplicaWorksAtAllOfThem(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	cfg := mcpoauth.Config{Store: backend, SetupToken: madeToken}
	first, _ := inProcess(t, cfg)
	second, _ := inProcess(t, cfg)
	a, b := first.setupTokenOf(t), second.setupTokenOf(t)
	if a == b {
		t.Fatal("two replicas logged the same token")
	}
	for _, s := range []*server{first, second} {
		for _, token := range []string{a, b} {
			if got := s.fetch("/passkey/register/start", map[string]string{"token": token}); got.StatusCode != http.StatusOK {
				t.Errorf("a link that a replica logged is refused: %d %s", got.StatusCode, got.body)
			}
		}
	}
	first.setUpWith(b)
	second.fetch("/passkey/register/start", map[string]string{"token": a}).wantError(t, http.StatusForbidden, "registration_locked")
}

func TestASetupLinkWorksForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		defer backend.Close()
		s, _ := inProcess(t, mcpoauth.Config{Store: backend, SetupToken: madeToken})
		token := s.setupTokenOf(t)
		time.Sleep(store.SetupLife - time.Second)
		if got := s.fetch("/passkey/register/start", map[string]string{"token": token}); got.StatusCode != http.StatusOK {
			t.Errorf("refused before its time: %d %s", got.StatusCode, got.body)
		}
		time.Sleep(time.Second)
		s.fetch("/passkey/register/start", map[string]string{"token": token}).wantError(t, http.StatusForbidden, "invalid_link")
	})
}
