package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// MaxPasskeys is how many passkeys one person may have.
const MaxPasskeys = 50

// Refusals of a change to a person.
var (
	// ErrLastPasskey: without it nobody would get in any more.
	ErrLastPasskey = errors.New("store: the last passkey cannot be removed")

	// ErrTooManyPasskeys: there are MaxPasskeys already.
	ErrTooManyPasskeys = errors.New("store: too many passkeys")

	// ErrOwner: the owner can be neither suspended nor removed.
	ErrOwner = errors.New("store: not possible for the owner")
)

// CreateUser stores a person with their first passkey. An ID that is taken is
// ErrConflict.
func (s *Store) CreateUser(ctx context.Context, user User) error {
	return s.backend.Create(ctx, Key{KindUser, user.ID}, &user, time.Time{})
}

// Users returns everybody, the owner first and then by name.
func (s *Store) Users(ctx context.Context) ([]*User, error) {
	var users []*User
	for u, err := range list[User](ctx, s, KindUser, "") {
		if err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	slices.SortStableFunc(users, func(a, b *User) int {
		if a.Owner() != b.Owner() {
			if a.Owner() {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return users, nil
}

// RenameUser changes what a person is called, and what their grants say of it.
func (s *Store) RenameUser(ctx context.Context, id, name string) error {
	err := s.updateUser(ctx, id, func(u *User, _ time.Time) error {
		u.Name = name
		return nil
	})
	// Until the name stands still: somebody else may be changing it too.
	for named := false; err == nil; named = true {
		user, failed := s.User(ctx, id)
		if failed != nil || named && user.Name == name {
			return failed
		}
		name = user.Name
		err = s.nameGrants(ctx, id, name)
	}
	return err
}

func (s *Store) nameGrants(ctx context.Context, userID, name string) error {
	for g, err := range list[Grant](ctx, s, KindGrant, grantTag(userID)) {
		if err != nil {
			return err
		}
		if g.UserID != userID || g.UserName == name {
			continue
		}
		if err := s.nameGrant(ctx, g.ID, name); err != nil && !errors.Is(err, ErrNotFound) { // it has ended
			return err
		}
	}
	return nil
}

// SuspendUser shuts a person out and ends their grants, which it returns. Their passkeys stay,
// for ResumeUser. Once begun it goes on without its caller: who hangs up leaves nobody
// half shut out.
func (s *Store) SuspendUser(ctx context.Context, id string) (ended []*Grant, err error) {
	if id == OwnerID {
		return nil, ErrOwner
	}
	ctx = context.WithoutCancel(ctx)
	err = s.updateUser(ctx, id, func(u *User, now time.Time) error {
		u.SuspendedAt = now
		u.Epoch++
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.RevokeGrants(ctx, id, nil)
}

// ResumeUser lets a person in again who was suspended. What a crash kept from ending then
// ends now, and does not come back to life.
func (s *Store) ResumeUser(ctx context.Context, id string) error {
	user, err := s.User(ctx, id)
	if err != nil || !user.Suspended() {
		return err
	}
	if _, err := s.RevokeGrants(ctx, id, nil); err != nil {
		return err
	}
	return s.updateUser(ctx, id, func(u *User, _ time.Time) error {
		u.SuspendedAt = time.Time{}
		return nil
	})
}

// RemoveUser forgets a person and ends their grants, which it returns. Like SuspendUser it
// goes on without its caller. The person goes last: until then they are suspended, so that
// another RemoveUser, or EndSuspended after a crash, finds what is left. For somebody who is
// gone it ends what may be left of them.
func (s *Store) RemoveUser(ctx context.Context, id string) (ended []*Grant, err error) {
	if id == "" {
		return nil, ErrNotFound // to RevokeGrants it is everybody
	}
	ctx = context.WithoutCancel(ctx)
	ended, err = s.SuspendUser(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return ended, err
	}
	if err := s.remove(ctx, Key{KindUser, id}); err != nil {
		return ended, err
	}
	// A ResumeUser in between may have let more be made.
	more, err := s.RevokeGrants(ctx, id, nil)
	return append(ended, more...), err
}

// EndSuspended ends the grants of everybody who is suspended, and returns them: there are
// some if a crash came into the middle of SuspendUser or RemoveUser. What cannot be read stays.
func (s *Store) EndSuspended(ctx context.Context) (ended []*Grant, err error) {
	for u, err := range list[User](ctx, s, KindUser, "") {
		switch {
		case errors.Is(err, ErrUnreadable):
			continue
		case err != nil:
			return ended, err
		case !u.Suspended():
			continue
		}
		of, err := s.RevokeGrants(ctx, u.ID, nil)
		ended = append(ended, of...)
		if err != nil && !errors.Is(err, ErrUnreadable) {
			return ended, err
		}
	}
	return ended, nil
}

// present returns ErrNotFound for a user who is suspended or gone: whatever should have
// ended with them ends now, if a crash kept it from ending then. The owner is neither.
func (s *Store) present(ctx context.Context, userID string) error {
	if userID == OwnerID {
		return nil
	}
	user, err := s.User(ctx, userID)
	if err == nil && user.Suspended() {
		return ErrNotFound
	}
	return err
}

// AddPasskey gives the person of an enrolment one more passkey. ErrNotFound: the
// enrolment is void by now, because of what happened to the person or to the passkey
// that asked for it. ErrConflict: they have that passkey (WebAuthn Level 3 §7.1).
func (s *Store) AddPasskey(ctx context.Context, e *Enrolment, p Passkey) error {
	return s.updateUser(ctx, e.UserID, func(u *User, _ time.Time) error {
		switch {
		case !e.admits(u) || !u.HasPasskey(e.PasskeyID):
			return ErrNotFound
		case u.HasPasskey(p.ID):
			return ErrConflict
		case len(u.Passkeys) >= MaxPasskeys:
			return ErrTooManyPasskeys
		}
		u.Passkeys = append(u.Passkeys, p)
		return nil
	})
}

// ReplacePasskeys gives the person of an enrolment, who lost all passkeys, a new one. It
// signs them out everywhere and ends their other links: what is lost may have been
// found. ErrNotFound: the enrolment is void by now.
func (s *Store) ReplacePasskeys(ctx context.Context, e *Enrolment, p Passkey) error {
	return s.updateUser(ctx, e.UserID, func(u *User, _ time.Time) error {
		if !e.admits(u) {
			return ErrNotFound
		}
		u.Passkeys = []Passkey{p}
		u.Epoch++
		return nil
	})
}

// RemovePasskey takes a passkey from a person, with the sessions that it signed in. The
// last one stays: ErrLastPasskey.
func (s *Store) RemovePasskey(ctx context.Context, userID string, passkeyID []byte) error {
	return s.updateUser(ctx, userID, func(u *User, _ time.Time) error {
		left := slices.DeleteFunc(u.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, passkeyID) })
		switch {
		case len(left) == len(u.Passkeys):
			return ErrNotFound
		case len(left) == 0:
			return ErrLastPasskey
		}
		u.Passkeys = left
		return nil
	})
}

// updateUser changes a copy of a user, whose Passkeys are a copy too, and stores it.
func (s *Store) updateUser(ctx context.Context, id string, alter func(u *User, now time.Time) error) error {
	return update(ctx, s, Key{KindUser, id}, func(current *User, now time.Time) (change, error) {
		next := *current
		next.Passkeys = slices.Clone(current.Passkeys)
		if err := alter(&next, now); err != nil {
			return change{}, err
		}
		return change{value: &next}, nil
	})
}
