package passkey_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/mcpoauth/mcpoauth/passkey"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A damage is what is done to a good answer: to its text, to what a member of its response
// decodes to, or to the text inside clientDataJSON.
type damage struct {
	member string // empty: the whole text
	at     int
	with   string
	insert bool
}

func (d damage) to(t *testing.T, answer string) string {
	t.Helper()
	if d.member == "" {
		return d.splice(answer)
	}
	return edit(t, answer, func(response map[string]any) {
		text, _ := response[d.member].(string)
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
		if err != nil {
			t.Fatal(err)
		}
		response[d.member] = base64.RawURLEncoding.EncodeToString([]byte(d.splice(string(raw))))
	})
}

func (d damage) splice(s string) string {
	at := min(max(d.at, 0), len(s))
	end := at
	if !d.insert {
		end = min(at+len(d.with), len(s))
	}
	return s[:at] + d.with + s[end:]
}

// proof is what an answer says, as it is read here.
type proof struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientDataJSON, AuthenticatorData, Signature, UserHandle, AttestationObject string
	} `json:"response"`
}

func read(t *testing.T, answer string) (p proof, ok bool) {
	t.Helper()
	ok = json.Unmarshal([]byte(answer), &p) == nil
	for _, text := range []*string{
		&p.ID, &p.RawID, &p.Response.ClientDataJSON, &p.Response.AuthenticatorData, &p.Response.Signature, &p.Response.UserHandle, &p.Response.AttestationObject,
	} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("\n", "", "\r", "").Replace(*text), "="))
		ok = ok && err == nil
		*text = string(raw)
	}
	return p, ok
}

var (
	signedMembers = []string{"", "clientDataJSON", "authenticatorData", "signature", "userHandle"}
	madeMembers   = []string{"", "clientDataJSON", "attestationObject"}
	damages       = []damage{
		{"", 0, "", true},
		{"", 0, "[", true},
		{"", 1, `"id":"AAAA",`, true},
		{"", 1, `"type":"x",`, true},
		{"", 1, "\x00", false},
		{"", 1, `"response":null,`, true},
		{"", 40, `"`, false},
		{"", 1, `"clientExtensionResults":{"appid":true},`, true},
		{"", 1, `"response":{},"RESPONSE":[],`, true},
		{"", 0, "null", true},
		{"", 60, "AAAA", false},
	}
)

// addDamages seeds changes of the text, and of each member a few.
func addDamages(f *testing.F, members []string) {
	for _, d := range damages {
		f.Add(uint8(0), d.at, d.with, d.insert)
	}
	for i := range members[1:] {
		f.Add(uint8(i+1), 0, "", true)
		f.Add(uint8(i+1), 1, `"crossOrigin":true,`, true)
		f.Add(uint8(i+1), 32, "\x04", false)
		f.Add(uint8(i+1), 36, "\xff", false)
	}
}

// quickSite is newSite with the parts that never change made once, and nothing in it.
var quickSite = func() func(t *testing.T) *site {
	made := sync.OnceValues(func() (*templates.Pages, error) { return templates.Parse(templates.App{Name: "Notes"}, nil) })
	return func(t *testing.T) *site {
		t.Helper()
		pages, err := made()
		if err != nil {
			t.Fatal(err)
		}
		rp, err := passkey.RelyingParty(serverURL, "Notes")
		if err != nil {
			t.Fatal(err)
		}
		backend := memory.New(memory.Options{})
		t.Cleanup(func() { backend.Close() })
		s := &site{store: store.New(backend, store.Lifetimes{}), mux: http.NewServeMux(), log: new(bytes.Buffer)}
		s.Handler = &passkey.Handler{
			Store: s.store, Pages: pages, RelyingParty: rp, Log: slog.New(slog.NewTextHandler(s.log, nil)), ServerURL: serverURL, AppName: "Notes", SetupToken: setupToken,
		}
		s.mux.HandleFunc("POST /passkey/register/start", s.RegisterStart)
		s.mux.HandleFunc("POST /passkey/register/finish", s.RegisterFinish)
		s.mux.HandleFunc("POST /passkey/auth/start", s.AuthStart)
		s.mux.HandleFunc("POST /passkey/auth/finish", s.AuthFinish)
		return s
	}
}()

// Whatever is done to a good answer of a passkey: it approves if it still is the same proof,
// and never else, and each challenge has one try.
func FuzzAnAnswerThatWasChanged(f *testing.F) {
	addDamages(f, signedMembers)
	d := newDevice()
	var owner *store.User
	f.Fuzz(func(t *testing.T, member uint8, at int, with string, insert bool) {
		s := quickSite(t)
		b := s.browser()
		if owner == nil {
			wantOK(t, b.register(t, d))
			owner = s.owner(t)
		} else if err := s.store.CreateOwner(t.Context(), *owner); err != nil {
			t.Fatal(err)
		}
		digest := digestOf("request")
		c := b.startApproval(t, digest)
		good := d.sign(t, c)
		changed := damage{signedMembers[int(member)%len(signedMembers)], at, with, insert}.to(t, good)
		w := b.finish("/passkey/auth/finish", c.Ceremony, changed)
		wantAnswered(t, s, w.Code, w.Body.Bytes())
		user, err := b.approved(c.Ceremony, digest)
		if (err == nil) != (w.Code == http.StatusOK) {
			t.Fatalf("%s: %d, and it is approved: %v", changed, w.Code, err)
		}
		want, _ := read(t, good)
		got, whole := read(t, changed)
		if err == nil && (!whole || got.Response != want.Response || got.RawID != want.RawID || user.ID != owner.ID) {
			t.Errorf("%s approves in the place of %s", changed, good)
		}
		if err == nil {
			return
		}
		if json.Valid([]byte(changed)) && with != "" && b.finish("/passkey/auth/finish", c.Ceremony, good).Code == http.StatusOK {
			t.Errorf("after %s there was another try", changed)
		}
		if counter := s.owner(t).Passkeys[0].SignCount; counter != 1 {
			t.Errorf("%s: the counter became %d", changed, counter)
		}
	})
}

// Nobody signs a new passkey; but it is made for this server, for this challenge, by
// somebody who was verified, and for who has the setup token.
func FuzzANewPasskeyThatWasChanged(f *testing.F) {
	addDamages(f, madeMembers)
	d := newDevice()
	f.Fuzz(func(t *testing.T, member uint8, at int, with string, insert bool) {
		s := quickSite(t)
		b := s.browser()
		c := b.startSetup(t)
		good := d.create(t, c)
		changed := damage{madeMembers[int(member)%len(madeMembers)], at, with, insert}.to(t, good)
		w := b.finish("/passkey/register/finish", c.Ceremony, changed)
		wantAnswered(t, s, w.Code, w.Body.Bytes())
		done, err := s.SetUp(t.Context())
		if err != nil || done != (w.Code == http.StatusOK) {
			t.Fatalf("%s: %d, and there is an owner: %v, %v", changed, w.Code, done, err)
		}
		if !done {
			if json.Valid([]byte(changed)) && with != "" && b.finish("/passkey/register/finish", c.Ceremony, good).Code == http.StatusOK {
				t.Errorf("after %s there was another try", changed)
			}
			return
		}
		want, _ := read(t, good)
		got, _ := read(t, changed)
		var made, meant struct{ Type, Challenge, Origin string }
		if json.Unmarshal([]byte(got.Response.ClientDataJSON), &made) != nil || json.Unmarshal([]byte(want.Response.ClientDataJSON), &meant) != nil || made != meant {
			t.Errorf("a passkey was made by %q, want %+v", got.Response.ClientDataJSON, meant)
		}
		const present, verified, hasKey = 1, 4, 64
		site := sha256.Sum256([]byte("mcp.example"))
		_, rest, found := bytes.Cut([]byte(got.Response.AttestationObject), site[:])
		if !found || rest[0]&(present|verified|hasKey) != present|verified|hasKey {
			t.Errorf("a passkey was made by %q", got.Response.AttestationObject)
		}
		owner := s.owner(t)
		if len(owner.Passkeys) != 1 || len(owner.Passkeys[0].ID) == 0 || string(owner.Passkeys[0].ID) != got.RawID || !bytes.Contains([]byte(got.Response.AttestationObject), owner.Passkeys[0].PublicKey) {
			t.Errorf("%s makes %+v", changed, owner.Passkeys)
		}
	})
}

// wantAnswered fails unless an answer is one that a script reads, and the log one line of
// one event for each.
func wantAnswered(t *testing.T, s *site, status int, body []byte) {
	t.Helper()
	var refusal struct{ Error string }
	if err := json.Unmarshal(body, &refusal); err != nil || status >= 500 || (status == http.StatusOK) != (refusal.Error == "") {
		t.Fatalf("%d %s", status, body)
	}
	for line := range strings.Lines(s.log.String()) {
		if !strings.HasPrefix(line, "time=") || strings.Count(line, " msg=") != 1 {
			t.Errorf("the log has the line %q", line)
		}
	}
}

// Whatever is sent for a token: the setup begins for who has it, and for nobody else.
func FuzzSetupToken(f *testing.F) {
	// TOKEN stands for the token of the configuration, LINK for that of a link.
	for _, body := range []string{
		`{"token":"TOKEN"}`, `{"token":"LINK"}`, `{"token":"TOKEN "}`, `{"token":"LINKLINK"}`, `{"token":""}`, `{}`, `{"token":null}`, `{"token":["TOKEN"]}`, `{"setup_token":"TOKEN"}`,
		`{"token":"x","token":"TOKEN"}`, `{"token":"TOKEN","token":"x"}`, `{"token":"TOKEN","Token":""}`, `["TOKEN"]`, `"TOKEN"`, ``, `null`, `{"token":"mcpoauth_et_"}`, `{"token":"TOKEN\u0000"}`, "{\"token\":\"TOKEN\xff\"}",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := quickSite(t)
		link, err := s.store.Enrol(t.Context(), "setup", "owner", "")
		if err != nil {
			t.Fatal(err)
		}
		body = strings.NewReplacer("TOKEN", setupToken, "LINK", link).Replace(body)
		w := s.browser().post("/passkey/register/start", body)
		wantAnswered(t, s, w.Code, w.Body.Bytes())
		var sent struct{ Token string }
		right := json.Unmarshal([]byte(body), &sent) == nil && (sent.Token == setupToken || sent.Token == link)
		if began := w.Code == http.StatusOK; began != right {
			t.Errorf("%q begins the setup: %v", body, began)
		}
		var refusal struct{ Error string }
		if err := json.Unmarshal(w.Body.Bytes(), &refusal); err == nil && !right && refusal.Error != passkey.InvalidLink && refusal.Error != "invalid_request" {
			t.Errorf("%q: %s", body, w.Body)
		}
		if strings.Contains(s.log.String(), setupToken) || strings.Contains(s.log.String(), link) {
			t.Errorf("the log has a token: %s", s.log)
		}
	})
}
