package mcpoauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// tryToEnrol makes a passkey with a link's token, as far as it gets: the status of the
// last answer.
func (s *server) tryToEnrol(t *testing.T, token string) int {
	t.Helper()
	began := s.fetch("/passkey/register/start", map[string]string{"token": token})
	if began.StatusCode != http.StatusOK {
		return began.StatusCode
	}
	return s.answerEnrolment(t, began)
}

func (s *server) answerEnrolment(t *testing.T, began answer) int {
	t.Helper()
	options, err := virtualwebauthn.ParseAttestationOptions(rawMember(t, began.body, "options"))
	if err != nil {
		t.Fatal(err)
	}
	credential := virtualwebauthn.CreateAttestationResponse(s.relyingParty(), s.authenticator, s.credential, *options)
	return s.fetch("/passkey/register/finish", map[string]any{"ceremony": began.text(t, "ceremony"), "credential": json.RawMessage(credential)}).StatusCode
}

func TestAServerOfOnePersonTellsNothingOfPeople(t *testing.T) {
	s := signedIn(t)
	s.login()
	for _, path := range []string{"/account", "/account/keys", "/account/passkeys"} {
		page := s.get(path)
		page.wantPage(t, http.StatusOK)
		page.wantNot(t, "People", "Signed in as", "owner")
	}
	page := s.get("/account/people")
	page.wantPage(t, http.StatusOK, "Invite somebody")
	page.wantNot(t, "Suspend", "Invited")
}

func TestAnInvitationMakesAPersonOfTheirOwn(t *testing.T) {
	s := signedIn(t)
	page := s.post("/account/people/invite", "name", " Bob ")
	page.wantPage(t, http.StatusOK, "Invite “Bob”?", "It works once")
	bob := s.invite("Bob")
	token := bob.login().access
	identity, _ := bob.call(token).json(t, "identity").(map[string]any)
	if id := identity["UserID"]; id == "" || id == store.OwnerID {
		t.Errorf("Bob is %v to the wrapped handler", id)
	}
	s.get("/account/people").wantPage(t, http.StatusOK, "Bob", "1 passkey · 1 connection")
	bob.get("/account").wantPage(t, http.StatusOK, "Signed in as")
	for _, path := range []string{"/account/people", "/account/events"} {
		bob.get(path).wantPage(t, http.StatusNotFound)
	}
}

func TestOnlyTheOwnerRulesOverPeople(t *testing.T) {
	s := signedIn(t)
	bob, cleo := s.invite("Bob"), s.invite("Cleo")
	s.invitation("Dora")
	people := s.get("/account/people")
	token := cleo.login().access
	for _, path := range accountActions {
		if !strings.HasPrefix(path, "/account/people/") {
			continue
		}
		for _, id := range append(people.field("person"), store.OwnerID) {
			bob.post(path, "person", id, "invitation", people.only(t, "invitation"), "name", "Eve", "confirmed", "yes").wantPage(t, http.StatusNotFound)
		}
	}
	s.wantAlive(t, "Cleo's connection", token)
	cleo.get("/account").wantPage(t, http.StatusOK)
	s.get("/account/people").wantPage(t, http.StatusOK, "Dora")
}

func TestNamesOfPeopleAreCleanBoundedAndTheirOwn(t *testing.T) {
	s := signedIn(t)
	s.invite("Bob")
	s.invitation("Cleo")
	for _, name := range []string{"", " ", "\u200b", strings.Repeat("x", 65), "owner", "OWNER", "bob", " Bob\u202e", "cleo"} {
		s.wantDone(s.post("/account/people/invite", "name", name), "/account/people", "1 to 64 characters that nobody else here has")
	}
	s.post("/account/people/invite", "name", strings.Repeat("é", 64)).wantPage(t, http.StatusOK, "Invite")
}

func TestNobodyIsCalledOwnerThoughTheOwnerIsNotAnyMore(t *testing.T) {
	s, router := inProcess(t, mcpoauth.Config{})
	s.setUp()
	s.enter()
	if err := router.RenamePerson(t.Context(), store.OwnerID, "Ann"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"owner", "Owner", "OWNER"} {
		s.wantDone(s.post("/account/people/invite", "name", name), "/account/people", "That name cannot be used.")
	}
}

func TestThereIsAnEndToInvitations(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	st := store.New(backend, store.Lifetimes{})
	for n := range 99 {
		if _, err := st.Enrol(t.Context(), store.ForInvitation, "", fmt.Sprintf("Guest %d", n)); err != nil {
			t.Fatal(err)
		}
	}
	late := s.touch(s.post("/account/people/invite", "name", "Eve"))
	s.invitation("Bob")
	for _, sent := range [][]string{{"name", "Cleo"}, {"name", "Eve", "ceremony", late}} {
		s.wantDone(s.post("/account/people/invite", sent...), "/account/people", "So many invitations wait to be used that there can be no more. Withdraw one first.")
	}
	page := s.get("/account/people")
	if n := len(page.field("invitation")); n != 100 || s.weight(page) >= 100_000 {
		t.Errorf("%d invitations in %d bytes", n, s.weight(page))
	}
	s.post("/account/people/withdraw", "invitation", page.field("invitation")[0])
	s.invitation("Cleo")
}

func TestAnInvitationWorksOnce(t *testing.T) {
	s := signedIn(t)
	token := s.invitation("Bob")
	first, second := s.another(), s.another()
	// Both have begun: the link is used up by who finishes first.
	began := second.fetch("/passkey/register/start", map[string]string{"token": token})
	first.setUpWith(token)
	if status := second.answerEnrolment(t, began); status != http.StatusForbidden {
		t.Errorf("the second who finishes gets %d", status)
	}
	if status := s.another().tryToEnrol(t, token); status != http.StatusForbidden {
		t.Errorf("who comes later gets %d", status)
	}
	page := s.get("/account/people")
	page.wantNot(t, "Invited")
	if n := len(page.field("person")) / 2; n != 1 {
		t.Errorf("there are %d people", n)
	}
}

func TestAnInvitationIsNotGuessed(t *testing.T) {
	s := signedIn(t)
	token := s.invitation("Bob")
	id := s.get("/account/people").only(t, "invitation")
	for _, guess := range []string{"", id, "mcpoauth_et_" + id + strings.Repeat("A", 43), token[:len(token)-1], token + "A", strings.Replace(token, "_et_", "_ss_", 1), strings.ToUpper(token)} {
		if status := s.another().tryToEnrol(t, guess); status != http.StatusForbidden {
			t.Errorf("%q: %d", guess, status)
		}
	}
	if strings.Contains(s.logs.String(), token) || strings.Contains(s.get("/account/people").body, token) {
		t.Error("the link is shown or logged again")
	}
}

func TestAnInvitationRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := inProcess(t, mcpoauth.Config{})
		s.setUp()
		s.enter()
		token := s.invitation("Bob")
		s.get("/account/people").wantPage(t, http.StatusOK, "Bob", "in 3 days")
		time.Sleep(store.InvitationLife - time.Second)
		late := s.another()
		began := late.fetch("/passkey/register/start", map[string]string{"token": token})
		time.Sleep(time.Second)
		if status := late.answerEnrolment(t, began); status != http.StatusForbidden {
			t.Errorf("who began in time and finishes too late gets %d", status)
		}
		if status := s.another().tryToEnrol(t, token); status != http.StatusForbidden {
			t.Errorf("who comes too late gets %d", status)
		}
	})
}

func TestAWithdrawnInvitationOpensNothing(t *testing.T) {
	s := signedIn(t)
	token := s.invitation("Bob")
	late := s.another()
	began := late.fetch("/passkey/register/start", map[string]string{"token": token})
	id := s.get("/account/people").only(t, "invitation")
	s.wantDone(s.post("/account/people/withdraw", "invitation", id), "/account/people", "Its link opens nothing any more.")
	if status := late.answerEnrolment(t, began); status != http.StatusForbidden {
		t.Errorf("who had begun gets %d", status)
	}
	if status := s.another().tryToEnrol(t, token); status != http.StatusForbidden {
		t.Errorf("who comes later gets %d", status)
	}
	s.post("/account/people/withdraw", "invitation", id).wantPage(t, http.StatusNotFound)
}

func TestASuspendedPersonIsOutAtOnceUntilTheyAreResumed(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	connected, key := bob.login(), bob.key("CI")
	ceremony := bob.touch(bob.elsewherePage())
	id := s.get("/account/people").field("person")[0]

	s.post("/account/people/suspend", "person", id).wantPage(t, http.StatusOK, "2 connections of theirs will end")
	s.wantAlive(t, "the connection before the owner said yes", connected.access)
	s.wantDone(s.sure("/account/people/suspend", "person", id), "/account/people", "Suspended. They are signed out")
	s.wantDead(t, "Bob's connection", connected.access)
	s.wantDead(t, "Bob's key", key)
	s.refresh(connected.clientID, connected.refresh).wantError(t, http.StatusBadRequest, "invalid_grant")
	bob.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	bob.post("/account/sign-in", "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	if status := bob.tryToTouch(t); status != http.StatusForbidden {
		t.Errorf("Bob's passkey is answered with %d", status)
	}
	people := s.get("/account/people")
	people.wantPage(t, http.StatusOK, "suspended", "Resume…")
	people.wantNot(t, "Suspend…")

	s.post("/account/people/resume", "person", id, "confirmed", "yes").wantPage(t, http.StatusOK, "Resume with your passkey")
	bob.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	s.wantDone(s.touched("/account/people/resume", "person", id), "/account/people", "They can sign in and approve apps again.")
	s.wantDead(t, "Bob's connection of before", connected.access)
	bob.enter().wantRedirect(t, "/account")
	bob.get("/account").wantPage(t, http.StatusOK, "Nothing is connected")
}

func TestARemovedPersonIsOutAtOnceAndForGood(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	connected, key := bob.login(), bob.key("CI")
	addition := bob.fetch("/account/passkeys/add", map[string]string{"ceremony": bob.touch(bob.post("/account/passkeys/add"))}).text(t, "token")
	id := s.get("/account/people").field("person")[0]
	for name, answer := range map[string][]string{"nothing": nil, "only a yes": {"confirmed", "yes"}} {
		page := s.post("/account/people/remove", append([]string{"person", id}, answer...)...)
		page.wantPage(t, http.StatusOK, "Remove “Bob”?", "2 connections of theirs will end", "Remove with your passkey")
		s.wantAlive(t, "Bob's connection after "+name, connected.access)
	}
	s.wantDone(s.touched("/account/people/remove", "person", id), "/account/people", "Removed. They are signed out")
	s.wantDead(t, "Bob's connection", connected.access)
	s.wantDead(t, "Bob's key", key)
	bob.get("/account").wantRedirect(t, "/account/sign-in?return_to=%2Faccount")
	if status := bob.tryToTouch(t); status != http.StatusForbidden {
		t.Errorf("Bob's passkey is answered with %d", status)
	}
	if status := bob.tryToEnrol(t, addition); status != http.StatusForbidden {
		t.Errorf("Bob's link for one more passkey is answered with %d", status)
	}
	s.get("/account/people").wantNot(t, "Bob")
}

func TestATouchForRemovingOnePersonDoesNotRemoveAnother(t *testing.T) {
	s := signedIn(t)
	bob, cleo := s.invite("Bob"), s.invite("Cleo")
	var ids []string
	for _, id := range s.get("/account/people").field("person") {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	ceremony := s.touch(s.post("/account/people/remove", "person", ids[0]))
	s.post("/account/people/remove", "person", ids[1], "ceremony", ceremony).wantPage(t, http.StatusForbidden)
	for _, who := range []*server{bob, cleo} {
		who.get("/account").wantPage(t, http.StatusOK)
	}
}

// A server that stops between shutting a person out and ending what they have connected
// leaves the second to be done.
func TestWhatWasLeftHalfDoneIsFinishedFromThePage(t *testing.T) {
	for name, finish := range map[string]func(s *server, id string) answer{
		"suspended again": func(s *server, id string) answer { return s.sure("/account/people/suspend", "person", id) },
		"resumed":         func(s *server, id string) answer { return s.touched("/account/people/resume", "person", id) },
		"removed":         func(s *server, id string) answer { return s.touched("/account/people/remove", "person", id) },
	} {
		t.Run(name, func(t *testing.T) {
			backend := watch(memory.New(memory.Options{}))
			s := serve(t, mcpoauth.Config{Store: backend})
			s.setUp()
			s.enter()
			bob := s.invite("Bob")
			connected, key := bob.login(), bob.key("CI")
			id := s.get("/account/people").field("person")[0]
			page := s.post("/account/people/suspend", "person", id)
			page.wantPage(t, http.StatusOK)
			backend.breakDown("delete grant")
			s.post("/account/people/suspend", "person", id, "confirmed", "yes").wantPage(t, http.StatusServiceUnavailable)
			backend.mend()
			if n := strings.Count(s.logs.String(), "person.suspended"); n != 1 {
				t.Errorf("that Bob is suspended is logged %d times", n)
			}
			s.wantAlive(t, "what was left", key)

			s.get("/account/people").wantPage(t, http.StatusOK, "suspended", "Resume…", "Suspend…", "2 connections")
			finish(s, id).wantRedirect(t, "/account/people")
			s.wantDead(t, "what was left", key)
			s.wantDead(t, "what was left", connected.access)
			s.get("/account/people").wantNot(t, "2 connections")
		})
	}
}

func TestWhoWasHalfRemovedIsRemovedByAskingAgain(t *testing.T) {
	backend := watch(memory.New(memory.Options{}))
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	bob := s.invite("Bob")
	key := bob.key("CI")
	id := s.get("/account/people").field("person")[0]
	ceremony := s.touch(s.post("/account/people/remove", "person", id))
	backend.breakDown("delete grant")
	s.post("/account/people/remove", "person", id, "ceremony", ceremony).wantPage(t, http.StatusServiceUnavailable)
	backend.mend()
	if suspended, removed := strings.Count(s.logs.String(), "person.suspended"), strings.Count(s.logs.String(), "person.removed"); suspended != 1 || removed != 0 {
		t.Errorf("that Bob is suspended is logged %d times, and that he is gone %d times", suspended, removed)
	}
	s.get("/account/people").wantPage(t, http.StatusOK, "Bob", "suspended", "1 connection")
	s.wantAlive(t, "what was left", key)

	s.post("/account/people/remove", "person", id).wantPage(t, http.StatusOK, "Bob", "1 connection of theirs will end")
	s.wantDone(s.touched("/account/people/remove", "person", id), "/account/people", "Removed.")
	s.wantDead(t, "what was left", key)
	s.get("/account/people").wantNot(t, "Bob")
	// Of who is gone, nothing is left: that is done, and logged, all the same.
	s.post("/account/people/remove", "person", id).wantPage(t, http.StatusOK, "Remove what is left of a person who is gone?")
	s.touched("/account/people/remove", "person", id).wantRedirect(t, "/account/people")
	if n := strings.Count(s.logs.String(), "person.removed"); n != 2 {
		t.Errorf("that Bob is gone is logged %d times", n)
	}
}

// A process that is killed between writing down that a person is out and ending what they
// have connected leaves the second to the next start.
func TestAStartFinishesWhatACrashLeftOfAShutOut(t *testing.T) {
	for name, shutOut := range map[string]func(router *mcpoauth.Router, id string) error{
		"suspended": func(router *mcpoauth.Router, id string) error { return router.SuspendPerson(t.Context(), id) },
		"removed":   func(router *mcpoauth.Router, id string) error { return router.RemovePerson(t.Context(), id) },
	} {
		t.Run(name, func(t *testing.T) {
			kept := memory.New(memory.Options{})
			defer kept.Close()
			backend := watch(kept)
			s, router := inProcess(t, mcpoauth.Config{Store: backend})
			s.setUp()
			a := &administered{s, router}
			ann, id := a.comes("Ann")
			tokens, key, owners := ann.login(), a.create(mcpoauth.NewKey{UserID: id, Name: "ci"}), s.login()
			backend.breakDown("delete grant")
			if err := shutOut(router, id); err == nil {
				t.Fatal("nothing failed")
			}
			backend.mend()
			s.wantAlive(t, "what the crash left", key)

			again, router := inProcess(t, mcpoauth.Config{Store: backend})
			again.wantDead(t, "the API key", key)
			again.wantDead(t, "the access token", tokens.access)
			again.wantAlive(t, "the owner's connection", owners.access)
			if n := again.logged("grant.revoked"); n != 2 {
				t.Errorf("the log has %d of the 2 that have ended", n)
			}
			people, err := router.People(t.Context())
			if err != nil || len(people) != 2 || people[1].SuspendedAt.IsZero() {
				t.Errorf("the people are %+v (%v), want Ann among them, suspended", people, err)
			}
		})
	}
}

func TestTheOwnerCannotBeShutOut(t *testing.T) {
	s := signedIn(t)
	s.invite("Bob")
	for _, path := range []string{"/account/people/suspend", "/account/people/remove", "/account/people/resume"} {
		for _, id := range []string{store.OwnerID, "", "x", strings.Repeat("A", 21), "../user/owner"} {
			s.post(path, "person", id, "confirmed", "yes").wantPage(t, http.StatusNotFound)
		}
	}
	s.get("/account").wantPage(t, http.StatusOK)
}

// tryToTouch answers the prompt of the sign-in page: the status of the last answer.
func (s *server) tryToTouch(t *testing.T) int {
	t.Helper()
	digest := digestAttribute.FindStringSubmatch(s.elsewherePage().body)[1]
	began := s.fetch("/passkey/auth/start", map[string]string{"digest": digest})
	options, err := virtualwebauthn.ParseAssertionOptions(rawMember(t, began.body, "options"))
	if err != nil {
		t.Fatal(err)
	}
	s.credential.Counter++
	assertion := virtualwebauthn.CreateAssertionResponse(s.relyingParty(), s.authenticator, s.credential, *options)
	return s.fetch("/passkey/auth/finish", map[string]any{"ceremony": began.text(t, "ceremony"), "credential": json.RawMessage(assertion)}).StatusCode
}
