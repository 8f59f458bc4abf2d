package store

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// How long a link lets somebody make a passkey.
const (
	SetupLife      = 24 * time.Hour
	InvitationLife = 3 * 24 * time.Hour
	RecoveryLife   = time.Hour
	AdditionLife   = 10 * time.Minute
)

// A Purpose is what a passkey is made for.
type Purpose string

// The purposes, and what comes of each.
const (
	ForSetup      Purpose = "setup"      // the owner, once and for good
	ForInvitation Purpose = "invitation" // another person
	ForRecovery   Purpose = "recovery"   // a passkey in the place of all that a person had
	ForAddition   Purpose = "addition"   // one more passkey of a person who is signed in
)

func (p Purpose) life() time.Duration {
	switch p {
	case ForInvitation:
		return InvitationLife
	case ForRecovery:
		return RecoveryLife
	case ForAddition:
		return AdditionLife
	default:
		return SetupLife
	}
}

// An Enrolment lets somebody make a passkey. It is what a setup, invitation or
// recovery link stands for.
type Enrolment struct {
	ID         string  `json:"id"`
	SecretHash Hash    `json:"secret_hash"`
	Purpose    Purpose `json:"purpose"`
	UserID     string  `json:"user_id"`         // whose the passkey will be
	Name       string  `json:"name,omitempty"`  // of a person who is invited
	Epoch      int     `json:"epoch,omitempty"` // of the user: in another one it is void

	// Of an addition: it is for the browser, and by the passkey, that asked for it.
	BrowserHash Hash   `json:"browser_hash,omitzero"`
	PasskeyID   []byte `json:"passkey_id,omitempty"`

	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Encode implements Value.
func (e *Enrolment) Encode() ([]byte, error) { return json.Marshal(e) }

// admits reports whether e still lets u make a passkey.
func (e *Enrolment) admits(u *User) bool { return !u.Suspended() && u.Epoch == e.Epoch }

// Enrol stores an enrolment and returns the token of its link, which is nowhere else.
// An invitation makes a user of its own. A recovery is for the user of that ID: without
// one it is ErrNotFound.
func (s *Store) Enrol(ctx context.Context, purpose Purpose, userID, name string) (token string, err error) {
	e := &Enrolment{Purpose: purpose, UserID: userID, Name: name}
	switch purpose {
	case ForInvitation:
		e.UserID = secret.NewID()
	case ForRecovery:
		user, err := s.User(ctx, userID)
		if err != nil {
			return "", err
		}
		e.Epoch = user.Epoch
	}
	return s.enrol(ctx, e)
}

// EnrolAddition is Enrol for one more passkey of a person who is signed in: for the
// browser that they are signed in with and by the passkey that they have just touched.
// Who copies the token out of that browser can do nothing with it, and who finds a
// lost passkey gains nothing that outlives its removal. Of more than MaxAdditions the
// oldest ends.
func (s *Store) EnrolAddition(ctx context.Context, user *User, passkeyID []byte, browser Hash) (token string, err error) {
	token, err = s.enrol(ctx, &Enrolment{
		ID: secret.NewIDWith(personTag(user.ID)), Purpose: ForAddition, UserID: user.ID, Epoch: user.Epoch, PasskeyID: passkeyID, BrowserHash: browser,
	})
	if err != nil {
		return "", err
	}
	return token, bound(ctx, s, KindEnrolment, user.ID, MaxAdditions, func(other *Enrolment) (string, time.Time, bool) {
		return other.ID, other.CreatedAt, other.Purpose == ForAddition && other.UserID == user.ID
	})
}

func (s *Store) enrol(ctx context.Context, e *Enrolment) (token string, err error) {
	own := secret.New()
	e.ID, e.SecretHash = cmp.Or(e.ID, secret.NewID()), secret.Sum(own)
	e.CreatedAt = wall()
	e.ExpiresAt = e.CreatedAt.Add(e.Purpose.life())
	if err := s.backend.Create(ctx, Key{KindEnrolment, e.ID}, e, e.ExpiresAt); err != nil {
		return "", err
	}
	return enrolmentPrefix + e.ID + own, nil
}

// Enrolment returns what a token stands for. It stays: who looks at a link has not
// used it yet.
func (s *Store) Enrolment(ctx context.Context, token string) (*Enrolment, error) {
	id, own, ok := parseSingle(enrolmentPrefix, token)
	if !ok {
		return nil, ErrNotFound
	}
	e, err := get[Enrolment](ctx, s, Key{KindEnrolment, id})
	if err != nil {
		return nil, err
	}
	if !e.SecretHash.Matches(own) {
		return nil, ErrNotFound
	}
	return e, nil
}

// TakeEnrolment returns an enrolment and removes it: of many calls one succeeds.
func (s *Store) TakeEnrolment(ctx context.Context, id string) (*Enrolment, error) {
	if !secret.ValidID(id) {
		return nil, ErrNotFound
	}
	e, err := get[Enrolment](ctx, s, Key{KindEnrolment, id})
	if err != nil {
		return nil, err
	}
	return e, s.backend.Delete(ctx, Key{KindEnrolment, id})
}

// Invitations returns those that nobody has used yet.
func (s *Store) Invitations(ctx context.Context) ([]*Enrolment, error) {
	var invitations []*Enrolment
	for e, err := range list[Enrolment](ctx, s, KindEnrolment, "") {
		if err != nil {
			return nil, err
		}
		if e.Purpose == ForInvitation {
			invitations = append(invitations, e)
		}
	}
	return invitations, nil
}

// WithdrawInvitation ends an invitation that nobody has used yet, or returns
// ErrNotFound.
func (s *Store) WithdrawInvitation(ctx context.Context, id string) error {
	key := Key{KindEnrolment, id}
	if !secret.ValidID(id) {
		return ErrNotFound
	}
	e, err := get[Enrolment](ctx, s, key)
	if err != nil {
		return err
	}
	if e.Purpose != ForInvitation {
		return ErrNotFound
	}
	return s.backend.Delete(ctx, key)
}
