package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const resourceURL = "https://mcp.example.com/mcp"

// person makes somebody with a passkey of the same name.
func (s *server) person(name string) *store.User {
	s.Helper()
	token, err := s.Enrol(s.Context(), store.ForInvitation, "", name)
	s.is(err, nil)
	e, err := s.Enrolment(s.Context(), token)
	s.is(err, nil)
	s.is(s.CreateUser(s.Context(), store.User{ID: e.UserID, Name: name, Passkeys: []store.Passkey{{ID: []byte(name)}}}), nil)
	return s.user(e.UserID)
}

func (s *server) owner() *store.User {
	s.Helper()
	s.is(s.CreateOwner(s.Context(), store.User{Name: "owner", Passkeys: []store.Passkey{{ID: []byte("owner")}}}), nil)
	return s.user(store.OwnerID)
}

func (s *server) user(id string) *store.User {
	s.Helper()
	user, err := s.User(s.Context(), id)
	s.is(err, nil)
	return user
}

func (s *server) key(userID, name string) string {
	s.Helper()
	key, _, err := s.newKey(userID, name)
	s.is(err, nil)
	return key
}

func (s *server) newKey(userID, name string) (string, *store.Grant, error) {
	return s.CreateKey(s.Context(), store.NewKey{UserID: userID, Name: name, Resource: resourceURL, Scopes: []string{"mcp:tools"}, Life: time.Hour})
}

// grantsOf counts the grants of a user, or of everybody.
func (s *server) grantsOf(userID string) (n int) {
	s.Helper()
	for _, err := range s.Grants(s.Context(), userID) {
		s.is(err, nil)
		n++
	}
	return n
}

func TestPeopleAreListedTheOwnerFirstAndThenByName(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.person("Zoe")
	s.person("Ann")
	s.owner()
	users, err := s.Users(t.Context())
	s.is(err, nil)
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	if fmt.Sprint(names) != "[owner Ann Zoe]" {
		t.Errorf("they are %v", names)
	}
}

func TestAnIDBelongsToOnePerson(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	s.is(s.CreateUser(t.Context(), store.User{ID: ann.ID, Name: "Mallory"}), store.ErrConflict)
	if s.user(ann.ID).Name != "Ann" {
		t.Error("the second took the first's place")
	}
}

func TestTheOwnerIsNeitherSuspendedNorRemoved(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	s.owner()
	key := s.key(store.OwnerID, "ci")
	_, err := s.SuspendUser(t.Context(), store.OwnerID)
	s.is(err, store.ErrOwner)
	_, err = s.RemoveUser(t.Context(), store.OwnerID)
	s.is(err, store.ErrOwner)
	s.is(s.access(key), nil)
}

func TestSuspendingAndRemovingEndsGrantsAndLetsNoneBeMade(t *testing.T) {
	tests := []struct {
		name  string
		shut  func(s *server, id string) ([]*store.Grant, error)
		again error // of a key that is made after a ResumeUser
	}{
		{"suspended", func(s *server, id string) ([]*store.Grant, error) { return s.SuspendUser(s.Context(), id) }, nil},
		{"removed", func(s *server, id string) ([]*store.Grant, error) { return s.RemoveUser(s.Context(), id) }, store.ErrNotFound},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, store.Lifetimes{})
			ann, bob := s.person("Ann"), s.person("Bob")
			anns, bobs := s.key(ann.ID, "a"), s.key(bob.ID, "b")
			s.key(ann.ID, "c")
			ended, err := test.shut(s, ann.ID)
			s.is(err, nil)
			if len(ended) != 2 || s.grantsOf(ann.ID) != 0 {
				t.Errorf("%d grants ended, %d are left", len(ended), s.grantsOf(ann.ID))
			}
			s.is(s.access(anns), store.ErrNotFound)
			s.is(s.access(bobs), nil)
			_, _, err = s.newKey(ann.ID, "d")
			s.is(err, store.ErrNotFound)
			if s.grantsOf(ann.ID) != 0 {
				t.Error("a grant of who is shut out is left behind")
			}
			s.is(s.ResumeUser(t.Context(), ann.ID), test.again)
			_, _, err = s.newKey(ann.ID, "e")
			s.is(err, test.again)
		})
	}
}

func TestRemovingAgainFinishesWhatFailedHalfWay(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	s.key(ann.ID, "a")
	s.is(s.backend.Delete(t.Context(), store.Key{Kind: store.KindUser, ID: ann.ID}), nil)
	ended, err := s.RemoveUser(t.Context(), ann.ID)
	s.is(err, nil)
	if len(ended) != 1 {
		t.Errorf("%d grants ended, want 1", len(ended))
	}
}

// Whichever of the two comes last has to see the other.
func TestNoKeyOutlivesASuspensionThatHappensMeanwhile(t *testing.T) {
	for range 300 {
		s := newServer(t, store.Lifetimes{})
		ann := s.person("Ann")
		var key string
		var failed error
		var both sync.WaitGroup
		both.Go(func() { key, _, failed = s.newKey(ann.ID, "a") })
		both.Go(func() {
			if _, err := s.SuspendUser(t.Context(), ann.ID); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if failed == nil {
			s.is(s.access(key), store.ErrNotFound)
		} else {
			s.is(failed, store.ErrNotFound)
		}
		if n := s.grantsOf(ann.ID); n != 0 {
			t.Fatalf("%d grants of a suspended person are left", n)
		}
	}
}

// A between does something right before or after the first grant is created.
type between struct {
	store.Backend
	before, after func()
}

func (b *between) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	if key.Kind != store.KindGrant {
		return b.Backend.Create(ctx, key, value, expires)
	}
	before, after := b.before, b.after
	b.before, b.after = nil, nil
	if before != nil {
		before()
	}
	err := b.Backend.Create(ctx, key, value, expires)
	if after != nil {
		after()
	}
	return err
}

func TestAKeyThatIsStoredWhileItsPersonChangesKnowsIt(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *server, id string) error
		want   error
		called string
	}{
		{"suspended", func(s *server, id string) error { _, err := s.SuspendUser(s.Context(), id); return err }, store.ErrNotFound, ""},
		{"removed", func(s *server, id string) error { _, err := s.RemoveUser(s.Context(), id); return err }, store.ErrNotFound, ""},
		{"renamed", func(s *server, id string) error { return s.RenameUser(s.Context(), id, "Anna") }, nil, "Anna"},
	}
	for _, test := range tests {
		for _, moment := range []string{"before", "after"} {
			t.Run(test.name+" "+moment, func(t *testing.T) {
				s := newServer(t, store.Lifetimes{})
				ann := s.person("Ann")
				other := &server{t, store.New(s.backend, store.Lifetimes{}), s.backend}
				meet := &between{Backend: s.backend}
				change := func() { s.is(test.change(other, ann.ID), nil) }
				if moment == "before" {
					meet.before = change
				} else {
					meet.after = change
				}
				s.Store = store.New(meet, store.Lifetimes{})
				_, _, err := s.newKey(ann.ID, "a")
				s.is(err, test.want)
				n := 0
				for g, err := range s.Grants(t.Context(), ann.ID) {
					n++
					if s.is(err, nil); g.UserName != test.called {
						t.Errorf("the grant says %q", g.UserName)
					}
				}
				if (n == 1) != (test.want == nil) {
					t.Errorf("%d grants are left", n)
				}
			})
		}
	}
}

func TestANewNameIsInAllGrantsAndChangesNothingElse(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		owner, ann := s.owner(), s.person("Ann")
		key, anns := s.key(owner.ID, "ci"), s.key(ann.ID, "ci")
		waiting, tokens := s.approve(), s.connect()
		time.Sleep(time.Minute)
		s.is(s.RenameUser(s.Context(), owner.ID, "Olga"), nil)
		for _, token := range []string{key, tokens.Access} {
			g, _, err := s.Access(s.Context(), token, time.Now())
			if s.is(err, nil); g.UserName != "Olga" {
				s.Errorf("a grant says %q", g.UserName)
			}
		}
		if g, _, err := s.Access(s.Context(), anns, time.Now()); err != nil || g.UserName != "Ann" {
			s.Errorf("another's grant says %q, %v", g.UserName, err)
		}
		// As long as before: a code five minutes, a key an hour.
		time.Sleep(4*time.Minute - time.Second)
		redeemed, err := s.redeem(waiting, verifier)
		if s.is(err, nil); redeemed.Grant.UserName != "Olga" {
			s.Errorf("the grant of a code says %q", redeemed.Grant.UserName)
		}
		time.Sleep(55 * time.Minute)
		s.is(s.access(key), nil)
		time.Sleep(time.Second)
		s.is(s.access(key), store.ErrNotFound)
		s.is(s.RenameUser(s.Context(), "nobody", "x"), store.ErrNotFound)
	})
}

func TestOfManyNewNamesAtOnceAllGrantsHaveTheOneThatStands(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	for i := range 20 {
		s.key(ann.ID, fmt.Sprint(i))
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := s.RenameUser(t.Context(), ann.ID, fmt.Sprint("Ann ", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	name := s.user(ann.ID).Name
	for g, err := range s.Grants(t.Context(), ann.ID) {
		if s.is(err, nil); g.UserName != name {
			t.Errorf("a grant says %q, and the person is %q", g.UserName, name)
		}
	}
}

// addition is what a person who touched their first passkey has.
func addition(u *store.User) *store.Enrolment {
	return &store.Enrolment{Purpose: store.ForAddition, UserID: u.ID, Epoch: u.Epoch, PasskeyID: u.Passkeys[0].ID}
}

func recovery(u *store.User) *store.Enrolment {
	return &store.Enrolment{Purpose: store.ForRecovery, UserID: u.ID, Epoch: u.Epoch}
}

func TestALinkIsVoidAfterWhatShutsItsPersonOut(t *testing.T) {
	for name, shut := range map[string]func(s *server, u *store.User) error{
		"signing out everywhere": func(s *server, u *store.User) error { return s.SignOutEverywhere(s.Context(), u.ID) },
		"a recovery": func(s *server, u *store.User) error {
			return s.ReplacePasskeys(s.Context(), recovery(u), u.Passkeys[0]) // even with the same passkey
		},
		"a suspension": func(s *server, u *store.User) error {
			_, err := s.SuspendUser(s.Context(), u.ID)
			return err
		},
		"a suspension that is over": func(s *server, u *store.User) error {
			if _, err := s.SuspendUser(s.Context(), u.ID); err != nil {
				return err
			}
			return s.ResumeUser(s.Context(), u.ID)
		},
		"a removal": func(s *server, u *store.User) error {
			_, err := s.RemoveUser(s.Context(), u.ID)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, store.Lifetimes{})
			ann := s.person("Ann")
			token := s.enrol(store.ForRecovery, ann.ID, "")
			link, err := s.Enrolment(t.Context(), token)
			s.is(err, nil)
			s.is(shut(s, ann), nil)
			s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: []byte("thief")}), store.ErrNotFound)
			s.is(s.ReplacePasskeys(t.Context(), link, store.Passkey{ID: []byte("thief")}), store.ErrNotFound)
		})
	}
}

func TestAnAdditionIsVoidOnceItsPasskeyIsRemoved(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: []byte("two")}), nil)
	s.is(s.RemovePasskey(t.Context(), ann.ID, ann.Passkeys[0].ID), nil)
	s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: []byte("thief")}), store.ErrNotFound)
}

func TestWhoeverHangsUpASuspensionIsComplete(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	for n := range 5 {
		_, _, err := s.CreateKey(t.Context(), store.NewKey{UserID: ann.ID, Name: fmt.Sprint(n), Life: time.Hour})
		s.is(err, nil)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	ended, err := s.SuspendUser(ctx, ann.ID)
	if s.is(err, nil); len(ended) != 5 {
		t.Errorf("%d of 5 grants have ended", len(ended))
	}
}

func TestWhoIsSuspendedRefreshesNothingEvenAfterACrashHalfWay(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	tokens, err := s.redeem(s.approveAs(ann), verifier)
	s.is(err, nil)
	code := s.approveAs(ann)
	half := *s.user(ann.ID) // the person is written down, and then the power fails
	half.SuspendedAt = time.Now()
	key := store.Key{Kind: store.KindUser, ID: ann.ID}
	record, err := s.backend.Get(t.Context(), key)
	s.is(err, nil)
	s.is(s.backend.Replace(t.Context(), key, record.Version, &half, time.Time{}), nil)
	_, err = s.rotate(tokens.Refresh)
	s.is(err, store.ErrNotFound)
	_, err = s.redeem(code, verifier)
	s.is(err, store.ErrNotFound)
}

func TestPasskeysAreAddedAndRemovedButForTheLast(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	ann := s.person("Ann")
	one, two := []byte("Ann"), []byte("two")
	s.is(s.RemovePasskey(t.Context(), ann.ID, one), store.ErrLastPasskey)
	s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: two}), nil)
	s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: two}), store.ErrConflict)
	s.is(s.RemovePasskey(t.Context(), ann.ID, []byte("three")), store.ErrNotFound)
	s.is(s.RemovePasskey(t.Context(), ann.ID, one), nil)
	s.is(s.RemovePasskey(t.Context(), ann.ID, two), store.ErrLastPasskey)
	ann = s.user(ann.ID)
	for i := range store.MaxPasskeys - 1 {
		s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: fmt.Append([]byte("more "), i)}), nil)
	}
	s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: []byte("one too many")}), store.ErrTooManyPasskeys)
	s.is(s.AddPasskey(t.Context(), &store.Enrolment{UserID: "nobody"}, store.Passkey{}), store.ErrNotFound)
	s.is(s.ReplacePasskeys(t.Context(), recovery(ann), store.Passkey{ID: []byte("new")}), nil)
	if left := s.user(ann.ID).Passkeys; len(left) != 1 || string(left[0].ID) != "new" {
		t.Errorf("%d passkeys are left", len(left))
	}
}

func TestOfTwoWhoRemoveTheLastTwoPasskeysOneSucceeds(t *testing.T) {
	for range 100 {
		s := newServer(t, store.Lifetimes{})
		ann := s.person("Ann")
		s.is(s.AddPasskey(t.Context(), addition(ann), store.Passkey{ID: []byte("two")}), nil)
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i, id := range []string{"Ann", "two"} {
			both.Go(func() { errs[i] = s.RemovePasskey(t.Context(), ann.ID, []byte(id)) })
		}
		both.Wait()
		if err := errors.Join(errs...); !errors.Is(err, store.ErrLastPasskey) || len(s.user(ann.ID).Passkeys) != 1 {
			t.Fatalf("%d are left: %v", len(s.user(ann.ID).Passkeys), err)
		}
	}
}
