package store

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// maxHandle is the longest WebAuthn user handle, in bytes (WebAuthn Level 3 §5.4.3).
const maxHandle = 64

// HasOwner reports whether the setup is done: whether the owner, and with them the
// first passkey, exists.
func (s *Store) HasOwner(ctx context.Context) (bool, error) {
	owner, err := s.User(ctx, OwnerID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err == nil && owner.ID != OwnerID {
		err = errors.New("store: the owner's record is not readable as one; a store that was encrypted has to be opened through store/encrypted, with its key")
	}
	return err == nil, err
}

// CreateOwner stores the owner with their first passkey. Of many calls, ever, one
// succeeds; the others get ErrConflict.
func (s *Store) CreateOwner(ctx context.Context, owner User) error {
	owner.ID = OwnerID
	return s.backend.Create(ctx, Key{KindUser, OwnerID}, &owner, time.Time{})
}

// User returns a person by ID.
func (s *Store) User(ctx context.Context, id string) (*User, error) {
	return get[User](ctx, s, Key{KindUser, id})
}

// NewUserHandle returns a WebAuthn user handle for the user of that ID. It is random,
// so that two servers on one host do not overwrite each other's passkeys in an
// authenticator, and ends with the ID, so that it finds its user. It has at most
// 64 bytes (WebAuthn Level 3 §5.4.3) for an ID of at most 42.
func NewUserHandle(id string) []byte {
	return []byte(secret.NewID() + id)
}

// UserByHandle returns the person whose authenticator answered with this handle.
func (s *Store) UserByHandle(ctx context.Context, handle []byte) (*User, error) {
	if len(handle) <= secret.IDLen || len(handle) > maxHandle {
		return nil, ErrNotFound
	}
	id := string(handle[secret.IDLen:])
	if id != OwnerID && !secret.ValidID(id) {
		return nil, ErrNotFound
	}
	user, err := s.User(ctx, id)
	if err != nil {
		return nil, err
	}
	if !secret.Equal(string(user.Handle), string(handle)) {
		return nil, ErrNotFound
	}
	return user, nil
}

// UpdatePasskey changes a copy of one passkey of a user and stores it.
func (s *Store) UpdatePasskey(ctx context.Context, userID string, passkeyID []byte, alter func(*Passkey)) error {
	return s.updateUser(ctx, userID, func(u *User, _ time.Time) error {
		i := slices.IndexFunc(u.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, passkeyID) })
		if i < 0 {
			return ErrNotFound
		}
		alter(&u.Passkeys[i])
		return nil
	})
}
