package doctor

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

const (
	whyCORS  = "a client that is a page of another website, as the web Inspector is, gets nothing from its browser without CORS"
	cureCORS = "answer with CORS headers for any origin, and let OPTIONS through the proxy in front without a sign-in"
)

// names returns what a header lists, in lower case.
func (a answer) names(header string) (all []string) {
	for item := range strings.SplitSeq(strings.Join(a.header.Values(header), ","), ",") {
		if item = strings.ToLower(strings.TrimSpace(item)); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// allowed reports whether a page of another website may read the answer. Two values
// are none: a browser refuses them, though each by itself would do.
func (a answer) allowed() bool {
	values := a.header.Values("Access-Control-Allow-Origin")
	return len(values) == 1 && (values[0] == "*" || values[0] == origin)
}

func (a answer) unreadable() result {
	switch values := a.header.Values("Access-Control-Allow-Origin"); {
	case a.err != nil, a.botGuard() != "", len(values) == 0:
		return fail(a.String()+", no Access-Control-Allow-Origin", whyCORS, cureCORS, inBrowser...)
	default:
		return fail("Access-Control-Allow-Origin is "+quote(strings.Join(values, ", ")), whyCORS, "send the header once, with the value *: the server and the proxy may both add one", inBrowser...)
	}
}

func (x *exam) readable(ctx context.Context, d document) result {
	if a := x.metadata(ctx, d.url, "Origin", origin); !a.allowed() {
		return a.unreadable()
	}
	return good("by CORS")
}

func (x *exam) readableRefusal(ctx context.Context) result {
	a := x.call(ctx, http.MethodPost, x.url, "Origin", origin)
	switch {
	case a.err == nil && a.status == http.StatusForbidden && x.refusal.status == http.StatusUnauthorized:
		return fail(a.String()+" because of Origin", whyCORS, "take any Origin at this path: the token guards it, not where a request comes from", inBrowser...)
	case !a.allowed():
		return a.unreadable()
	case !slices.Contains(a.names("Access-Control-Expose-Headers"), "www-authenticate"):
		return fail("WWW-Authenticate is not among Access-Control-Expose-Headers", "the page does not see the challenge", "expose WWW-Authenticate and Mcp-Session-Id", inBrowser...)
	}
	return good("by CORS")
}

// preflight judges what a browser asks before a request that is not simple.
func (x *exam) preflight(ctx context.Context, at, method string, headers ...string) result {
	a := x.ask(ctx, http.MethodOptions, at, "", "Origin", origin,
		"Access-Control-Request-Method", method, "Access-Control-Request-Headers", strings.Join(headers, ","))
	if a.err != nil || a.status/100 != 2 {
		return fail(a.String()+" to OPTIONS", "a browser sends no token with a preflight, and gives up if it is not answered with 2xx", cureCORS, inBrowser...)
	}
	if !a.allowed() {
		return a.unreadable()
	}
	allowed := a.names("Access-Control-Allow-Headers")
	var missing []string
	for _, name := range headers {
		// The wildcard does not cover Authorization (WHATWG Fetch).
		if !slices.Contains(allowed, name) && (!slices.Contains(allowed, "*") || name == "authorization") {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fail("not among Access-Control-Allow-Headers: "+strings.Join(missing, ", "), "the browser does not send a request with a header that is not allowed", "allow these headers by name", inBrowser...)
	}
	if methods := a.names("Access-Control-Allow-Methods"); !slices.Contains(methods, strings.ToLower(method)) && !slices.Contains(methods, "*") && method != http.MethodGet && method != http.MethodPost {
		return fail(method+" is not among Access-Control-Allow-Methods", whyCORS, "allow GET, POST and DELETE", inBrowser...)
	}
	return good("%d", a.status)
}

func (x *exam) preflightEndpoint(ctx context.Context) result {
	headers := []string{"authorization", "content-type", "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "last-event-id"}
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
		if r := x.preflight(ctx, x.url, method, headers...); r.severity != OK {
			return r
		}
	}
	return good("for POST, GET and DELETE")
}

func (x *exam) preflightMetadata(ctx context.Context) result {
	for _, d := range []document{x.resource, x.server} {
		if !d.there() {
			return skip("there are not both documents")
		}
		if r := x.preflight(ctx, d.url, http.MethodGet, "mcp-protocol-version"); r.severity != OK {
			return r
		}
	}
	return good("for both")
}

func (x *exam) preflightToken(ctx context.Context) result {
	at := x.server.text("token_endpoint")
	if at == "" || x.strange(at) {
		return skip("there is no such endpoint that a client gets to")
	}
	return x.preflight(ctx, at, http.MethodPost, "authorization", "content-type")
}

func (x *exam) preflightRegistration(ctx context.Context) result {
	at := x.server.text("registration_endpoint")
	if at == "" || x.strange(at) {
		return skip("there is no such endpoint that a client gets to")
	}
	return x.preflight(ctx, at, http.MethodPost, "content-type")
}
