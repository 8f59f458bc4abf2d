package account

import (
	"fmt"
	"strings"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// grant returns a grant by its ID if v may see and end it.
func (h *Handler) grant(v *visit, id string) (*store.Grant, error) {
	g, err := h.Store.Grant(v.r.Context(), id)
	if err != nil {
		return nil, wrap("looking up a grant", err)
	}
	if g.UserID != v.user.ID && !v.user.Owner() {
		return nil, errNotFound
	}
	return g, nil
}

func (h *Handler) revoke(v *visit) error {
	g, err := h.grant(v, v.form.Get("grant"))
	if err != nil {
		return err
	}
	if err := h.Store.RevokeGrant(v.r.Context(), g.ID); err != nil {
		return wrap("revoking a grant", err)
	}
	h.logEnded(v, g)
	if v.form.Get("from") == "keys" {
		h.report(v, "revoked", keysPath)
		return nil
	}
	page := v.form.Get("page")
	if page == "1" {
		page = ""
	}
	h.report(v, "revoked", "/account", "q", searched(v.form), "page", page)
	return nil
}

func (h *Handler) revokeApp(v *visit) error {
	clientID := v.form.Get("app")
	if clientID == "" {
		return errNotFound // it would stand for all API keys
	}
	which := func(g *store.Grant) bool { return g.ClientID == clientID }
	name, err := h.clientName(v.r.Context(), clientID)
	if err != nil {
		return err
	}
	page := templates.Confirm{
		Title: "Revoke all connections of “" + short(name) + "”?", Button: "Revoke all", Danger: true, Cancel: "/account",
		Fields: []templates.Field{{Name: "app", Value: clientID}},
	}
	if page.Lines, err = h.whatEnds(v, which); err != nil {
		return err
	}
	if len(page.Lines) == 0 {
		return errNotFound
	}
	return h.revokeMany(v, which, page, "revoked-app")
}

func (h *Handler) revokeAll(v *visit) error {
	every := func(*store.Grant) bool { return true }
	page := templates.Confirm{Title: "Revoke everything?", Button: "Revoke everything", Danger: true, Cancel: "/account"}
	var err error
	if page.Lines, err = h.whatEnds(v, every); err != nil {
		return err
	}
	page.Lines = append(page.Lines, "What was approved just now, and its app has not come for yet, ends too.")
	return h.revokeMany(v, nil, page, "revoked-all")
}

// revokeMany asks with page and, once that is agreed to, ends the grants that which
// chooses, codes that wait to be redeemed among them; nil chooses all.
func (h *Handler) revokeMany(v *visit, which func(*store.Grant) bool, page templates.Confirm, done string) error {
	if yes, err := h.agreed(v, page); !yes {
		return err
	}
	ended, err := h.Store.RevokeGrants(v.r.Context(), v.whose(), which)
	h.logEnded(v, ended...)
	if err != nil {
		return wrap("revoking grants", err)
	}
	h.report(v, done, "/account")
	return nil
}

// whatEnds says what a revocation will do. It says nothing if that is nothing.
func (h *Handler) whatEnds(v *visit, which func(*store.Grant) bool) ([]string, error) {
	keys, apps, others, people := 0, 0, false, make(map[string]bool)
	for g, err := range h.grants(v.r.Context(), v.whose()) {
		switch {
		case err != nil:
			return nil, wrap("listing grants", err)
		case !which(g):
			continue
		case g.ClientID == "":
			keys++
		default:
			apps++
			others = others || g.UserID != v.user.ID
		}
		people[g.UserID] = true
	}
	if keys+apps == 0 {
		return nil, nil
	}
	var what []string
	if apps > 0 {
		what = append(what, count(apps, "connection"))
	}
	if keys > 0 {
		what = append(what, count(keys, "API key"))
	}
	line := strings.Join(what, " and ")
	if len(people) > 1 {
		line += " of " + count(len(people), "person", "people")
	}
	lines := []string{line + " will end at once, and cannot be brought back."}
	switch {
	case others:
		lines = append(lines, "To connect again, an app has to ask again, and the person that it was connected for has to approve it.")
	case apps > 0:
		lines = append(lines, "To connect again, an app has to ask again, and you have to approve it.")
	}
	return lines, nil
}

// count says a number of things. The plural is with an s unless it is given.
func count(n int, thing string, plural ...string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case len(plural) > 0:
		thing = plural[0]
	default:
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// maxHeading is how much of a name fits into a heading, in characters.
const maxHeading = 60

// short is a name that fits into a heading.
func short(name string) string {
	runes := []rune(templates.Clean(name))
	if len(runes) > maxHeading {
		return string(runes[:maxHeading]) + "…"
	}
	return string(runes)
}

func (h *Handler) logEnded(v *visit, ended ...*store.Grant) {
	for _, g := range ended {
		h.Log.InfoContext(v.r.Context(), "grant.revoked", "user_id", g.UserID, "client_id", g.ClientID, "grant_id", g.ID, "by", v.user.ID)
	}
}
