package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

var account = []storeRule{
	{"of many who take an enrolment exactly one succeeds", func(f *fixture) {
		token, err := f.store.Enrol(f.Context(), store.ForInvitation, "", "Ann")
		f.ok(err)
		e, err := f.store.Enrolment(f.Context(), token)
		f.ok(err)
		f.once(together(50, func(int) error {
			_, err := f.store.TakeEnrolment(f.Context(), e.ID)
			return err
		}), store.ErrNotFound)
		_, err = f.store.Enrolment(f.Context(), token)
		f.fails(err, store.ErrNotFound)
	}},
	{"a session opens for who holds its token, until it is signed out", func(f *fixture) {
		ann := f.person("ann")
		token, err := f.store.SignIn(f.Context(), ann.ID, ann.Passkeys[0].ID)
		f.ok(err)
		session, user, err := f.store.Session(f.Context(), token)
		f.ok(err)
		if user.ID != ann.ID {
			f.Errorf("it is the session of %q", user.ID)
		}
		_, _, err = f.store.Session(f.Context(), token[:len(token)-1]+"_")
		f.fails(err, store.ErrNotFound)
		f.ok(f.store.SignOut(f.Context(), session.ID))
		_, _, err = f.store.Session(f.Context(), token)
		f.fails(err, store.ErrNotFound)
	}},
	{"the grants of a person are all listed, and nobody else's", func(f *fixture) {
		ann, bob := f.person("ann"), f.person("bob")
		var want []string
		for n := range 30 {
			_, grant := f.key(ann, fmt.Sprint(n))
			want = append(want, grant.ID)
		}
		f.key(bob, "his")
		var got []string
		for grant, err := range f.store.Grants(f.Context(), ann.ID) {
			f.ok(err)
			got = append(got, grant.ID)
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			f.Errorf("%d grants are listed, want %d", len(got), len(want))
		}
	}},
	{"a person who is suspended has nothing that opens, and others keep what they have", func(f *fixture) {
		ann, bob := f.person("ann"), f.person("bob")
		hers, _ := f.key(ann, "hers")
		his, _ := f.key(bob, "his")
		_, err := f.store.SuspendUser(f.Context(), ann.ID)
		f.ok(err)
		f.dead(hers)
		_, _, err = f.store.Access(f.Context(), his, time.Now())
		f.ok(err)
		_, _, err = f.store.CreateKey(f.Context(), store.NewKey{UserID: ann.ID, Life: time.Hour})
		f.fails(err, store.ErrNotFound)
	}},
	{"of uses that are noted at once the latest is kept", func(f *fixture) {
		_, grant := f.key(f.person("ann"), "hers")
		began := time.Now().UTC().Round(0)
		for _, err := range together(20, func(n int) error {
			_, err := f.store.NoteUse(f.Context(), store.Use{GrantID: grant.ID, At: began.Add(time.Duration(n) * time.Second)})
			return err
		}) {
			f.ok(err)
		}
		uses, err := f.store.Uses(f.Context(), "ann")
		f.ok(err)
		if got := uses[grant.ID].At; !got.Equal(began.Add(19 * time.Second)) {
			f.Errorf("the use %v after the first is kept", got.Sub(began))
		}
	}},
}

func (f *fixture) person(id string) *store.User {
	f.Helper()
	user := store.User{ID: id, Name: id, Passkeys: []store.Passkey{{ID: []byte(id)}}}
	f.ok(f.store.CreateUser(f.Context(), user))
	return &user
}

func (f *fixture) key(user *store.User, name string) (token string, grant *store.Grant) {
	f.Helper()
	token, grant, err := f.store.CreateKey(f.Context(), store.NewKey{
		UserID: user.ID, Name: name, Resource: "https://mcp.example.com/mcp", Scopes: scopes, Life: time.Hour,
	})
	f.ok(err)
	return token, grant
}
