// Package authorize shows a person what a client asks for and turns their decision
// into an authorization code or a refusal.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package authorize

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// maxState is the longest state that is taken, in bytes. Some clients keep a whole
// encrypted session in it.
const maxState = 8 << 10

// A request is an authorization request (RFC 6749 §4.1.1) that has been checked.
type request struct {
	client      *store.Client
	redirectURI string
	state       string
	resource    *oauth.Resource
	scopes      []string
	challenge   string
}

// A stray is a request that nobody is redirected for, mostly because it is not proven
// where to (RFC 6749 §4.1.2.1). The person sees a page.
type stray struct {
	title, message, remedy string
	status                 int // zero: 400
}

func (s *stray) Error() string { return s.message }

// longState is a page, because an error without the state is none that a client may take
// (RFC 6749 §4.1.2.1), and with it the URL would be too long for many.
var longState = &stray{
	title:   "This link is too long",
	message: "The app wants more than 8 KiB sent back with the answer (state).",
	remedy:  "This is a fault of the app. Its makers will want to know.",
}

// parse checks a request from the outside in: first who asks and where the answer
// goes, and only then, when an error may be sent there, what is asked for. On an
// *oauth.Error the request that is returned says where to send it.
func (h *Handler) parse(ctx context.Context, params url.Values) (*request, error) {
	req := &request{state: params.Get("state")}
	var err error
	if req.client, err = h.client(ctx, params.Get("client_id")); err != nil {
		return nil, err
	}
	if req.redirectURI, err = h.redirectURI(req.client, params.Get("redirect_uri")); err != nil {
		return nil, err
	}
	if len(req.state) > maxState {
		return nil, longState
	}
	return req, h.fill(req, params)
}

func (h *Handler) client(ctx context.Context, id string) (*store.Client, error) {
	if id == "" {
		return nil, &stray{
			title:   "This link is incomplete",
			message: "It does not say which app wants to connect (client_id is missing).",
			remedy:  "Start again from the app you want to connect.",
		}
	}
	client, err := h.Clients.Client(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &stray{
			title:   "This app is not known here",
			message: "The app uses a registration that this server does not have. It may be from before the server was set up anew, or was never approved and has been cleaned up.",
			remedy:  "In the app, remove this server and add it again. It will then register itself anew.",
		}
	}
	if problem, ok := errors.AsType[explained](err); ok {
		status, title, message, remedy := problem.Explain()
		return nil, &stray{title: title, message: message, remedy: remedy, status: status}
	}
	return client, err
}

// explained is an error that says to a person, on a page of that status, what is wrong
// with a client.
type explained interface {
	error
	Explain() (status int, title, message, remedy string)
}

func (h *Handler) redirectURI(client *store.Client, asked string) (string, error) {
	if asked == "" && len(client.RedirectURIs) == 1 {
		asked = client.RedirectURIs[0] // RFC 6749 §3.1.2.3
	}
	if oauth.CheckRedirectURI(asked) == "" && oauth.MatchRedirectURI(client.RedirectURIs, asked) &&
		(h.RedirectURIs == nil || client.Preregistered || oauth.MatchRedirectURI(h.RedirectURIs, asked)) {
		return asked, nil
	}
	return "", &stray{
		title:   "This app cannot be connected",
		message: "It asks to send you to an address that is not one of those it registered (redirect_uri).",
		remedy:  "Do not go on if a link brought you here. If you are connecting an app of your own, remove this server in the app and add it again.",
	}
}

func (h *Handler) fill(req *request, params url.Values) (err error) {
	switch params.Get("response_type") {
	case oauth.ResponseCode:
	case "":
		return oauth.Errorf(oauth.InvalidRequest, "response_type is missing")
	default:
		return oauth.Errorf(oauth.UnsupportedResponseType, "response_type must be code")
	}
	// Nothing but S256, and never none: a downgrade would let whoever sees
	// the code redeem it (RFC 9700 §2.1.1).
	req.challenge = params.Get("code_challenge")
	switch {
	case req.challenge == "":
		return oauth.Errorf(oauth.InvalidRequest, "code_challenge is missing; PKCE with S256 is required")
	case params.Get("code_challenge_method") != "S256":
		return oauth.Errorf(oauth.InvalidRequest, "code_challenge_method must be S256")
	case !secret.ValidChallenge(req.challenge):
		return oauth.Errorf(oauth.InvalidRequest, "code_challenge is not an S256 challenge")
	}
	if req.resource, err = h.Resources.Select(params["resource"]); err != nil {
		return err
	}
	req.scopes, err = h.scopes(params.Get("scope"), req.resource)
	return err
}

// tolerated are scopes of OpenID Connect. mcp-remote asks for them when it knows
// no others; they stand for no access here and are left out.
var tolerated = []string{"openid", "email", "profile"}

// scopes returns what can be granted of what was asked. A client that asks for more
// than there is gets less and is told so in the token response; most clients ask
// for all that they ever heard of.
func (h *Handler) scopes(asked string, resource *oauth.Resource) ([]string, error) {
	names := slices.DeleteFunc(oauth.ParseScope(asked), func(name string) bool {
		return slices.Contains(tolerated, name) && h.Scopes.Find(name) == nil
	})
	granted := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name != oauth.OfflineAccess && h.Scopes.Find(name) == nil
	})
	switch {
	case len(names) == 0:
		return resource.Scopes, nil
	case len(granted) == 0:
		return nil, oauth.Errorf(oauth.InvalidScope, "none of the scopes exists here")
	case len(granted) == 1 && granted[0] == oauth.OfflineAccess:
		return append(slices.Clone(resource.Scopes), oauth.OfflineAccess), nil
	}
	return granted, nil
}

// digest stands for exactly this request. The passkey ceremony is bound to it, so
// that a touch approves what the page showed and nothing else.
func (r *request) digest() store.Hash {
	// The state as bytes: as a string, two that are not UTF-8 would look the same.
	canonical, err := json.Marshal([]any{r.client.ID, r.redirectURI, r.resource.URL, r.scopes, r.challenge, []byte(r.state)})
	if err != nil {
		panic("authorize: " + err.Error()) // strings and bytes always encode
	}
	return secret.Sum(string(canonical))
}
