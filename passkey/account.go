package passkey

import (
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/mcpoauth/mcpoauth/store"
)

// account is a user as WebAuthn sees one.
type account struct {
	*store.User
	displayName string
}

func (h *Handler) account(user *store.User) account {
	if user.ID == store.OwnerID {
		return account{User: user, displayName: "Owner of " + h.AppName}
	}
	return account{User: user, displayName: user.Name + " at " + h.AppName}
}

func (a account) WebAuthnID() []byte          { return a.Handle }
func (a account) WebAuthnName() string        { return a.Name }
func (a account) WebAuthnDisplayName() string { return a.displayName }

func (a account) WebAuthnCredentials() []webauthn.Credential {
	credentials := make([]webauthn.Credential, len(a.Passkeys))
	for i, p := range a.Passkeys {
		credentials[i] = credential(p)
	}
	return credentials
}
