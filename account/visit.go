package account

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A visit is one request to a page.
type visit struct {
	w       http.ResponseWriter
	r       *http.Request
	now     time.Time
	session *store.Session // nil: nobody is signed in
	user    *store.User    // who is
	form    url.Values     // of a POST
}

type serve func(*visit) error

// open serves a page that needs nobody to be signed in.
func (h *Handler) open(w http.ResponseWriter, r *http.Request, next serve) {
	v := &visit{w: w, r: r, now: time.Now()}
	err := h.identify(v)
	if err == nil {
		err = next(v)
	}
	h.answer(v, err)
}

// submit takes a form from a page that needs nobody to be signed in.
func (h *Handler) submit(w http.ResponseWriter, r *http.Request, next serve) {
	h.open(w, r, func(v *visit) (err error) {
		if v.form, err = oauth.ReadForm(w, r); err != nil {
			return &problem{
				title:   "This request is broken",
				message: "The form that arrived is not one of this server's.",
				remedy:  "Go back, reload the page and try again.",
			}
		}
		return next(v)
	})
}

// show serves a page to who is signed in, and leads others to the page where they can.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, next serve) {
	h.open(w, r, func(v *visit) error {
		if len(r.URL.RawQuery) > oauth.MaxQuery {
			return errLongLink
		}
		if v.user == nil {
			v.leave(signInPath, "return_to", r.URL.RequestURI())
			return nil
		}
		return next(v)
	})
}

// act takes a form from who is signed in.
func (h *Handler) act(w http.ResponseWriter, r *http.Request, next serve) {
	h.submit(w, r, func(v *visit) error {
		if v.user == nil {
			h.report(v, "signed-out-before", signInPath)
			return nil
		}
		return next(v)
	})
}

// ownerOnly hides from others that there is anything.
func ownerOnly(next serve) serve {
	return func(v *visit) error {
		if !v.user.Owner() {
			return errNotFound
		}
		return next(v)
	}
}

// leave redirects to a page of ours, with parameters given as name, value, name, value...
// Those without a value are left out.
func (v *visit) leave(path string, params ...string) {
	query := make(url.Values)
	for i := 0; i < len(params); i += 2 {
		if params[i+1] != "" {
			query.Set(params[i], params[i+1])
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	header := v.w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Location", path)
	v.w.WriteHeader(http.StatusSeeOther)
}

// A problem is a refusal that a person reads.
type problem struct {
	status                       int // zero: 400
	title, message, remedy, back string
}

func (p *problem) Error() string { return "account: " + p.title }

// errNotFound is what is said of what does not exist and of what is another's alike.
var errNotFound = &problem{
	status:  http.StatusNotFound,
	title:   "Not found",
	message: "What this is about does not exist, or not any more.",
	remedy:  "Somebody may have removed it. Go back to see what there is.",
	back:    "/account",
}

var errLongLink = &problem{
	status:  http.StatusRequestURITooLong,
	title:   "This link is too long",
	message: "No page of this server has an address of more than 16 KiB.",
	remedy:  "Go back to see what there is.",
	back:    "/account",
}

// answer says what went wrong, if anything did.
func (h *Handler) answer(v *visit, err error) {
	if err == nil {
		return
	}
	if errors.Is(err, store.ErrNotFound) {
		err = errNotFound
	}
	if p, ok := errors.AsType[*problem](err); ok {
		h.Log.DebugContext(v.r.Context(), "request.refused", "path", v.r.URL.Path, "description", p.title)
		status := p.status
		if status == 0 {
			status = http.StatusBadRequest
		}
		h.Pages.Render(v.w, v.r, status, templates.Problem{Title: p.title, Message: p.message, Remedy: p.remedy, Back: p.back})
		return
	}
	if v.r.Context().Err() != nil {
		return // who asked has hung up
	}
	h.Log.ErrorContext(v.r.Context(), "request.failed", "path", v.r.URL.Path, "error", err)
	v.w.Header().Set("Retry-After", oauth.Seconds(oauth.RetryAfter))
	h.Pages.Render(v.w, v.r, http.StatusServiceUnavailable, templates.Unavailable())
}

// render answers with a page.
func (h *Handler) render(v *visit, page templates.Page) error {
	h.Pages.Render(v.w, v.r, http.StatusOK, page)
	return nil
}

// frame is what a page has around it. Of other people it tells only where there are any.
func (h *Handler) frame(v *visit, current string) (templates.Account, error) {
	several, err := h.several(v)
	if err != nil {
		return templates.Account{}, err
	}
	frame := templates.Account{Current: current, Places: []templates.Place{
		{Path: "/account", Name: "Connections"},
		{Path: "/account/passkeys", Name: "Passkeys"},
		{Path: "/account/keys", Name: "API keys"},
	}}
	if several {
		frame.Person = v.user.Name
	}
	if v.user.Owner() && (several || current == peoplePath) {
		frame.Places = append(frame.Places, templates.Place{Path: peoplePath, Name: "People"})
	}
	if v.user.Owner() && h.Events != nil {
		frame.Places = append(frame.Places, templates.Place{Path: "/account/events", Name: "Events"})
	}
	waiting := h.notice(v)
	frame.Notice, frame.Failed = waiting.text, waiting.failed
	return frame, nil
}

// several reports whether the server has, or waits for, more people than its owner. Who is
// not the owner is the proof of it.
func (h *Handler) several(v *visit) (bool, error) {
	if !v.user.Owner() {
		return true, nil
	}
	users, err := h.Store.Users(v.r.Context())
	if err != nil || len(users) > 1 {
		return true, wrap("listing people", err)
	}
	invitations, err := h.Store.Invitations(v.r.Context())
	return len(invitations) > 0, wrap("listing invitations", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func isJSON(r *http.Request) bool {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return mediaType == "application/json"
}
