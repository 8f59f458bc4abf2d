package mcpoauth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// An administered server has its owner and a program that rules it.
type administered struct {
	*server
	router *mcpoauth.Router
}

// administer runs prove in a bubble in which time passes at once.
func administer(t *testing.T, cfg mcpoauth.Config, prove func(t *testing.T, a *administered)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, router := inProcess(t, cfg)
		s.setUp()
		prove(t, &administered{s, router})
	})
}

func (a *administered) connections(userID string) []mcpoauth.Connection {
	a.t.Helper()
	list, err := a.router.Connections(a.t.Context(), userID)
	if err != nil {
		a.t.Fatal(err)
	}
	return list
}

// comes brings in a person who was invited by the program.
func (a *administered) comes(name string) (browser *server, id string) {
	a.t.Helper()
	link, err := a.router.Invite(a.t.Context(), name)
	if err != nil {
		a.t.Fatal(err)
	}
	token, ok := strings.CutPrefix(link, serverURL+"/passkey/enrol?for=invitation#token=")
	if !ok {
		a.t.Fatalf("the link is %s", link)
	}
	browser = a.another()
	browser.setUpWith(token)
	for _, p := range a.people() {
		if p.Name == name {
			return browser, p.ID
		}
	}
	a.t.Fatalf("%s is not among %+v", name, a.people())
	return nil, ""
}

func (a *administered) people() []mcpoauth.Person {
	a.t.Helper()
	people, err := a.router.People(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return people
}

func (a *administered) create(k mcpoauth.NewKey) string {
	a.t.Helper()
	key, err := a.router.CreateKey(a.t.Context(), k)
	if err != nil {
		a.t.Fatal(err)
	}
	return key
}

// wantLogged requires that the log has an event with these attributes.
func (s *server) wantLogged(t *testing.T, event string, attrs ...string) {
	t.Helper()
	for line := range strings.Lines(s.logs.String()) {
		found := strings.Contains(line, `"msg":"`+event+`"`)
		for _, attr := range attrs {
			found = found && strings.Contains(line, attr)
		}
		if found {
			return
		}
	}
	t.Errorf("the log has no %s with %v", event, attrs)
}

func TestConnectionsSaysWhoIsConnectedAndSinceWhen(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		if got := a.connections(""); len(got) != 0 {
			t.Errorf("nothing is connected, but %+v", got)
		}
		began := time.Now()
		tokens := a.login()
		time.Sleep(time.Minute)
		a.create(mcpoauth.NewKey{Name: "ci", Life: time.Hour})
		time.Sleep(time.Minute)
		used := time.Now()
		a.wantAlive(t, "the connection", tokens.access)
		time.Sleep(time.Minute)
		synctest.Wait()
		list := a.connections("")
		if len(list) != 2 {
			t.Fatalf("connected are %+v", list)
		}
		key, app := list[0], list[1] // the newest first
		if key.KeyName != "ci" || key.ClientID != "" || !key.ExpiresAt.Equal(began.Add(61*time.Minute)) || key.ClientHost != "" || key.UserID != store.OwnerID || key.UserName != "owner" {
			t.Errorf("the key is %+v", key)
		}
		if app.ClientID != tokens.clientID || app.ClientName != "Test client" || app.ClientHost != "client.example" || app.UserID != store.OwnerID || app.UserName != "owner" ||
			app.Resource != mcpURL || fmt.Sprint(app.Scopes) != "[mcp:tools]" || !app.CreatedAt.Equal(began) || !app.UsedAt.Equal(used) || app.UsedFrom != "192.0.2.0/24" || !app.ExpiresAt.IsZero() {
			t.Errorf("the connection is %+v", app)
		}
		if got := a.connections("nobody"); len(got) != 0 {
			t.Errorf("nobody has %+v", got)
		}
	})
}

func TestEachPersonHasConnectionsOfTheirOwn(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		a.login()
		ann, id := a.comes("Ann")
		tokens := ann.login()
		if list := a.connections(id); len(list) != 1 || list[0].ClientID != tokens.clientID || list[0].UserName != "Ann" {
			t.Errorf("Ann has %+v", list)
		}
		if n := len(a.connections("")); n != 2 {
			t.Errorf("everybody has %d", n)
		}
		if got := a.call(tokens.access); !strings.Contains(got.body, `"UserName":"Ann"`) || !strings.Contains(got.body, id) {
			t.Errorf("the handler sees %s", got.body)
		}
	})
}

func TestAConnectionOfALoopbackClientHasNoHost(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		a.connect(a.public(loopback), loopback)
		if got := a.connections("")[0]; got.ClientHost != "" {
			t.Errorf("it is %q", got.ClientHost)
		}
	})
}

func TestRevokingEndsTheNextRequest(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		first, second, key := a.login(), a.login(), a.create(mcpoauth.NewKey{Name: "ci"})
		again := a.redeem(first.clientID, webClient, a.code(authorizationRequest(first.clientID, webClient))).text(t, "access_token")
		ann, annID := a.comes("Ann")
		anns := ann.login()
		ctx := t.Context()

		for _, c := range a.connections("") {
			if c.KeyName == "ci" {
				if err := a.router.RevokeConnection(ctx, c.ID); err != nil {
					t.Fatal(err)
				}
				a.wantLogged(t, "grant.revoked", c.ID)
				if err := a.router.RevokeConnection(ctx, c.ID); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("the second time: %v", err)
				}
			}
		}
		a.wantDead(t, "the key", key)
		a.wantAlive(t, "a connection", first.access)

		if n, err := a.router.RevokeClient(ctx, first.clientID); n != 2 || err != nil {
			t.Errorf("%d connections ended, %v", n, err)
		}
		a.wantDead(t, "the client's first connection", first.access)
		a.wantDead(t, "the client's second connection", again)
		a.refresh(first.clientID, first.refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
		a.wantAlive(t, "another client", second.access)

		if n, err := a.router.RevokeAll(ctx, annID); n != 1 || err != nil {
			t.Errorf("%d connections ended, %v", n, err)
		}
		a.wantDead(t, "Ann's connection", anns.access)
		a.wantAlive(t, "the owner's", second.access)

		if n, err := a.router.RevokeAll(ctx, ""); n != 1 || err != nil {
			t.Errorf("%d connections ended, %v", n, err)
		}
		a.wantDead(t, "the last connection", second.access)
		if n, err := a.router.RevokeClient(ctx, ""); n != 0 || err == nil {
			t.Errorf("a client without an ID: %d, %v", n, err)
		}
	})
}

func TestPeopleComeGoAndAreShutOut(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		ctx := t.Context()
		ann, id := a.comes("Ann")
		tokens := ann.login()
		ann.enter().wantRedirect(t, "/account")
		if got := a.people(); len(got) != 2 || !got[0].Owner || got[0].ID != store.OwnerID || got[1].Owner || got[1].Passkeys != 1 || got[1].CreatedAt.IsZero() || !got[1].SuspendedAt.IsZero() {
			t.Errorf("they are %+v", got)
		}
		a.wantLogged(t, "person.invited", `"name":"Ann"`)

		time.Sleep(time.Second)
		if err := a.router.SuspendPerson(ctx, id); err != nil {
			t.Fatal(err)
		}
		a.wantLogged(t, "person.suspended", id)
		a.wantDead(t, "a suspended person's connection", tokens.access)
		if page := ann.get("/account"); page.StatusCode != http.StatusSeeOther {
			t.Errorf("the page of a suspended person: %d", page.StatusCode)
		}
		if a.people()[1].SuspendedAt.IsZero() {
			t.Error("they are not suspended")
		}
		for what, err := range map[string]error{
			"a key":         func() error { _, err := a.router.CreateKey(ctx, mcpoauth.NewKey{UserID: id, Name: "x"}); return err }(),
			"recovery link": func() error { _, err := a.router.RecoveryLink(ctx, id); return err }(),
		} {
			if err == nil || !strings.Contains(err.Error(), "suspended") {
				t.Errorf("%s for who is suspended: %v", what, err)
			}
		}

		if err := a.router.ResumePerson(ctx, id); err != nil {
			t.Fatal(err)
		}
		a.wantLogged(t, "person.resumed", id)
		time.Sleep(time.Second)
		anew := ann.login()
		a.wantAlive(t, "what was approved anew", anew.access)
		a.wantDead(t, "the connection from before", tokens.access)

		if err := a.router.RenamePerson(ctx, id, "Anna"); err != nil {
			t.Fatal(err)
		}
		if got := a.call(anew.access); !strings.Contains(got.body, `"UserName":"Anna"`) {
			t.Errorf("the handler sees %s", got.body)
		}

		if err := a.router.RemovePerson(ctx, id); err != nil {
			t.Fatal(err)
		}
		a.wantLogged(t, "person.removed", id)
		a.wantDead(t, "a removed person's connection", anew.access)
		if got := a.people(); len(got) != 1 {
			t.Errorf("left are %+v", got)
		}
		if err := a.router.RemovePerson(ctx, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("the second time: %v", err)
		}
	})
}

func TestARecoveryLinkReplacesAllPasskeysOnce(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		tokens := a.login()
		a.enter().wantRedirect(t, "/account")
		time.Sleep(time.Second)
		link, err := a.router.RecoveryLink(t.Context(), store.OwnerID)
		token, ok := strings.CutPrefix(link, serverURL+"/passkey/enrol?for=recovery#token=")
		if err != nil || !ok {
			t.Fatalf("the link is %q, %v", link, err)
		}
		a.wantLogged(t, "recovery.started", store.OwnerID)
		if strings.Contains(a.logs.String(), token) {
			t.Error("the log has the link")
		}
		found := a.another()
		found.setUpWith(token)
		found.enter().wantRedirect(t, "/account")
		if page := a.get("/account"); page.StatusCode != http.StatusSeeOther {
			t.Errorf("the session from before: %d", page.StatusCode)
		}
		a.wantAlive(t, "a connection", tokens.access)
		a.fetch("/passkey/register/start", map[string]string{"token": token}).wantError(t, http.StatusForbidden, "invalid_link")
	})
}

func TestAKeyOpensItsResourceUntilItEnds(t *testing.T) {
	cfg := mcpoauth.Config{
		Scopes:    []mcpoauth.Scope{{Name: "notes"}, {Name: "mail"}, {Name: "mail:send"}},
		Resources: []mcpoauth.Resource{{Path: "/notes", Scopes: []string{"notes"}}, {Path: "/mail", Scopes: []string{"mail"}}},
	}
	administer(t, cfg, func(t *testing.T, a *administered) {
		call := func(path, key string) answer {
			return a.do("POST", path, strings.NewReader("{}"), "Authorization", "Bearer "+key)
		}
		key := a.create(mcpoauth.NewKey{Name: "ci", Resource: serverURL + "/mail", Scopes: []string{"mail", "mail:send"}, Life: time.Hour})
		if got := call("/mail", key); got.StatusCode != http.StatusOK || !strings.Contains(got.body, `"KeyName":"ci"`) || !strings.Contains(got.body, `"Scopes":["mail","mail:send"]`) || !strings.Contains(got.body, `"ClientID":""`) {
			t.Errorf("the handler answers %d and sees %s", got.StatusCode, got.body)
		}
		if strings.Contains(call("/mail", key).body, key) {
			t.Error("the identity has the key")
		}
		call("/notes", key).wantError(t, http.StatusUnauthorized, "invalid_token")
		a.wantLogged(t, "key.created", `"name":"ci"`)
		if strings.Contains(a.logs.String(), key) {
			t.Error("the log has the key")
		}
		usual := a.create(mcpoauth.NewKey{Name: "usual"})
		time.Sleep(time.Hour)
		call("/mail", key).wantError(t, http.StatusUnauthorized, "invalid_token")
		time.Sleep(30*24*time.Hour - time.Hour - time.Second)
		if got := call("/notes", usual); got.StatusCode != http.StatusOK {
			t.Errorf("the usual key, in the last second of its 30 days: %d %s", got.StatusCode, got.body)
		}
		time.Sleep(time.Second)
		call("/notes", usual).wantError(t, http.StatusUnauthorized, "invalid_token")
	})
}

// A form that lacks its field gives an empty ID.
func TestWhatIsNoIDOfAPersonEndsNothing(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		tokens, ctx := a.login(), t.Context()
		for _, id := range []string{"", " ", "x", "*", strings.Repeat("A", 23)} {
			for what, err := range map[string]error{
				"SuspendPerson":    a.router.SuspendPerson(ctx, id),
				"ResumePerson":     a.router.ResumePerson(ctx, id),
				"RenamePerson":     a.router.RenamePerson(ctx, id, "Ann"),
				"RemovePerson":     a.router.RemovePerson(ctx, id),
				"RevokeConnection": a.router.RevokeConnection(ctx, id),
				"RecoveryLink":     func() error { _, err := a.router.RecoveryLink(ctx, id); return err }(),
			} {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s of %q: %v", what, id, err)
				}
			}
		}
		a.wantAlive(t, "the owner's connection", tokens.access)
		if strings.Contains(a.logs.String(), "person.removed") {
			t.Error("the log says that somebody was removed")
		}
	})
}

func TestTheScopesOfAConnectionAreItsCallersOwn(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		tokens := a.login()
		a.connections("")[0].Scopes[0] = "spoiled"
		a.wantAlive(t, "the connection", tokens.access)
		if got := a.connections("")[0].Scopes; !slices.Equal(got, []string{"mcp:tools"}) {
			t.Errorf("the scopes are %q", got)
		}
	})
}

func TestWhoWasNotSuspendedIsNotToldToHaveBeenResumed(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		_, id := a.comes("Ann")
		if err := a.router.ResumePerson(t.Context(), id); err != nil {
			t.Error(err)
		}
		a.enter().wantRedirect(t, "/account")
		a.touched("/account/people/resume", "person", id).wantRedirect(t, "/account/people")
		if strings.Contains(a.logs.String(), "person.resumed") {
			t.Error("the log says that somebody was resumed")
		}
	})
}

func TestTheOwnerCanBeCalledOwnerAgainAndNobodyElse(t *testing.T) {
	administer(t, mcpoauth.Config{}, func(t *testing.T, a *administered) {
		ctx := t.Context()
		_, ann := a.comes("Ann")
		for _, name := range []string{"Eve", "Owner", "owner"} {
			if err := a.router.RenamePerson(ctx, store.OwnerID, name); err != nil {
				t.Errorf("the owner cannot be called %s: %v", name, err)
			}
			if got := a.people()[0].Name; got != name {
				t.Errorf("the owner is called %s, want %s", got, name)
			}
		}
		if err := a.router.RenamePerson(ctx, store.OwnerID, "Eve"); err != nil {
			t.Error(err)
		}
		if err := a.router.RenamePerson(ctx, ann, "owner"); err == nil {
			t.Error("somebody else is called owner")
		}
	})
}

func TestWrongArgumentsSayWhatIsWrong(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	s.setUp()
	a := &administered{s, router}
	a.comes("Ann")
	invite := func(name string) func(context.Context, *mcpoauth.Router) error {
		return func(ctx context.Context, r *mcpoauth.Router) error { _, err := r.Invite(ctx, name); return err }
	}
	key := func(k mcpoauth.NewKey) func(context.Context, *mcpoauth.Router) error {
		return func(ctx context.Context, r *mcpoauth.Router) error { _, err := r.CreateKey(ctx, k); return err }
	}
	nobody := strings.Repeat("A", 22)
	tests := []struct {
		name string
		do   func(context.Context, *mcpoauth.Router) error
		is   error // or nil
		says []string
	}{
		{"no name", invite(""), nil, []string{"the name is empty"}},
		{"a name that draws nothing", invite(" \u200b "), nil, []string{"the name is empty"}},
		{"a long name", invite(strings.Repeat("x", 65)), nil, []string{"65 characters", "at most 64"}},
		{"another's name", invite("ann"), nil, []string{`somebody is called "ann" already`}},
		{"suspending nobody", func(ctx context.Context, r *mcpoauth.Router) error { return r.SuspendPerson(ctx, nobody) }, store.ErrNotFound, []string{"SuspendPerson", nobody}},
		{"suspending what is no ID", func(ctx context.Context, r *mcpoauth.Router) error { return r.SuspendPerson(ctx, "../x") }, store.ErrNotFound, []string{"../x"}},
		{"suspending the owner", func(ctx context.Context, r *mcpoauth.Router) error { return r.SuspendPerson(ctx, store.OwnerID) }, store.ErrOwner, nil},
		{"removing the owner", func(ctx context.Context, r *mcpoauth.Router) error { return r.RemovePerson(ctx, store.OwnerID) }, store.ErrOwner, []string{"RemovePerson"}},
		{"resuming nobody", func(ctx context.Context, r *mcpoauth.Router) error { return r.ResumePerson(ctx, nobody) }, store.ErrNotFound, []string{"ResumePerson"}},
		{"renaming to another's name", func(ctx context.Context, r *mcpoauth.Router) error { return r.RenamePerson(ctx, store.OwnerID, "Ann") }, nil, []string{"RenamePerson", "somebody is called"}},
		{"recovering nobody", func(ctx context.Context, r *mcpoauth.Router) error { _, err := r.RecoveryLink(ctx, nobody); return err }, store.ErrNotFound, nil},
		{"revoking nothing", func(ctx context.Context, r *mcpoauth.Router) error { return r.RevokeConnection(ctx, nobody) }, store.ErrNotFound, []string{nobody}},
		{"revoking what is no ID", func(ctx context.Context, r *mcpoauth.Router) error { return r.RevokeConnection(ctx, "x/y") }, store.ErrNotFound, nil},
		{"a key for nobody", key(mcpoauth.NewKey{Name: "x", UserID: nobody}), store.ErrNotFound, []string{"NewKey.UserID", nobody}},
		{
			"everything wrong with a key at once",
			key(mcpoauth.NewKey{Resource: "https://example.com/other", Scopes: []string{"nothing"}, Life: -time.Second}),
			nil,
			[]string{"NewKey.Name", "the name is empty", "NewKey.Resource", "https://example.com/other", mcpURL, "NewKey.Scopes", `"nothing"`, "NewKey.Life", "-1s"},
		},
		{"a key that lives too long", key(mcpoauth.NewKey{Name: "x", Life: 367 * 24 * time.Hour}), nil, []string{"366 days"}},
		{"a key that would not be let in", key(mcpoauth.NewKey{Name: "x", Scopes: []string{"nothing"}}), nil, []string{"add mcp:tools"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.do(t.Context(), a.router)
			if err == nil || test.is != nil && !errors.Is(err, test.is) {
				t.Fatalf("the error is %v, want %v", err, test.is)
			}
			if !strings.HasPrefix(err.Error(), "mcpoauth: ") {
				t.Errorf("it does not say whose it is: %v", err)
			}
			for _, text := range test.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("it does not say %q: %v", text, err)
				}
			}
		})
	}
}

func TestTroubleOfTheStoreIsAnErrorOfEachMethodAndIsNotLoggedAsDone(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	broken := watch(backend)
	s, router := inProcess(t, mcpoauth.Config{Store: broken})
	s.setUp()
	defer broken.mend()
	broken.breakDown("")
	ctx, id := t.Context(), strings.Repeat("A", 22)
	for what, err := range map[string]error{
		"Connections":      func() error { _, err := router.Connections(ctx, ""); return err }(),
		"RevokeConnection": router.RevokeConnection(ctx, id),
		"RevokeClient":     func() error { _, err := router.RevokeClient(ctx, id); return err }(),
		"RevokeAll":        func() error { _, err := router.RevokeAll(ctx, ""); return err }(),
		"People":           func() error { _, err := router.People(ctx); return err }(),
		"Invite":           func() error { _, err := router.Invite(ctx, "Ann"); return err }(),
		"SuspendPerson":    router.SuspendPerson(ctx, id),
		"ResumePerson":     router.ResumePerson(ctx, id),
		"RemovePerson":     router.RemovePerson(ctx, id),
		"RenamePerson":     router.RenamePerson(ctx, id, "x"),
		"RecoveryLink":     func() error { _, err := router.RecoveryLink(ctx, store.OwnerID); return err }(),
		"CreateKey":        func() error { _, err := router.CreateKey(ctx, mcpoauth.NewKey{Name: "x"}); return err }(),
		"Events":           func() error { _, err := router.Events(ctx, 10); return err }(),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, event := range []string{"person.", "grant.", "key.", "recovery."} {
		if strings.Contains(s.logs.String(), `"msg":"`+event) {
			t.Errorf("the log has an event %s...", event)
		}
	}
}
