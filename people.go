package mcpoauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// A Person is somebody with a passkey, who can let clients in.
type Person struct {
	ID          string // stable; "owner" for the owner
	Name        string
	Owner       bool
	Passkeys    int // how many they have
	CreatedAt   time.Time
	SuspendedAt time.Time // zero: not suspended
}

// People returns everybody, the owner first and then by name. Who was invited and did not
// come yet is not among them.
func (rt *Router) People(ctx context.Context) ([]Person, error) {
	users, err := rt.admin.store.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("mcpoauth: reading people: %w", err)
	}
	people := make([]Person, len(users))
	for i, u := range users {
		people[i] = Person{ID: u.ID, Name: u.Name, Owner: u.Owner(), Passkeys: len(u.Passkeys), CreatedAt: u.CreatedAt, SuspendedAt: u.SuspendedAt}
	}
	return people, nil
}

// Invite returns a link by which somebody makes a passkey and is one of the people: once,
// within three days. Whoever has it can do so. The name is at most 64 characters and not
// that of somebody else.
func (rt *Router) Invite(ctx context.Context, name string) (link string, err error) {
	name, err = rt.admin.newName(ctx, name)
	if err != nil {
		return "", fmt.Errorf("mcpoauth: Invite: %w", err)
	}
	token, err := rt.admin.store.Enrol(ctx, store.ForInvitation, "", name)
	if err != nil {
		return "", fmt.Errorf("mcpoauth: storing the invitation: %w", err)
	}
	rt.admin.log.InfoContext(ctx, "person.invited", "name", name)
	return rt.admin.issuer + "/passkey/enrol?for=invitation#token=" + token, nil
}

// newName refuses a name that another person has, in whatever case, and the owner's.
func (a admin) newName(ctx context.Context, raw string) (string, error) {
	name, err := a.name(raw)
	if err != nil {
		return "", err
	}
	users, err := a.store.Users(ctx)
	if err != nil {
		return "", fmt.Errorf("reading people: %w", err)
	}
	invitations, err := a.store.Invitations(ctx)
	if err != nil {
		return "", fmt.Errorf("reading invitations: %w", err)
	}
	taken := strings.EqualFold(name, "owner") // whatever the owner is called by now
	for _, u := range users {
		taken = taken || strings.EqualFold(u.Name, name)
	}
	for _, i := range invitations {
		taken = taken || strings.EqualFold(i.Name, name)
	}
	if taken {
		return "", fmt.Errorf("somebody is called %q already, or was invited by that name; choose another", name)
	}
	return name, nil
}

// SuspendPerson shuts a person out and ends their sessions, connections and API keys. Their
// passkeys stay, for ResumePerson. Of the owner it is store.ErrOwner, of nobody
// store.ErrNotFound. One that failed is finished by another.
func (rt *Router) SuspendPerson(ctx context.Context, id string) error {
	_, err := rt.admin.person(ctx, id)
	if err == nil {
		_, err = rt.admin.store.SuspendUser(ctx, id)
	}
	return rt.admin.did(ctx, err, "SuspendPerson", "person.suspended", id)
}

// ResumePerson lets a person in again who was suspended, and does nothing for one who was
// not. Their clients have to be let in anew. Of nobody it is store.ErrNotFound.
func (rt *Router) ResumePerson(ctx context.Context, id string) error {
	user, err := rt.admin.person(ctx, id)
	if err == nil && !user.Suspended() {
		return nil
	}
	if err == nil {
		err = rt.admin.store.ResumeUser(ctx, id)
	}
	return rt.admin.did(ctx, err, "ResumePerson", "person.resumed", id)
}

// RenamePerson changes what a person is called, on pages and in Identity.UserName. The name
// is at most 64 characters and not that of somebody else; "owner" is for the owner alone. Of
// nobody it is store.ErrNotFound.
func (rt *Router) RenamePerson(ctx context.Context, id, name string) error {
	user, err := rt.admin.person(ctx, id)
	own := err == nil && (strings.EqualFold(user.Name, name) || user.Owner() && strings.EqualFold(name, "owner"))
	if err == nil && !own {
		name, err = rt.admin.newName(ctx, name)
	}
	if err == nil {
		err = rt.admin.store.RenameUser(ctx, id, name)
	}
	return rt.admin.did(ctx, err, "RenamePerson", "person.renamed", id)
}

// RemovePerson forgets a person with their passkeys and ends their sessions, connections
// and API keys. Of the owner it is store.ErrOwner, of nobody store.ErrNotFound. One that
// failed is finished by another.
func (rt *Router) RemovePerson(ctx context.Context, id string) error {
	_, err := rt.admin.person(ctx, id)
	if err == nil || errors.Is(err, store.ErrNotFound) && secret.ValidID(id) {
		ended, failed := rt.admin.store.RemoveUser(ctx, id)
		if failed != nil || len(ended) > 0 { // of who is gone something may have been left
			err = failed
		}
	}
	return rt.admin.did(ctx, err, "RemovePerson", "person.removed", id)
}

// did logs what was done to a person, or returns why it was not.
func (a admin) did(ctx context.Context, err error, method, event, id string) error {
	if err != nil {
		return fmt.Errorf("mcpoauth: %s: %w", method, err)
	}
	a.log.InfoContext(ctx, event, "user_id", id)
	return nil
}

// RecoveryLink returns a link by which a person who lost their passkeys makes a new one in
// the place of all of them: once, within an hour. Whoever has it can do so, and is that
// person from then on. Of nobody it is store.ErrNotFound, of who is suspended an error.
func (rt *Router) RecoveryLink(ctx context.Context, userID string) (link string, err error) {
	user, err := rt.admin.person(ctx, userID)
	if err == nil && user.Suspended() {
		err = errors.New("the person is suspended; resume them first")
	}
	if err != nil {
		return "", fmt.Errorf("mcpoauth: RecoveryLink: %w", err)
	}
	token, err := rt.admin.store.Enrol(ctx, store.ForRecovery, userID, "")
	if err != nil {
		return "", fmt.Errorf("mcpoauth: storing the recovery link: %w", err)
	}
	rt.admin.log.WarnContext(ctx, "recovery.started", "user_id", userID)
	return rt.admin.issuer + "/passkey/enrol?for=recovery#token=" + token, nil
}
