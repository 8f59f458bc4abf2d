package replicas

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/descope/virtualwebauthn"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// A passkey is the owner's, in an authenticator that counts nothing, as one that is synced
// between devices: so it is used at several places at once.
type passkey struct {
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
	signing       *sync.Mutex // virtualwebauthn prepares a key anew each time it signs
}

// newCredential returns a credential whose public key has coordinates of 32 bytes.
// virtualwebauthn drops leading zeros, which 1 key in 128 has and WebAuthn forbids.
func newCredential() virtualwebauthn.Credential {
	const cosePublicKey = 77 // bytes of one of P-256
	for {
		credential := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(credential.Key.AttestationData()) == cosePublicKey {
			return credential
		}
	}
}

func (d *deployment) relyingParty() virtualwebauthn.RelyingParty {
	return virtualwebauthn.RelyingParty{Name: "Notes", ID: "localhost", Origin: d.url}
}

func newJar() http.CookieJar {
	jar, _ := cookiejar.New(nil) // never fails
	return jar
}

// setUp makes a passkey with the token of a setup link. status is that of the first
// answer that was not 200.
func (d *deployment) setUp(ctx context.Context, token string, replica func(step int) int) (owner passkey, status int) {
	jar := newJar()
	step := object("/passkey/register/start", map[string]string{"token": token}).at(replica(0))
	step.jar = jar
	began := d.do(ctx, step)
	if began.status != http.StatusOK {
		return passkey{}, began.status
	}
	options, err := virtualwebauthn.ParseAttestationOptions(member(began, "options"))
	if err != nil {
		d.t.Error(err)
		return passkey{}, 0
	}
	owner = passkey{
		virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)}),
		newCredential(),
		new(sync.Mutex),
	}
	made := virtualwebauthn.CreateAttestationResponse(d.relyingParty(), owner.authenticator, owner.credential, *options)
	owner.authenticator.AddCredential(owner.credential)
	step = object("/passkey/register/finish", map[string]any{"ceremony": began.text("ceremony"), "credential": json.RawMessage(made)}).at(replica(1))
	step.jar = jar
	return owner, d.do(ctx, step).status
}

// own sets the server up.
func (d *deployment) own() {
	d.t.Helper()
	owner, status := d.setUp(d.t.Context(), d.setupToken(0), func(int) int { return next })
	if status != http.StatusOK {
		d.t.Fatalf("setting up: %d", status)
	}
	d.owner = owner
}

func member(r reply, name string) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(r.body, &members) // a body that is no object has no members
	return string(members[name])
}

const (
	redirectURI = "https://client.example/callback"
	verifier    = "a-verifier.of_the~tests-0123456789-0123456789"
)

var (
	installations   atomic.Int64
	digestAttribute = regexp.MustCompile(`data-digest="([^"]+)"`)
)

// signIn registers a client and approves it, each step at the next replica, and returns
// the client's ID and code. ok is false if a step had no answer.
func (d *deployment) signIn(ctx context.Context) (clientID, code string, ok bool) {
	registered := d.do(ctx, object("/register", map[string]any{
		"client_name":                "Client " + strconv.FormatInt(installations.Add(1), 10),
		"redirect_uris":              []string{redirectURI},
		"token_endpoint_auth_method": "none",
	}))
	if !d.stepped("registering", registered, http.StatusCreated) {
		return "", "", false
	}
	clientID = registered.text("client_id")
	target := "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {redirectURI}, "state": {"the-state"},
		"code_challenge": {secret.S256(verifier)}, "code_challenge_method": {"S256"}, "resource": {d.url + "/mcp"},
	}.Encode()
	jar := newJar()
	ceremony, ok := d.touch(ctx, target, jar)
	if !ok {
		return "", "", false
	}
	decision := form(target, url.Values{"decision": {"approve"}, "ceremony": {ceremony}})
	decision.jar = jar
	decided := d.do(ctx, decision)
	if !d.stepped("deciding", decided, http.StatusSeeOther) {
		return "", "", false
	}
	back, err := url.Parse(decided.header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" {
		d.check.violation(lostSignIn, "the browser was sent to %q", decided.header.Get("Location"))
		return "", "", false
	}
	return clientID, back.Query().Get("code"), true
}

// touch opens the approval page and answers its passkey prompt.
func (d *deployment) touch(ctx context.Context, target string, jar http.CookieJar) (ceremony string, ok bool) {
	page := d.do(ctx, request{replica: next, method: "GET", path: target, jar: jar})
	if !d.stepped("opening the page", page, http.StatusOK) {
		return "", false
	}
	digest := digestAttribute.FindSubmatch(page.body)
	if digest == nil {
		d.check.violation(lostSignIn, "the page has nothing to approve: %.500s", page.body)
		return "", false
	}
	step := object("/passkey/auth/start", map[string]string{"digest": string(digest[1])})
	step.jar = jar
	began := d.do(ctx, step)
	if !d.stepped("starting the ceremony", began, http.StatusOK) {
		return "", false
	}
	options, err := virtualwebauthn.ParseAssertionOptions(member(began, "options"))
	if err != nil {
		d.check.violation(strange, "%v: %s", err, began.body)
		return "", false
	}
	d.owner.signing.Lock()
	assertion := virtualwebauthn.CreateAssertionResponse(d.relyingParty(), d.owner.authenticator, d.owner.credential, *options)
	d.owner.signing.Unlock()
	ceremony = began.text("ceremony")
	step = object("/passkey/auth/finish", map[string]any{"ceremony": ceremony, "credential": json.RawMessage(assertion)})
	step.jar = jar
	return ceremony, d.stepped("finishing the ceremony", d.do(ctx, step), http.StatusOK)
}

// stepped reports whether a step of a sign-in succeeded. One that had no answer may be
// lost with all that it changed; one that was refused although all before it were
// acknowledged is a violation.
func (d *deployment) stepped(doing string, r reply, want int) bool {
	if r.status != want && !r.unknown() && !d.forgetful {
		d.check.violation(lostSignIn, "%s: %d %.300s", doing, r.status, r.body)
	}
	return r.status == want
}
