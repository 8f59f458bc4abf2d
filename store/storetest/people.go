package storetest

import (
	"bytes"
	"fmt"

	"github.com/mcpoauth/mcpoauth/store"
)

var people = []storeRule{
	{"the owner is created once", func(f *fixture) {
		f.hasOwner(false)
		f.ok(f.store.CreateOwner(f.Context(), store.User{Name: "first"}))
		f.hasOwner(true)
		f.fails(f.store.CreateOwner(f.Context(), store.User{Name: "second"}), store.ErrConflict)
		owner, err := f.store.User(f.Context(), store.OwnerID)
		f.ok(err)
		if owner.Name != "first" || owner.ID != store.OwnerID {
			f.Errorf("the owner is %q with the ID %q", owner.Name, owner.ID)
		}
	}},
	{"of many who create the owner one succeeds", func(f *fixture) {
		f.once(together(many, func(i int) error {
			return f.store.CreateOwner(f.Context(), store.User{Name: fmt.Sprint(i)})
		}), store.ErrConflict)
		f.hasOwner(true)
	}},
	{"a user handle finds its user, and no other does", func(f *fixture) {
		handle := store.NewUserHandle(store.OwnerID)
		f.ok(f.store.CreateOwner(f.Context(), store.User{Handle: handle}))
		owner, err := f.store.UserByHandle(f.Context(), handle)
		f.ok(err)
		if owner.ID != store.OwnerID {
			f.Errorf("the handle found %q", owner.ID)
		}
		for _, wrong := range [][]byte{nil, []byte(store.OwnerID), store.NewUserHandle(store.OwnerID), handle[1:], append([]byte("x"), handle...), bytes.Repeat([]byte("x"), 65)} {
			_, err := f.store.UserByHandle(f.Context(), wrong)
			f.fails(err, store.ErrNotFound)
		}
	}},
	{"no update of a passkey is lost among many", func(f *fixture) {
		f.ok(f.store.CreateOwner(f.Context(), store.User{Passkeys: []store.Passkey{{ID: []byte("one")}, {ID: []byte("two")}}}))
		const updates = 50
		for _, err := range together(updates, func(int) error {
			return f.store.UpdatePasskey(f.Context(), store.OwnerID, []byte("two"), func(p *store.Passkey) { p.SignCount++ })
		}) {
			f.ok(err)
		}
		owner, err := f.store.User(f.Context(), store.OwnerID)
		f.ok(err)
		if one, two := owner.Passkeys[0].SignCount, owner.Passkeys[1].SignCount; one != 0 || two != updates {
			f.Errorf("the counters are %d and %d, want 0 and %d", one, two, updates)
		}
		err = f.store.UpdatePasskey(f.Context(), store.OwnerID, []byte("three"), func(*store.Passkey) {})
		f.fails(err, store.ErrNotFound)
	}},
	{"Check is content with an empty backend", func(f *fixture) {
		f.ok(f.store.Check(f.Context()))
	}},
}

func (f *fixture) hasOwner(want bool) {
	f.Helper()
	if got, err := f.store.HasOwner(f.Context()); err != nil || got != want {
		f.Fatalf("HasOwner = %v, %v; want %v", got, err, want)
	}
}

var ceremonies = []storeRule{
	{"a ceremony is taken once", func(f *fixture) {
		id, err := f.store.BeginCeremony(f.Context(), store.Ceremony{Purpose: "approve"})
		f.ok(err)
		ceremony, err := f.store.TakeCeremony(f.Context(), id)
		f.ok(err)
		if ceremony.ID != id || ceremony.Purpose != "approve" {
			f.Errorf("it came back as %q, %q", ceremony.ID, ceremony.Purpose)
		}
		_, err = f.store.TakeCeremony(f.Context(), id)
		f.fails(err, store.ErrNotFound)
	}},
	{"of many who take a ceremony one succeeds", func(f *fixture) {
		id, err := f.store.BeginCeremony(f.Context(), store.Ceremony{})
		f.ok(err)
		f.once(together(many, func(int) error {
			_, err := f.store.TakeCeremony(f.Context(), id)
			return err
		}), store.ErrNotFound)
	}},
	{"a ceremony without an answer is no approval, and an approval no ceremony", func(f *fixture) {
		id, err := f.store.BeginCeremony(f.Context(), store.Ceremony{})
		f.ok(err)
		_, err = f.store.TakeApproval(f.Context(), id)
		f.fails(err, store.ErrNotFound)
		ceremony, err := f.store.TakeCeremony(f.Context(), id)
		f.ok(err)
		f.ok(f.store.AnswerCeremony(f.Context(), *ceremony))
		_, err = f.store.TakeCeremony(f.Context(), id)
		f.fails(err, store.ErrNotFound)
	}},
	{"the answer to a ceremony is taken once", func(f *fixture) {
		id, err := f.store.BeginCeremony(f.Context(), store.Ceremony{})
		f.ok(err)
		ceremony, err := f.store.TakeCeremony(f.Context(), id)
		f.ok(err)
		answered := *ceremony
		answered.UserID = store.OwnerID
		f.ok(f.store.AnswerCeremony(f.Context(), answered))
		again, err := f.store.TakeApproval(f.Context(), id)
		f.ok(err)
		if again.UserID != store.OwnerID {
			f.Errorf("the answer says %q", again.UserID)
		}
		_, err = f.store.TakeApproval(f.Context(), id)
		f.fails(err, store.ErrNotFound)
	}},
}

var clients = []storeRule{
	{"a client comes back as it registered", func(f *fixture) {
		f.ok(f.store.RegisterClient(f.Context(), &store.Client{ID: client, Name: "<A> & \"client\"", RedirectURIs: []string{"https://client.example/cb"}}))
		got, err := f.store.Client(f.Context(), client)
		f.ok(err)
		if got.Name != "<A> & \"client\"" || len(got.RedirectURIs) != 1 || !got.Public() {
			f.Errorf("it came back as %+v", got)
		}
		_, err = f.store.Client(f.Context(), otherClient)
		f.fails(err, store.ErrNotFound)
	}},
	{"a client ID is registered once", func(f *fixture) {
		f.ok(f.store.RegisterClient(f.Context(), &store.Client{ID: client}))
		key := store.Key{Kind: store.KindClient, ID: client}
		before, err := f.backend.Get(f.Context(), key)
		f.ok(err)
		f.ok(f.store.RegisterClient(f.Context(), &store.Client{ID: client, Name: "another"}))
		after, err := f.backend.Get(f.Context(), key)
		f.ok(err)
		if after.ExpiresAt.Before(before.ExpiresAt) {
			f.Errorf("its time did not begin anew: %v, then %v", before.ExpiresAt, after.ExpiresAt)
		}
		if stays, err := f.store.Client(f.Context(), client); err != nil || stays.Name != "" {
			f.Errorf("it did not stay as it was: %+v, %v", stays, err)
		}
	}},
	{"an approval makes a client permanent", func(f *fixture) {
		f.ok(f.store.RegisterClient(f.Context(), &store.Client{ID: client}))
		key := store.Key{Kind: store.KindClient, ID: client}
		if record, err := f.backend.Get(f.Context(), key); err != nil || record.ExpiresAt.IsZero() {
			f.Fatalf("before: expires %v, %v", record.ExpiresAt, err)
		}
		f.approve()
		permanent, err := f.backend.Get(f.Context(), key)
		if err != nil || !permanent.ExpiresAt.IsZero() {
			f.Fatalf("after: expires %v, %v", permanent.ExpiresAt, err)
		}
		f.approve()
		if again, err := f.backend.Get(f.Context(), key); err != nil || again.Version != permanent.Version {
			f.Errorf("a second approval wrote it again, for nothing, %v", err)
		}
		if approved, err := f.store.Client(f.Context(), client); err != nil || approved.ApprovedAt.IsZero() {
			f.Errorf("it does not say that somebody approved it, %v", err)
		}
	}},
	{"an approval brings a client back that a flood has swept away", func(f *fixture) {
		f.approve()
		_, err := f.store.Client(f.Context(), client)
		f.ok(err)
	}},
	{"many approvals of one client at once all succeed", func(f *fixture) {
		f.ok(f.store.RegisterClient(f.Context(), &store.Client{ID: client}))
		for _, err := range together(50, func(int) error {
			_, err := f.store.Approve(f.Context(), store.Approval{UserID: store.OwnerID, Client: &store.Client{ID: client}, Challenge: challenge})
			return err
		}) {
			f.ok(err)
		}
	}},
	{"a client from the configuration is not stored", func(f *fixture) {
		_, err := f.store.Approve(f.Context(), store.Approval{UserID: store.OwnerID, Client: &store.Client{ID: client, Preregistered: true}, Challenge: challenge})
		f.ok(err)
		_, err = f.store.Client(f.Context(), client)
		f.fails(err, store.ErrNotFound)
	}},
}
