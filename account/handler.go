// Package account has the pages of who is signed in: what is connected and how to end it,
// passkeys, people and API keys.
//
// Two rules decide what a session alone may do. Whatever lets somebody in (a passkey, an
// invitation, an API key, a person who was suspended) needs a fresh touch of a passkey, and
// so does what takes somebody's way in for good (removing a passkey or a person). Ending
// sessions and connections, and suspending, do not: who has to be quick is. And a person
// acts on what is theirs: the owner on every connection and person, nobody on one of
// another's passkeys.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package account

import (
	"context"
	"iter"
	"log/slog"
	"net/http"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A Store keeps people, sessions and grants.
type Store interface {
	SignIn(ctx context.Context, userID string, passkeyID []byte) (token string, err error)
	Session(ctx context.Context, token string) (*store.Session, *store.User, error)
	SignOut(ctx context.Context, id string) error
	SignOutEverywhere(ctx context.Context, userID string) error

	Grants(ctx context.Context, userID string) iter.Seq2[*store.Grant, error]
	Grant(ctx context.Context, id string) (*store.Grant, error)
	Uses(ctx context.Context, userID string) (map[string]store.Use, error)
	RevokeGrant(ctx context.Context, id string) error
	RevokeGrants(ctx context.Context, userID string, which func(*store.Grant) bool) ([]*store.Grant, error)
	CreateKey(ctx context.Context, key store.NewKey) (token string, grant *store.Grant, err error)

	UpdatePasskey(ctx context.Context, userID string, passkeyID []byte, alter func(*store.Passkey)) error
	RemovePasskey(ctx context.Context, userID string, passkeyID []byte) error

	User(ctx context.Context, id string) (*store.User, error)
	Users(ctx context.Context) ([]*store.User, error)
	SuspendUser(ctx context.Context, id string) ([]*store.Grant, error)
	ResumeUser(ctx context.Context, id string) error
	RemoveUser(ctx context.Context, id string) ([]*store.Grant, error)

	Enrol(ctx context.Context, purpose store.Purpose, userID, name string) (token string, err error)
	EnrolAddition(ctx context.Context, user *store.User, passkeyID []byte, browser store.Hash) (token string, err error)
	Invitations(ctx context.Context) ([]*store.Enrolment, error)
	WithdrawInvitation(ctx context.Context, id string) error
}

// A Toucher knows whether a passkey answered, just now and in this browser.
type Toucher interface {
	// SetUp reports whether anybody could.
	SetUp(ctx context.Context) (bool, error)

	// Touched returns who answered for the digest, and with which passkey, and says so
	// once: store.ErrNotFound is nobody.
	Touched(r *http.Request, ceremony string, digest store.Hash) (user *store.User, passkeyID []byte, err error)

	// Browser identifies the browser that a touch was in.
	Browser(r *http.Request) store.Hash
}

// A Handler serves the pages below /account.
type Handler struct {
	Store   Store
	People  Toucher
	Clients interface {
		Client(ctx context.Context, id string) (*store.Client, error)
	}
	Events    Recorder // nil: there is no page of events
	Pages     *templates.Pages
	ServerURL string
	Resources oauth.Resources
	Scopes    oauth.Scopes
	Log       *slog.Logger
}

// The pages, each with what is done from it. Every GET is harmless to repeat.

// SignInPage serves GET /account/sign-in.
func (h *Handler) SignInPage(w http.ResponseWriter, r *http.Request) { h.open(w, r, h.signInPage) }

// SignIn serves POST /account/sign-in.
func (h *Handler) SignIn(w http.ResponseWriter, r *http.Request) { h.submit(w, r, h.signIn) }

// SignOut serves POST /account/sign-out.
func (h *Handler) SignOut(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.signOut) }

// SignOutEverywhere serves POST /account/sign-out-everywhere.
func (h *Handler) SignOutEverywhere(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, h.signOutEverywhere)
}

// ConnectionsPage serves GET /account.
func (h *Handler) ConnectionsPage(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, h.connectionsPage)
}

// Revoke serves POST /account/revoke.
func (h *Handler) Revoke(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.revoke) }

// RevokeApp serves POST /account/revoke-app.
func (h *Handler) RevokeApp(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.revokeApp) }

// RevokeAll serves POST /account/revoke-all.
func (h *Handler) RevokeAll(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.revokeAll) }

// PasskeysPage serves GET /account/passkeys.
func (h *Handler) PasskeysPage(w http.ResponseWriter, r *http.Request) { h.show(w, r, h.passkeysPage) }

// RenamePasskey serves POST /account/passkeys/rename.
func (h *Handler) RenamePasskey(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.renamePasskey) }

// RemovePasskey serves POST /account/passkeys/remove.
func (h *Handler) RemovePasskey(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.removePasskey) }

// AddPasskey serves POST /account/passkeys/add: a form gets the page that asks for a
// touch, and the JSON of that page's script gets a token to make the passkey with.
func (h *Handler) AddPasskey(w http.ResponseWriter, r *http.Request) {
	if isJSON(r) {
		h.addition(w, r)
		return
	}
	h.act(w, r, h.addPasskey)
}

// KeysPage serves GET /account/keys.
func (h *Handler) KeysPage(w http.ResponseWriter, r *http.Request) { h.show(w, r, h.keysPage) }

// CreateKey serves POST /account/keys/create.
func (h *Handler) CreateKey(w http.ResponseWriter, r *http.Request) { h.act(w, r, h.createKey) }

// PeoplePage serves GET /account/people, to the owner.
func (h *Handler) PeoplePage(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ownerOnly(h.peoplePage))
}

// Invite serves POST /account/people/invite.
func (h *Handler) Invite(w http.ResponseWriter, r *http.Request) { h.act(w, r, ownerOnly(h.invite)) }

// Withdraw serves POST /account/people/withdraw.
func (h *Handler) Withdraw(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, ownerOnly(h.withdraw))
}

// Suspend serves POST /account/people/suspend.
func (h *Handler) Suspend(w http.ResponseWriter, r *http.Request) { h.act(w, r, ownerOnly(h.suspend)) }

// Resume serves POST /account/people/resume.
func (h *Handler) Resume(w http.ResponseWriter, r *http.Request) { h.act(w, r, ownerOnly(h.resume)) }

// RemovePerson serves POST /account/people/remove.
func (h *Handler) RemovePerson(w http.ResponseWriter, r *http.Request) {
	h.act(w, r, ownerOnly(h.removePerson))
}

// EventsPage serves GET /account/events, to the owner.
func (h *Handler) EventsPage(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ownerOnly(h.eventsPage))
}
