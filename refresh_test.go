package mcpoauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const day = 24 * time.Hour

// unswept returns a backend for tests in which months pass. Closed, it works on but
// does not sweep, which it would do 130,000 times in 90 days.
func unswept(t *testing.T) *memory.Backend {
	t.Helper()
	backend := memory.New(memory.Options{})
	if err := backend.Close(); err != nil {
		t.Fatal(err)
	}
	return backend
}

// sameTokens fails unless both answers carry the same pair.
func sameTokens(t *testing.T, a, b answer) {
	t.Helper()
	for _, member := range []string{"access_token", "refresh_token", "scope"} {
		if a.text(t, member) == "" || a.text(t, member) != b.text(t, member) {
			t.Errorf("%s differs:\n%s\n%s", member, a.body, b.body)
		}
	}
}

// wantEnded fails if any token of the answers still does anything.
func (s *server) wantEnded(t *testing.T, clientID string, answers ...answer) {
	t.Helper()
	for _, a := range answers {
		s.call(a.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
		s.refresh(clientID, a.text(t, "refresh_token")).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
}

// connected redeems a code of a new public client, for the scopes if any are given.
func (s *server) connected(scopes ...string) (clientID string, tokens answer) {
	s.t.Helper()
	clientID = s.public(webClient)
	request := authorizationRequest(clientID, webClient)
	if len(scopes) > 0 {
		request.Set("scope", strings.Join(scopes, " "))
	}
	tokens = s.redeem(clientID, webClient, s.code(request))
	tokens.wantTokens(s.t)
	return clientID, tokens
}

// rotate refreshes with the refresh token of an answer.
func (s *server) rotate(clientID string, tokens answer, more ...string) answer {
	s.t.Helper()
	return s.refresh(clientID, tokens.text(s.t, "refresh_token"), more...)
}

func TestR43_ARefreshNeedsNeitherResourceNorScope(t *testing.T) {
	s := owned(t)
	id, tokens := s.connected("mcp:tools", "offline_access")
	tests := []struct {
		name    string
		more    []string
		granted string
	}{
		{"neither, as from Go and x/oauth2", nil, "mcp:tools offline_access"},
		{"the resource", []string{"resource", mcpURL}, "mcp:tools offline_access"},
		{"the resource twice", []string{"resource", mcpURL, "resource", mcpURL + "/"}, "mcp:tools offline_access"},
		{"the same scopes", []string{"scope", "offline_access mcp:tools"}, "mcp:tools offline_access"},
		{"more scopes than were granted, as from rmcp and Gemini CLI", []string{"scope", "mcp:tools offline_access admin openid"}, "mcp:tools offline_access"},
		{"fewer scopes", []string{"scope", "mcp:tools"}, "mcp:tools"},
		{"none again, which brings all back", nil, "mcp:tools offline_access"},
		{"empty ones", []string{"scope", "", "resource", ""}, "mcp:tools offline_access"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := s.rotate(id, tokens, test.more...)
			next.wantTokens(t)
			if got := next.text(t, "scope"); got != test.granted {
				t.Errorf("the scope is %q, want %q", got, test.granted)
			}
			if next.text(t, "refresh_token") == tokens.text(t, "refresh_token") || next.text(t, "access_token") == tokens.text(t, "access_token") {
				t.Error("the tokens are the old ones")
			}
			if res := s.call(next.text(t, "access_token")); res.StatusCode != http.StatusOK {
				t.Errorf("the new token is answered with %d", res.StatusCode)
			}
			tokens = next
		})
	}
}

func TestR43_ANarrowedTokenHasOnlyWhatWasAskedFor(t *testing.T) {
	s := serve(t, mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "mcp:tools"}, {Name: "notes:read"}},
		Resources: []mcpoauth.Resource{{Path: "/mcp", Scopes: []string{"mcp:tools"}}},
	})
	s.setUp()
	id, tokens := s.connected("mcp:tools", "notes:read")
	narrowed := s.rotate(id, tokens, "scope", "notes:read")
	res := s.call(narrowed.text(t, "access_token"))
	res.wantError(t, http.StatusForbidden, "insufficient_scope")

	s.rotate(id, narrowed, "scope", "admin").wantError(t, http.StatusBadRequest, "invalid_scope")
	all := s.rotate(id, narrowed) // the refusal spent nothing
	if all.text(t, "scope") != "mcp:tools notes:read" {
		t.Errorf("the grant itself was narrowed: %s", all.body)
	}
}

func TestR45_ManyRefreshesAtOnceAllSucceedAndLeaveOneChain(t *testing.T) {
	s := owned(t)
	id, tokens := s.connected()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {tokens.text(t, "refresh_token")}}
	answers := make([]answer, 50)
	var wg sync.WaitGroup
	gun := make(chan struct{})
	for i := range answers {
		wg.Go(func() {
			<-gun
			answers[i] = s.form("/token", form)
		})
	}
	close(gun)
	wg.Wait()
	for _, a := range answers {
		sameTokens(t, a, answers[0])
		if res := s.call(a.text(t, "access_token")); res.StatusCode != http.StatusOK {
			t.Errorf("a token that was handed out is answered with %d", res.StatusCode)
		}
	}
	next := s.rotate(id, answers[0])
	next.wantTokens(t)
	// The losers of the race go on too, on the same chain.
	sameTokens(t, s.rotate(id, answers[49]), next)
	sameTokens(t, s.rotate(id, tokens), next)
}

func TestR45_ARepeatWithinTheGracePeriodGetsTheSameAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id, first := s.connected()
		second := s.rotate(id, first)
		time.Sleep(2*time.Minute - time.Nanosecond)
		again := s.rotate(id, first)
		sameTokens(t, again, second)
		if got := again.json(t, "expires_in"); got != float64(86400-120) {
			t.Errorf("expires_in is %v: it is not counted from when the token was made", got)
		}
		s.rotate(id, again).wantTokens(t)
		if s.logged("token.reused") != 0 {
			t.Error("it is logged as a reuse")
		}
	})
}

func TestR45_ARepeatFromSeveralRotationsBackGetsTheNewestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id, first := s.connected()
		newest := first
		for range 8 {
			time.Sleep(10 * time.Second)
			newest = s.rotate(id, newest)
		}
		sameTokens(t, s.rotate(id, first), newest)
		s.rotate(id, newest).wantTokens(t)
	})
}

func TestR45_AReuseAfterTheGracePeriodEndsTheGrantAndIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id, first := s.connected()
		second := s.rotate(id, first)
		third := s.rotate(id, second)
		other, untouched := s.connected()
		time.Sleep(2 * time.Minute)
		s.rotate(id, first).wantError(t, http.StatusBadRequest, "invalid_grant")
		s.wantEnded(t, id, first, second, third)
		if s.logged("token.reused") != 1 {
			t.Errorf("token.reused is logged %d times", s.logged("token.reused"))
		}
		if s.call(untouched.text(t, "access_token")).StatusCode != http.StatusOK || s.rotate(other, untouched).StatusCode != http.StatusOK {
			t.Error("another grant ended too")
		}
	})
}

func TestR45_TheGracePeriodIsConfigurableDownToNone(t *testing.T) {
	for grace, within := range map[time.Duration]time.Duration{-1: 0, 3 * time.Second: 3 * time.Second, time.Hour: time.Hour} {
		t.Run(fmt.Sprint(grace), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _ := inProcess(t, mcpoauth.Config{RefreshGrace: grace})
				s.setUp()
				id, first := s.connected()
				second := s.rotate(id, first)
				if within > 0 {
					time.Sleep(within - time.Nanosecond)
					sameTokens(t, s.rotate(id, first), second)
					time.Sleep(time.Nanosecond)
				}
				s.rotate(id, first).wantError(t, http.StatusBadRequest, "invalid_grant")
				s.wantEnded(t, id, second)
			})
		})
	}
}

// Otherwise whoever registers a client could end the connections of another whose
// old tokens they found.
func TestR45_AReuseByAnotherClientEndsNothing(t *testing.T) {
	s := serve(t, mcpoauth.Config{RefreshGrace: -1})
	s.setUp()
	id, first := s.connected()
	second := s.rotate(id, first)
	thief := s.public(webClient)
	for _, stolen := range []answer{first, second} {
		s.rotate(thief, stolen).wantError(t, http.StatusBadRequest, "invalid_grant")
	}
	s.rotate(id, second).wantTokens(t)
}

func TestR46_ALostAnswerCanBeAskedForAgain(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{})
	id, tokens := s.connected()

	arrived := s.rotate(id, tokens)
	sameTokens(t, s.rotate(id, tokens), arrived)
	tokens = arrived

	// The store says that it failed. Whether it did or not, the client has nothing but its old token.
	for name, fail := range map[string]func(string){"before the change": backend.breakDown, "after the change": backend.loseAnswers} {
		t.Run(name, func(t *testing.T) {
			fail("replace grant")
			s.rotate(id, tokens).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
			backend.mend()
			next := s.rotate(id, tokens)
			next.wantTokens(t)
			sameTokens(t, s.rotate(id, tokens), next)
			tokens = next
		})
	}
	if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
		t.Errorf("the token is answered with %d", res.StatusCode)
	}
}

func TestR46_ALostAnswerToACodeCanBeAskedForAgain(t *testing.T) {
	s, backend := watching(t, mcpoauth.Config{})
	id := s.public(webClient)
	code := s.code(authorizationRequest(id, webClient))
	backend.loseAnswers("replace grant")
	s.redeem(id, webClient, code).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	backend.mend()
	res := s.redeem(id, webClient, code)
	res.wantTokens(t)
	s.rotate(id, res).wantTokens(t)
}

func TestR51_AnAccessTokenLivesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		id, tokens := s.connected()
		time.Sleep(day - time.Second)
		if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
			t.Errorf("a second before its end it is answered with %d", res.StatusCode)
		}
		time.Sleep(time.Second)
		s.call(tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
		s.rotate(id, tokens).wantTokens(t)
	})
}

func TestR51_ARefreshTokenLives90DaysAndEachUseStartsThemAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{Store: unswept(t)})
		s.setUp()
		id, tokens := s.connected()
		for range 12 { // three years: there is no absolute limit
			time.Sleep(90*day - time.Second)
			tokens = s.rotate(id, tokens)
			tokens.wantTokens(t)
		}
		time.Sleep(90 * day)
		s.rotate(id, tokens).wantError(t, http.StatusBadRequest, "invalid_grant")
	})
}

func TestR51_LifetimesAreConfigurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{
			AccessTokenLifetime: time.Minute,
			CodeLifetime:        time.Second,
			RefreshIdleLifetime: time.Hour,
		})
		s.setUp()
		id := s.public(webClient)
		code := s.code(authorizationRequest(id, webClient))
		time.Sleep(time.Second)
		s.redeem(id, webClient, code).wantError(t, http.StatusBadRequest, "invalid_grant")

		id, tokens := s.connected()
		if got := tokens.json(t, "expires_in"); got != float64(60) {
			t.Errorf("expires_in is %v", got)
		}
		time.Sleep(time.Minute)
		s.call(tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
		time.Sleep(59*time.Minute - time.Second)
		tokens = s.rotate(id, tokens)
		tokens.wantTokens(t)
		time.Sleep(time.Hour)
		s.rotate(id, tokens).wantError(t, http.StatusBadRequest, "invalid_grant")
	})
}
