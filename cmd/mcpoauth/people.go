package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A person is somebody who can let clients in.
type person struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Owner       bool      `json:"owner"`
	Passkeys    int       `json:"passkeys"`
	UsedAt      time.Time `json:"passkey_used_at,omitzero"`
	CreatedAt   time.Time `json:"created_at"`
	SuspendedAt time.Time `json:"suspended_at,omitzero"`
}

func newPerson(u *store.User) person {
	p := person{ID: u.ID, Name: u.Name, Owner: u.Owner(), Passkeys: len(u.Passkeys), CreatedAt: u.CreatedAt, SuspendedAt: u.SuspendedAt}
	for _, key := range u.Passkeys {
		if key.UsedAt.After(p.UsedAt) {
			p.UsedAt = key.UsedAt
		}
	}
	return p
}

func runPeople(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("people", t)
	if err := v.parseNone("people [FLAGS]", args); err != nil {
		return err
	}
	return v.do(ctx, func(a admin) error {
		users, err := a.store.Users(ctx)
		if err != nil {
			return fmt.Errorf("reading people: %w", err)
		}
		list := make([]person, len(users)) // [] in JSON
		for i, u := range users {
			list[i] = newPerson(u)
		}
		return a.show(map[string]any{"people": list}, func(p *printer) { p.people(list, time.Now()) })
	})
}

var personColumns = []column{{"ID", 22}, {"NAME", 20}, {"PASSKEYS", 8}, {"LAST USED", 11}, {"", 11}}

func (p *printer) people(list []person, now time.Time) {
	if len(list) == 0 {
		p.printf("There is nobody yet: the setup link, which the server shows when it starts, makes the owner.\n")
		return
	}
	p.headings(personColumns)
	for _, who := range list {
		state := ""
		switch {
		case !who.SuspendedAt.IsZero():
			state = "suspended"
		case who.Owner:
			state = "owner"
		}
		p.row(personColumns, who.ID, who.Name, fmt.Sprint(who.Passkeys), ago(who.UsedAt, now), state)
	}
}

func runSuspend(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("suspend", t)
	v.asks()
	return v.onPerson(ctx, args, func(a admin, u *store.User) error {
		if u.Owner() {
			return finding("the owner cannot be suspended; to end what is connected, use mcpoauth revoke")
		}
		if err := a.confirm(ctx, fmt.Sprintf("This shuts %s out, and ends their sessions, connections and API keys.", cut(u.Name, 64))); err != nil {
			return err
		}
		ended, err := a.store.SuspendUser(ctx, u.ID)
		if err != nil {
			return fmt.Errorf("suspending: %w; run it again", err)
		}
		a.log.InfoContext(ctx, "person.suspended", "user_id", u.ID, a.by())
		return a.showPerson(ctx, u.ID, func(p *printer, who person) {
			p.printf("Suspended %s, and ended %s. mcpoauth resume lets them in again.\n", cut(who.Name, 64), count(len(ended), "connection"))
		})
	})
}

func runResume(ctx context.Context, args []string, t terminal) error {
	return newStoreVerb("resume", t).onPerson(ctx, args, func(a admin, u *store.User) error {
		if !u.Suspended() {
			return finding(fmt.Sprintf("%s is not suspended", cut(u.Name, 64)))
		}
		if err := a.store.ResumeUser(ctx, u.ID); err != nil {
			return fmt.Errorf("resuming: %w", err)
		}
		a.log.InfoContext(ctx, "person.resumed", "user_id", u.ID, a.by())
		return a.showPerson(ctx, u.ID, func(p *printer, who person) {
			p.printf("%s can sign in again. What was connected has to be connected anew.\n", cut(who.Name, 64))
		})
	})
}

// onPerson runs a verb on the one person that its arguments name.
func (v *storeVerb) onPerson(ctx context.Context, args []string, work func(admin, *store.User) error) error {
	rest, err := v.parse(v.Name()+" NAME [FLAGS]", args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("name one person, by name or ID, as mcpoauth people lists them")
	}
	return v.do(ctx, func(a admin) error {
		u, err := a.person(ctx, rest[0])
		if err != nil {
			return err
		}
		return work(a, u)
	})
}

func (a admin) showPerson(ctx context.Context, id string, text func(*printer, person)) error {
	u, err := a.store.User(ctx, id)
	if err != nil {
		return fmt.Errorf("reading the person again: %w", err)
	}
	who := newPerson(u)
	return a.show(map[string]any{"person": who}, func(p *printer) { text(p, who) })
}
