package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// A revocation is what a command line says shall end: exactly one of its members.
type revocation struct {
	ids    []string
	client string
	person string
	all    bool
}

func runRevoke(ctx context.Context, args []string, t terminal) error {
	v := newStoreVerb("revoke", t)
	v.asks()
	var r revocation
	v.StringVar(&r.client, "client", "", "all connections of the client with this `ID`, whoever let it in")
	v.StringVar(&r.person, "person", "", "all connections and API keys of the person with this `name or ID`")
	v.BoolVar(&r.all, "all", false, "all connections and API keys of everybody")
	var err error
	if r.ids, err = v.parse("revoke ID... | --client ID | --person NAME | --all [FLAGS]", args); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	return v.do(ctx, func(a admin) error { return a.revoke(ctx, r) })
}

func (r revocation) check() error {
	said := 0
	for _, is := range []bool{len(r.ids) > 0, r.client != "", r.person != "", r.all} {
		if is {
			said++
		}
	}
	if said != 1 {
		return errors.New("say what to end: IDs that mcpoauth connections lists, or one of --client, --person and --all")
	}
	return nil
}

func (a admin) revoke(ctx context.Context, r revocation) error {
	userID := ""
	if r.person != "" {
		person, err := a.person(ctx, r.person)
		if err != nil {
			return err
		}
		userID = person.ID
	}
	list, _, err := a.connections(ctx, userID)
	if err != nil {
		return err
	}
	if list, err = r.choose(list); err != nil {
		return err
	}
	if err := a.confirmEnd(ctx, list); err != nil {
		return err
	}
	which := r.ends
	if r.all {
		which = nil // what cannot be read too
	}
	ended, failed := a.store.RevokeGrants(ctx, userID, which)
	for _, g := range ended {
		a.log.InfoContext(ctx, "grant.revoked", "user_id", g.UserID, "client_id", g.ClientID, "grant_id", g.ID, a.by())
	}
	switch {
	case errors.Is(failed, store.ErrUnreadable):
		failed = fmt.Errorf("all that can be read have ended: %w", failed)
	case failed != nil:
		failed = fmt.Errorf("revoking: %w; the others go on, run it again", failed)
	}
	return errors.Join(a.showEnded(list, ended), failed)
}

// choose returns those of list that are to end.
func (r revocation) choose(list []connection) ([]connection, error) {
	for _, id := range r.ids {
		if !slices.ContainsFunc(list, func(c connection) bool { return c.ID == id }) {
			return nil, finding(fmt.Sprintf("there is no connection or API key of the ID %q; nothing was changed", id))
		}
	}
	list = slices.DeleteFunc(list, func(c connection) bool { return !r.ends(&store.Grant{ID: c.ID, ClientID: c.ClientID}) })
	if len(list) == 0 {
		return nil, finding("there is no such connection or API key; nothing was changed")
	}
	return list, nil
}

// ends reports whether a grant is meant. Whose it is was looked at before.
func (r revocation) ends(g *store.Grant) bool {
	switch {
	case len(r.ids) > 0:
		return slices.Contains(r.ids, g.ID)
	case r.client != "":
		return g.ClientID == r.client
	}
	return true
}

// confirmEnd shows what would end, and asks.
func (a admin) confirmEnd(ctx context.Context, list []connection) error {
	if !a.yes {
		p := &printer{out: a.t.err}
		p.connections(list, time.Now())
		p.printf("\n")
	}
	return a.confirm(ctx, fmt.Sprintf("This ends %s at once; whoever uses them has to connect anew.", connected(list)))
}

// showEnded says which of those that were announced, and which others, have ended.
func (a admin) showEnded(announced []connection, ended []*store.Grant) error {
	list := make([]connection, len(ended)) // [] in JSON
	for i, g := range ended {
		list[i] = newConnection(g, store.Use{})
		if at := slices.IndexFunc(announced, func(c connection) bool { return c.ID == g.ID }); at >= 0 {
			list[i] = announced[at]
		}
	}
	return a.show(map[string]any{"ended": list}, func(p *printer) {
		for _, c := range list {
			p.row([]column{{"", 6}, {"", 22}, {"", 48}}, "ended", c.ID, c.called())
		}
		p.printf("\nEnded %s.\n", connected(list))
	})
}
