package authorize

import (
	"html/template"
	"net/url"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/templates"
)

// offlineAccess says in words what the scope of that name lets a client do.
const offlineAccess = "Stay connected without asking again"

// consent is the page for a request: who asks, what is proven of that, for what,
// and where the answer goes. What was approved before in this browser is told apart,
// so that a client that asks for more shows what more.
func (h *Handler) consent(req *request, before []string, rawQuery string) templates.Consent {
	if !strings.HasPrefix(req.redirectURI, "https://") || oauth.IsLoopbackRedirect(req.redirectURI) {
		before = nil // any program here can come by this client's ID, and was approved nothing
	}
	var added, kept []string
	for _, name := range req.scopes {
		if h.Scopes.Cover(before, []string{name}) {
			kept = append(kept, name)
		} else {
			added = append(added, name)
		}
	}
	if len(added) == 0 {
		added, kept = kept, nil // nothing is new: the same again, whole
	}
	target, err := url.Parse(req.redirectURI)
	if err != nil {
		panic("authorize: a checked redirect URI does not parse: " + err.Error())
	}
	digest, _ := req.digest().MarshalText()
	page := templates.Consent{
		ClientName:     req.client.Name,
		RedirectURI:    req.redirectURI,
		RedirectHost:   target.Host,
		RedirectScheme: target.Scheme,
		Loopback:       oauth.IsLoopbackRedirect(req.redirectURI),
		NativeApp:      isNativeApp(req.redirectURI),
		ResourceName:   req.resource.Name,
		ResourceURL:    req.resource.URL,
		Scopes:         h.describe(added),
		ScopesBefore:   h.describe(kept),
		Lasting:        req.client.Refreshes(req.scopes),
		Action:         "/authorize?" + rawQuery,
		Digest:         string(digest),
	}
	// A client that is known by a document is who controls the document's host.
	// Of others all that is proven is that who owns the host of an https redirect
	// gets the code, whatever the client calls itself.
	if u, err := url.Parse(req.client.ID); err == nil && u.Scheme == "https" {
		page.ClientHost = u.Host
	} else if target.Scheme == "https" && !page.Loopback {
		page.ClientHost = target.Host
	}
	return page
}

func (h *Handler) describe(names []string) []templates.Scope {
	var scopes []templates.Scope
	for _, name := range names {
		scope := templates.Scope{Name: name}
		if known := h.Scopes.Find(name); known != nil {
			scope.Description = known.Description
		} else if name == oauth.OfflineAccess {
			scope.Description = offlineAccess
		}
		scopes = append(scopes, scope)
	}
	return scopes
}

func approved(req *request, target string) templates.Approved {
	return templates.Approved{
		ClientName:  req.client.Name,
		RedirectURL: template.URL(target), // checked by oauth.CheckRedirectURI: no scheme that runs in the page
	}
}

// isNativeApp reports whether a redirect opens an app by its private-use scheme.
func isNativeApp(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme != "https" && u.Scheme != "http"
}
