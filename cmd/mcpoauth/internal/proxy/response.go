package proxy

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// unwanted are headers of the upstream that are about it and not its answer, or that
// would act on this origin, where the pages and cookies of the approval are.
var unwanted = []string{
	"Accept-Ch", "Alt-Svc", "Clear-Site-Data", "Nel", "Proxy-Authenticate", "Public-Key-Pins", "Refresh", "Report-To", "Reporting-Endpoints", "Server",
	"Service-Worker-Allowed", "Set-Cookie", "Set-Cookie2", "Set-Login", "Strict-Transport-Security", "Use-As-Dictionary", "Www-Authenticate", "X-Powered-By",
}

// modify makes the caller's answer of the upstream's. What would send a client off, to
// log in again or to an address inside, is an error, which is the operator's.
func modify(res *http.Response) error {
	challenge := res.Header.Get("WWW-Authenticate")
	for _, name := range unwanted {
		res.Header.Del(name)
	}
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			delete(res.Header, name) // the router's are there; a browser refuses two
		}
	}
	switch code := res.StatusCode; {
	case code == http.StatusForbidden && insufficientScope.MatchString(challenge):
		res.Header.Set("WWW-Authenticate", stepUp(res.Request, challenge))
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return &refusal{"upstream.refused", "the upstream refused the request", "give its credentials with MCPOAUTH_UPSTREAM_AUTHORIZATION or --upstream-header-file, and see which Host it accepts"}
	case code == http.StatusSwitchingProtocols:
		return &refusal{"upstream.upgraded", "the upstream switched protocols, which nobody asked for", ""}
	case code < http.StatusOK: // 000 to 099 would be a panic of Go's server
		return &refusal{"upstream.broken", "the upstream answered with a status that is none", ""}
	case res.Header.Get("Location") != "" && code/100 == 3:
		return &refusal{"upstream.redirected", "the upstream redirects", "give --upstream the URL that it redirects to; mostly a slash at the end is missing, or too much"}
	}
	return nil
}

var (
	insufficientScope = regexp.MustCompile(`(?i)^bearer\b.*\berror="?insufficient_scope\b`)
	scopeParameter    = regexp.MustCompile(`\bscope="([^"]*)"`)
)

// stepUp is the challenge that makes a client ask its person for scopes that the upstream
// wants: the one thing that an upstream may say about tokens (RFC 6750 §3.1). Where the
// metadata is, it cannot know.
func stepUp(r *http.Request, challenge string) string {
	return mcpoauth.ToolChallenge(r.Context(), wanted(challenge)...)
}

// wanted returns the scopes that a challenge names. What cannot be one would end the
// parameter that they are put into.
func wanted(challenge string) (scopes []string) {
	if found := scopeParameter.FindStringSubmatch(challenge); found != nil {
		scopes = slices.DeleteFunc(strings.Fields(found[1]), func(name string) bool { return !oauth.ValidScope(name) })
	}
	return scopes
}
