package mcpoauth_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// The attacks of WebAuthn Level 3, sections 13 and 14, by somebody who writes both halves
// of an authenticator's answer as they like.

// Flags of the authenticator data (WebAuthn Level 3 §6.1).
const (
	userPresent, userVerified = 0x01, 0x04
	backupEligible, backedUp  = 0x08, 0x10
	attested, extended        = 0x40, 0x80
)

// An utterance is what an authenticator says, before it is signed.
type utterance struct {
	client   map[string]any // the client data
	rpID     string
	flags    byte
	counter  uint32
	more     []byte // behind the counter
	id       []byte // of the credential
	handle   []byte // of the user
	key      *virtualwebauthn.Key
	mangle   func(signature []byte) []byte
	outputs  map[string]any // of extensions
	attStmt  map[string]any
	attFmt   string
	coseKey  []byte // of a new credential
	authData []byte // as it was sent
}

// honest is what this browser's authenticator would say to a challenge.
func (s *server) honest(kind string, challenge []byte) *utterance {
	return &utterance{
		client:  map[string]any{"type": kind, "challenge": base64.RawURLEncoding.EncodeToString(challenge), "origin": s.url, "crossOrigin": false},
		rpID:    s.relyingParty().ID,
		flags:   userPresent | userVerified,
		counter: s.credential.Counter + 1,
		id:      s.credential.ID,
		handle:  s.authenticator.Options.UserHandle,
		key:     s.credential.Key,
		mangle:  func(signature []byte) []byte { return signature },
		attStmt: map[string]any{},
		attFmt:  "none",
		coseKey: s.credential.Key.AttestationData(),
	}
}

func (u *utterance) signed(t *testing.T) (clientData, authData, signature []byte) {
	t.Helper()
	clientData, err := json.Marshal(u.client)
	if err != nil {
		t.Fatal(err)
	}
	rp := sha256.Sum256([]byte(u.rpID))
	authData = append(rp[:], u.flags)
	authData = binary.BigEndian.AppendUint32(authData, u.counter)
	if authData = append(authData, u.more...); u.authData != nil {
		authData = u.authData
	}
	client := sha256.Sum256(clientData)
	digest := sha256.Sum256(append(slices.Clone(authData), client[:]...))
	signature, err = u.key.Sign(digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return clientData, authData, u.mangle(signature)
}

// assertion is the answer to navigator.credentials.get.
func (u *utterance) assertion(t *testing.T) json.RawMessage {
	t.Helper()
	clientData, authData, signature := u.signed(t)
	response := map[string]string{"authenticatorData": encoded(authData), "clientDataJSON": encoded(clientData), "signature": encoded(signature)}
	if u.handle != nil {
		response["userHandle"] = encoded(u.handle)
	}
	return u.credential(t, response)
}

// attestation is the answer to navigator.credentials.create.
func (u *utterance) attestation(t *testing.T) json.RawMessage {
	t.Helper()
	u.flags |= attested
	u.more = append(attestedData(u.id, u.coseKey), u.more...)
	clientData, authData, _ := u.signed(t)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": u.attFmt, "attStmt": u.attStmt, "authData": authData})
	if err != nil {
		t.Fatal(err)
	}
	return u.credential(t, map[string]string{"attestationObject": encoded(object), "clientDataJSON": encoded(clientData)})
}

func (u *utterance) credential(t *testing.T, response map[string]string) json.RawMessage {
	t.Helper()
	outputs := u.outputs
	if outputs == nil {
		outputs = map[string]any{}
	}
	body, err := json.Marshal(map[string]any{
		"type": "public-key", "id": encoded(u.id), "rawId": encoded(u.id), "response": response, "clientExtensionResults": outputs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func encoded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// attestedData is a new credential in authenticator data (WebAuthn Level 3 §6.5.1).
func attestedData(id, coseKey []byte) []byte {
	data := binary.BigEndian.AppendUint16(make([]byte, 16), uint16(len(id)))
	return append(append(data, id...), coseKey...)
}

// prompted is the challenge that a page with a touch asks for.
func (s *server) prompted(page answer) (ceremony string, challenge []byte) {
	s.t.Helper()
	found := digestAttribute.FindStringSubmatch(page.body)
	if found == nil {
		s.t.Fatalf("no page with a touch: %d %s", page.StatusCode, page.body)
	}
	began := s.fetch("/passkey/auth/start", map[string]string{"digest": found[1]})
	options, err := virtualwebauthn.ParseAssertionOptions(rawMember(s.t, began.body, "options"))
	if err != nil {
		s.t.Fatalf("%v: %s", err, began.body)
	}
	return began.text(s.t, "ceremony"), options.Challenge
}

// enrolling is the challenge for a new passkey, and whose it will be.
func (s *server) enrolling(token string) (ceremony string, options *virtualwebauthn.AttestationOptions) {
	s.t.Helper()
	began := s.fetch("/passkey/register/start", map[string]string{"token": token})
	options, err := virtualwebauthn.ParseAttestationOptions(rawMember(s.t, began.body, "options"))
	if err != nil {
		s.t.Fatalf("%v: %s", err, began.body)
	}
	return began.text(s.t, "ceremony"), options
}

func (s *server) answers(path, ceremony string, credential json.RawMessage) answer {
	s.t.Helper()
	return s.fetch(path, map[string]any{"ceremony": ceremony, "credential": credential})
}

// says answers the prompt of an approval page with what the attacker makes of it, and
// decides. It returns what became of the answer and of the decision.
func (s *server) says(t *testing.T, request url.Values, change func(*utterance)) (touched, decided answer) {
	t.Helper()
	ceremony, challenge := s.prompted(s.get("/authorize?" + request.Encode()))
	u := s.honest("webauthn.get", challenge)
	change(u)
	touched = s.answers("/passkey/auth/finish", ceremony, u.assertion(t))
	return touched, s.decide(request, "approve", ceremony)
}

// winsNothing fails unless the answer was refused and nothing was approved by it.
func (s *server) winsNothing(t *testing.T, request url.Values, change func(*utterance)) {
	t.Helper()
	touched, decided := s.says(t, request, change)
	touched.wantError(t, http.StatusForbidden, "authentication_failed")
	decided.wantPage(t, http.StatusBadRequest, "no longer counts")
}

// wins fails unless the answer approves: what the attacks are changes of is an honest one.
func (s *server) wins(t *testing.T, request url.Values, change func(*utterance)) {
	t.Helper()
	touched, decided := s.says(t, request, change)
	if touched.StatusCode != http.StatusOK || decided.location(t).Get("code") == "" {
		t.Fatalf("an honest answer is refused: %d %s", touched.StatusCode, touched.body)
	}
	s.credential.Counter++
}

func unchanged(*utterance) {}

// §13.1: the credential ID and the user handle are not signed, so anybody on the way can
// put others in.
func TestWebAuthn13_1_TheIDAndTheHandleOfAnotherProveNothing(t *testing.T) {
	s := signedIn(t)
	bob := s.invite("Bob")
	request := authorizationRequest(s.public(webClient), webClient)
	for name, change := range map[string]func(*utterance){
		"the owner's handle":                      func(u *utterance) { u.handle = s.authenticator.Options.UserHandle },
		"the owner's credential ID":               func(u *utterance) { u.id = s.credential.ID },
		"the owner's handle and credential ID":    func(u *utterance) { u.handle, u.id = s.authenticator.Options.UserHandle, s.credential.ID },
		"the owner's whole answer, signed by Bob": func(u *utterance) { *u = *s.saying(u.client); u.key = bob.credential.Key },
	} {
		t.Run(name, func(t *testing.T) { bob.winsNothing(t, request, change) })
	}
	bob.wins(t, request, unchanged)
	s.wins(t, request, unchanged)
	if n := s.logged("approval.granted"); n != 2 || !strings.Contains(s.logs.String(), `"user_id":"owner"`) {
		t.Errorf("%d requests were approved", n)
	}
}

// saying is what this browser's authenticator says with these client data.
func (s *server) saying(client map[string]any) *utterance {
	u := s.honest("webauthn.get", nil)
	u.client = client
	return u
}

// §13.1 and §7.1 step 27: who registers a credential ID that is another's already.
func TestWebAuthn13_1_APasskeyUnderTheIDOfAnothersTakesNothingOver(t *testing.T) {
	s := signedIn(t)
	mallory := s.another()
	mallory.credential.ID = s.credential.ID
	mallory.setUpWith(s.invitation("Mallory"))
	mallory.enter().wantRedirect(t, "/account")
	request := authorizationRequest(s.public(webClient), webClient)
	mallory.winsNothing(t, request, func(u *utterance) { u.handle = s.authenticator.Options.UserHandle })
	mallory.get("/account/people").wantPage(t, http.StatusNotFound)
	s.wins(t, request, unchanged)
	s.get("/account/people").wantPage(t, http.StatusOK, "Mallory")
}

// §13.4.1 promises what §7.2 checks. Each of these is honest but in one thing.
func TestWebAuthn13_4_1_AnAnswerThatIsWrongInOneWayApprovesNothing(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	set := func(member string, value any) func(*utterance) {
		return func(u *utterance) { u.client[member] = value }
	}
	another := newCredential()
	for name, change := range map[string]func(*utterance){
		// A signature for one purpose must not count for another (§5.8.1).
		"of the type of a registration":   set("type", "webauthn.create"),
		"of the type of a payment":        set("type", "payment.get"),
		"of no type":                      set("type", ""),
		"of a type in other letters":      set("type", "WebAuthn.Get"),
		"of no challenge":                 set("challenge", ""),
		"of a padded challenge":           func(u *utterance) { u.client["challenge"] = u.client["challenge"].(string) + "=" },
		"of another RP ID":                func(u *utterance) { u.rpID = "com" },
		"of a subdomain's RP ID":          func(u *utterance) { u.rpID = "login.example.com" },
		"of the RP ID as a U2F app ID":    func(u *utterance) { u.rpID, u.outputs = s.url, map[string]any{"appid": true} },
		"that says it is a U2F app":       func(u *utterance) { u.rpID, u.outputs = "https://evil.example", map[string]any{"appid": true} },
		"without presence":                func(u *utterance) { u.flags &^= userPresent },
		"without verification":            func(u *utterance) { u.flags &^= userVerified },
		"without either":                  func(u *utterance) { u.flags = 0 },
		"of a passkey that became a copy": func(u *utterance) { u.flags |= backupEligible | backedUp },
		"backed up, which it cannot be":   func(u *utterance) { u.flags |= backedUp },
		"with a key of its own": func(u *utterance) {
			u.flags |= attested
			u.more, u.key = attestedData(u.id, another.Key.AttestationData()), another.Key
		},
		"with extensions that are not there": func(u *utterance) { u.flags |= extended },
		"with bytes left over":               func(u *utterance) { u.more = []byte("more") },
		"of data cut short":                  func(u *utterance) { u.authData = make([]byte, 36) },
		"of no data":                         func(u *utterance) { u.authData = []byte{} },
		"signed by another key":              func(u *utterance) { u.key = another.Key },
		"signed by a key of another kind":    func(u *utterance) { u.key = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA).Key },
		"not signed":                         func(u *utterance) { u.mangle = func([]byte) []byte { return nil } },
		// CVE-2022-21449: r = s = 0 fits every message where nobody looks.
		"signed with two zeros":   func(u *utterance) { u.mangle = func([]byte) []byte { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0} } },
		"with a bit flipped":      func(u *utterance) { u.mangle = func(sig []byte) []byte { sig[len(sig)-1] ^= 1; return sig } },
		"of a credential of none": func(u *utterance) { u.id = []byte{} },
		"of no handle":            func(u *utterance) { u.handle = nil },
		"of a handle of nobody":   func(u *utterance) { u.handle = store.NewUserHandle(store.OwnerID) },
	} {
		t.Run(name, func(t *testing.T) { s.winsNothing(t, request, change) })
	}
	s.wins(t, request, unchanged)
}

// A copied authenticator (§6.1.1), which §13 counts on the counter to show.
func TestWebAuthn6_1_1_OfAnAuthenticatorAndItsCopyOneIsFoundOut(t *testing.T) {
	s := owned(t)
	request := authorizationRequest(s.public(webClient), webClient)
	thief := s.elsewhere()
	thief.credential.Counter = s.credential.Counter
	s.wins(t, request, unchanged)
	thief.winsNothing(t, request, unchanged)                            // it says the number that was said
	thief.winsNothing(t, request, func(u *utterance) { u.counter = 0 }) // as synced passkeys do
	s.wins(t, request, unchanged)
	if !strings.Contains(s.logs.String(), "may have been copied") {
		t.Error("the owner is not told")
	}
}

// §13.4.2: a page that frames the prompt shows something else around it. Browsers say
// so in the client data, and the pages refuse frames.
func TestWebAuthn13_4_2_AnAnswerFromAFrameInAnotherSiteIsRefused(t *testing.T) {
	framed := map[string]map[string]any{
		"a frame":                            {"crossOrigin": true},
		"a frame in a page that says its":    {"crossOrigin": true, "topOrigin": "https://evil.example"},
		"a frame in a page of our own":       {"crossOrigin": true, "topOrigin": serverURL},
		"a frame that says it is none":       {"crossOrigin": false, "topOrigin": "https://evil.example"},
		"a page that does not say it frames": {"crossOrigin": nil, "topOrigin": "https://evil.example"},
	}
	t.Run("approving", func(t *testing.T) {
		s := owned(t)
		request := authorizationRequest(s.public(webClient), webClient)
		for name, members := range framed {
			t.Run(name, func(t *testing.T) {
				s.winsNothing(t, request, func(u *utterance) { maps.Copy(u.client, members) })
			})
		}
		s.wins(t, request, func(u *utterance) { delete(u.client, "crossOrigin") }) // as of browsers of Level 1
	})
	t.Run("enrolling", func(t *testing.T) {
		s := serve(t, mcpoauth.Config{})
		for name, members := range framed {
			t.Run(name, func(t *testing.T) {
				s.enrolsNothing(t, func(u *utterance) { maps.Copy(u.client, members) })
			})
		}
		s.enrols(t, unchanged)
	})
	t.Run("the pages", func(t *testing.T) {
		s := owned(t)
		page := s.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode())
		for _, want := range []string{"publickey-credentials-get=(self)", "publickey-credentials-create=(self)"} {
			if !strings.Contains(page.Header.Get("Permissions-Policy"), want) {
				t.Errorf("Permissions-Policy is %q, without %s", page.Header.Get("Permissions-Policy"), want)
			}
		}
	})
}

// enrolsNothing fails unless a new passkey is refused, and the setup still open.
func (s *server) enrolsNothing(t *testing.T, change func(*utterance)) {
	t.Helper()
	s.offers(t, change).wantError(t, http.StatusBadRequest, "registration_failed")
	s.get("/passkey/register").wantPage(t, http.StatusOK, "Create the passkey")
}

func (s *server) enrols(t *testing.T, change func(*utterance)) {
	t.Helper()
	if res := s.offers(t, change); res.StatusCode != http.StatusOK {
		t.Fatalf("an honest new passkey is refused: %d %s\n%s", res.StatusCode, res.body, s.logs)
	}
}

// offers makes a passkey for the setup, as the attacker likes it.
func (s *server) offers(t *testing.T, change func(*utterance)) answer {
	t.Helper()
	ceremony, options := s.enrolling(setupToken)
	s.authenticator = virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: []byte(options.UserID)})
	u := s.honest("webauthn.create", options.Challenge)
	change(u)
	return s.answers("/passkey/register/finish", ceremony, u.attestation(t))
}

// §13.4.3: random, from the server, of 16 bytes at least, stored until they are answered.
func TestWebAuthn13_4_3_ChallengesAreRandomAndNobodyElseChoosesThem(t *testing.T) {
	s := signedIn(t)
	page := s.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode())
	digest := digestAttribute.FindStringSubmatch(page.body)[1]
	invitation := s.invitation("Bob")
	const mine = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	seen, bits := make(map[string]bool), make([]int, 256)
	const rounds = 100
	note := func(ceremony string, challenge []byte) {
		if len(challenge) < 16 || len(ceremony) < 22 {
			t.Fatalf("a challenge of %d bytes, a ceremony of %d characters", len(challenge), len(ceremony))
		}
		for _, part := range []string{encoded(challenge[:8]), encoded(challenge[len(challenge)-8:]), ceremony, ceremony[:11]} {
			if seen[part] || strings.Contains(mine, part) {
				t.Fatalf("%s came before", part)
			}
			seen[part] = true
		}
		for i := range min(len(challenge)*8, len(bits)) {
			bits[i] += int(challenge[i/8] >> (i % 8) & 1)
		}
	}
	for range rounds {
		began := s.fetch("/passkey/auth/start", map[string]any{"digest": digest, "challenge": mine, "ceremony": mine, "options": map[string]string{"challenge": mine}})
		options, err := virtualwebauthn.ParseAssertionOptions(rawMember(t, began.body, "options"))
		if err != nil {
			t.Fatal(err)
		}
		note(began.text(t, "ceremony"), options.Challenge)
		ceremony, enrolment := s.enrolling(invitation)
		note(ceremony, enrolment.Challenge)
	}
	for i, n := range bits[:128] {
		if n < rounds/2 || n > 2*rounds-rounds/2 { // chance does that once in a billion runs
			t.Errorf("bit %d of a challenge is set in %d of %d", i, n, 2*rounds)
		}
	}
}

// §13.4.3: what was heard once is worth nothing in another ceremony.
func TestWebAuthn13_4_3_AnAnswerIsGoodForItsOwnChallengeOnly(t *testing.T) {
	s := signedIn(t)
	request, invitation := authorizationRequest(s.public(webClient), webClient), s.invitation("Bob")
	ceremony, challenge := s.prompted(s.get("/authorize?" + request.Encode()))
	heard := s.honest("webauthn.get", challenge).assertion(t)
	for name, replay := range map[string]func() answer{
		"for the same request again": func() answer {
			next, _ := s.prompted(s.get("/authorize?" + request.Encode()))
			return s.answers("/passkey/auth/finish", next, heard)
		},
		"for signing in": func() answer {
			next, _ := s.prompted(s.another().get("/account/sign-in"))
			return s.answers("/passkey/auth/finish", next, heard)
		},
		"for an action of the account": func() answer {
			next, _ := s.prompted(s.post("/account/people/invite", "name", "Eve"))
			return s.answers("/passkey/auth/finish", next, heard)
		},
	} {
		t.Run(name, func(t *testing.T) { replay().wantError(t, http.StatusForbidden, "authentication_failed") })
	}
	// An approval is no new passkey, and a new passkey is no approval.
	enrolment, _ := s.enrolling(invitation)
	s.answers("/passkey/register/finish", enrolment, heard).wantError(t, http.StatusBadRequest, "registration_failed")
	enrolment, options := s.enrolling(invitation)
	s.answers("/passkey/auth/finish", enrolment, s.honest("webauthn.get", options.Challenge).assertion(t)).wantError(t, http.StatusBadRequest, "invalid_session")
	s.decide(request, "approve", enrolment).wantPage(t, http.StatusBadRequest, "no longer counts")
	approval, challenge := s.prompted(s.get("/authorize?" + request.Encode()))
	s.answers("/passkey/register/finish", approval, s.honest("webauthn.create", challenge).attestation(t)).wantError(t, http.StatusBadRequest, "invalid_session")

	if res := s.answers("/passkey/auth/finish", ceremony, heard); res.StatusCode != http.StatusOK {
		t.Errorf("in its own ceremony it is refused: %d %s", res.StatusCode, res.body)
	}
}

// §13.4.4, §13.4.5: who made the authenticator is neither asked for nor believed, so that
// there is nothing to forge, to track by or to revoke.
func TestWebAuthn13_4_4_NoAttestationIsAskedForAndNoneOpensMore(t *testing.T) {
	s := serve(t, mcpoauth.Config{})
	began := s.fetch("/passkey/register/start", map[string]string{"token": setupToken})
	if strings.Contains(began.body, `"attestation":"direct"`) || strings.Contains(began.body, `"attestation":"enterprise"`) || strings.Contains(began.body, "attestationFormats") {
		t.Errorf("attestation is asked for: %s", began.body)
	}
	for name, change := range map[string]func(*utterance){
		"a statement that is none": func(u *utterance) { u.attFmt, u.attStmt = "none", map[string]any{"alg": -7, "sig": []byte("x")} },
		"a forged statement":       func(u *utterance) { u.attFmt, u.attStmt = "packed", map[string]any{"alg": -7, "sig": []byte("x")} },
		"a format of nobody":       func(u *utterance) { u.attFmt = "evil" },
	} {
		t.Run(name, func(t *testing.T) { s.enrolsNothing(t, change) })
	}
	s.enrols(t, unchanged)
}

// §13.4.1 with §7.1: a key that anybody can sign with, or that is not what it says.
func TestWebAuthn13_4_1_APasskeyOfAKeyThatWasNotOfferedIsRefused(t *testing.T) {
	cose := func(key map[int]any) func(*utterance) {
		return func(u *utterance) {
			var err error
			if u.coseKey, err = webauthncbor.Marshal(key); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, coordinate := bytes.Repeat([]byte{0xab}, 256), bytes.Repeat([]byte{7}, 32)
	relabelled := func(u *utterance) {
		var key map[int]any
		if err := webauthncbor.Unmarshal(u.coseKey, &key); err != nil {
			t.Fatal(err)
		}
		key[3] = -257 // RS256
		cose(key)(u)
	}
	s := serve(t, mcpoauth.Config{})
	for name, change := range map[string]func(*utterance){
		"RSA with SHA-1":                     cose(map[int]any{1: 3, 3: -65535, -1: n, -2: []byte{1, 0, 1}}),
		"a symmetric key":                    cose(map[int]any{1: 4, 3: 5, -1: coordinate}),
		"no algorithm":                       cose(map[int]any{1: 2, -1: 1, -2: coordinate, -3: coordinate}),
		"a curve of its own":                 cose(map[int]any{1: 2, 3: -7, -1: 8, -2: coordinate, -3: coordinate}),
		"a point that is on no curve":        cose(map[int]any{1: 2, 3: -7, -1: 1, -2: coordinate, -3: coordinate}),
		"an EC key that says it is RSA":      relabelled,
		"nothing":                            func(u *utterance) { u.coseKey = nil },
		"an ID that is too long":             func(u *utterance) { u.id = bytes.Repeat([]byte{1}, 1024) }, // §7.1: 1023 at most
		"of the type of an approval":         func(u *utterance) { u.client["type"] = "webauthn.get" },
		"without verification":               func(u *utterance) { u.flags &^= userVerified },
		"without presence":                   func(u *utterance) { u.flags &^= userPresent },
		"for another RP ID":                  func(u *utterance) { u.rpID = "evil.example" },
		"backed up, which it cannot be":      func(u *utterance) { u.flags |= backedUp },
		"for a challenge of another":         func(u *utterance) { u.client["challenge"] = secret.S256("x") },
		"with bytes left over":               func(u *utterance) { u.more = []byte("more") },
		"with extensions that are not there": func(u *utterance) { u.flags |= extended },
	} {
		t.Run(name, func(t *testing.T) { s.enrolsNothing(t, change) })
	}
	s.enrols(t, unchanged)
	s.credential.Counter++
	s.wins(t, authorizationRequest(s.public(webClient), webClient), unchanged)
}

// §13.4.6: each passkey on an authenticator of its own, and its ID for nobody else's eyes
// (§14.6.3).
func TestWebAuthn13_4_6_ANewPasskeyIsNotMadeWhereOneIsAndNobodyElseLearnsOfIt(t *testing.T) {
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s := serve(t, mcpoauth.Config{Store: backend})
	s.setUp()
	s.enter()
	id := encoded(s.credential.ID)
	if began := s.fetch("/passkey/register/start", map[string]string{"token": s.addition(t)}); !strings.Contains(rawMember(t, began.body, "options"), `"id":"`+id+`"`) {
		t.Errorf("the same authenticator would make a second one: %s", began.body)
	}
	recovery, err := store.New(backend, store.Lifetimes{}).Enrol(t.Context(), store.ForRecovery, store.OwnerID, "")
	if err != nil {
		t.Fatal(err)
	}
	stranger := s.another()
	page := stranger.get("/authorize?" + authorizationRequest(s.public(webClient), webClient).Encode())
	for name, res := range map[string]answer{
		"an invitation":      stranger.fetch("/passkey/register/start", map[string]string{"token": s.invitation("Bob")}),
		"a recovery":         stranger.fetch("/passkey/register/start", map[string]string{"token": recovery}),
		"an approval page":   page,
		"its prompt":         stranger.fetch("/passkey/auth/start", map[string]string{"digest": digestAttribute.FindStringSubmatch(page.body)[1]}),
		"the sign-in page":   stranger.get("/account/sign-in"),
		"the recovery page":  stranger.get("/passkey/enrol?for=recovery"),
		"the setup, locked":  stranger.get("/passkey/register"),
		"the setup, by hand": stranger.fetch("/passkey/register/start", map[string]string{"token": setupToken}),
	} {
		if strings.Contains(res.body, id) || strings.Contains(res.body, "allowCredentials") {
			t.Errorf("%s tells a stranger of a passkey: %s", name, res.body)
		}
	}
}

// §13.4.7, §14.6.2: who is known here, and how their account is protected, shows in no
// answer.
func TestWebAuthn14_6_2_NobodyLearnsWhoIsKnownHere(t *testing.T) {
	s := signedIn(t)
	bob, gone := s.invite("Bob"), s.invite("Gone")
	s.sure("/account/people/suspend", "person", s.personNamed(t, "Gone"))
	request := authorizationRequest(s.public(webClient), webClient)
	stranger := s.another()
	refusal := func(change func(*utterance)) (answer, string) {
		ceremony, challenge := stranger.prompted(stranger.get("/authorize?" + request.Encode()))
		u := stranger.honest("webauthn.get", challenge)
		change(u)
		res := stranger.answers("/passkey/auth/finish", ceremony, u.assertion(t))
		header := res.Header.Clone()
		header.Del("Date")
		shown, _ := json.Marshal(header)
		return res, string(shown) + res.body
	}
	first, want := refusal(func(u *utterance) { u.handle = store.NewUserHandle(secret.NewID()) })
	first.wantError(t, http.StatusForbidden, "authentication_failed")
	for name, change := range map[string]func(*utterance){
		"the owner, by another key":                 func(u *utterance) { u.handle, u.id = s.authenticator.Options.UserHandle, s.credential.ID },
		"the owner, by another credential":          func(u *utterance) { u.handle = s.authenticator.Options.UserHandle },
		"an owner's handle that is made up":         func(u *utterance) { u.handle = store.NewUserHandle(store.OwnerID) },
		"Bob, by another key":                       func(u *utterance) { u.handle, u.id = bob.authenticator.Options.UserHandle, bob.credential.ID },
		"who is suspended, by their own key":        func(u *utterance) { key := gone.saying(u.client); *u = *key },
		"who is suspended, by another key":          func(u *utterance) { u.handle, u.id = gone.authenticator.Options.UserHandle, gone.credential.ID },
		"nobody":                                    func(u *utterance) { u.handle = nil },
		"a handle that no handle is":                func(u *utterance) { u.handle = []byte("bob@example.com") },
		"the owner, by an answer of another origin": func(u *utterance) { *u = *s.saying(u.client); u.client["origin"] = "https://evil.example" },
	} {
		if _, got := refusal(change); got != want {
			t.Errorf("%s is refused with\n%s\nand a stranger with\n%s", name, got, want)
		}
	}
}

// personNamed is the ID that the owner's page has for a person.
func (s *server) personNamed(t *testing.T, name string) string {
	t.Helper()
	for _, id := range s.get("/account/people").field("person") {
		if strings.Contains(s.post("/account/people/suspend", "person", id).words(), name) {
			return id
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

// §13.4.8: nothing that a stranger wrote is run or shown as a page on this origin, where
// it could ask for a touch. What the pages themselves run is TestAPageRunsNoScriptThatIsNotItsOwn.
func TestWebAuthn13_4_8_NothingAStrangerWroteIsAScriptOrAPageOfThisOrigin(t *testing.T) {
	s := owned(t)
	const script = `<script>alert(1)</script>`
	hostile := url.QueryEscape(script)
	registered := s.json("/register", map[string]any{"client_name": script, "redirect_uris": []string{webClient}, "client_uri": "https://client.example/" + script, "token_endpoint_auth_method": "none"})
	if !strings.Contains(registered.body, "alert(1)") {
		t.Fatalf("the answer does not repeat the name, and proves nothing: %s", registered.body)
	}
	for name, res := range map[string]answer{
		"a registration":         registered,
		"a refused registration": s.json("/register", map[string]any{"client_name": script, "redirect_uris": []string{script}}),
		"a refused token":        s.form("/token", url.Values{"grant_type": {script}, "client_id": {script}, "code": {script}}),
		"a refused revocation":   s.form("/revoke", url.Values{"token": {script}, "client_id": {script}}),
		"the challenge":          s.get("/mcp/"+hostile, "Authorization", "Bearer "+script),
		"a refused touch":        s.fetch("/passkey/auth/finish", map[string]any{"ceremony": script, "credential": script}),
		"a refused enrolment":    s.fetch("/passkey/register/start", map[string]string{"token": script}),
		"metadata":               s.get(asMetadata + "?" + hostile),
		"metadata of a path":     s.get(prmMetadata + "/" + hostile),
		"an asset":               s.get("/authorize/assets/" + hostile),
		"nothing":                s.get("/" + hostile),
		"the health":             s.get("/health?" + hostile),
	} {
		kind := res.Header.Get("Content-Type")
		if !strings.HasPrefix(kind, "application/json") && !strings.HasPrefix(kind, "text/plain") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s is %q with %q, which a browser may take for something else", name, kind, res.Header.Get("X-Content-Type-Options"))
		}
		if strings.Contains(res.body, "<script") {
			t.Errorf("%s has the tag as it came: %s", name, res.body)
		}
	}
	for name, page := range map[string]answer{
		"nothing, for a person": s.get("/"+hostile, "Accept", "text/html"),
		"no such client":        s.get("/authorize?client_id=" + hostile),
		"the way back":          s.get("/passkey/register?return_to=" + hostile),
	} {
		if strings.Contains(page.body, "<script>") {
			t.Errorf("%s repeats it: %s", name, page.body)
		}
	}
}

// §13.4.9: the origin is this server's own, to the letter, when a passkey is made and when
// it is used. No other origin is related to it (§5.11).
func TestWebAuthn13_4_9_NoOtherOriginIsTakenForThisOne(t *testing.T) {
	origins := []string{
		"https://evil.example", "http://example.com", "https://example.com:8443", "https://sub.example.com", "https://com", "https://example.com.evil.example",
		"https://example.com@evil.example", "https://evil.example#https://example.com", "https://evilexample.com", "https://example.org", "https://xn--exmple-cua.com",
		"null", "", "file://", "android:apk-key-hash:2jmj7l5rSw0yVb-vlWAYkK_YBwk", "ios:bundle-id:com.example", "chrome-extension://abcdefgh", "example.com", "//example.com",
		"https://example.com\u0000.evil.example", "https://еxample.com",
	}
	s := serve(t, mcpoauth.Config{})
	for _, origin := range origins {
		s.enrolsNothing(t, func(u *utterance) { u.client["origin"] = origin })
	}
	s.enrols(t, unchanged)
	s.credential.Counter++
	request := authorizationRequest(s.public(webClient), webClient)
	for _, origin := range origins {
		s.winsNothing(t, request, func(u *utterance) { u.client["origin"] = origin })
	}
	s.wins(t, request, unchanged)
	s.get("/.well-known/webauthn").wantError(t, http.StatusNotFound, "not_found")
}

// §14.6.1: an authenticator shows the handle to who holds it.
func TestWebAuthn14_6_1_TheUserHandleSaysNothingOfThePerson(t *testing.T) {
	s := signedIn(t)
	const name = "ada@example.com"
	handles := make(map[string]bool)
	invitation := s.invitation(name)
	for range 3 {
		_, options := s.another().enrolling(invitation)
		handle := options.UserID
		if len(handle) < 32 || len(handle) > 64 || strings.Contains(handle, "ada") || strings.Contains(handle, "example") || handles[handle[:16]] {
			t.Errorf("the handle is %q", handle)
		}
		for _, hash := range []string{secret.S256(name), secret.S256(store.OwnerID)} {
			if strings.Contains(handle, hash[:16]) {
				t.Errorf("the handle %q can be guessed from the name", handle)
			}
		}
		handles[handle[:16]] = true
	}
}
