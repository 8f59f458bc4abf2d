package mcpoauth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// padded is a query of just so many bytes.
func padded(query string, size int) string {
	query += "&x="
	return query + strings.Repeat("x", size-len(query))
}

func TestALinkIsAsLongAsItMayBe(t *testing.T) {
	s := signedIn(t)
	request := authorizationRequest(s.public(webClient), webClient).Encode()
	s.get("/authorize?"+padded(request, oauth.MaxQuery)).wantPage(t, http.StatusOK)
	s.get("/authorize?"+padded(request, oauth.MaxQuery+1)).wantPage(t, http.StatusBadRequest, "too long", "What to do")
	s.get("/account?"+padded("page=1", oauth.MaxQuery)).wantPage(t, http.StatusOK)
	s.get("/account?"+padded("page=1", oauth.MaxQuery+1)).wantPage(t, http.StatusRequestURITooLong, "too long", "What to do")
}

// A form may be longer than a query, and longer still once it is one.
func TestAPostedRequestIsSentOnAsLongAsAQueryMayBe(t *testing.T) {
	s := owned(t)
	const filler = "x="
	for n, status := range map[int]int{oauth.MaxQuery - len(filler): http.StatusSeeOther, oauth.MaxQuery - len(filler) + 1: http.StatusBadRequest} {
		res := s.form("/authorize", url.Values{"x": {strings.Repeat("x", n)}})
		if location := res.Header.Get("Location"); res.StatusCode != status || len(location) > len("/authorize?")+oauth.MaxQuery {
			t.Errorf("of %d bytes: %d, sent on to %d bytes", n+len(filler), res.StatusCode, len(location))
		}
	}
	res := s.form("/authorize", url.Values{"x": {strings.Repeat("\xff", oauth.MaxQuery/2)}})
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("of bytes that become three each: %d", res.StatusCode)
	}
}

func TestOnlySoManyHeadersThatAPreflightAsksForAreLookedAt(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	for size, want := range map[int]bool{1024: true, 1025: false} {
		asked := "mcp-param-a" + strings.Repeat(",", size-len("mcp-param-a"))
		got := strings.Join(s.preflight("/mcp", "POST", asked).headerList("Access-Control-Allow-Headers"), ",")
		if strings.Contains(got, "mcp-param-a") != want {
			t.Errorf("of %d bytes: allowed are %s", size, got)
		}
	}
}

func TestThereIsAnEndToPeople(t *testing.T) {
	const most = 1000
	backend := memory.New(memory.Options{})
	defer backend.Close()
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	st := store.New(backend, store.Lifetimes{})
	for n := range most - 2 {
		if err := st.CreateUser(t.Context(), store.User{ID: fmt.Sprintf("person-%015d", n), Name: fmt.Sprintf("Guest %d", n), CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	s.invitation("Bob") // who is the last
	s.wantDone(s.post("/account/people/invite", "name", "Cleo"), "/account/people", "There are so many people that there can be no more. Remove one first.")
	if err := st.WithdrawInvitation(t.Context(), invitationOf(t, st, "Bob")); err != nil {
		t.Fatal(err)
	}
	s.invitation("Cleo")
}

func invitationOf(t *testing.T, st *store.Store, name string) (id string) {
	t.Helper()
	invitations, err := st.Invitations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range invitations {
		if i.Name == name {
			return i.ID
		}
	}
	t.Fatalf("nobody of the name %q is invited", name)
	return ""
}

func TestWhatAPagesScriptSendsIsAsDeepAsItMayBe(t *testing.T) {
	s := signedIn(t)
	for levels, says := range map[int]string{oauth.MaxDepth: "the passkey did not answer", oauth.MaxDepth + 1: "nested deeper than 32 levels"} {
		body := `{"x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
		res := s.do("POST", "/account/passkeys/add", strings.NewReader(body), "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin", "Origin", s.url)
		if !strings.Contains(res.body, says) {
			t.Errorf("of %d levels: %d %s, want %q", levels, res.StatusCode, res.body, says)
		}
	}
}

// Three names, each with a value of ours: no cookie of a browser grows, and none is made
// by what a link says.
func TestABrowserGetsNoMoreThanThreeCookies(t *testing.T) {
	s := signedIn(t)
	id := s.public(webClient)
	for range 3 {
		s.approve(authorizationRequest(id, webClient))
		s.post("/account/people/invite", "name", "")
		s.get("/account?q=x")
	}
	s.post("/account/people/invite", "name", "")
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	cookies := s.http.Jar.Cookies(u)
	size := 0
	for _, c := range cookies {
		size += len(c.Name) + len(c.Value)
	}
	if len(cookies) > 3 || size > 256 {
		t.Errorf("%d cookies of %d bytes: %v", len(cookies), size, cookies)
	}
}

func TestLivesAreAsLongAsTheyMayBe(t *testing.T) {
	cfg := mcpoauth.Config{CodeLifetime: 10 * time.Minute, RefreshGrace: 24 * time.Hour}
	s, router := inProcess(t, cfg) // of one nanosecond more it would be a mistake
	s.setUp()
	for life, taken := range map[time.Duration]bool{366 * 24 * time.Hour: true, 366*24*time.Hour + 1: false} {
		if _, err := router.CreateKey(t.Context(), mcpoauth.NewKey{Name: "x", Life: life}); (err == nil) != taken {
			t.Errorf("a key of %v: %v", life, err)
		}
	}
	cfg.ServerURL, cfg.CodeLifetime, cfg.RefreshGrace = serverURL, cfg.CodeLifetime+1, cfg.RefreshGrace+1
	_, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), cfg)
	if err == nil || !strings.Contains(err.Error(), "CodeLifetime") || !strings.Contains(err.Error(), "RefreshGrace") {
		t.Errorf("a nanosecond longer: %v", err)
	}
}

// What a caller may ask in a minute unless the configuration says otherwise.
func TestTheDefaultRates(t *testing.T) {
	for name, test := range map[string]struct {
		method, path string
		most         int
	}{
		"pages":        {"GET", "/account/sign-in", 120},
		"tokens":       {"POST", "/token", 120},
		"registration": {"POST", "/register", 60},
		"health":       {"GET", "/health", 6000},
	} {
		t.Run(name, func(t *testing.T) {
			backend := memory.New(memory.Options{})
			defer backend.Close()
			router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), mcpoauth.Config{
				ServerURL: serverURL, Store: backend, SetupToken: setupToken, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer router.Close()
			synctest.Test(t, func(t *testing.T) { // where no time passes
				for n := range test.most + 1 {
					w := httptest.NewRecorder()
					router.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
					if refused := w.Code == http.StatusTooManyRequests; refused != (n == test.most) {
						t.Fatalf("request %d: %d", n+1, w.Code)
					}
				}
			})
		})
	}
}

// silent is a store that never answers.
type silent struct{ store.Backend }

func (silent) Get(ctx context.Context, _ store.Key) (store.Record, error) {
	<-ctx.Done()
	return store.Record{}, ctx.Err()
}

func TestAStoreThatDoesNotAnswerAtTheStartIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(showIdentity), mcpoauth.Config{ServerURL: serverURL, Store: silent{}, Logger: slog.New(slog.DiscardHandler)})
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}
