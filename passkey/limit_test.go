package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/passkey"
)

// made is the answer to a new challenge of the setup, with its response changed.
func (b *browser) made(t *testing.T, d *device, change func(response map[string]any)) (ceremony, credential string) {
	t.Helper()
	c := b.startSetup(t)
	return c.Ceremony, edit(t, d.create(t, c), change)
}

// A program that passes for a browser writes into a passkey what it likes, and it is read
// whenever somebody signs in.
func TestTheTransportsOfAPasskeyAreFewAndShort(t *testing.T) {
	const most, longest = 8, 32
	short := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("%0*d", longest, i))
		}
		return list
	}
	for name, test := range map[string]struct {
		transports, want []string
	}{
		"as many as may be":  {short(most), short(most)},
		"one more":           {short(most + 1), short(most)},
		"one that is longer": {[]string{strings.Repeat("x", longest+1), "usb"}, []string{"usb"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, d := newSite(t), newDevice()
			d.transports = test.transports
			wantOK(t, s.browser().register(t, d))
			if got := s.owner(t).Passkeys[0].Transports; !slices.Equal(got, test.want) {
				t.Errorf("kept are %q, want %q", got, test.want)
			}
		})
	}
}

func TestAPublicKeyIsAsLargeAsItMayBe(t *testing.T) {
	const most = 4 << 10
	for _, size := range []int{most, most + 1} {
		s, d := newSite(t), newDevice()
		b := s.browser()
		ceremony, credential := b.made(t, d, func(response map[string]any) {
			object, _ := response["attestationObject"].(string)
			response["attestationObject"] = withKeyOf(t, object, size)
		})
		finished := b.finish("/passkey/register/finish", ceremony, credential)
		if size > most {
			wantRefusal(t, finished, http.StatusBadRequest, passkey.RegistrationFailed)
			if !strings.Contains(s.log.String(), "4 KiB") {
				t.Errorf("log = %s", s.log)
			}
			continue
		}
		if finished.Code != http.StatusOK {
			t.Fatalf("%d bytes: %d %s", size, finished.Code, s.log)
		}
		if kept := len(s.owner(t).Passkeys[0].PublicKey); kept != size {
			t.Errorf("the key has %d bytes, want %d", kept, size)
		}
	}
}

// withKeyOf is the attestation object whose public key, the last thing in it, has so many
// bytes, by a member that nobody knows.
func withKeyOf(t *testing.T, object string, size int) string {
	t.Helper()
	const key = 77 // bytes of the key that newCredential makes
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(object, "="))
	if err != nil {
		t.Fatal(err)
	}
	_, data, found := bytes.Cut(raw, []byte("authData"))
	if !found || data[0] != 0x58 { // a string of bytes with its length in one byte
		t.Fatalf("an attestation object of another form: %x", raw)
	}
	data = data[2:]
	at := len(data) - key
	if data[at] != 0xa5 {
		t.Fatalf("a key of another form: %x", data[at:])
	}
	data[at] = 0xa6 // a map with one member more
	filler := size - key - 5
	data = append(data, 0x18, 100, 0x59)
	data = binary.BigEndian.AppendUint16(data, uint16(filler))
	data = append(data, make([]byte, filler)...)

	// What signed the one before does not sign this: it comes without an attestation.
	out := []byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59")
	out = binary.BigEndian.AppendUint16(out, uint16(len(data)))
	return base64.RawURLEncoding.EncodeToString(append(out, data...))
}

// WebAuthn's own limit (WebAuthn Level 3 §5.8.3).
func TestTheIDOfAPasskeyIsAsLongAsItMayBe(t *testing.T) {
	const most = 1023
	for _, size := range []int{most, most + 1} {
		s, d := newSite(t), newDevice()
		d.credential.ID = bytes.Repeat([]byte("i"), size)
		finished := s.browser().register(t, d)
		if size > most {
			wantRefusal(t, finished, http.StatusBadRequest, passkey.RegistrationFailed)
			continue
		}
		wantOK(t, finished)
	}
}

func TestWhatABrowserAnswersIsAsDeepAsItMayBe(t *testing.T) {
	s, d := newSite(t), newDevice()
	body := func(n int) string { // as sent: the credential is one level in
		return `{"token":"` + setupToken + `","x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`
	}
	if w := s.browser().post("/passkey/register/start", body(oauth.MaxDepth)); w.Code != http.StatusOK {
		t.Errorf("of %d levels: %d %s", oauth.MaxDepth, w.Code, w.Body)
	}
	wantRefusal(t, s.browser().post("/passkey/register/start", body(oauth.MaxDepth+1)), http.StatusBadRequest, oauth.InvalidRequest)

	// Extensions are the one part of an answer whose form nobody knows beforehand.
	for depth, status := range map[int]int{oauth.MaxDepth - 3: http.StatusOK, oauth.MaxDepth - 2: http.StatusBadRequest} {
		b := newSite(t).browser()
		c := b.startSetup(t)
		credential := strings.TrimSuffix(d.create(t, c), "}") + `,"clientExtensionResults":{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}}`
		if w := b.finish("/passkey/register/finish", c.Ceremony, credential); w.Code != status {
			t.Errorf("extensions of %d levels: %d %s", depth, w.Code, w.Body)
		}
	}
}
