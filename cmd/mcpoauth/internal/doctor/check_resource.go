package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const cureForward = "have the proxy in front pass /.well-known/oauth-protected-resource and /.well-known/oauth-authorization-server on, with all that is below them, from the root of the host"

// take remembers the first document that is one: what clients would go by.
func (x *exam) take(d document) document {
	if !x.resource.there() {
		x.resource = d
	}
	return d
}

// missing judges a document that should be there and is not.
func (d document) missing(clients []Client) result {
	switch {
	case d.err != nil:
		return fail(d.answer.String(), "clients wait ten seconds at most", "see that the server is up, and that the proxy in front passes this path on", clients...)
	case d.botGuard() != "":
		return fail(d.answer.String(), whyBots, cureBots, clients...)
	case d.redirect():
		return fail(d.answer.String(), "clients do not follow redirects of metadata to elsewhere", "serve it where it belongs, without a redirect or a sign-in", clients...)
	case d.status == http.StatusUnauthorized, d.status == http.StatusForbidden:
		return fail(d.answer.String(), "metadata is what a client reads before it has a token", "leave the well-known paths open", clients...)
	case d.status == http.StatusOK && d.media() == "text/html":
		return fail(d.answer.String(), "somebody else answers for this path: a website that has a page for everything", cureForward, clients...)
	case d.status == http.StatusOK:
		return fail(d.answer.String()+" that is no JSON object", "clients can do nothing with it", "see what stands between", clients...)
	}
	return fail(d.answer.String(), "without it clients do not find the way to a token", cureForward, clients...)
}

func (x *exam) resourceNamed(ctx context.Context) result {
	at, err := url.Parse(x.challenge.params["resource_metadata"])
	if err != nil || at.Host == "" {
		return skip("the challenge does not say")
	}
	if x.inner(at) {
		return skip("%s is nowhere that a client gets to", quote(at.String()))
	}
	d := x.take(x.metadata(ctx, at.String()).document(at.String()))
	if !d.there() {
		return d.missing(without(everyone, ChatGPT))
	}
	return good("%s", d.answer)
}

func (x *exam) resourceAtPath(ctx context.Context) result {
	at := x.origin() + below(resourcePath, x.target.EscapedPath())
	d := x.take(x.metadata(ctx, at).document(at))
	if !d.there() {
		return d.missing([]Client{ChatGPT, Python, Strict})
	}
	return good("%s at %s", d.answer, quote(at))
}

func (x *exam) resourceAtRoot(ctx context.Context) result {
	at := x.origin() + resourcePath
	d := x.metadata(ctx, at).document(at)
	if d.there() {
		x.take(d)
		return good("for %s", quote(d.text("resource")))
	}
	r := d.missing(nil)
	r.severity, r.why = Warning, "old clients look nowhere else"
	if !x.resource.there() {
		r.severity, r.clients, r.why = Fail, everyone, "it is nowhere: clients find no way to a token"
	}
	return r
}

func (x *exam) resourceWithSlash(ctx context.Context) result {
	if !x.resource.there() {
		return skip("there is no document to look at")
	}
	at := x.origin() + below(resourcePath, strings.TrimSuffix(x.target.EscapedPath(), "/")) + "/"
	d := x.metadata(ctx, at).document(at)
	if !d.there() && x.target.Path == "/" {
		return d.missing([]Client{GoSDK})
	}
	if !d.there() {
		return good("%s, which only matters for an endpoint at the root", d.answer)
	}
	return good("%s", d.answer)
}

func (x *exam) resourceURL(context.Context) result {
	if !x.resource.there() {
		return skip("there is no document to look at")
	}
	got := x.resource.text("resource")
	u, err := url.Parse(got)
	const why = "clients compare it with the URL that they were given, and stop if they differ: it might be another server's"
	switch {
	case got == x.url:
		return good("%s", quote(got))
	case got == "" || err != nil || u.Host == "":
		return fail(quote(got), "it is no URL", "set resource to "+x.url, everyone...)
	case x.inner(u) || u.Host != x.target.Host || u.Scheme != x.target.Scheme:
		return fail(quote(got), why, "give clients that URL, if it is the public one; else "+cureServerURL, everyone...)
	case u.Path == "" && x.target.Path == "/" || u.Path == "/" && x.target.Path == "":
		return good("%s, which is the same", quote(got))
	case strings.TrimRight(u.Path, "/") == strings.TrimRight(x.target.Path, "/"):
		return fail(quote(got), why, "give clients exactly that URL: a slash at the end counts",
			Claude, ClaudeCode, GoSDK, Inspector, Browser, MCPRemote, TypeScript, MCPGo, Strict)
	}
	return fail(quote(got), why, "give clients that URL, or set the path of the resource to "+x.target.Path, everyone...)
}

func (x *exam) oneServer(context.Context) result {
	if !x.resource.there() {
		return skip("there is no document to look at")
	}
	servers := x.resource.list("authorization_servers")
	switch len(servers) {
	case 0:
		return fail("none", "clients do not know where to ask for a token", "set authorization_servers to the issuer", everyone...)
	case 1:
		return good("%s", quote(servers[0]))
	}
	return warn(quote(strings.Join(servers, ", ")), "Claude looks at the first only", "name one", Claude)
}

func (x *exam) offlineAccess(context.Context) result {
	listed := strings.Fields(x.challenge.params["scope"])
	listed = append(listed, x.resource.list("scopes_supported")...)
	if slices.Contains(listed, "offline_access") {
		return warn("it does", "a resource cannot grant it, and no client gets a refresh token by it (SEP-2207)", "list it in the authorization server's metadata only")
	}
	return good("they do not")
}

func (x *exam) form(_ context.Context, d document) result {
	switch {
	case !d.json():
		return fail(d.answer.String(), "it is JSON, and is not called so", "send Content-Type: application/json", GoSDK)
	case d.header.Get("Content-Encoding") != "":
		return warn("Content-Encoding "+quote(d.header.Get("Content-Encoding"))+", which was not asked for", "a client that did not ask for it does not decode it", "have the proxy look at Accept-Encoding, or compress nothing here")
	}
	return good("%s", d.answer)
}

// maxAge is how long old metadata may go round after a change, in seconds.
const maxAge = 24 * 60 * 60

func (x *exam) caching(_ context.Context, d document) result {
	cache := d.header.Get("Cache-Control")
	for directive := range strings.SplitSeq(strings.ToLower(cache), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		age, err := strconv.Atoi(strings.Trim(value, `"`))
		if (name == "max-age" || name == "s-maxage") && err == nil && age > maxAge {
			return warn(quote(cache), "clients go by the old document long after you changed something", "keep max-age to minutes")
		}
	}
	if age, err := strconv.Atoi(d.header.Get("Age")); err == nil && age > maxAge {
		return warn(fmt.Sprintf("a cache has kept it for %d hours", age/3600), "clients go by the old document long after you changed something", "clear the cache in front, and let it keep this for minutes")
	}
	if cache == "" {
		return good("no Cache-Control")
	}
	return good("%s", quote(cache))
}
