package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/passkey"
	"github.com/mcpoauth/mcpoauth/store"
)

func digestOf(request string) store.Hash { return secret.Sum(request) }

// advance lets time pass inside a synctest bubble.
func advance(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAPasskeyApprovesOneRequest(t *testing.T) {
	s, d := owned(t)
	b := s.browser()
	ceremony, finished := b.prove(t, d, digestOf("request"))
	wantOK(t, finished)
	user, err := b.approved(ceremony, digestOf("request"))
	if err != nil || user.ID != store.OwnerID {
		t.Fatalf("Approved = %v, %v", user, err)
	}
	if _, err := b.approved(ceremony, digestOf("request")); !errors.Is(err, passkey.ErrNotApproved) {
		t.Errorf("the second time: %v, want ErrNotApproved", err)
	}
	if !strings.Contains(s.log.String(), "msg=passkey.accepted user_id=owner") {
		t.Errorf("log = %s", s.log)
	}
}

func TestR38NothingButAnAnsweredCeremonyApproves(t *testing.T) {
	digest := digestOf("request")
	for name, ask := range map[string]func(t *testing.T, s *site, d *device) (*store.User, error){
		"no ceremony": func(t *testing.T, s *site, d *device) (*store.User, error) {
			return s.browser().approved("", digest)
		},
		"an unknown ceremony": func(t *testing.T, s *site, d *device) (*store.User, error) {
			return s.browser().approved(secret.NewID(), digest)
		},
		"a ceremony that nobody answered": func(t *testing.T, s *site, d *device) (*store.User, error) {
			b := s.browser()
			return b.approved(b.startApproval(t, digest).Ceremony, digest)
		},
		"a ceremony whose answer was refused": func(t *testing.T, s *site, d *device) (*store.User, error) {
			b := s.browser()
			d.rp.Origin = "https://evil.example"
			ceremony, _ := b.prove(t, d, digest)
			return b.approved(ceremony, digest)
		},
		"the ceremony of another request": func(t *testing.T, s *site, d *device) (*store.User, error) {
			b := s.browser()
			ceremony, finished := b.prove(t, d, digestOf("another request"))
			wantOK(t, finished)
			return b.approved(ceremony, digest)
		},
		"the zero digest": func(t *testing.T, s *site, d *device) (*store.User, error) {
			b := s.browser()
			ceremony, finished := b.prove(t, d, digest)
			wantOK(t, finished)
			return b.approved(ceremony, store.Hash{})
		},
		"another browser": func(t *testing.T, s *site, d *device) (*store.User, error) {
			ceremony, finished := s.browser().prove(t, d, digest)
			wantOK(t, finished)
			other := s.browser()
			other.startApproval(t, digest) // which gives it a cookie of its own
			return other.approved(ceremony, digest)
		},
		"a browser without a cookie": func(t *testing.T, s *site, d *device) (*store.User, error) {
			ceremony, finished := s.browser().prove(t, d, digest)
			wantOK(t, finished)
			return s.browser().approved(ceremony, digest)
		},
		"the cookie alone, after an approval": func(t *testing.T, s *site, d *device) (*store.User, error) {
			b := s.browser()
			ceremony, finished := b.prove(t, d, digest)
			wantOK(t, finished)
			if _, err := b.approved(ceremony, digest); err != nil {
				t.Fatal(err)
			}
			return b.approved(b.startApproval(t, digest).Ceremony, digest)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := owned(t)
			if user, err := ask(t, s, d); user != nil || !errors.Is(err, passkey.ErrNotApproved) {
				t.Errorf("Approved = %v, %v, want ErrNotApproved", user, err)
			}
		})
	}
}

func TestASetupCeremonyApprovesNothing(t *testing.T) {
	s, d := newSite(t), newDevice()
	b := s.browser()
	begun := b.startSetup(t)
	wantOK(t, b.register(t, d))
	if _, err := b.approved(begun.Ceremony, store.Hash{}); !errors.Is(err, passkey.ErrNotApproved) {
		t.Errorf("Approved = %v", err)
	}
	other := b.startApproval(t, digestOf("request"))
	w := b.finish("/passkey/register/finish", other.Ceremony, d.create(t, other))
	wantRefusal(t, w, http.StatusBadRequest, passkey.InvalidSession)
}

func TestAChallengeHasOneTry(t *testing.T) {
	s, d := owned(t)
	b := s.browser()
	c := b.startApproval(t, digestOf("request"))
	signed := d.sign(t, c)
	wantOK(t, b.finish("/passkey/auth/finish", c.Ceremony, signed))
	wantRefusal(t, b.finish("/passkey/auth/finish", c.Ceremony, signed), http.StatusBadRequest, passkey.InvalidSession)

	c = b.startApproval(t, digestOf("request"))
	wantRefusal(t, b.finish("/passkey/auth/finish", c.Ceremony, `{"id":"nonsense"}`), http.StatusForbidden, passkey.AuthenticationFailed)
	wantRefusal(t, b.finish("/passkey/auth/finish", c.Ceremony, d.sign(t, c)), http.StatusBadRequest, passkey.InvalidSession)
}

func TestAChallengeIsAnsweredInTheBrowserThatAsked(t *testing.T) {
	s, d := owned(t)
	c := s.browser().startApproval(t, digestOf("request"))
	other := s.browser()
	other.startApproval(t, digestOf("request"))
	wantRefusal(t, other.finish("/passkey/auth/finish", c.Ceremony, d.sign(t, c)), http.StatusBadRequest, passkey.InvalidSession)
}

func TestCeremoniesExpireAtBothSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := owned(t)
		b, digest := s.browser(), digestOf("request")

		c := b.startApproval(t, digest)
		advance(store.CeremonyLife - time.Second)
		wantOK(t, b.finish("/passkey/auth/finish", c.Ceremony, d.sign(t, c)))
		advance(store.CeremonyLife - time.Second)
		if _, err := b.approved(c.Ceremony, digest); err != nil {
			t.Errorf("just in time: %v", err)
		}

		c = b.startApproval(t, digest)
		advance(store.CeremonyLife)
		wantRefusal(t, b.finish("/passkey/auth/finish", c.Ceremony, d.sign(t, c)), http.StatusBadRequest, passkey.InvalidSession)

		ceremony, finished := b.prove(t, d, digest)
		wantOK(t, finished)
		advance(store.CeremonyLife)
		if _, err := b.approved(ceremony, digest); !errors.Is(err, passkey.ErrNotApproved) {
			t.Errorf("too late: %v, want ErrNotApproved", err)
		}
	})
}

func TestAnAnswerThatProvesNothingIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*device){
		"of another origin":              func(d *device) { d.rp.Origin = "https://evil.example" },
		"of a subdomain":                 func(d *device) { d.rp.Origin = "https://sub.mcp.example" },
		"of another port":                func(d *device) { d.rp.Origin = serverURL + ":8443" },
		"over plain http":                func(d *device) { d.rp.Origin = "http://mcp.example" },
		"for another host":               func(d *device) { d.rp.ID = "evil.example" },
		"without user verification":      func(d *device) { d.auth.Options.UserNotVerified = true },
		"without user presence":          func(d *device) { d.auth.Options.UserNotPresent = true },
		"by another key":                 func(d *device) { d.credential.Key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2).Key },
		"by another passkey":             func(d *device) { d.credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2) },
		"of no user handle":              func(d *device) { d.auth.Options.UserHandle = nil },
		"of an unknown user handle":      func(d *device) { d.auth.Options.UserHandle = store.NewUserHandle("nobody") },
		"of a forged owner's handle":     func(d *device) { d.auth.Options.UserHandle = store.NewUserHandle(store.OwnerID) },
		"of a handle that is too long":   func(d *device) { d.auth.Options.UserHandle = bytes.Repeat([]byte("a"), 65) },
		"that may suddenly be backed up": func(d *device) { d.auth.Options.BackupEligible = true },
	} {
		t.Run(name, func(t *testing.T) {
			s, d := owned(t)
			before := s.owner(t).Passkeys[0]
			spoil(d)
			_, finished := s.browser().prove(t, d, digestOf("request"))
			wantRefusal(t, finished, http.StatusForbidden, passkey.AuthenticationFailed)
			if !strings.Contains(s.log.String(), "msg=passkey.refused reason=") {
				t.Errorf("log = %s", s.log)
			}
			if after := s.owner(t).Passkeys[0]; after.SignCount != before.SignCount || !after.UsedAt.IsZero() {
				t.Errorf("the refused answer changed the passkey: %+v", after)
			}
		})
	}
}

func TestTheUseOfAPasskeyIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newSite(t), newDevice()
		d.auth.Options.BackupEligible = true
		wantOK(t, s.browser().register(t, d))
		advance(time.Hour)
		d.credential.Counter = 41
		d.auth.Options.BackupState = true
		_, finished := s.browser().prove(t, d, digestOf("request"))
		wantOK(t, finished)
		if p := s.owner(t).Passkeys[0]; p.SignCount != 42 || !p.BackedUp || !p.UsedAt.Equal(time.Now()) {
			t.Errorf("passkey = %+v", p)
		}
	})
}

func TestACounterThatDoesNotAdvanceIsRefused(t *testing.T) {
	for name, next := range map[string]uint32{"it goes back": 3, "it stands still": 9, "it goes back to nothing": 0} {
		t.Run(name, func(t *testing.T) {
			s, d := owned(t)
			d.credential.Counter = 9
			_, finished := s.browser().prove(t, d, digestOf("request")) // the counter is 10 now
			wantOK(t, finished)

			d.credential.Counter = next
			b := s.browser()
			ceremony, finished := b.prove(t, d, digestOf("request"))
			wantRefusal(t, finished, http.StatusForbidden, passkey.AuthenticationFailed)
			if _, err := b.approved(ceremony, digestOf("request")); !errors.Is(err, passkey.ErrNotApproved) {
				t.Errorf("Approved = %v", err)
			}
			if p := s.owner(t).Passkeys[0]; p.SignCount != 10 {
				t.Errorf("counter = %d, want the one of the last good answer", p.SignCount)
			}
			if !strings.Contains(s.log.String(), "may have been copied") {
				t.Errorf("log = %s", s.log)
			}
		})
	}
}

func TestASyncedPasskeyHasNoCounter(t *testing.T) {
	s, d := newSite(t), newDevice()
	d.credential.Counter = 0
	wantOK(t, s.browser().register(t, d))
	for range 3 {
		_, finished := s.browser().prove(t, d, digestOf("request"))
		wantOK(t, finished)
	}
}

func TestRSAPasskeysWorkToo(t *testing.T) {
	s, d := newSite(t), newDevice()
	d.credential = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA)
	wantOK(t, s.browser().register(t, d))
	_, finished := s.browser().prove(t, d, digestOf("request"))
	wantOK(t, finished)
}

func TestOutputsOfExtensionsThatNobodyAskedForAreIgnored(t *testing.T) {
	s, d := owned(t)
	b := s.browser()
	c := b.startApproval(t, digestOf("request"))
	signed := strings.Replace(d.sign(t, c), `"type":`, `"clientExtensionResults":{"credProps":{"rk":true}},"type":`, 1)
	wantOK(t, b.finish("/passkey/auth/finish", c.Ceremony, signed))
}

func TestAChallengeNamesNoCredential(t *testing.T) {
	s, d := owned(t)
	c := s.browser().startApproval(t, digestOf("request"))
	var options struct {
		PublicKey map[string]any `json:"publicKey"`
	}
	if err := json.Unmarshal(c.Options, &options); err != nil {
		t.Fatal(err)
	}
	key := options.PublicKey
	if _, listed := key["allowCredentials"]; listed || strings.Contains(string(c.Options), base64.RawURLEncoding.EncodeToString(d.credential.ID)) {
		t.Errorf("the options tell everybody the ID of the passkey: %s", c.Options)
	}
	if key["userVerification"] != "required" || key["rpId"] != "mcp.example" || key["timeout"] != 300_000.0 {
		t.Errorf("options = %s", c.Options)
	}
}

func TestWithoutAnOwnerThereIsNothingToApproveWith(t *testing.T) {
	w := newSite(t).browser().post("/passkey/auth/start", `{"digest":"`+strings.Repeat("A", 42)+`E"}`)
	wantRefusal(t, w, http.StatusBadRequest, passkey.NoPasskeys)
}

func TestABodyThatIsNotWhatIsExpectedIsRefused(t *testing.T) {
	s, _ := owned(t)
	paths := []string{"/passkey/register/start", "/passkey/register/finish", "/passkey/auth/start", "/passkey/auth/finish"}
	for _, path := range paths {
		for name, tc := range map[string]struct {
			contentType, body string
			status            int
		}{
			"not JSON":          {"application/json", "{", http.StatusBadRequest},
			"another JSON type": {"application/json", "[]", http.StatusBadRequest},
			"empty":             {"application/json", "", http.StatusBadRequest},
			"too large":         {"application/json", `{"x":"` + strings.Repeat("a", 65<<10) + `"}`, http.StatusRequestEntityTooLarge},
			// What a form of another site can send without being asked.
			"text":           {"text/plain", "{}", http.StatusUnsupportedMediaType},
			"a form":         {"application/x-www-form-urlencoded", "{}", http.StatusUnsupportedMediaType},
			"of no type":     {"", "{}", http.StatusUnsupportedMediaType},
			"of many types":  {"text/plain; application/json", "{}", http.StatusUnsupportedMediaType},
			"JSON in UTF-16": {"application/json; charset=utf-16", "{", http.StatusBadRequest},
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(tc.body))
				r.Header.Set("Content-Type", tc.contentType)
				wantRefusal(t, s.browser().do(r), tc.status, "invalid_request")
			})
		}
	}
	for path, bodies := range map[string][]string{
		"/passkey/auth/start":      {`{}`, `{"digest":""}`, `{"digest":"short"}`, `{"digest":"` + strings.Repeat("A", 43) + `"}`},
		"/passkey/auth/finish":     {`{}`, `{"ceremony":"x"}`, `{"credential":{}}`},
		"/passkey/register/finish": {`{}`, `{"ceremony":"x"}`, `{"credential":{}}`},
	} {
		for _, body := range bodies {
			wantRefusal(t, s.browser().post(path, body), http.StatusBadRequest, "invalid_request")
		}
	}
}

func TestTheCookieTellsBrowsersApartAndNoMore(t *testing.T) {
	for name, tc := range map[string]struct {
		url, cookie string
		secure      bool
	}{
		"on https":                {"https://mcp.example", "__Host-mcpoauth", true},
		"on loopback without TLS": {"http://localhost:8080", "mcpoauth", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newSiteAt(t, tc.url).browser()
			b.startSetup(t)
			if len(b.cookies) != 1 {
				t.Fatalf("cookies = %v", b.cookies)
			}
			c := b.cookies[0]
			if c.Name != tc.cookie || c.Secure != tc.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
				t.Errorf("cookie = %+v", c)
			}
			if b.startSetup(t); len(b.cookies) != 1 {
				t.Error("a browser that has its cookie got another: ceremonies of its other tabs are lost")
			}
		})
	}
}

func TestACookieThatWeDidNotMakeIsReplaced(t *testing.T) {
	b := newSite(t).browser()
	r := httptest.NewRequest(http.MethodPost, "/passkey/register/start", strings.NewReader(`{"token":"`+setupToken+`"}`))
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(&http.Cookie{Name: "__Host-mcpoauth", Value: "x"})
	wantStatus(t, b.do(r), http.StatusOK)
	if len(b.cookies) != 1 || len(b.cookies[0].Value) != secret.Len {
		t.Errorf("cookies = %v", b.cookies)
	}
}

func TestR60TheLogHoldsNoSecret(t *testing.T) {
	s, d := newSite(t), newDevice()
	b := s.browser()
	b.post("/passkey/register/start", `{"token":"mcpoauth_st_almost"}`)
	wantOK(t, b.register(t, d))
	ceremony, finished := b.prove(t, d, digestOf("request"))
	wantOK(t, finished)
	d.rp.Origin = "https://evil.example/" + strings.Repeat("x", 5000)
	b.prove(t, d, digestOf("request"))
	for _, secret := range []string{setupToken, "mcpoauth_st_almost", b.cookies[0].Value, ceremony} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, s.log)
		}
	}
	if !strings.Contains(s.log.String(), "evil.example") || s.log.Len() > 2000 {
		t.Errorf("want the wrong origin in the log, but not all of it:\n%s", s.log)
	}
}

func TestARelyingPartyNeedsADomain(t *testing.T) {
	for _, url := range []string{"https://127.0.0.1", "http://[::1]:8080", "https://192.0.2.1:8443", "::"} {
		if _, err := passkey.RelyingParty(url, "Notes"); err == nil {
			t.Errorf("%s was accepted: passkeys cannot belong to it", url)
		}
	}
	rp, err := passkey.RelyingParty("http://localhost:8080", "Notes")
	if err != nil || rp.Config.RPID != "localhost" || rp.Config.RPOrigins[0] != "http://localhost:8080" {
		t.Errorf("RelyingParty = %+v, %v", rp, err)
	}
}
