package mcpoauth_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// elsewhere is every other server there is: it answers by URL, and remembers what it
// was asked for.
type elsewhere struct {
	mu    sync.Mutex // guards what follows
	pages map[string]reply
	dead  bool
	asked []string
}

type reply struct {
	status            int
	contentType, body string
}

// somewhere has these JSON documents.
func somewhere(documents map[string]string) *elsewhere {
	e := &elsewhere{pages: make(map[string]reply)}
	for url, body := range documents {
		e.put(url, body)
	}
	return e
}

func (e *elsewhere) put(url, body string) {
	e.answer(url, reply{http.StatusOK, "application/json", body})
}

func (e *elsewhere) answer(url string, p reply) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pages[url] = p
}

// goDown makes every server unreachable, come back undoes it.
func (e *elsewhere) goDown()   { e.setDead(true) }
func (e *elsewhere) comeBack() { e.setDead(false) }

func (e *elsewhere) setDead(dead bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dead = dead
}

// requests returns how often a URL was asked for, or anything if it is empty.
func (e *elsewhere) requests(url string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, asked := range e.asked {
		if url == "" || asked == url {
			n++
		}
	}
	return n
}

func (e *elsewhere) note(url string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, url)
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	e.note(r.URL.String())
	time.Sleep(100 * time.Millisecond) // others ask meanwhile
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead {
		return nil, errors.New("no route to host")
	}
	p, ok := e.pages[r.URL.String()]
	if !ok {
		p = reply{http.StatusNotFound, "text/html", "nothing here"}
	}
	out := httptest.NewRecorder()
	out.Header().Set("Content-Type", p.contentType)
	out.WriteHeader(p.status)
	out.WriteString(p.body)
	return out.Result(), nil
}

const (
	appDocument = "https://app.example/oauth/client.json"
	appRedirect = "https://app.example/callback"
)

// described is a client's metadata document, with members added, replaced or, if nil,
// left out.
func described(url string, members map[string]any) string {
	document := map[string]any{
		"client_id": url, "client_name": "Notes app", "redirect_uris": []string{appRedirect},
		"grant_types": []string{"authorization_code", "refresh_token"}, "token_endpoint_auth_method": "none",
	}
	maps.Copy(document, members)
	maps.DeleteFunc(document, func(_ string, value any) bool { return value == nil })
	body, err := json.Marshal(document)
	if err != nil {
		panic(err) // only for a type that JSON cannot hold
	}
	return string(body)
}

// appElsewhere has the one document of an app.
func appElsewhere() *elsewhere {
	return somewhere(map[string]string{appDocument: described(appDocument, nil)})
}

// reading is a server with its owner that asks others.
func reading(t *testing.T, others *elsewhere, cfg mcpoauth.Config) *server {
	t.Helper()
	cfg.DangerouslyFetchThrough = others
	s, _ := inProcess(t, cfg)
	s.setUp()
	return s
}

// ask opens the approval page for a client.
func (s *server) ask(clientID, redirectURI string) answer {
	s.t.Helper()
	return s.get("/authorize?" + authorizationRequest(clientID, redirectURI).Encode())
}

// connect approves a client and returns its tokens.
func (s *server) connect(clientID, redirectURI string) answer {
	s.t.Helper()
	tokens := s.redeem(clientID, redirectURI, s.code(authorizationRequest(clientID, redirectURI)))
	tokens.wantTokens(s.t)
	return tokens
}

// forgotten is longer than any document is kept.
const forgotten = 25 * time.Hour

func TestR20_AClientIsKnownByItsDocumentAndThePageShowsTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := reading(t, appElsewhere(), mcpoauth.Config{})
		page := s.ask(appDocument, appRedirect)
		page.wantPage(t, http.StatusOK, "app.example", "verified", "Notes app", "name given by the app, not verified")

		tokens := s.connect(appDocument, appRedirect)
		res := s.call(tokens.text(t, "access_token"))
		identity, _ := res.json(t, "identity").(map[string]any)
		if identity["ClientID"] != appDocument || identity["Resource"] != mcpURL {
			t.Errorf("the handler sees %v", identity)
		}
	})
}

// A program on the person's own computer can name any document as its own, so that the
// host proves nothing then (MCP authorization, "Localhost Redirect URI Risks").
func TestR20_AHostIsNotVerifiedForAProgramOnThisComputer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := somewhere(map[string]string{appDocument: described(appDocument, map[string]any{"redirect_uris": []string{"http://127.0.0.1/callback"}})})
		page := reading(t, others, mcpoauth.Config{}).ask(appDocument, "http://127.0.0.1:40001/callback")
		page.wantPage(t, http.StatusOK, "app.example", "another program on this device could say so too", "Any program on this computer could be asking")
		if strings.Contains(page.body, `class="badge"`) {
			t.Errorf("the host is called verified: %s", page.words())
		}
	})
}

func TestR20_AConnectedClientNeedsItsDocumentNoMore(t *testing.T) {
	cfg := files(t)
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		cfg.DangerouslyFetchThrough = others
		s, router := inProcess(t, cfg)
		s.setUp()
		tokens := s.connect(appDocument, appRedirect)

		others.goDown()
		time.Sleep(forgotten)
		before := others.requests("")
		s.call(tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
		tokens = s.rotate(appDocument, tokens)
		tokens.wantTokens(t)
		s = restart(t, s, router, cfg)
		if res := s.call(tokens.text(t, "access_token")); res.StatusCode != http.StatusOK {
			t.Errorf("calling after the restart: %d", res.StatusCode)
		}
		tokens = s.rotate(appDocument, tokens)
		s.revoke(appDocument, tokens.text(t, "refresh_token")).wantRevoked(t)
		s.wantEnded(t, appDocument, tokens)
		if n := others.requests("") - before; n != 0 {
			t.Errorf("/token, /revoke or the guard asked another server %d times", n)
		}

		s.connect(appDocument, appRedirect) // by the copy from its last approval
		if s.logged("client.document_unavailable") == 0 {
			t.Error("that a copy was used is not in the log")
		}
	})
}

// Whoever has no token and no passkey can call these, and must not have this server
// call anybody.
func TestR20_OnlyTheApprovalPageAsksOtherServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		s.redeem(appDocument, appRedirect, "a-code").wantError(t, http.StatusUnauthorized, "invalid_client")
		s.refresh(appDocument, "a-token").wantError(t, http.StatusUnauthorized, "invalid_client")
		s.revoke(appDocument, "a-token").wantError(t, http.StatusUnauthorized, "invalid_client")
		s.form("/token", redemption("", appRedirect, "a-code"), "Authorization", basic(percentEncoded(appDocument), "")).
			wantError(t, http.StatusUnauthorized, "invalid_client")
		s.registerBody(`{"client_name":"x","redirect_uris":["` + appRedirect + `"],"client_uri":"` + appDocument + `","logo_uri":"` + appDocument + `","jwks_uri":"` + appDocument + `"}`)
		s.get("/passkey/register?client_id=" + appDocument)
		s.call(appDocument)
		if n := others.requests(""); n != 0 {
			t.Errorf("another server was asked %d times", n)
		}
		s.ask(appDocument, appRedirect)
		if n := others.requests(appDocument); n != 1 {
			t.Errorf("/authorize asked %d times, want once", n)
		}
	})
}

func TestR20_ADocumentThatChangedCountsFromTheNextApproval(t *testing.T) {
	const second = "https://app.example/second"
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{Store: backend})
		first := s.connect(appDocument, appRedirect)
		approved := storedClient(t, backend, appDocument)

		others.put(appDocument, described(appDocument, map[string]any{"client_name": "Notes app 2", "redirect_uris": []string{second}}))
		time.Sleep(forgotten)
		s.ask(appDocument, appRedirect).wantPage(t, http.StatusBadRequest, "redirect_uri") // taken back
		if res := s.decide(authorizationRequest(appDocument, appRedirect), "approve", "x"); res.Header.Get("Location") != "" {
			t.Errorf("a decision leads to the redirect URI that was taken back: %s", res.Header.Get("Location"))
		}
		if now := storedClient(t, backend, appDocument); !slices.Equal(now.RedirectURIs, approved.RedirectURIs) {
			t.Errorf("without an approval the copy became %+v", now)
		}

		s.connect(appDocument, second)
		now := storedClient(t, backend, appDocument)
		if now.Name != "Notes app 2" || !slices.Equal(now.RedirectURIs, []string{second}) {
			t.Errorf("the copy of the new approval is %+v", now)
		}
		if !now.ApprovedAt.Equal(approved.ApprovedAt) {
			t.Errorf("it is said to be approved since %v, and was since %v", now.ApprovedAt, approved.ApprovedAt)
		}
		s.rotate(appDocument, first).wantTokens(t) // who was connected before stays so

		others.goDown()
		time.Sleep(forgotten)
		s.ask(appDocument, appRedirect).wantPage(t, http.StatusBadRequest, "redirect_uri")
		s.connect(appDocument, second)
	})
}

func storedClient(t *testing.T, backend store.Backend, id string) *store.Client {
	t.Helper()
	for _, record := range list(t, backend, store.KindClient) {
		if client, ok := record.Value.(*store.Client); ok && client.ID == id {
			return client
		}
	}
	t.Fatalf("there is no client %s in the store", id)
	return nil
}

func TestR20_AHostThatIsNotAllowedIsNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		allowed := true
		s := reading(t, others, mcpoauth.Config{AllowClientHost: func(host string) bool { return allowed && host == "app.example" }})
		s.ask("https://other.example/client.json", appRedirect).
			wantPage(t, http.StatusForbidden, "not allowed here", "other.example", "allow that host in the server's configuration")
		if n := others.requests(""); n != 0 {
			t.Errorf("it was asked %d times", n)
		}
		tokens := s.connect(appDocument, appRedirect)
		allowed = false
		s.ask(appDocument, appRedirect).wantPage(t, http.StatusForbidden, "app.example")
		s.rotate(appDocument, tokens).wantTokens(t) // what the owner approved is theirs to revoke
	})
}

func TestR20_ABrokenDocumentIsExplainedToThePerson(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		says string
	}{
		"of somebody else":       {described("https://else.example/client.json", nil), "client_id"},
		"without a client_id":    {described(appDocument, map[string]any{"client_id": nil}), "client_id is missing"},
		"without a name":         {described(appDocument, map[string]any{"client_name": nil}), "client_name is missing"},
		"without redirect URIs":  {described(appDocument, map[string]any{"redirect_uris": nil}), "redirect_uris"},
		"with a dangerous one":   {described(appDocument, map[string]any{"redirect_uris": []string{appRedirect, "javascript:alert(1)"}}), "redirect_uris"},
		"with a secret":          {described(appDocument, map[string]any{"client_secret": "s"}), "client_secret"},
		"that needs a secret":    {described(appDocument, map[string]any{"token_endpoint_auth_method": "client_secret_basic"}), "token_endpoint_auth_method"},
		"with a private key":     {described(appDocument, map[string]any{"jwks": map[string]any{"keys": []any{map[string]any{"kty": "EC", "d": "x"}}}}), "private key"},
		"that is no JSON":        {"client_id=" + appDocument, "not JSON"},
		"that is too large":      {described(appDocument, map[string]any{"client_name": strings.Repeat("x", 6<<10)}), "more than 5120 bytes"},
		"that says things twice": {`{"client_id":"x",` + described(appDocument, nil)[1:], "member twice"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := reading(t, somewhere(map[string]string{appDocument: test.body}), mcpoauth.Config{})
				s.ask(appDocument, appRedirect).wantPage(t, http.StatusBadRequest, "app.example", test.says, "What to do")
				if s.logged("client.document_refused") != 1 {
					t.Errorf("the log has nothing of it: %s", s.logs)
				}
			})
		})
	}
}

func TestR20_AURLThatCannotBeADocumentIsExplainedAndNotAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		for id, says := range map[string]string{
			"https://app.example":                             "has no path",
			"https://app.example/":                            "has no path",
			"https://app.example/client.json?x=y":             "has a query",
			"https://app.example/client.json#x":               "has a fragment",
			"https://app.example/../client.json":              "segment of dots",
			"https://user@app.example/client.json":            "user name",
			"https://app.example:8443/client.json":            "names a port",
			"https://127.0.0.1/client.json":                   "names an address",
			"https://[::1]/client.json":                       "names an address",
			"https://localhost/client.json":                   "not on the internet",
			"https://metadata/computeMetadata":                "not on the internet",
			"https://app.example/" + strings.Repeat("x", 600): "longer than",
		} {
			s.ask(id, appRedirect).wantPage(t, http.StatusBadRequest, says, "What to do")
		}
		s.ask("http://app.example/client.json", appRedirect).wantPage(t, http.StatusBadRequest, "not known here")
		if n := others.requests(""); n != 0 {
			t.Errorf("another server was asked %d times", n)
		}
	})
}

// 503 and not 502: Cloudflare, behind which many such servers are, shows a page of its
// own in place of one with 502, and nobody would read what to do.
func TestR20_AnAppWhoseServerCannotBeReachedIsExplainedToThePerson(t *testing.T) {
	for name, broken := range map[string]func(*elsewhere){
		"no connection": (*elsewhere).goDown,
		"an outage":     func(e *elsewhere) { e.answer(appDocument, reply{503, "text/html", "sorry"}) },
		"a bot check":   func(e *elsewhere) { e.answer(appDocument, reply{403, "text/html", "are you human?"}) },
		"a page":        func(e *elsewhere) { e.answer(appDocument, reply{200, "text/html", "<title>Welcome</title>"}) },
		"a redirect":    func(e *elsewhere) { e.answer(appDocument, reply{302, "text/html", ""}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				others := appElsewhere()
				broken(others)
				s := reading(t, others, mcpoauth.Config{})
				s.ask(appDocument, appRedirect).wantPage(t, http.StatusServiceUnavailable,
					"cannot be recognised just now", "app.example", "Try again in a minute", "the server's log")
				others.comeBack()
				others.put(appDocument, described(appDocument, nil))
				time.Sleep(time.Minute) // as it says
				s.connect(appDocument, appRedirect)
			})
		})
	}
}

func TestR20_ADocumentThatIsGoneForGoodIsNotServedFromACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		s.connect(appDocument, appRedirect)
		others.answer(appDocument, reply{http.StatusGone, "text/plain", "gone"})
		time.Sleep(forgotten)
		s.ask(appDocument, appRedirect).wantPage(t, http.StatusBadRequest, "there is no such document")
	})
}

func TestR21_ClaudeConnectsWhileClaudeCannotBeReached(t *testing.T) {
	for name, broken := range map[string]func(*elsewhere, string){
		"no connection": func(e *elsewhere, _ string) { e.goDown() },
		"a bot check":   func(e *elsewhere, url string) { e.answer(url, reply{403, "text/html", "are you human?"}) },
		"an outage":     func(e *elsewhere, url string) { e.answer(url, reply{503, "application/json", "{}"}) },
	} {
		for url, redirectURI := range map[string]string{
			"https://claude.ai/oauth/mcp-oauth-client-metadata":   "https://claude.ai/api/mcp/auth_callback",
			"https://claude.ai/oauth/claude-code-client-metadata": "http://localhost:51234/callback",
		} {
			t.Run(name+" "+url, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					others := somewhere(nil)
					broken(others, url)
					s := reading(t, others, mcpoauth.Config{})
					s.ask(url, redirectURI).wantPage(t, http.StatusOK, "claude.ai")
					s.connect(url, redirectURI)
					if s.logged("client.document_unavailable") == 0 || !strings.Contains(s.logs.String(), "the copy that came with this server") {
						t.Errorf("the log does not say that it was the pinned copy: %s", s.logs)
					}
					s.ask(url, "https://evil.example/callback").wantPage(t, http.StatusBadRequest, "redirect_uri")
				})
			})
		}
	}
}

func TestR8_WithoutMetadataDocumentsTheMetadataDoesNotPromiseThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		if s.document(asMetadata).json(t, "client_id_metadata_document_supported") != true {
			t.Error("the metadata do not promise what works")
		}
		without := reading(t, others, mcpoauth.Config{DisableMetadataDocuments: true})
		if got := without.document(asMetadata).json(t, "client_id_metadata_document_supported"); got != nil {
			t.Errorf("the metadata say %v", got)
		}
		without.ask(appDocument, appRedirect).wantPage(t, http.StatusBadRequest, "not known here")
		if n := others.requests(""); n != 0 {
			t.Errorf("another server was asked %d times", n)
		}
	})
}

func TestR20_TurningDocumentsOffKeepsWhoWasApproved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{Store: backend})
		tokens := s.connect(appDocument, appRedirect)
		before := others.requests("")
		off, _ := inProcess(t, mcpoauth.Config{Store: backend, DangerouslyFetchThrough: others, DisableMetadataDocuments: true})
		off.rotate(appDocument, tokens).wantTokens(t)
		if others.requests("") != before {
			t.Error("another server was asked")
		}
	})
}

func TestR20_ManyWhoAskForOneUnknownURLCauseOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s := reading(t, others, mcpoauth.Config{})
		for url, want := range map[string]int{appDocument: http.StatusOK, "https://nobody.example/client.json": http.StatusBadRequest} {
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() {
					if res := s.ask(url, appRedirect); res.StatusCode != want {
						t.Errorf("%s: %d, want %d", url, res.StatusCode, want)
					}
				})
			}
			wg.Wait()
			if n := others.requests(url); n != 1 {
				t.Errorf("%s was asked for %d times, want once", url, n)
			}
		}
	})
}

func TestR20_WhoHasNoOwnerYetAsksNobodyTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		others := appElsewhere()
		s, _ := inProcess(t, mcpoauth.Config{DangerouslyFetchThrough: others})
		page := s.ask(appDocument, appRedirect)
		page.wantPage(t, http.StatusOK, "/passkey/register?return_to=")
		s.setUp()
		s.connect(appDocument, appRedirect)
		if n := others.requests(appDocument); n != 1 {
			t.Errorf("it was asked for %d times, want once for both pages", n)
		}
	})
}
