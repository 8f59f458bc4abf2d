package doctor

import (
	"context"
	"net/http"
	"net/url"
)

func (x *exam) tokenEndpoint(ctx context.Context) result {
	at := x.server.text("token_endpoint")
	if at == "" || x.strange(at) {
		return skip("there is no such endpoint that a client gets to")
	}
	a := x.ask(ctx, http.MethodPost, at, "", "Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json")
	return a.refusedInJSON(everyone)
}

// registrationEndpoint sends what no server can take for a registration.
func (x *exam) registrationEndpoint(ctx context.Context) result {
	at := x.server.text("registration_endpoint")
	if at == "" || x.strange(at) {
		return skip("there is no such endpoint that a client gets to")
	}
	a := x.ask(ctx, http.MethodPost, at, "{", "Content-Type", "application/json", "Accept", "application/json")
	return a.refusedInJSON(registering)
}

// strange reports whether a URL leads inside, where the metadata sends nobody but us.
func (x *exam) strange(s string) bool {
	u, err := url.Parse(s)
	return err != nil || u.Scheme != "http" && u.Scheme != "https" || x.inner(u)
}

// refusedInJSON judges the answer of an endpoint to a request that it must refuse.
func (a answer) refusedInJSON(clients []Client) result {
	switch {
	case a.err != nil:
		return fail(a.String(), "clients wait ten seconds at most", "see that the proxy passes this path on", clients...)
	case a.botGuard() != "":
		return fail(a.String(), whyBots, cureBots, clients...)
	case a.redirect():
		return fail(a.String(), "clients post here, and follow no redirect", "serve it where the metadata says, without a sign-in of the proxy's", clients...)
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		return fail(a.String(), "the metadata sends clients here", "have the proxy in front pass this path and POST on", clients...)
	case a.status >= 500:
		return fail(a.String(), "a refusal is no failure: clients take this for trouble and give up", "see the logs of the server", clients...)
	case a.status/100 != 4 || !a.json():
		return fail(a.String(), "somebody else answers here, or errors are not in the form of RFC 6749 §5.2", "have the proxy in front pass this path on; answer errors in JSON", clients...)
	}
	return good("%s", a)
}

func (x *exam) authorizationEndpoint(ctx context.Context) result {
	at := x.server.text("authorization_endpoint")
	if at == "" || x.strange(at) {
		return skip("there is no such endpoint that a browser gets to")
	}
	a := x.ask(ctx, http.MethodGet, at, "", "Accept", "text/html")
	switch {
	case a.err != nil, a.status == http.StatusNotFound, a.status >= 500 && a.botGuard() == "":
		return fail(a.String(), "this is where a person's browser is sent to approve", "have the proxy in front pass this path on", everyone...)
	}
	return good("%s", a)
}
