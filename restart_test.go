package mcpoauth_test

import (
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// files returns a Config that keeps everything in a directory of the test.
func files(t *testing.T) mcpoauth.Config {
	t.Helper()
	dir := t.TempDir()
	return mcpoauth.Config{PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json")}
}

// restart closes the Router and builds it again from cfg. The browser and its
// passkey stay as they are.
func restart(t *testing.T, s *server, router *mcpoauth.Router, cfg mcpoauth.Config) *server {
	t.Helper()
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := inProcess(t, cfg)
	again.authenticator, again.credential, again.http.Jar = s.authenticator, s.credential, s.http.Jar
	return again
}

func TestR58_AConnectedClientNoticesNothingOfARestart(t *testing.T) {
	cfg := files(t)
	s, router := inProcess(t, cfg)
	s.setUp()
	id, first := s.connected()
	second := s.rotate(id, first)
	inFlight := s.code(authorizationRequest(id, webClient))
	gone, revoked := s.connected()
	s.revoke(gone, revoked.text(t, "refresh_token")).wantRevoked(t)
	unused := s.public(webClient)

	s = restart(t, s, router, cfg)
	if res := s.call(second.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the access token is answered with %d", res.StatusCode)
	}
	sameTokens(t, s.rotate(id, first), second) // whose answer the restart cut off
	s.rotate(id, second).wantTokens(t)
	s.redeem(id, webClient, inFlight).wantTokens(t)
	s.wantEnded(t, gone, revoked)
	for _, client := range []string{id, unused} {
		s.redeem(client, webClient, s.code(authorizationRequest(client, webClient))).wantTokens(t)
	}
	if s.logged("approval.granted") != 2 {
		t.Errorf("approvals after the restart: %d, want those of the two new logins alone", s.logged("approval.granted"))
	}
}

func TestR58_AReuseAfterARestartStillEndsTheGrant(t *testing.T) {
	cfg := files(t)
	cfg.RefreshGrace = -1
	s, router := inProcess(t, cfg)
	s.setUp()
	id, first := s.connected()
	second := s.rotate(id, first)
	s = restart(t, s, router, cfg)
	s.rotate(id, first).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.wantEnded(t, id, second)
}

func TestR58_TheSetupStaysClosed(t *testing.T) {
	cfg := files(t)
	s, router := inProcess(t, cfg)
	s.setUp()
	cfg.SetupToken = "another-setup-token-in-the-configuration"
	s = restart(t, s, router, cfg)
	for token, code := range map[string]string{setupToken: "invalid_link", cfg.SetupToken: "registration_locked", "": "invalid_link"} {
		s.fetch("/passkey/register/start", map[string]string{"token": token}).wantError(t, http.StatusForbidden, code)
	}
	s.get("/passkey/register").wantPage(t, http.StatusForbidden, "set up already")
	if s.logged("setup.needed") != 0 {
		t.Error("a setup link is logged again")
	}
}

func TestR58_AFileThatCannotBeReadIsAnErrorAndReopensNothing(t *testing.T) {
	cfg := files(t)
	s, router := inProcess(t, cfg)
	s.setUp()
	id, tokens := s.connected()
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	damages := map[string]func(whole []byte) []byte{
		"with a word changed": func(whole []byte) []byte {
			return []byte(strings.Replace(string(whole), `"created_at"`, `"created_at":1,"x"`, 1))
		},
		"empty":                    func([]byte) []byte { return nil },
		"cut short":                func(whole []byte) []byte { return whole[:len(whole)/2] },
		"zeroed":                   func(whole []byte) []byte { return make([]byte, len(whole)) },
		"of another app":           func([]byte) []byte { return []byte(`{"hello":"world"}`) },
		"an empty list":            func([]byte) []byte { return []byte("[]") },
		"with something behind it": func(whole []byte) []byte { return append(whole, "}{"...) },
	}
	for _, path := range []string{cfg.PasskeyFile, cfg.StateFile} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, damage := range damages {
			t.Run(filepath.Base(path)+" "+name, func(t *testing.T) {
				damaged := damage(append([]byte(nil), whole...))
				write(t, path, damaged)
				defer write(t, path, whole)
				log := new(safeBuffer)
				broken := cfg
				broken.ServerURL, broken.Logger = serverURL, slog.New(slog.NewJSONHandler(log, nil))
				router, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), broken)
				if err == nil {
					router.Close()
					t.Fatal("the router starts")
				}
				if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "backup") {
					t.Errorf("the error does not say which file and what to do: %v", err)
				}
				if strings.Contains(log.String(), "setup.needed") {
					t.Error("a setup link is logged")
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(damaged) {
					t.Errorf("the file was changed (%v)", err)
				}
			})
		}
	}
	s = restart(t, s, router, cfg) // with the files restored
	s.rotate(id, tokens).wantTokens(t)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestR58_TwoRoutersOnOneSetOfFilesAreRefused(t *testing.T) {
	cfg := files(t)
	s, router := inProcess(t, cfg)
	s.setUp()
	for _, path := range []string{cfg.PasskeyFile, cfg.StateFile} {
		second := files(t)
		second.ServerURL, second.Logger = serverURL, slog.New(slog.DiscardHandler)
		if path == cfg.PasskeyFile {
			second.PasskeyFile = path
		} else {
			second.StateFile = path
		}
		other, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), second)
		if err == nil {
			other.Close()
			t.Fatalf("a second router starts on %s", path)
		}
		if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "in use") {
			t.Errorf("the error does not say what is wrong: %v", err)
		}
	}
	id, tokens := s.connected() // the first one goes on
	restart(t, s, router, cfg).rotate(id, tokens).wantTokens(t)
}

func TestR58_NothingIsAcknowledgedThatIsNotOnTheDisk(t *testing.T) {
	cfg := files(t)
	s, _ := inProcess(t, cfg)
	s.setUp()
	id, tokens := s.connected()
	tokens = s.rotate(id, tokens)

	// The machine stops here: what another one finds is what is on the disk now.
	copied := files(t)
	for from, to := range map[string]string{cfg.PasskeyFile: copied.PasskeyFile, cfg.StateFile: copied.StateFile} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, to, data)
	}
	again, _ := inProcess(t, copied)
	again.authenticator, again.credential, again.http.Jar = s.authenticator, s.credential, s.http.Jar
	if res := again.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the access token is answered with %d", res.StatusCode)
	}
	again.rotate(id, tokens).wantTokens(t)
	again.redeem(id, webClient, again.code(authorizationRequest(id, webClient))).wantTokens(t)
}

// Files, and copies of them, get into the hands of others: at no moment do they have what lets
// somebody in.
func TestTheFilesHaveNoTokenCodeOrSecret(t *testing.T) {
	cfg := files(t)
	s, _ := inProcess(t, cfg)
	s.setUp()
	s.enter().wantRedirect(t, "/account")
	secrets := map[string]string{
		"setup token": setupToken, "session": s.cookie(), "API key": s.key("CI"), "invitation": s.invitation("Ann"), "verifier": verifier,
	}
	look := func(when string) {
		t.Helper()
		var kept strings.Builder
		for _, name := range filesBeside(t, cfg.StateFile) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			kept.Write(data)
		}
		if !strings.Contains(kept.String(), `"CI"`) {
			t.Fatalf("%s: the files do not have what this test is about:\n%s", when, kept.String())
		}
		for what, value := range secrets {
			part := value[max(0, len(value)-secret.Len):]
			part = part[:min(len(part), secret.Len-1)] // the last character depends on what is behind it
			for _, spelt := range []string{part, base64.StdEncoding.EncodeToString([]byte(part)), hex.EncodeToString([]byte(part))} {
				if len(part) < 16 || strings.Contains(kept.String(), spelt) {
					t.Errorf("%s the files have the %s %q", when, what, value)
				}
			}
		}
	}
	id, password := s.register(map[string]any{"redirect_uris": []string{webClient}})
	proof := []string{"Authorization", basic(id, password)}
	code := s.code(authorizationRequest(id, webClient))
	secrets["client secret"], secrets["code"] = password, code
	look("while the code waits")
	first := s.form("/token", redemption(id, webClient, code), proof...)
	secrets["access token"], secrets["refresh token"] = first.text(t, "access_token"), first.text(t, "refresh_token")
	look("while the code can be repeated")
	second := s.form("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {secrets["refresh token"]}}, proof...)
	secrets["second access token"], secrets["second refresh token"] = second.text(t, "access_token"), second.text(t, "refresh_token")
	look("while the refresh can be repeated")
}

// filesBeside returns all files in the directory of one.
func filesBeside(t *testing.T, name string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		paths = append(paths, filepath.Join(filepath.Dir(name), entry.Name()))
	}
	return paths
}
