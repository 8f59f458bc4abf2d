package passkey_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mcpoauth/mcpoauth/passkey"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestSetupMakesTheOwnerWithTheirPasskey(t *testing.T) {
	s, d := newSite(t), newDevice()
	d.transports = []string{"internal", "hybrid"}
	d.auth.Options.BackupEligible, d.auth.Options.BackupState = true, true
	d.credential.Counter = 7
	if done, err := s.SetUp(t.Context()); done || err != nil {
		t.Fatalf("before: SetUp = %v, %v", done, err)
	}
	wantOK(t, s.browser().register(t, d))
	if done, err := s.SetUp(t.Context()); !done || err != nil {
		t.Fatalf("after: SetUp = %v, %v", done, err)
	}
	owner := s.owner(t)
	if len(owner.Passkeys) != 1 || !bytes.Equal(owner.Handle, d.auth.Options.UserHandle) || owner.CreatedAt.IsZero() {
		t.Fatalf("owner = %+v", owner)
	}
	p := owner.Passkeys[0]
	if !bytes.Equal(p.ID, d.credential.ID) || len(p.PublicKey) == 0 || !bytes.Equal(p.AAGUID, d.auth.Aaguid[:]) ||
		!slices.Equal(p.Transports, d.transports) || p.SignCount != 7 || !p.BackupEligible || !p.BackedUp || p.CreatedAt.IsZero() {
		t.Errorf("passkey = %+v", p)
	}
	if !strings.Contains(s.log.String(), "msg=setup.completed user_id=owner") {
		t.Errorf("log = %s", s.log)
	}
}

func TestTheNewPasskeyIsDiscoverableAndVerifiesItsUser(t *testing.T) {
	var options struct {
		PublicKey struct {
			RP                 map[string]any `json:"rp"`
			User               map[string]any `json:"user"`
			Attestation        string         `json:"attestation"`
			Selection          map[string]any `json:"authenticatorSelection"`
			Timeout            int            `json:"timeout"`
			ExcludeCredentials []any          `json:"excludeCredentials"`
		} `json:"publicKey"`
	}
	c := newSite(t).browser().startSetup(t)
	if err := json.Unmarshal(c.Options, &options); err != nil {
		t.Fatal(err)
	}
	key := options.PublicKey
	if key.RP["id"] != "mcp.example" || key.RP["name"] != "Notes" || key.User["name"] != "owner" || key.User["displayName"] != "Owner of Notes" {
		t.Errorf("rp = %v, user = %v", key.RP, key.User)
	}
	if key.Selection["residentKey"] != "required" || key.Selection["requireResidentKey"] != true || key.Selection["userVerification"] != "required" {
		t.Errorf("authenticatorSelection = %v", key.Selection)
	}
	// None is the default of the browser too.
	if (key.Attestation != "" && key.Attestation != "none") || len(key.ExcludeCredentials) != 0 || key.Timeout != 300_000 {
		t.Errorf("options = %+v", key)
	}
}

func TestTwoServersOnOneHostHaveOwnersOfDifferentHandles(t *testing.T) {
	first, second := newDevice(), newDevice()
	wantOK(t, newSite(t).browser().register(t, first))
	wantOK(t, newSite(t).browser().register(t, second))
	if bytes.Equal(first.auth.Options.UserHandle, second.auth.Options.UserHandle) {
		t.Error("the second passkey would overwrite the first in an authenticator")
	}
}

func TestOnlyTheSetupTokenOpensTheSetup(t *testing.T) {
	for name, body := range map[string]string{
		"a wrong token":           `{"token":"mcpoauth_st_wrong"}`,
		"the beginning of it":     `{"token":"` + setupToken[:20] + `"}`,
		"an empty token":          `{"token":""}`,
		"no token":                `{}`,
		"one of another case":     `{"token":"` + strings.ToUpper(setupToken) + `"}`,
		"one in the wrong member": `{"setup_token":"` + setupToken + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			wantRefusal(t, s.browser().post("/passkey/register/start", body), http.StatusForbidden, passkey.InvalidLink)
			if !strings.Contains(s.log.String(), "msg=enrolment.refused") {
				t.Errorf("log = %s", s.log)
			}
		})
	}
}

func TestWithoutASetupTokenNobodyGetsIn(t *testing.T) {
	s := newSite(t)
	s.SetupToken = ""
	for _, body := range []string{`{"token":""}`, `{}`, `{"setup_token":null}`} {
		wantRefusal(t, s.browser().post("/passkey/register/start", body), http.StatusForbidden, passkey.InvalidLink)
	}
}

func TestASetupTokenInTheQueryIsIgnored(t *testing.T) {
	s := newSite(t)
	w := s.browser().post("/passkey/register/start?setup_token="+setupToken, `{}`)
	wantRefusal(t, w, http.StatusForbidden, passkey.InvalidLink)
	page := s.browser().get("/passkey/register?setup_token=" + setupToken)
	if strings.Contains(page.Body.String(), setupToken) {
		t.Error("the page repeats the token of the query")
	}
}

func TestSetupClosesForGood(t *testing.T) {
	s := newSite(t)
	late, lateDevice := s.browser(), newDevice()
	begun := late.startSetup(t)
	first := newDevice()
	wantOK(t, s.browser().register(t, first))

	w := s.browser().post("/passkey/register/start", `{"token":"`+setupToken+`"}`)
	wantRefusal(t, w, http.StatusForbidden, passkey.RegistrationLocked)

	// Somebody who was let in before, and is done only now.
	w = late.finish("/passkey/register/finish", begun.Ceremony, lateDevice.create(t, begun))
	wantRefusal(t, w, http.StatusForbidden, passkey.RegistrationLocked)

	page := s.browser().get("/passkey/register")
	wantStatus(t, page, http.StatusForbidden)
	if body := page.Body.String(); !strings.Contains(body, "set up already") || strings.Contains(body, "setup-token") {
		t.Errorf("page = %s", body)
	}
	if owner := s.owner(t); len(owner.Passkeys) != 1 || !bytes.Equal(owner.Passkeys[0].ID, first.credential.ID) {
		t.Errorf("owner = %+v", owner)
	}
}

func TestOfManySetupsAtOnceOneWins(t *testing.T) {
	s := newSite(t)
	const people = 16
	finish := make([]func() *httptest.ResponseRecorder, people)
	for i := range people {
		b, d := s.browser(), newDevice()
		c := b.startSetup(t)
		credential := d.create(t, c)
		finish[i] = func() *httptest.ResponseRecorder { return b.finish("/passkey/register/finish", c.Ceremony, credential) }
	}
	answers := make([]*httptest.ResponseRecorder, people)
	var all sync.WaitGroup
	for i := range people {
		all.Go(func() { answers[i] = finish[i]() })
	}
	all.Wait()
	winners := 0
	for _, w := range answers {
		if w.Code == http.StatusOK {
			winners++
			continue
		}
		wantRefusal(t, w, http.StatusForbidden, passkey.RegistrationLocked)
	}
	if winners != 1 || len(s.owner(t).Passkeys) != 1 {
		t.Errorf("%d of %d setups succeeded", winners, people)
	}
}

func TestASetupCeremonyHasOneTry(t *testing.T) {
	s, d := newSite(t), newDevice()
	b := s.browser()
	c := b.startSetup(t)
	wantRefusal(t, b.finish("/passkey/register/finish", c.Ceremony, `{"id":"nonsense"}`), http.StatusBadRequest, passkey.RegistrationFailed)
	wantRefusal(t, b.finish("/passkey/register/finish", c.Ceremony, d.create(t, c)), http.StatusBadRequest, passkey.InvalidSession)
}

func TestASetupCeremonyIsBoundToItsBrowser(t *testing.T) {
	s, d := newSite(t), newDevice()
	c := s.browser().startSetup(t)
	wantRefusal(t, s.browser().finish("/passkey/register/finish", c.Ceremony, d.create(t, c)), http.StatusBadRequest, passkey.InvalidSession)
}

func TestASetupCeremonyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newSite(t), newDevice()
		b := s.browser()
		c := b.startSetup(t)
		advance(store.CeremonyLife)
		wantRefusal(t, b.finish("/passkey/register/finish", c.Ceremony, d.create(t, c)), http.StatusBadRequest, passkey.InvalidSession)
	})
}

func TestANewPasskeyThatProvesNothingIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*device){
		"made on another origin":       func(d *device) { d.rp.Origin = "https://evil.example" },
		"made on another port":         func(d *device) { d.rp.Origin = serverURL + ":8443" },
		"made over plain http":         func(d *device) { d.rp.Origin = "http://mcp.example" },
		"made for another host":        func(d *device) { d.rp.ID = "evil.example" },
		"without user verification":    func(d *device) { d.auth.Options.UserNotVerified = true },
		"without user presence":        func(d *device) { d.auth.Options.UserNotPresent = true },
		"backed up but not able to be": func(d *device) { d.auth.Options.BackupState = true },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := newSite(t), newDevice()
			spoil(d)
			wantRefusal(t, s.browser().register(t, d), http.StatusBadRequest, passkey.RegistrationFailed)
			if done, err := s.SetUp(t.Context()); done || err != nil {
				t.Errorf("SetUp = %v, %v", done, err)
			}
			if !strings.Contains(s.log.String(), "msg=enrolment.refused reason=") {
				t.Errorf("log = %s", s.log)
			}
		})
	}
}

func TestAChallengeOfAnotherCeremonyIsRefused(t *testing.T) {
	s, d := newSite(t), newDevice()
	b := s.browser()
	first, second := b.startSetup(t), b.startSetup(t)
	wantRefusal(t, b.finish("/passkey/register/finish", first.Ceremony, d.create(t, second)), http.StatusBadRequest, passkey.RegistrationFailed)
}

func TestSetupReturnsOnlyToAnAuthorizationRequest(t *testing.T) {
	s := newSite(t)
	for target, want := range map[string]string{
		"/authorize?client_id=a&state=b%2Bc": `href="/authorize?client_id=a&amp;state=b%2Bc"`,
		"":                                   "",
		"/":                                  "",
		"/authorize":                         "",
		"/authorized?x":                      "",
		"//evil.example/authorize?":          "",
		"https://evil.example/authorize?":    "",
		"javascript:alert(1)///authorize?":   "",
		" /authorize?":                       "",
		"/authorize?" + strings.Repeat("a", 1<<15): "",
	} {
		w := s.browser().get("/passkey/register?return_to=" + url.QueryEscape(target))
		wantStatus(t, w, http.StatusOK)
		body := w.Body.String()
		if want == "" {
			want = `data-copy="https://mcp.example/mcp"`
			if strings.Contains(body, "Continue") || strings.Contains(body, "evil") {
				t.Errorf("%.50q is taken for a place to return to", target)
			}
		}
		if !strings.Contains(body, want) {
			t.Errorf("%.50q: the page lacks %s:\n%s", target, want, body)
		}
	}
}

func TestTheSetupPageIsHarmlessToRepeat(t *testing.T) {
	s := newSite(t)
	for range 3 {
		if w := s.browser().get("/passkey/register"); w.Code != http.StatusOK || len(w.Result().Cookies()) != 0 {
			t.Errorf("answer = %d with cookies %v", w.Code, w.Result().Cookies())
		}
	}
}

func TestR49TroubleInTheStoreIs503(t *testing.T) {
	s, d := owned(t)
	b := s.browser()
	c := b.startApproval(t, digestOf("request"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for path, body := range map[string]string{
		"/passkey/register/start":  `{"token":"` + setupToken + `"}`,
		"/passkey/register/finish": `{"ceremony":"AAAAAAAAAAAAAAAAAAAAAA","credential":{}}`,
		"/passkey/auth/start":      `{"digest":"` + strings.Repeat("A", 42) + `E"}`,
		"/passkey/auth/finish":     `{"ceremony":"` + c.Ceremony + `","credential":` + d.sign(t, c) + `}`,
	} {
		r := httptest.NewRequestWithContext(gone, http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := b.do(r)
		wantRefusal(t, w, http.StatusServiceUnavailable, "temporarily_unavailable")
		if w.Header().Get("Retry-After") == "" {
			t.Errorf("%s has no Retry-After", path)
		}
	}
	page := b.do(httptest.NewRequestWithContext(gone, http.MethodGet, "/passkey/register", nil))
	if wantStatus(t, page, http.StatusServiceUnavailable); page.Header().Get("Retry-After") == "" {
		t.Error("the page has no Retry-After")
	}
	if _, err := s.Approved(b.withCookies(httptest.NewRequestWithContext(gone, http.MethodPost, "/authorize", nil)), c.Ceremony, digestOf("request")); err == nil || err == passkey.ErrNotApproved {
		t.Errorf("Approved = %v, want the store's error", err)
	}
}
