package mcpoauth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// untilRefused counts the requests that are answered before the first 429, up to 20.
func untilRefused(ask func() answer) (n int) {
	for n = range 20 {
		if ask().StatusCode == http.StatusTooManyRequests {
			return n
		}
	}
	return 20
}

// askers are one request of each limit that counts by address.
func askers(s *server) map[string]func() answer {
	return map[string]func() answer{
		"pages":         func() answer { return s.get("/authorize") },
		"clients":       func() answer { return s.form("/token", url.Values{}) },
		"registrations": func() answer { return s.json("/register", map[string]any{}) },
		"the rest":      func() answer { return s.get("/health") },
	}
}

func TestR30_EachTierHasALimitOfItsOwn(t *testing.T) {
	limits := mcpoauth.RateLimits{Auth: 3, Registration: 5, General: 7}
	for _, order := range [][]string{
		{"pages", "clients", "registrations", "the rest"},
		{"the rest", "registrations", "clients", "pages"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := through(t, build(t, mcpoauth.Config{RateLimits: limits}))
			for _, name := range order {
				want := map[string]int{"pages": 3, "clients": 3, "registrations": 5, "the rest": 7}[name]
				if got := untilRefused(askers(s)[name]); got != want {
					t.Errorf("%s: %d are answered, want %d", name, got, want)
				}
			}
			time.Sleep(time.Minute)
			for _, name := range order {
				if got := untilRefused(askers(s)[name]); got == 0 {
					t.Errorf("%s: refused after a minute", name)
				}
			}
		})
	}
}

func TestR30_OneTierCountsAllOfItsEndpoints(t *testing.T) {
	for name, targets := range map[string][]func(*server) answer{
		"people": {
			func(s *server) answer { return s.get("/authorize?x=y") },
			func(s *server) answer { return s.do("HEAD", "/authorize", nil) },
			func(s *server) answer { return s.form("/authorize", url.Values{"decision": {"deny"}}) },
			func(s *server) answer { return s.get("/passkey/register") },
			func(s *server) answer { return s.fetch("/passkey/register/start", map[string]any{}) },
			func(s *server) answer { return s.fetch("/passkey/register/finish", map[string]any{}) },
			func(s *server) answer { return s.fetch("/passkey/auth/start", map[string]any{}) },
			func(s *server) answer { return s.fetch("/passkey/auth/finish", map[string]any{}) },
		},
		"clients": {
			func(s *server) answer { return s.form("/token", url.Values{}) },
			func(s *server) answer { return s.form("/revoke", url.Values{}) },
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := through(t, build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 8}}))
			for i := range 8 {
				if res := targets[i%len(targets)](s); res.StatusCode == http.StatusTooManyRequests {
					t.Fatalf("%s: %d is refused", name, i)
				}
			}
			for i, ask := range targets {
				if res := ask(s); res.StatusCode != http.StatusTooManyRequests {
					t.Errorf("%s: endpoint %d is not counted: %d", name, i, res.StatusCode)
				}
			}
		})
	}
}

func TestR30_ANegativeRateIsNoLimit(t *testing.T) {
	s := through(t, build(t, mcpoauth.Config{RateLimits: unlimited}))
	for name, ask := range askers(s) {
		for range 200 {
			if res := ask(); res.StatusCode == http.StatusTooManyRequests {
				t.Fatalf("%s: refused", name)
			}
		}
	}
}

func TestR30_TheRefusalIsJSONForProgramsAndAPageForPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := through(t, build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 1, Registration: 1, General: 1}}))
		for _, ask := range askers(s) {
			ask()
		}
		for _, target := range []string{"/token", "/revoke"} {
			s.form(target, url.Values{}).wantError(t, http.StatusTooManyRequests, "too_many_requests")
		}
		s.json("/register", map[string]any{}).wantError(t, http.StatusTooManyRequests, "too_many_requests")
		s.get("/health").wantError(t, http.StatusTooManyRequests, "too_many_requests")
		s.fetch("/passkey/auth/start", map[string]any{}).wantError(t, http.StatusTooManyRequests, "too_many_requests")
		for name, res := range map[string]answer{
			"the page":     s.get("/authorize"),
			"the decision": s.form("/authorize", url.Values{"decision": {"approve"}}),
			"the setup":    s.get("/passkey/register"),
		} {
			if res.StatusCode != http.StatusTooManyRequests || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") ||
				!strings.Contains(res.body, "Too many requests") || !strings.Contains(res.body, "Wait a minute") || res.Header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s: %d %v %s", name, res.StatusCode, res.Header, res.body)
			}
			if got := res.Header.Get("Retry-After"); got != "60" {
				t.Errorf("%s: Retry-After is %q", name, got)
			}
		}
		if got := s.form("/token", url.Values{}).Header.Get("Retry-After"); got != "60" {
			t.Errorf("/token: Retry-After is %q", got)
		}
		time.Sleep(time.Minute)
		if res := s.form("/token", url.Values{}); res.StatusCode == http.StatusTooManyRequests {
			t.Error("after that time it is refused again")
		}
	})
}

func TestR30_ARefusedRequestChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := through(t, build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 8}}))
		s.setUp()
		id := s.public(webClient)
		code := s.code(authorizationRequest(id, webClient))
		untilRefused(askers(s)["clients"])
		s.redeem(id, webClient, code).wantError(t, http.StatusTooManyRequests, "too_many_requests")
		time.Sleep(time.Minute)
		if res := s.redeem(id, webClient, code); res.StatusCode != http.StatusOK {
			t.Errorf("the code is gone: %d %s", res.StatusCode, res.body)
		}
	})
}

// forwarded is an asker of /token whose requests say for whom they were forwarded.
func forwarded(t *testing.T, router http.Handler, peer string, values ...string) func() answer {
	s := through(t, from(peer, router))
	var headers []string
	for _, value := range values {
		headers = append(headers, "X-Forwarded-For", value)
	}
	return func() answer { return s.form("/token", url.Values{}, headers...) }
}

func TestR60_EachAddressHasALimitOfItsOwnAndNobodyCanPretendAnother(t *testing.T) {
	for name, test := range map[string]struct {
		proxies    []string
		used, then []string // peer, then the values of X-Forwarded-For
		same       bool     // they are counted as one caller
	}{
		"two peers":                               {nil, []string{"192.0.2.1"}, []string{"192.0.2.2"}, false},
		"by default the header is ignored":        {nil, []string{"192.0.2.1", "198.51.100.1"}, []string{"192.0.2.1", "198.51.100.2"}, true},
		"and cannot spend another's":              {nil, []string{"192.0.2.1", "192.0.2.2"}, []string{"192.0.2.2"}, false},
		"behind a proxy unknown all are one":      {nil, []string{"10.0.0.1", "198.51.100.1"}, []string{"10.0.0.1", "198.51.100.2"}, true},
		"behind a trusted one they are two":       {[]string{"10.0.0.0/8"}, []string{"10.0.0.1", "198.51.100.1"}, []string{"10.0.0.1", "198.51.100.2"}, false},
		"behind two trusted ones one is one":      {[]string{"10.0.0.0/8"}, []string{"10.0.0.1", "198.51.100.1"}, []string{"10.0.0.2", "198.51.100.1"}, true},
		"what the caller adds is not believed":    {[]string{"10.0.0.1"}, []string{"10.0.0.1", "1.1.1.1, 198.51.100.1"}, []string{"10.0.0.1", "2.2.2.2, 198.51.100.1"}, true},
		"nor in a header of its own":              {[]string{"10.0.0.1"}, []string{"10.0.0.1", "1.1.1.1", "198.51.100.1"}, []string{"10.0.0.1", "2.2.2.2", "198.51.100.1"}, true},
		"a chain is walked from its right end":    {[]string{"10.0.0.0/8"}, []string{"10.0.0.1", "198.51.100.1, 10.0.0.9"}, []string{"10.0.0.1", "198.51.100.2, 10.0.0.9"}, false},
		"who goes round the proxy is not trusted": {[]string{"10.0.0.1"}, []string{"192.0.2.1", "198.51.100.1"}, []string{"192.0.2.1", "198.51.100.2"}, true},
		"IPv6 of one household is one":            {nil, []string{"2001:db8:1:2::1"}, []string{"2001:db8:1:2:ffff::9"}, true},
		"IPv6 of two is two":                      {nil, []string{"2001:db8:1:2::1"}, []string{"2001:db8:1:3::1"}, false},
		"IPv6 behind a proxy of IPv6":             {[]string{"fd00::/8"}, []string{"fd00::1", "2001:db8:1:2::1"}, []string{"fd00::1", "2001:db8:1:2::2"}, true},
		"another header is nothing":               {[]string{"10.0.0.1"}, []string{"10.0.0.1"}, []string{"10.0.0.1", ""}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				router := build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 3}, TrustedProxies: test.proxies})
				if got := untilRefused(forwarded(t, router, test.used[0], test.used[1:]...)); got != 3 {
					t.Fatalf("the first caller makes %d requests, want 3", got)
				}
				want := 3
				if test.same {
					want = 0
				}
				if got := untilRefused(forwarded(t, router, test.then[0], test.then[1:]...)); got != want {
					t.Errorf("the second caller makes %d requests, want %d", got, want)
				}
			})
		})
	}
}

func TestR60_ACallerWhoChangesTheHeaderEachTimeIsStillOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router := build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{Auth: 3}, TrustedProxies: []string{"10.0.0.1"}})
		for peer, proxyAdds := range map[string]string{"192.0.2.1": "", "10.0.0.1": ", 198.51.100.1"} {
			n := 0
			ask := func() answer {
				n++
				return forwarded(t, router, peer, fmt.Sprint("203.0.113.", n, proxyAdds))()
			}
			if got := untilRefused(ask); got != 3 {
				t.Errorf("from %s: %d requests, want 3", peer, got)
			}
		}
	})
}

func TestR30_MCPTrafficIsLimitedByGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router := build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{General: 10}})
		s := through(t, from("192.0.2.1", router))
		s.setUp()
		one, two := s.login(), s.login()
		if got := untilRefused(func() answer { return s.call(one.access) }); got != 10 {
			t.Errorf("%d calls, want 10", got)
		}
		res := s.call(one.access)
		res.wantError(t, http.StatusTooManyRequests, "too_many_requests")
		if res.Header.Get("Retry-After") != "6" || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("the header is %v", res.Header)
		}

		// It is the grant's, whichever of its tokens and from wherever.
		rotated := s.refresh(one.clientID, one.refresh).text(t, "access_token")
		for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
			if res := through(t, from(address, router)).call(rotated); res.StatusCode != http.StatusTooManyRequests {
				t.Errorf("with a new token from %s: %d", address, res.StatusCode)
			}
		}
		if got := untilRefused(func() answer { return s.call(two.access) }); got != 10 {
			t.Errorf("another grant from the same address makes %d calls, want 10", got)
		}
		if got := untilRefused(askers(s)["the rest"]); got != 10 {
			t.Errorf("health checks from the same address: %d, want 10", got)
		}
		time.Sleep(6 * time.Second)
		if res := s.call(one.access); res.StatusCode != http.StatusOK {
			t.Errorf("after Retry-After: %d", res.StatusCode)
		}
	})
}

func TestR30_ABadTokenSpendsNobodysLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := through(t, build(t, mcpoauth.Config{RateLimits: mcpoauth.RateLimits{General: 2}}))
		s.setUp()
		client := s.login()
		for range 50 {
			s.call(client.access[:len(client.access)-4]+"AAAA").wantError(t, http.StatusUnauthorized, "invalid_token")
			if res := s.do("POST", "/mcp", nil); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("without a token: %d", res.StatusCode)
			}
		}
		if res := s.call(client.access); res.StatusCode != http.StatusOK {
			t.Errorf("the owner of the grant: %d", res.StatusCode)
		}
	})
}

// A remote backend is asked over a network, as a database is, and counts it.
type remoteBackend struct {
	store.Backend
	asked atomic.Int64
}

func (b *remoteBackend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	b.asked.Add(1)
	return b.Backend.Get(ctx, key)
}

func (b *remoteBackend) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	return b.Get(ctx, key)
}

// besideADatabase runs prove, in a bubble in which time passes at once, with a server that
// takes ten unknown tokens a minute.
func besideADatabase(t *testing.T, prove func(t *testing.T, s *server, router *mcpoauth.Router, backend *remoteBackend)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		memory := memory.New(memory.Options{})
		defer memory.Close()
		backend := &remoteBackend{Backend: memory}
		router := build(t, mcpoauth.Config{Store: backend, RateLimits: mcpoauth.RateLimits{General: 10}})
		s := through(t, from("192.0.2.1", router))
		s.setUp()
		prove(t, s, router, backend)
	})
}

func TestAFloodOfUnknownTokensDoesNotReachTheDatabase(t *testing.T) {
	besideADatabase(t, func(t *testing.T, s *server, router *mcpoauth.Router, backend *remoteBackend) {
		used, idle := s.login(), s.login()
		s.call(used.access)
		before := backend.asked.Load()

		unknown := func() string { return "mcpoauth_at_" + secret.NewID() + secret.New() }
		if got := untilRefused(func() answer { return s.call(unknown()) }); got != 10 {
			t.Errorf("%d unknown tokens were looked up, want 10", got)
		}
		for range 100 {
			res := s.call(unknown())
			res.wantError(t, http.StatusTooManyRequests, "too_many_requests")
			if res.Header.Get("Retry-After") != "6" || res.Header.Get("WWW-Authenticate") != "" {
				t.Fatalf("the header is %v", res.Header)
			}
		}
		if asked := backend.asked.Load() - before; asked > 20 {
			t.Errorf("the database was asked %d times", asked)
		}

		if res := s.call(used.access); res.StatusCode != http.StatusOK {
			t.Errorf("a client at the same address that was here before: %d", res.StatusCode)
		}
		if res := s.call(idle.access); res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("one that was not is told to wait, and not that its token is bad: %d", res.StatusCode)
		}
		if res := through(t, from("192.0.2.2", router)).call(idle.access); res.StatusCode != http.StatusOK {
			t.Errorf("from another address: %d", res.StatusCode)
		}
		time.Sleep(6 * time.Second)
		if res := s.call(idle.access); res.StatusCode != http.StatusOK {
			t.Errorf("after Retry-After: %d", res.StatusCode)
		}
	})
}

// The ID of a grant is no secret: it stands in its codes, in every token and in the log.
func TestAFloodBehindTheNameOfAGrantInUseDoesNotReachTheDatabase(t *testing.T) {
	besideADatabase(t, func(t *testing.T, s *server, router *mcpoauth.Router, backend *remoteBackend) {
		used, other := s.login(), s.login()
		s.call(used.access)
		s.call(other.access)
		named := used.access[:len(used.access)-secret.Len]
		stranger := through(t, from("198.51.100.7", router))
		before := backend.asked.Load()
		for range 1000 {
			stranger.call(named + secret.New())
		}
		if asked := backend.asked.Load() - before; asked > 2*10*2 {
			t.Errorf("the database was asked %d times", asked)
		}
		stranger.call(named+secret.New()).wantError(t, http.StatusTooManyRequests, "too_many_requests")
		if res := stranger.call(other.access); res.StatusCode != http.StatusOK {
			t.Errorf("another client behind the same address: %d", res.StatusCode)
		}
		if res := s.call(used.access); res.StatusCode != http.StatusOK {
			t.Errorf("the client itself, at its own address: %d", res.StatusCode)
		}
		time.Sleep(6 * time.Second)
		if res := stranger.call(used.access); res.StatusCode != http.StatusOK {
			t.Errorf("after Retry-After it can be asked for again: %d", res.StatusCode)
		}
	})
}

func TestR60_NoSecretIsInTheLog(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	broken := watch(backend)
	const known = "a-client-secret-of-the-configuration"
	logs := new(safeBuffer)
	log, old := slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.Default()
	slog.SetDefault(log) // nor is there another way out
	t.Cleanup(func() { slog.SetDefault(old) })
	s := through(t, build(t, mcpoauth.Config{
		Store:      broken,
		RateLimits: unlimited,
		Clients:    []mcpoauth.Client{{ID: "known", Secret: known, RedirectURIs: []string{webClient}}},
		Logger:     log,
	}))
	secrets := map[string]string{"the setup token": setupToken, "the verifier": verifier, "the client's secret": known, "the state": "the-state"}

	s.fetch("/passkey/register/start", map[string]string{"token": "a-wrong-guess-of-the-setup-token"})
	secrets["a guess of the setup token"] = "a-wrong-guess-of-the-setup-token"
	s.setUp()
	id, clientSecret := s.register(map[string]any{"redirect_uris": []string{webClient}, "client_name": "Notes"})
	secrets["a registered secret"] = clientSecret
	request := authorizationRequest(id, webClient)
	secrets["the challenge"] = secret.S256(verifier)
	ceremony := s.touch(s.get("/authorize?" + request.Encode()))
	secrets["the ceremony"] = ceremony
	code := s.decide(request, "approve", ceremony).location(t).Get("code")
	secrets["the code"] = code
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	cookies := s.http.Jar.Cookies(u)
	if len(cookies) == 0 {
		t.Fatal("there is no cookie")
	}
	for _, cookie := range cookies {
		secrets["the cookie "+cookie.Name] = cookie.Value
	}

	// What goes wrong is logged, or should not be: each is a chance to say too much.
	exchange := func(values url.Values, password string) answer {
		return s.form("/token", values, "Authorization", basic(id, password))
	}
	redemption := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {webClient}, "code_verifier": {verifier}}
	exchange(redemption, "a-wrong-client-secret")
	secrets["a wrong secret"] = "a-wrong-client-secret"
	wrong := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {strings.Repeat("wrong-verifier", 5)}}
	exchange(wrong, clientSecret)
	secrets["a wrong verifier"] = "wrong-verifier"
	s.form("/token?"+redemption.Encode(), url.Values{})
	broken.breakDown("")
	exchange(redemption, clientSecret).wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	s.get("/authorize?" + request.Encode())
	broken.mend()

	tokens := exchange(redemption, clientSecret)
	if tokens.StatusCode != http.StatusOK {
		t.Fatalf("redeeming: %d %s", tokens.StatusCode, tokens.body)
	}
	access, refresh := tokens.text(t, "access_token"), tokens.text(t, "refresh_token")
	secrets["the access token"], secrets["the refresh token"] = access, refresh
	s.call(access)
	s.get("/mcp?access_token=" + access)
	s.get("/nothing?token=" + access)
	broken.breakDown("")
	s.call(access)
	broken.mend()

	refreshed := exchange(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, clientSecret)
	secrets["the second access token"], secrets["the second refresh token"] = refreshed.text(t, "access_token"), refreshed.text(t, "refresh_token")
	exchange(redemption, clientSecret) // a repeat
	reused := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {strings.Repeat("other-verifier", 5)}}
	exchange(reused, clientSecret).wantError(t, http.StatusBadRequest, "invalid_grant") // a theft
	secrets["the thief's verifier"] = "other-verifier"
	again := s.login()
	secrets["the third access token"], secrets["the third refresh token"] = again.access, again.refresh
	s.revoke(again.clientID, again.access)
	s.revoke(again.clientID, again.refresh)

	said := logs.String()
	for name, value := range secrets {
		if value == "" {
			t.Errorf("%s is empty: the test is wrong", name)
			continue
		}
		for _, form := range []string{value, url.QueryEscape(value)} {
			if strings.Contains(said, form) {
				t.Errorf("%s is in the log", name)
			}
		}
		// Nor a good part of it: the prefix, the grant's ID and the family are the
		// same in several.
		if own := value[max(0, len(value)-20):]; strings.Contains(said, own) {
			t.Errorf("the end of %s is in the log", name)
		}
	}
	for _, event := range []string{
		"setup.needed", "enrolment.refused", "setup.completed", "client.registered", "approval.granted", "request.failed",
		"token.issued", "token.refreshed", "token.reused", "token.revoked",
	} {
		if !strings.Contains(said, `"msg":"`+event+`"`) {
			t.Errorf("there is no %s in the log, so that nothing is proven of it:\n%s", event, said)
		}
	}
	if strings.Contains(said, "mcpoauth_") {
		t.Errorf("something that begins like a secret is in the log:\n%s", said)
	}
}
