package mcpoauth_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/audit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// An audience is a Config.OnEvent that remembers what it was told.
type audience struct {
	mu     sync.Mutex // guards events
	events []mcpoauth.Event
}

func (a *audience) tell(e mcpoauth.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *audience) told() []mcpoauth.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.events)
}

// A walk goes through everything that is an event.
type walk struct {
	*testing.T
	s      *server
	router *mcpoauth.Router
	others *elsewhere
	store  store.Backend
	secret []string // what must be in no event
}

// What a client calls itself is as long as a client likes once it is quoted.
func TestANameHidesNothingOfAnEvent(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	s.setUp()
	id, _ := s.register(map[string]any{"client_name": strings.Repeat("\U000E0001", 64), "redirect_uris": []string{webClient}, "token_endpoint_auth_method": "none"})
	s.submit(s.get("/authorize?"+authorizationRequest(id, webClient).Encode()), "deny", "")
	s.redeem(id, webClient, s.code(authorizationRequest(id, webClient))).wantTokens(t)
	events, err := router.Events(t.Context(), audit.Kept)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{
		"client.registered": "redirect_uri=" + webClient, "approval.denied": "resource=" + mcpURL, "approval.granted": "resource=" + mcpURL + " scopes=",
	}
	for _, e := range events {
		if want := wanted[e.Name]; want != "" && !strings.Contains(e.Detail, want) {
			t.Errorf("%s does not say %s: %s", e.Name, want, e.Detail)
		}
		delete(wanted, e.Name)
	}
	if len(wanted) != 0 {
		t.Errorf("there is no event of %v", wanted)
	}
}

func TestEveryEventIsProducedToldAndKeptAndHasNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		defer backend.Close()
		heard := new(audience)
		w := &walk{T: t, store: backend, others: appElsewhere()}
		w.s, w.router = inProcess(t, mcpoauth.Config{Store: backend, SetupToken: madeToken, OnEvent: heard.tell, DangerouslyFetchThrough: w.others})
		w.setUp()
		w.connections()
		w.documents()
		w.pages()
		w.people()
		w.keys()
		w.limits()
		synctest.Wait()

		kept, err := w.router.Events(t.Context(), 300)
		if err != nil {
			t.Fatal(err)
		}
		for what, events := range map[string][]mcpoauth.Event{"told": heard.told(), "kept": kept} {
			found := make(map[string]bool)
			for _, e := range events {
				found[e.Name] = true
				w.check(e)
			}
			for _, name := range audit.Names() {
				if !found[name] && (name != "limit.hit" || what == "kept") { // which is another process's
					t.Errorf("no flow produces %s, or it is not %s", name, what)
				}
			}
		}
	})
}

func (w *walk) check(e mcpoauth.Event) {
	w.Helper()
	text := fmt.Sprintf("%+v", e)
	for _, secret := range append(w.secret, "mcpoauth_at_", "mcpoauth_rt_", "mcpoauth_ac_", "mcpoauth_ak_", "mcpoauth_et_", "mcpoauth_ss_", "token=") {
		if strings.Contains(text, secret) {
			w.Errorf("a secret is in %s", text)
		}
	}
	byRequest := !strings.HasPrefix(e.Name, "person.") && !slices.Contains([]string{"setup.needed", "grant.revoked", "key.created", "recovery.started", "limit.hit"}, e.Name)
	if byRequest && e.From != "192.0.2.0/24" && e.From != "198.51.100.0/24" {
		w.Errorf("it does not say from where: %s", text)
	}
	if e.Time.IsZero() || e.Time.Location() != time.UTC {
		w.Errorf("its time is %v: %s", e.Time, text)
	}
}

func (w *walk) setUp() {
	token := w.s.setupTokenOf(w.T)
	w.secret = append(w.secret, token)
	w.s.fetch("/passkey/register/start", map[string]string{"token": "wrong"}) // enrolment.refused
	w.s.setUpWith(token)
	began := w.s.fetch("/passkey/auth/start", map[string]store.Hash{"digest": {1}})
	w.s.fetch("/passkey/auth/finish", map[string]any{"ceremony": began.text(w.T, "ceremony"), "credential": json.RawMessage(`{"id":"x"}`)}) // passkey.refused
}

func (w *walk) connections() {
	first := w.s.login()
	denied := w.s.public(webClient)
	w.s.decide(authorizationRequest(denied, webClient), "deny", "")
	renewed := w.s.refresh(first.clientID, first.refresh)
	time.Sleep(time.Hour)
	w.s.refresh(first.clientID, first.refresh).wantError(w.T, http.StatusBadRequest, "invalid_grant") // token.reused
	second := w.s.login()
	w.s.revoke(second.clientID, second.refresh)
	third := w.s.login()
	w.secret = append(w.secret, first.access, first.refresh, renewed.text(w.T, "access_token"), second.access, third.access)
	if n, err := w.router.RevokeClient(w.Context(), third.clientID); n != 1 || err != nil {
		w.Errorf("%d connections ended, %v", n, err)
	}
	w.s.wantDead(w.T, "a connection of a revoked client", third.access)
}

func (w *walk) documents() {
	request := authorizationRequest(appDocument, appRedirect)
	if page := w.s.get("/authorize?" + request.Encode()); page.StatusCode != http.StatusOK {
		w.Fatalf("the page of a document: %d %s", page.StatusCode, page.body)
	}
	w.others.goDown()
	time.Sleep(time.Hour)
	w.s.get("/authorize?" + request.Encode()) // client.document_unavailable
	w.others.comeBack()
	request.Set("client_id", "https://app.example/none.json")
	w.s.get("/authorize?" + request.Encode()) // client.document_refused
}

func (w *walk) pages() {
	w.s.enter()
	w.secret = append(w.secret, w.s.cookie())
	other := w.s.addPasskey(w.T)
	other.enter()
	ids := slices.Compact(w.s.get("/account/passkeys").field("passkey"))
	w.s.post("/account/passkeys/rename", "passkey", ids[1], "name", "Phone")
	w.s.touched("/account/passkeys/remove", "passkey", ids[1])
	w.secret = append(w.secret, w.s.invitation("Eve"))
	w.s.post("/account/people/withdraw", "invitation", w.s.get("/account/people").only(w.T, "invitation"))
	w.s.post("/account/sign-out")
}

func (w *walk) people() {
	ctx := w.Context()
	link, err := w.router.Invite(ctx, "Ann")
	w.ok(err)
	_, token, _ := strings.Cut(link, "#token=")
	ann := w.s.another()
	ann.setUpWith(token)
	id := w.person("Ann").ID
	w.ok(w.router.RenamePerson(ctx, id, "Anna"))
	w.ok(w.router.SuspendPerson(ctx, id))
	w.ok(w.router.ResumePerson(ctx, id))
	recovery, err := w.router.RecoveryLink(ctx, id)
	w.ok(err)
	_, again, _ := strings.Cut(recovery, "#token=")
	found := w.s.another()
	found.setUpWith(again) // passkeys.replaced
	w.ok(w.router.RemovePerson(ctx, id))
	w.secret = append(w.secret, token, again)
}

func (w *walk) person(name string) mcpoauth.Person {
	w.Helper()
	people, err := w.router.People(w.Context())
	w.ok(err)
	i := slices.IndexFunc(people, func(p mcpoauth.Person) bool { return p.Name == name })
	if i < 0 {
		w.Fatalf("%s is not among %+v", name, people)
	}
	return people[i]
}

func (w *walk) keys() {
	key, err := w.router.CreateKey(w.Context(), mcpoauth.NewKey{Name: "ci"})
	w.ok(err)
	w.secret = append(w.secret, key)
	for _, from := range []string{"192.0.2.1:1", "198.51.100.1:1"} {
		r := httptest.NewRequest("POST", "/mcp", nil)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "Bearer "+key)
		w.router.ServeHTTP(httptest.NewRecorder(), r)
		time.Sleep(2 * time.Minute)
	}
}

// limits asks too often, at another process on the same store.
func (w *walk) limits() {
	other, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{
		ServerURL: serverURL, Store: w.store, RateLimits: mcpoauth.RateLimits{Auth: 1, General: 1}, Logger: slog.New(slog.DiscardHandler),
	})
	w.ok(err)
	key, err := other.CreateKey(w.Context(), mcpoauth.NewKey{Name: "busy"})
	w.ok(err)
	for _, path := range []string{"/authorize", "/mcp"} {
		for range 10 {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", "Bearer "+key)
			other.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	w.ok(other.Close())
	var hits []string
	events, err := w.router.Events(w.Context(), 300)
	w.ok(err)
	for _, e := range events {
		if e.Name == "limit.hit" {
			hits = append(hits, e.From+" "+e.Detail)
		}
	}
	slices.Sort(hits)
	if want := []string{" limit=mcp", "192.0.2.0/24 limit=pages"}; !slices.Equal(hits, want) {
		w.Errorf("the limits that were hit are %q, want %q", hits, want)
	}
}

func (w *walk) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func TestAStoreThatCannotKeepTheJournalFailsNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		defer backend.Close()
		broken := watch(backend)
		s, router := inProcess(t, mcpoauth.Config{Store: broken})
		for _, kind := range []string{"journal", "use"} {
			broken.breakDown("create " + kind)
			if kind == "journal" {
				s.setUp()
			}
			tokens := s.login()
			s.wantAlive(t, "the connection", tokens.access)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
		}
		for _, event := range []string{"journal.unsaved", "uses.unsaved"} {
			if !strings.Contains(s.logs.String(), event) {
				t.Errorf("the log lacks %s", event)
			}
		}
		broken.mend()
		if events, err := router.Events(t.Context(), 300); err != nil || len(events) < 5 {
			t.Errorf("%d events are left, %v", len(events), err)
		}
	})
}

func TestAHookThatHangsOrPanicsHoldsNoRequestUp(t *testing.T) {
	for name, hook := range map[string]func(release chan struct{}){
		"hangs":  func(release chan struct{}) { <-release },
		"panics": func(chan struct{}) { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				s, _ := inProcess(t, mcpoauth.Config{OnEvent: func(mcpoauth.Event) { hook(release) }})
				began := time.Now()
				s.setUp()
				s.wantAlive(t, "the connection", s.login().access)
				if took := time.Since(began); took != 0 {
					t.Errorf("it took %v", took)
				}
				close(release)
			})
		})
	}
}
