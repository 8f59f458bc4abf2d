package authorize

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// Handler answers /authorize.
type Handler struct {
	Clients interface {
		Client(ctx context.Context, id string) (*store.Client, error)
	}
	Store interface {
		Approve(ctx context.Context, approval store.Approval) (code string, err error)
		Consented(ctx context.Context, browser store.Hash, to store.ConsentTo) ([]string, error)
	}
	People       Authenticator
	Pages        *templates.Pages
	Issuer       string
	Resources    oauth.Resources
	Scopes       oauth.Scopes
	RedirectURIs []string // that are allowed at all; nil: any safe one
	Protection   *http.CrossOriginProtection
	Log          *slog.Logger
}

// An Authenticator knows who is in front of the browser.
type Authenticator interface {
	// SetUp reports whether anybody could approve at all.
	SetUp(ctx context.Context) (bool, error)

	// Approved returns who approved the request of this digest, in this
	// browser, in this ceremony, and says so once: store.ErrNotFound is nobody.
	Approved(r *http.Request, ceremony string, digest store.Hash) (*store.User, error)

	// Browser identifies the browser, if it was here before.
	Browser(r *http.Request) store.Hash
}

// Get shows a request for approval. It changes nothing, so that a prefetch, a
// reload or a double click is harmless, and it keeps nothing: all there is to know
// is in the URL.
func (h *Handler) Get(w http.ResponseWriter, r *http.Request) {
	req, err := h.fromQuery(r)
	if err != nil {
		h.refuse(w, r, req, err)
		return
	}
	ready, err := h.People.SetUp(r.Context())
	if err != nil {
		h.refuse(w, r, req, err)
		return
	}
	if !ready {
		back := url.Values{"return_to": {"/authorize?" + r.URL.RawQuery}}
		h.Pages.Render(w, r, http.StatusOK, templates.SetupNeeded{SetupURL: "/passkey/register?" + back.Encode()})
		return
	}
	before, err := h.Store.Consented(r.Context(), h.People.Browser(r), store.ConsentTo{ClientID: req.client.ID, RedirectURI: req.redirectURI, Resource: req.resource.URL})
	if err != nil {
		h.refuse(w, r, req, err)
		return
	}
	h.Pages.Render(w, r, http.StatusOK, h.consent(req, before, r.URL.RawQuery))
}

// Post takes a decision from the page, or else an authorization request that a
// client posted (RFC 6749 §3.1), which it turns into the same request by GET.
func (h *Handler) Post(w http.ResponseWriter, r *http.Request) {
	form, err := oauth.ReadForm(w, r)
	if err != nil {
		h.refuse(w, r, nil, broken)
		return
	}
	switch form.Get("decision") {
	case "approve", "deny":
		h.decide(w, r, form)
	case "":
		query := form.Encode()
		if len(query) > oauth.MaxQuery {
			h.refuse(w, r, nil, tooLong)
			return
		}
		http.Redirect(w, r, "/authorize?"+query, http.StatusSeeOther)
	default:
		h.refuse(w, r, nil, broken)
	}
}

func (h *Handler) decide(w http.ResponseWriter, r *http.Request, form url.Values) {
	if err := h.Protection.Check(r); err != nil {
		h.refuse(w, r, nil, &stray{
			title:   "Nothing was decided",
			message: "The decision came from another website, not from this server's own page.",
			remedy:  "Start again from the app you want to connect.",
		})
		return
	}
	req, err := h.fromQuery(r)
	if err != nil {
		h.refuse(w, r, req, err)
		return
	}
	if form.Get("decision") == "deny" {
		h.Log.InfoContext(r.Context(), "approval.denied", "client_id", req.client.ID, "resource", req.resource.URL, "client_name", req.client.Name)
		h.refuse(w, r, req, oauth.Errorf(oauth.AccessDenied, "the request was denied"))
		return
	}
	h.approve(w, r, req, form.Get("ceremony"))
}

func (h *Handler) approve(w http.ResponseWriter, r *http.Request, req *request, ceremony string) {
	user, err := h.People.Approved(r, ceremony, req.digest())
	if err != nil {
		h.refuse(w, r, req, noLonger(err))
		return
	}
	code, err := h.Store.Approve(r.Context(), store.Approval{
		UserID:      user.ID,
		UserName:    user.Name,
		Client:      req.client,
		RedirectURI: req.redirectURI,
		Resource:    req.resource.URL,
		Scopes:      req.scopes,
		Challenge:   req.challenge,
		Browser:     h.People.Browser(r),
	})
	if err != nil {
		h.refuse(w, r, req, noLonger(err))
		return
	}
	// The name is the client's own and comes last: an event has room for so much.
	h.Log.InfoContext(r.Context(), "approval.granted", "user_id", user.ID, "client_id", req.client.ID,
		"resource", req.resource.URL, "scopes", req.scopes, "client_name", req.client.Name)
	h.redirect(w, r, req, url.Values{"code": {code}})
}

// noLonger is what is said of an approval that nobody gave, or whose person is suspended
// or gone by now. Other errors stay as they are.
func noLonger(err error) error {
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return &stray{
		title:   "This approval no longer counts",
		message: "It took too long, was used already, or was given for something else.",
		remedy:  "Go back one page, reload it and approve again.",
	}
}

// broken is what is said of a form that no page of ours sent.
var broken = &stray{
	title:   "This request is broken",
	message: "The form that arrived is not one of this server's.",
	remedy:  "Start again from the app you want to connect.",
}

// tooLong is what is said of a request of more than oauth.MaxQuery.
var tooLong = &stray{
	title:   "This link is too long",
	message: "The app sent a request of more than 16 KiB.",
	remedy:  "This is a fault of the app. Its makers will want to know.",
}

// fromQuery parses the request in the URL, where it is for GET and for a decision.
func (h *Handler) fromQuery(r *http.Request) (*request, error) {
	if len(r.URL.RawQuery) > oauth.MaxQuery {
		return nil, tooLong
	}
	params, err := oauth.ParseParameters(r.URL.RawQuery)
	if refusal, ok := errors.AsType[*oauth.Error](err); ok {
		return nil, &stray{
			title:   "This link is broken",
			message: "The app's request cannot be read: " + refusal.Description + ".",
			remedy:  "Start again from the app. If it happens again, it is a fault of the app.",
		}
	}
	return h.parse(r.Context(), params)
}

// refuse gives an error to the client, if it is proven where that is, or else to
// the person. Trouble of ours always goes to the person, who can try again, while
// a client would give up.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, req *request, err error) {
	if s, ok := errors.AsType[*stray](err); ok {
		h.Log.DebugContext(r.Context(), "request.refused", "path", r.URL.Path, "description", s.message)
		h.Pages.Render(w, r, cmp.Or(s.status, http.StatusBadRequest), templates.Problem{Title: s.title, Message: s.message, Remedy: s.remedy})
		return
	}
	if refusal, ok := errors.AsType[*oauth.Error](err); ok && req != nil {
		h.Log.DebugContext(r.Context(), "request.refused", "path", r.URL.Path, "client_id", req.client.ID, "code", refusal.Code, "description", refusal.Description)
		values := url.Values{"error": {refusal.Code}}
		if refusal.Description != "" {
			values.Set("error_description", refusal.Description)
		}
		if r.Method != http.MethodPost && !h.trusted(req) {
			h.askBeforeLeaving(w, r, req, refusal, values)
			return
		}
		h.redirect(w, r, req, values)
		return
	}
	if r.Context().Err() != nil {
		return // who asked has hung up
	}
	h.Log.ErrorContext(r.Context(), "request.failed", "path", r.URL.Path, "error", err)
	w.Header().Set("Retry-After", oauth.Seconds(oauth.RetryAfter))
	h.Pages.Render(w, r, http.StatusServiceUnavailable, templates.Unavailable())
}

// trusted reports whether a link alone may send a browser to where a request wants its
// answer: to a program on the person's own computer, or to a website that the operator
// named. Anybody can register any other, with a request that must fail, and would have
// a redirector to it under this server's name (RFC 9700 §4.11.2).
func (h *Handler) trusted(req *request) bool {
	if isNativeApp(req.redirectURI) {
		return false // nor must it start a program that was never asked for
	}
	return req.client.Preregistered || h.RedirectURIs != nil || oauth.IsLoopbackRedirect(req.redirectURI)
}

// askBeforeLeaving shows an error to the person, who decides whether to take it to the
// website that asked.
func (h *Handler) askBeforeLeaving(w http.ResponseWriter, r *http.Request, req *request, refusal *oauth.Error, values url.Values) {
	page := templates.Problem{
		Title:   "This app asked for something it cannot have",
		Message: "The app's request is not right: " + refusal.Description + ".",
		Remedy:  "Start again from the app; if it happens again, it is a fault of the app. If a link brought you here, close this page.",
		Code:    refusal.Code,
	}
	if target, err := url.Parse(req.redirectURI); err == nil && target.Scheme == "https" {
		page.Back, page.BackTo = h.answer(req, values), target.Host
	}
	h.Pages.Render(w, r, http.StatusBadRequest, page)
}

// answer is where the browser takes values to the client, with iss in every answer so
// that it cannot take ours for another server's (RFC 9207).
func (h *Handler) answer(req *request, values url.Values) string {
	if req.state != "" {
		values.Set("state", req.state)
	}
	values.Set("iss", h.Issuer)
	return oauth.WithQuery(req.redirectURI, values)
}

// redirect sends the browser back to the client.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, req *request, values url.Values) {
	target := h.answer(req, values)
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	if values.Has("code") && isNativeApp(req.redirectURI) {
		// A redirect to cursor:// opens the app but leaves this page standing
		// as it was, or, where the app is gone, does nothing at all.
		h.Pages.Render(w, r, http.StatusOK, approved(req, target))
		return
	}
	header.Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
}
