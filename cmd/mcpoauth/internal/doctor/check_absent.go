package doctor

import (
	"context"
	"net/http"
)

// absent judges the answer to a probe for something that is not there.
func (a answer) absent(clients []Client) result {
	const cure = "answer 404 to well-known paths that are not served"
	switch {
	case a.err != nil:
		return fail(a.String(), "clients try several places in turn, and wait for each", "see that the proxy in front answers for every path", clients...)
	case a.botGuard() != "":
		return fail(a.String(), whyBots, cureBots, clients...)
	case a.redirect():
		return fail(a.String(), "clients take where it leads for the metadata, or stop", cure, clients...)
	case a.status/100 == 2:
		return fail(a.String(), "clients take it for the metadata, and cannot read it", cure, clients...)
	case a.status >= 500, a.status == http.StatusTooManyRequests, a.status == http.StatusRequestTimeout:
		return fail(a.String(), "clients stop here instead of going on to the next place", cure, all(onTypeScript, onRust, []Client{Python})...)
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden:
		return warn(a.String(), "it means that something is here, for others", cure)
	case a.media() == "text/html":
		return warn(a.String(), "the page is another server's: a proxy passes part of the well-known paths on", "pass everything below /.well-known on", Inspector)
	}
	return good("%s", a)
}

// openIDMembers are what a client misses that reads the document as full OpenID.
var openIDMembers = []string{"jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"}

func (x *exam) openID(ctx context.Context) result {
	at := x.origin() + openIDPath
	a := x.metadata(ctx, at)
	d := a.document(at)
	if !d.there() {
		return a.absent(all(onTypeScript))
	}
	for _, member := range openIDMembers {
		if !d.has(member) {
			return fail(a.String()+" without "+member, "clients read it as full OpenID Connect, and throw it away or stop", "answer 404, or add what is missing", all(onTypeScript)...)
		}
	}
	return good("%s, complete", a)
}

func (x *exam) serverBelowPath(ctx context.Context) result {
	return x.belowPath(ctx, serverPath)
}

func (x *exam) openIDBelowPath(ctx context.Context) result {
	return x.belowPath(ctx, openIDPath)
}

// belowPath probes as clients do that take the endpoint itself for an issuer.
func (x *exam) belowPath(ctx context.Context, wellKnown string) result {
	at := x.origin() + below(wellKnown, x.target.EscapedPath())
	switch {
	case x.target.Path == "" || x.target.Path == "/":
		return skip("the endpoint has no path")
	case x.server.there() && at == x.server.url:
		return good("it is the server's own")
	}
	a := x.metadata(ctx, at)
	if d := a.document(at); d.there() && d.text("issuer") == x.server.text("issuer") && x.server.there() {
		return good("%s, the same as at its own place", a)
	}
	return a.absent(all(onTypeScript))
}

func (x *exam) unknownWellKnown(ctx context.Context) result {
	return x.metadata(ctx, x.origin()+"/.well-known/mcpoauth-doctor-probe").absent(nil)
}

func (x *exam) headMetadata(ctx context.Context) result {
	if !x.resource.there() {
		return skip("there is no document to look at")
	}
	a := x.ask(ctx, http.MethodHead, x.resource.url, "")
	if a.err != nil || a.status != http.StatusOK && a.status != http.StatusMethodNotAllowed {
		return warn(a.String(), "who looks whether a document has changed asks with HEAD", "answer HEAD like GET")
	}
	return good("%s", a)
}

func (x *exam) wrongMethod(ctx context.Context) result {
	if !x.resource.there() {
		return skip("there is no document to look at")
	}
	a := x.ask(ctx, http.MethodPost, x.resource.url, "")
	if a.err != nil || a.status >= 500 && a.status != http.StatusNotImplemented {
		return warn(a.String()+" to POST", "a mistake of a client's is no failure of the server's", "answer 405")
	}
	return good("%s to POST", a)
}
