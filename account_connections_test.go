package mcpoauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestWithoutConnectionsThePageSaysHowToGetOne(t *testing.T) {
	s := signedIn(t)
	page := s.get("/account")
	page.wantPage(t, http.StatusOK, "Nothing is connected yet", mcpURL)
	page.wantNot(t, "Revoke", "Search")
}

func TestAConnectionShowsWhoMayWhatSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{
			Scopes:    []mcpoauth.Scope{{Name: "mcp:tools", Description: "Use the tools"}, {Name: "mail", Description: "Read your mail"}},
			Resources: []mcpoauth.Resource{{Path: "/mcp", Name: "The notebook", Scopes: []string{"mcp:tools"}}, {Path: "/mail", Name: "The mail", Scopes: []string{"mail"}}},
		})
		s.setUp()
		web, local := s.public(webClient), s.public(loopback)
		s.redeem(web, webClient, s.code(with(authorizationRequest(web, webClient), "scope", "mcp:tools mail offline_access")))
		s.redeem(local, loopback, s.code(authorizationRequest(local, loopback)))
		time.Sleep(3 * time.Hour)
		s.enter()
		page := s.get("/account")
		page.wantPage(t, http.StatusOK)
		text := page.words()
		for _, says := range []string{
			"Test client client.example verified", "Use the tools · Read your mail · Stay connected without asking again in The notebook (/mcp)",
			"Test client a program on a computer unverified", "Used 3 hours ago · connected 3 hours ago",
		} {
			if !strings.Contains(text, says) {
				t.Errorf("the page does not say %q:\n%s", says, text)
			}
		}
		made := time.Now().Add(-3 * time.Hour).UTC()
		if want := `<time datetime="` + made.Format(time.RFC3339) + `" title="` + made.Format("2 Jan 2006, 15:04 UTC") + `">3 hours ago</time>`; !strings.Contains(page.body, want) {
			t.Errorf("the page has no %s", want)
		}
	})
}

func TestARevokedConnectionIsDeadAtTheNextRequest(t *testing.T) {
	s := signedIn(t)
	kept, ended := s.login(), s.login()
	id := s.grantOf(t, ended.access)
	s.wantAlive(t, "the connection", ended.access)
	s.wantDone(s.post("/account/revoke", "grant", id), "/account", "Revoked. It cannot get in any more.")
	s.wantDead(t, "the access token", ended.access)
	s.refresh(ended.clientID, ended.refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
	s.wantAlive(t, "the other connection", kept.access)
	s.post("/account/revoke", "grant", id).wantPage(t, http.StatusNotFound)
}

// grantOf is the ID of the grant that an access token or key belongs to, as the wrapped handler sees it.
func (s *server) grantOf(t *testing.T, token string) string {
	t.Helper()
	identity, _ := s.call(token).json(t, "identity").(map[string]any)
	id, _ := identity["GrantID"].(string)
	if id == "" {
		t.Fatal("the wrapped handler sees no grant")
	}
	return id
}

func TestRevokingAnAppEndsAllItsConnectionsAndNoOthers(t *testing.T) {
	s := signedIn(t)
	first, other, key := s.login(), s.login(), s.key("CI")
	again := s.redeem(first.clientID, webClient, s.code(authorizationRequest(first.clientID, webClient))).text(t, "access_token")
	s.get("/account").wantPage(t, http.StatusOK, "Revoke all 2…")
	page := s.post("/account/revoke-app", "app", first.clientID)
	page.wantPage(t, http.StatusOK, "2 connections will end at once", "Test client")
	s.wantAlive(t, "a connection that nobody has said yes to ending", again)
	s.wantDone(s.sure("/account/revoke-app", "app", first.clientID), "/account", "That app cannot get in any more.")
	s.wantDead(t, "the first connection", first.access)
	s.wantDead(t, "the second", again)
	s.wantAlive(t, "the other app", other.access)
	for _, app := range []string{"", first.clientID, "nobody", strings.Repeat("x", 5000)} {
		s.post("/account/revoke-app", "app", app, "confirmed", "yes").wantPage(t, http.StatusNotFound)
	}
	s.wantAlive(t, "the key, which has no app", key)
}

func TestRevokingEverythingEndsKeysAndCodesTooAndSaysSoFirst(t *testing.T) {
	s := signedIn(t)
	token, key := s.login().access, s.key("CI")
	id := s.public(webClient)
	code := s.code(authorizationRequest(id, webClient))
	s.post("/account/revoke-all").wantPage(t, http.StatusOK, "1 API key will end at once, and cannot be brought back", "you have to approve it", "its app has not come for yet, ends too")
	s.wantDone(s.sure("/account/revoke-all"), "/account", "Everything was revoked.", "Nothing is connected yet")
	s.wantDead(t, "the connection", token)
	s.wantDead(t, "the key", key)
	s.redeem(id, webClient, code).wantError(t, http.StatusBadRequest, "invalid_grant")
}

func TestRevokingEverythingEndsACodeThoughNothingIsConnected(t *testing.T) {
	s := signedIn(t)
	id := s.public(webClient)
	code := s.code(authorizationRequest(id, webClient))
	page := s.post("/account/revoke-all")
	page.wantPage(t, http.StatusOK, "What was approved just now, and its app has not come for yet, ends too.")
	page.wantNot(t, "will end at once")
	s.wantDone(s.sure("/account/revoke-all"), "/account", "Everything was revoked.")
	s.redeem(id, webClient, code).wantError(t, http.StatusBadRequest, "invalid_grant")
}

// crowded is a server with n connections, of which each tenth is of another app.
func crowded(t *testing.T, n int) *server {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	st := store.New(backend, store.Lifetimes{})
	for i := range n {
		name := fmt.Sprintf("Assistant of a rather usual name %d", i)
		if i%10 == 0 {
			name = fmt.Sprintf("Zebra %d", i)
		}
		connect(t, st, store.OwnerID, name, "https://client.example/callback")
	}
	for g, err := range st.Grants(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := st.NoteUse(t.Context(), store.Use{GrantID: g.ID, At: time.Now(), From: "203.0.113.0/24"}); err != nil {
			t.Fatal(err)
		}
	}
	s.enter()
	return s
}

func TestFiveHundredConnectionsComeInPagesThatStayLight(t *testing.T) {
	s := crowded(t, 500)
	s.invite("Bob") // each connection says whose it is
	seen := make(map[string]bool)
	target := "/account"
	for n := 1; target != ""; n++ {
		page := s.get(target)
		page.wantPage(t, http.StatusOK, "500 connections", fmt.Sprintf("These are %d to %d", 50*n-49, 50*n))
		grants := page.field("grant")
		if len(grants) != 50 {
			t.Fatalf("page %d has %d connections", n, len(grants))
		}
		for _, id := range grants {
			seen[id] = true
		}
		if weight := s.weight(page); weight >= 50_000 {
			t.Errorf("page %d has %d bytes", n, weight)
		}
		target = linkTo(page, "next")
		if n > 10 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 500 {
		t.Errorf("the pages have %d connections", len(seen))
	}
	for _, number := range []string{"0", "-1", "x", "99999999999999999999"} {
		s.get("/account?page="+number).wantPage(t, http.StatusOK, "These are 1 to 50")
	}
	s.get("/account?page=11").wantPage(t, http.StatusOK, "These are 451 to 500")
}

func linkTo(page answer, rel string) string {
	found := regexp.MustCompile(`rel="` + rel + `" href="([^"]+)"`).FindStringSubmatch(page.body)
	if found == nil {
		return ""
	}
	return strings.ReplaceAll(found[1], "&amp;", "&")
}

func TestASearchFindsByWhatAPageSaysAndGoesOnThroughItsPages(t *testing.T) {
	s := crowded(t, 600)
	for q, want := range map[string]int{"zebra": 60, "ZEBRA 59": 1, "client.example": 600, "mcp:tools": 600, "no such thing": 0, "zebra%20590": 1} {
		page := s.get("/account?q=" + strings.ReplaceAll(q, " ", "+"))
		if want == 0 {
			page.wantPage(t, http.StatusOK, "None of the 600 connections matches")
			continue
		}
		page.wantPage(t, http.StatusOK, fmt.Sprintf("%d of 600 match", want))
	}
	first := s.get("/account?q=zebra")
	second := s.get(linkTo(first, "next"))
	if len(first.field("grant")) != 50 || len(second.field("grant")) != 10 || linkTo(second, "next") != "" || linkTo(second, "prev") != "/account?page=1&q=zebra" {
		t.Errorf("the pages of the search have %d and %d", len(first.field("grant")), len(second.field("grant")))
	}
	// Revoking leads back to where one was.
	s.post("/account/revoke", "grant", second.field("grant")[0], "q", "zebra", "page", "2").wantRedirect(t, "/account?page=2&q=zebra")
}

func TestAFewConnectionsAreNotSearched(t *testing.T) {
	s := crowded(t, 3)
	page := s.get("/account")
	page.wantPage(t, http.StatusOK, "3 connections")
	page.wantNot(t, "Search", "Next", "These are")
}

func TestEachSeesAndEndsTheirOwnConnectionsAndTheOwnerAll(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	owners, bobs := s.login(), bob.login()
	ownersID, bobsID := s.grantOf(t, owners.access), s.grantOf(t, bobs.access)

	page := bob.get("/account")
	page.wantPage(t, http.StatusOK)
	if ids := page.field("grant"); len(ids) != 1 || ids[0] != bobsID {
		t.Errorf("Bob sees %v, want %s", ids, bobsID)
	}
	page.wantNot(t, "owner")
	s.get("/account").wantPage(t, http.StatusOK, "2 connections", "Bob", "owner")

	bob.post("/account/revoke", "grant", ownersID).wantPage(t, http.StatusNotFound, "does not exist")
	bob.post("/account/revoke-app", "app", owners.clientID, "confirmed", "yes").wantPage(t, http.StatusNotFound)
	for _, id := range []string{"", "x", ownersID + "x", "../user/owner", strings.Repeat("A", 22), "\x00"} {
		bob.post("/account/revoke", "grant", id).wantPage(t, http.StatusNotFound)
	}
	bob.sure("/account/revoke-all").wantRedirect(t, "/account")
	s.wantAlive(t, "the owner's connection", owners.access)
	s.wantDead(t, "Bob's connection", bobs.access)

	bobs = bob.login()
	s.post("/account/revoke", "grant", s.grantOf(t, bobs.access)).wantRedirect(t, "/account")
	s.wantDead(t, "Bob's connection", bobs.access)
	bobs = bob.login()
	all := s.post("/account/revoke-all")
	all.wantPage(t, http.StatusOK, "2 connections of 2 people will end", "the person that it was connected for has to approve it")
	all.wantNot(t, "you have to approve")
	s.sure("/account/revoke-all").wantRedirect(t, "/account")
	s.wantDead(t, "Bob's connection", bobs.access)
	s.wantDead(t, "the owner's connection", owners.access)
}

// hostileNames are what a client or a person may call themselves, with what must never
// come of it.
var hostileNames = map[string]string{
	`<script>alert(1)</script>`: "<script>alert",
	`x" autofocus onfocus="x`:   `" autofocus onfocus="`,
	`x' onfocus='x`:             `' onfocus='`,
	`</title><h1>no`:            "</title><h1>no",
	`<!--<script>`:              "<!--<script",
	"ab\u202Ecd":                "\u202E",
}

func TestScriptedNamesAreHarmlessOnEveryPage(t *testing.T) {
	for text, never := range hostileNames {
		backend := memory.New(memory.Options{})
		s := serve(t, mcpoauth.Config{Store: backend})
		s.setUp()
		app := connect(t, store.New(backend, store.Lifetimes{}), store.OwnerID, text, "https://client.example/callback")
		s.enter()
		bob := s.invite(text)
		bob.login()
		bob.key(text)
		s.post("/account/passkeys/rename", "passkey", s.get("/account/passkeys").only(t, "passkey"), "name", text).wantRedirect(t, "/account/passkeys")
		s.post("/account/people/withdraw", "invitation", "x")
		pages := everyPage(t, s)
		pages["search for it"] = s.get("/account?q=" + url.QueryEscape(text))
		pages["notice"] = s.get("/account?done=" + url.QueryEscape(text))
		pages["revoke the app"] = s.post("/account/revoke-app", "app", app)
		pages["suspend"] = s.post("/account/people/suspend", "person", s.get("/account/people").field("person")[0])
		pages["remove"] = s.post("/account/people/remove", "person", s.get("/account/people").field("person")[0])
		pages["invite it"] = s.post("/account/people/invite", "name", text+"2")
		pages["key of it"] = s.post("/account/keys/create", "name", text, "resource", mcpURL, "life", "7", "scope.mcp:tools", "yes")
		pages["wrong form of it"] = s.post("/account/keys/create", "name", text, "resource", text, "life", text)
		pages["sign-in"] = s.another().get("/account/sign-in?return_to=/account?" + url.QueryEscape(text))
		for _, path := range accountPages[:3] {
			pages["Bob's "+path] = bob.get(path)
		}
		for name, page := range pages {
			if strings.Contains(page.body, never) {
				t.Errorf("%s has %q:\n%s", name, never, page.body)
			}
		}
		backend.Close()
	}
}

// One damaged record must not keep the owner from seeing and ending the others.
func TestAConnectionThatCannotBeReadIsLeftOut(t *testing.T) {
	kept := memory.New(memory.Options{})
	t.Cleanup(func() { kept.Close() })
	s, _ := inProcess(t, mcpoauth.Config{Store: kept})
	s.setUp()
	s.enter()
	damaged, whole := s.login(), s.login()
	at := store.Key{Kind: store.KindGrant, ID: store.GrantOf(damaged.access)}
	record, err := kept.Get(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Replace(t.Context(), at, record.Version, store.NewEncoded([]byte(`{"scopes":1}`)), record.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	s.get("/account").wantPage(t, http.StatusOK, "Use the tools of this server")
	if s.logged("page.failed") == 0 {
		t.Error("the log does not tell of it")
	}
	s.sure("/account/revoke-all").wantRedirect(t, "/account")
	s.wantDead(t, "the other connection", whole.access)
	if res := s.call(damaged.access); res.StatusCode == http.StatusOK {
		t.Error("what cannot be read opens the door")
	}
}
