package account

import (
	"net/http"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/templates"
)

const signInPath = "/account/sign-in"

func (h *Handler) signInPage(v *visit) error {
	query := v.r.URL.Query()
	target := returnTo(query.Get("return_to"))
	if v.user != nil {
		v.leave(target)
		return nil
	}
	ready, err := h.People.SetUp(v.r.Context())
	if err != nil {
		return err
	}
	if !ready {
		return h.render(v, templates.SetupNeeded{SetupURL: "/passkey/register", Account: true})
	}
	return h.render(v, templates.SignIn{ReturnTo: target, Digest: text(digest("sign-in")), Notice: h.notice(v).text})
}

func (h *Handler) signIn(v *visit) error {
	user, passkeyID, err := h.touch(v, digest("sign-in"))
	if err != nil {
		return err
	}
	if err := h.begin(v, user, passkeyID); err != nil {
		return err
	}
	h.Log.InfoContext(v.r.Context(), "session.started", "user_id", user.ID)
	v.leave(returnTo(v.form.Get("return_to")))
	return nil
}

func (h *Handler) signOut(v *visit) error {
	if err := h.Store.SignOut(v.r.Context(), v.session.ID); err != nil {
		return wrap("ending the session", err)
	}
	h.Log.InfoContext(v.r.Context(), "session.ended", "user_id", v.user.ID, "everywhere", false)
	h.forget(v)
	v.leave(signInPath)
	return nil
}

func (h *Handler) signOutEverywhere(v *visit) error {
	if err := h.Store.SignOutEverywhere(v.r.Context(), v.user.ID); err != nil {
		return wrap("ending the sessions", err)
	}
	h.Log.InfoContext(v.r.Context(), "session.ended", "user_id", v.user.ID, "everywhere", true)
	h.forget(v)
	h.report(v, "signed-out-everywhere", signInPath)
	return nil
}

// returnTo is where to go after signing in: one of these pages. Nowhere else, or a link
// could lead from here to another site with this one's name on it.
func returnTo(target string) string {
	path, _, _ := strings.Cut(target, "?")
	// A browser goes up at a dot or two, and at %2e: none of these pages has one.
	below := path == "/account" || strings.HasPrefix(path, "/account/") && !strings.ContainsAny(path, ".%")
	if !below || path == signInPath || len(target) > oauth.MaxQuery || strings.ContainsFunc(target, notInURL) {
		return "/account"
	}
	return target
}

// notInURL reports what a browser would have escaped, or takes for something else: a
// backslash for a slash.
func notInURL(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`\#"<>`, c) }

var errNotTouched = &problem{
	status:  http.StatusForbidden,
	title:   "This touch no longer counts",
	message: "It took too long, was used already, or was given for something else. Nothing was changed.",
	remedy:  "Go back, reload the page and try again.",
	back:    "/account",
}
