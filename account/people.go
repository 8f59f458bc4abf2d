package account

import (
	"fmt"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

const peoplePath = "/account/people"

func (h *Handler) peoplePage(v *visit) error {
	ctx := v.r.Context()
	frame, err := h.frame(v, peoplePath)
	if err != nil {
		return err
	}
	page := templates.People{Account: frame}
	users, err := h.Store.Users(ctx)
	if err != nil {
		return wrap("listing people", err)
	}
	grants := make(map[string]int)
	for g, err := range h.grants(ctx, "") {
		if err != nil {
			return wrap("listing grants", err)
		}
		grants[g.UserID]++
	}
	if len(users) > 1 {
		for _, u := range users {
			page.People = append(page.People, templates.Person{
				ID: u.ID, Name: u.Name, Owner: u.Owner(), Passkeys: len(u.Passkeys), Connections: grants[u.ID],
				Since: templates.NewWhen(u.CreatedAt, v.now), Suspended: templates.NewWhen(u.SuspendedAt, v.now),
			})
		}
	}
	invitations, err := h.Store.Invitations(ctx)
	if err != nil {
		return wrap("listing invitations", err)
	}
	for _, i := range invitations {
		page.Invitations = append(page.Invitations, templates.Invitation{ID: i.ID, Name: i.Name, Expires: templates.NewWhen(i.ExpiresAt, v.now)})
	}
	return h.render(v, page)
}

// Both bound what one page has to show, and what the others read to know whether there is
// more than one person. Nobody waits for more people at once.
const (
	maxInvitations = 100
	maxPeople      = 1000 // whom the page has invited; a program may invite more
)

func (h *Handler) invite(v *visit) error {
	ctx := v.r.Context()
	users, err := h.Store.Users(ctx)
	if err != nil {
		return wrap("listing people", err)
	}
	invitations, err := h.Store.Invitations(ctx)
	if err != nil {
		return wrap("listing invitations", err)
	}
	name, ok := newPersonName(v.form.Get("name"), users, invitations)
	switch {
	case !ok:
		h.report(v, "bad-name", peoplePath)
		return nil
	case len(users)+len(invitations) >= maxPeople:
		h.report(v, "many-people", peoplePath)
		return nil
	case len(invitations) >= maxInvitations:
		h.report(v, "many-invitations", peoplePath)
		return nil
	}
	page := templates.Confirm{
		Title: "Invite “" + name + "”?", Button: "Invite with your passkey", Cancel: peoplePath,
		Lines: []string{
			fmt.Sprintf("You get a link for them. It works once, for %d days.", int(store.InvitationLife.Hours()/24)),
			"Whoever opens it can approve apps that use this server, until you suspend or remove them.",
		},
		Fields: []templates.Field{{Name: "name", Value: name}},
	}
	if yes, err := h.confirmed(v, page, "invite", name); !yes {
		return err
	}
	token, err := h.Store.Enrol(ctx, store.ForInvitation, "", name)
	if err != nil {
		return wrap("storing the invitation", err)
	}
	h.Log.InfoContext(ctx, "person.invited", "name", name, "by", v.user.ID)
	frame, err := h.frame(v, peoplePath)
	if err != nil {
		return err
	}
	return h.render(v, templates.Invited{
		Account: frame, Name: name, Link: h.ServerURL + "/passkey/enrol?for=invitation#token=" + token,
		Expires: templates.NewWhen(v.now.Add(store.InvitationLife), v.now),
	})
}

func (h *Handler) withdraw(v *visit) error {
	if err := h.Store.WithdrawInvitation(v.r.Context(), v.form.Get("invitation")); err != nil {
		return wrap("withdrawing an invitation", err)
	}
	h.Log.InfoContext(v.r.Context(), "invitation.withdrawn", "by", v.user.ID)
	h.report(v, "withdrawn", peoplePath)
	return nil
}
