package account

import (
	"fmt"
	"strings"

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
	for g, err := range h.Store.Grants(ctx, "") {
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

// maxInvitations bounds what one page has to show. Nobody waits for more people at once.
const maxInvitations = 100

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
	if !ok || len(invitations) >= maxInvitations {
		v.leave(peoplePath, "done", "bad-name")
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
	v.leave(peoplePath, "done", "withdrawn")
	return nil
}

// person returns who a form of the owner's is about, with a page that names them.
func (h *Handler) person(v *visit, question string) (*store.User, templates.Confirm, error) {
	id := v.form.Get("person")
	page := templates.Confirm{Cancel: peoplePath, Fields: []templates.Field{{Name: "person", Value: id}}}
	users, err := h.Store.Users(v.r.Context()) // and not User: id may be anything
	if err != nil {
		return nil, page, wrap("listing people", err)
	}
	for _, u := range users {
		if u.ID == id && !u.Owner() {
			page.Title = strings.Replace(question, "NAME", "“"+short(u.Name)+"”", 1)
			return u, page, nil
		}
	}
	return nil, page, errNotFound
}

func (h *Handler) suspend(v *visit) error {
	user, page, err := h.person(v, "Suspend NAME?")
	if err != nil {
		return err
	}
	page.Button, page.Danger = "Suspend", true
	page.Lines, err = h.shutOut(v, user, "Their passkeys stay: once you resume them, they can sign in and approve apps again.")
	if err != nil {
		return err
	}
	if yes, err := h.agreed(v, page); !yes {
		return err
	}
	ended, err := h.Store.SuspendUser(v.r.Context(), user.ID)
	h.logEnded(v, ended...)
	if err != nil {
		return wrap("suspending a person", err)
	}
	h.Log.InfoContext(v.r.Context(), "person.suspended", "user_id", user.ID, "by", v.user.ID)
	v.leave(peoplePath, "done", "suspended")
	return nil
}

func (h *Handler) removePerson(v *visit) error {
	user, page, err := h.person(v, "Remove NAME?")
	if err != nil {
		return err
	}
	page.Button, page.Danger = "Remove", true
	page.Lines, err = h.shutOut(v, user, "Their passkeys are forgotten. To come back they need a new invitation, and are somebody new to the server.")
	if err != nil {
		return err
	}
	if yes, err := h.agreed(v, page); !yes {
		return err
	}
	ended, err := h.Store.RemoveUser(v.r.Context(), user.ID)
	h.logEnded(v, ended...)
	if err != nil {
		return wrap("removing a person", err)
	}
	h.Log.InfoContext(v.r.Context(), "person.removed", "user_id", user.ID, "by", v.user.ID)
	v.leave(peoplePath, "done", "removed")
	return nil
}

func (h *Handler) resume(v *visit) error {
	user, page, err := h.person(v, "Let NAME in again?")
	if err != nil {
		return err
	}
	page.Button = "Resume with your passkey"
	page.Lines = []string{"They can sign in and approve apps again, with the passkeys that they had. What was connected before stays ended."}
	if yes, err := h.confirmed(v, page, "resume", user.ID); !yes {
		return err
	}
	if err := h.Store.ResumeUser(v.r.Context(), user.ID); err != nil {
		return wrap("resuming a person", err)
	}
	h.Log.InfoContext(v.r.Context(), "person.resumed", "user_id", user.ID, "by", v.user.ID)
	v.leave(peoplePath, "done", "resumed")
	return nil
}

// shutOut says what it means for a person to be shut out.
func (h *Handler) shutOut(v *visit, user *store.User, after string) ([]string, error) {
	n := 0
	for _, err := range h.Store.Grants(v.r.Context(), user.ID) {
		if err != nil {
			return nil, wrap("listing grants", err)
		}
		n++
	}
	line := "They are signed out everywhere at once."
	if n > 0 {
		line = "They are signed out everywhere at once, and " + count(n, "connection") + " of theirs will end."
	}
	return []string{line, after}, nil
}
