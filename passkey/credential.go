package passkey

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/store"
)

// Limits of what is kept of a passkey. Whoever makes one by a program of their own writes
// into it what they like, and it is read whenever its person signs in. Of the ID,
// WebAuthn's own limit is looked at where it is parsed.
const (
	maxPublicKey  = 4 << 10 // bytes; RSA of 4096 bits has about 530, ML-DSA-87 2,600
	maxTransports = 8       // that are kept; WebAuthn Level 3 §5.8.4 knows six
	maxTransport  = 32      // bytes of each; longer ones are left out
)

var errPublicKey = errors.New("the public key is larger than 4 KiB")

// newPasskey keeps of a new credential what later assertions are verified with.
// How it was attested is not kept: attestation is not asked for.
func newPasskey(c *webauthn.Credential) store.Passkey {
	p := store.Passkey{
		ID:             c.ID,
		PublicKey:      c.PublicKey,
		AAGUID:         c.Authenticator.AAGUID,
		SignCount:      c.Authenticator.SignCount,
		BackupEligible: c.Flags.BackupEligible,
		BackedUp:       c.Flags.BackupState,
		CreatedAt:      time.Now().UTC().Round(0),
	}
	for _, transport := range c.Transport {
		if len(transport) <= maxTransport && len(p.Transports) < maxTransports {
			p.Transports = append(p.Transports, string(transport))
		}
	}
	return p
}

// credential is the reverse of newPasskey. Whether a passkey can be backed up never
// changes (WebAuthn Level 3 §6.1.3), so an assertion that says otherwise is refused.
func credential(p store.Passkey) webauthn.Credential {
	c := webauthn.Credential{
		ID:            p.ID,
		PublicKey:     p.PublicKey,
		Flags:         webauthn.CredentialFlags{BackupEligible: p.BackupEligible, BackupState: p.BackedUp},
		Authenticator: webauthn.Authenticator{AAGUID: p.AAGUID, SignCount: p.SignCount},
	}
	for _, transport := range p.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(transport))
	}
	return c
}

// passkeyName is enough of a credential's ID to tell passkeys apart in a log.
func passkeyName(id []byte) string { return fmt.Sprintf("%x", id[:min(len(id), 8)]) }

// maxReason bounds what a stranger can write into the log.
const maxReason = 300

// reason says why an answer was refused, for the log.
func reason(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		text += ": " + e.DevInfo
	}
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
