package doctor

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (x *exam) post(ctx context.Context) result {
	x.refusal = x.call(ctx, http.MethodPost, x.url)
	if x.refusal.err == nil {
		x.challenge = parseBearer(x.refusal.header)
	}
	x.unguarded = x.refusal.err == nil && x.refusal.status/100 == 2
	return x.refused(x.refusal, everyone)
}

// refused judges the answer to a request without a token.
func (x *exam) refused(a answer, clients []Client) result {
	switch {
	case a.err != nil:
		return fail(a.String(), "clients wait ten seconds at most", "see that the server is up, and that the proxy in front passes this path on", clients...)
	case a.status == http.StatusUnauthorized && strings.HasPrefix(strings.ToLower(a.header.Get("WWW-Authenticate")), "basic"):
		return fail(a.String()+", asking for a password (Basic)", "a proxy in front asks first, and no MCP client has its password",
			"take the proxy's own password off this path: the tokens guard it", clients...)
	case a.status == http.StatusUnauthorized:
		return good("%s", a)
	case a.status/100 == 2:
		return fail(a.String()+": anybody can use this server", "there is no guard in front of the handler, so clients never ask for a token, and neither does anybody else",
			"guard this path: with mcpoauth, it must be in Config.Resources and reach the router, not the handler", clients...)
	case a.botGuard() != "":
		return fail(a.String(), whyBots, cureBots, clients...)
	case a.redirect() && x.onlySlash(a):
		return fail(a.String(), "clients lose the body or the token on the way, or refuse to follow", "give clients the other spelling, or serve this one without a redirect", clients...)
	case a.redirect():
		return fail(a.String(), "a login page is for people: a client needs 401 and the challenge",
			"switch the proxy's own sign-in off for the well-known paths, the MCP endpoint, /register and /token", clients...)
	case a.status == http.StatusNotFound, a.status == http.StatusMethodNotAllowed:
		return fail(a.String(), "there is no MCP endpoint here, or not for this method", "see that the URL is right, path included, and that the proxy passes the path and every method on", clients...)
	case a.status >= 500:
		return fail(a.String(), "the server, or the one behind the proxy, is in trouble", "see the logs of the proxy and of the server", clients...)
	}
	return fail(a.String(), "clients ask for a token after 401, and after nothing else", "answer 401 with the challenge to every request without a token", clients...)
}

// onlySlash reports whether a redirect leads to the same path with or without a slash.
func (x *exam) onlySlash(a answer) bool {
	to, err := x.target.Parse(a.header.Get("Location"))
	return err == nil && to.Path != x.target.Path && strings.TrimRight(to.Path, "/") == strings.TrimRight(x.target.Path, "/")
}

func (x *exam) challengeStatus(context.Context) result {
	if x.unguarded && len(x.challenge.lines) > 0 {
		return fail(x.refusal.String()+" with WWW-Authenticate", "clients look for a challenge in a 401 only", "answer 401", everyone...)
	}
	return good("%s", x.refusal)
}

func (x *exam) get(ctx context.Context) result {
	return x.refused(x.call(ctx, http.MethodGet, x.url), all(onRust, []Client{MCPRemote}))
}

func (x *exam) head(ctx context.Context) result {
	a := x.call(ctx, http.MethodHead, x.url)
	if r := x.refused(a, []Client{Gemini}); r.severity != OK {
		return r
	}
	if len(x.challenge.lines) > 0 && a.header.Get("WWW-Authenticate") == "" {
		return fail("401 without WWW-Authenticate", "Gemini CLI asks with HEAD first", "send the same header with HEAD as with GET", Gemini)
	}
	return good("%s", a)
}

func (x *exam) delete(ctx context.Context) result {
	if x.unguarded {
		return skip("it might delete something: the server is open")
	}
	a := x.call(ctx, http.MethodDelete, x.url)
	r := x.refused(a, nil)
	if r.severity == Fail && a.err == nil && a.status/100 != 2 {
		r.severity = Warning // clients end their sessions with it, and get over it
	}
	return r
}

func (x *exam) hasChallenge(context.Context) result {
	if x.refusal.err != nil || x.refusal.status != http.StatusUnauthorized {
		return skip("there is no 401")
	}
	if len(x.challenge.lines) == 0 {
		return fail("401 without it", "it is what tells a client that OAuth is spoken here, and where to go on; those that need it give up, the others guess",
			"pass WWW-Authenticate on in the proxy in front (nginx: proxy_pass_header, and no proxy_hide_header or error_page for 401)", Gemini, Strict)
	}
	return good("%s", quote(x.challenge.lines[0]))
}

func (x *exam) challengeForm(context.Context) result {
	const why = "clients read it with a regular expression that knows this form only"
	c := x.challenge
	switch {
	case len(c.lines) == 0:
		return skip("there is no challenge")
	case len(c.lines) > 1:
		return fail(quote(strings.Join(c.lines, "; ")), why, "send one WWW-Authenticate header: a proxy may add its own", onTypeScript...)
	case !c.first():
		return fail(quote(c.lines[0]), why, "begin with Bearer", onTypeScript...)
	case len(c.unquoted) > 0:
		return fail("without quotation marks: "+quote(strings.Join(c.unquoted, ", ")), why, "put values in quotation marks", onTypeScript...)
	case !isASCII(c.lines[0]):
		return fail(quote(c.lines[0]), why, "use ASCII only", Python, TypeScript)
	}
	return good("%s", quote(c.lines[0]))
}

func (x *exam) challengeMetadata(context.Context) result {
	const member = "resource_metadata"
	at, err := url.Parse(x.challenge.params[member])
	switch {
	case len(x.challenge.lines) == 0:
		return skip("there is no challenge")
	case x.challenge.params[member] == "":
		return warn("no "+member, "clients have to guess where it is", `add resource_metadata="`+x.origin()+below(resourcePath, x.target.Path)+`"`)
	case err != nil || at.Host == "":
		return fail(quote(x.challenge.params[member]), "it is no absolute URL", "write the whole URL", everyone...)
	case x.inner(at):
		return fail(quote(at.String()), "clients cannot reach it", cureServerURL, without(everyone, ChatGPT)...)
	case at.Scheme != x.target.Scheme || at.Host != x.target.Host:
		return fail(quote(at.String())+" is of another origin than the endpoint", "anybody's metadata could be there: clients that are careful stop", cureServerURL, Zed)
	}
	return good("%s", quote(at.String()))
}

const cureServerURL = "set the server's public URL to the https address that clients use: with mcpoauth, Config.ServerURL or --url"

// inner reports whether a URL of the metadata leads to a place that clients do not see,
// though they see the server itself.
func (x *exam) inner(u *url.URL) bool {
	if isLoopback(x.target.Hostname()) {
		return false
	}
	return u.Scheme != "https" && x.target.Scheme == "https" || isLoopback(u.Hostname())
}

func (x *exam) challengeScope(ctx context.Context) result {
	if scope := x.challenge.params["scope"]; scope != "" {
		return good("%s", quote(scope))
	}
	d := x.metadata(ctx, x.origin()+below(resourcePath, x.target.EscapedPath())).document("")
	if scopes := d.list("scopes_supported"); len(scopes) > 0 {
		return good("the metadata: %s", quote(strings.Join(scopes, " ")))
	}
	if len(x.challenge.lines) == 0 {
		return skip("there is no challenge")
	}
	return warn("neither does", "clients ask for all there is, or for scopes of their own making", `add scope="..." to the challenge and scopes_supported to the metadata`, MCPRemote, Gemini)
}

func (x *exam) challengeError(context.Context) result {
	switch e := x.challenge.params["error"]; {
	case len(x.challenge.lines) == 0:
		return skip("there is no challenge")
	case e != "":
		return warn("error="+quote(e), "clients take it for a verdict on a token that they do not have, and start anew for ever", "send error only if a token was presented (RFC 6750 §3.1)", Claude)
	}
	return good("none")
}

func (x *exam) badToken(ctx context.Context) result {
	if x.unguarded {
		return skip("the server is open")
	}
	a := x.call(ctx, http.MethodPost, x.url, "Authorization", "Bearer mcpoauth-doctor-is-not-a-token")
	const why = "when a token has expired, only 401 makes a client get a new one; after anything else it is stuck"
	if r := x.refused(a, everyone); r.severity != OK {
		if a.err == nil && !a.redirect() && a.botGuard() == "" && a.status/100 != 2 {
			r.why, r.cure = why, `answer 401 with error="invalid_token"`
		}
		return r
	}
	challenge := parseBearer(a.header)
	if got := challenge.params["error"]; got != "invalid_token" {
		if len(x.challenge.lines) == 0 && len(challenge.lines) == 0 {
			return skip("there is no challenge")
		}
		return warn("401 with error="+quote(got), "clients tell an expired token from a missing one by it", `add error="invalid_token" if there was a token`, TypeScript)
	}
	return good("%s", a)
}

func (x *exam) slash(ctx context.Context) result {
	if x.unguarded || x.target.Path == "/" || x.target.Path == "" {
		return skip("there is no other spelling that could be more closed")
	}
	other := *x.target
	if strings.HasSuffix(other.Path, "/") {
		other.Path, other.RawPath = strings.TrimRight(other.Path, "/"), ""
	} else {
		other.Path, other.RawPath = other.Path+"/", ""
	}
	a := x.call(ctx, http.MethodPost, other.String())
	if a.err == nil && a.status/100 == 2 && a.media() != "text/html" { // a website's page for everything is no MCP
		return fail(a.String()+" at "+quote(other.Path), "the guard stands before one spelling of the path, and the other leads past it", "guard both, or serve one alone")
	}
	return good("%s", a)
}

// vendors are what hosted clients call themselves.
var vendors = []struct {
	client Client
	agent  string
}{
	{Claude, "python-httpx/0.28.1"},
	{ChatGPT, "Python/3.12 aiohttp/3.12.15"},
}

func (x *exam) agents(ctx context.Context) result {
	if x.refusal.err != nil || x.refusal.botGuard() != "" {
		return skip("nobody is let through")
	}
	var blocked []Client
	var seen []string
	for _, v := range vendors {
		a := x.call(ctx, http.MethodPost, x.url, "User-Agent", v.agent)
		if a.err != nil || a.status != x.refusal.status {
			blocked = append(blocked, v.client)
			seen = append(seen, a.String())
		}
	}
	if len(blocked) > 0 {
		return fail(strings.Join(slices.Compact(seen), "; ")+", by the name of the program alone", whyBots, cureBots, blocked...)
	}
	return good("by their names they are; whether by their addresses, only they can tell")
}
