package mcpoauth

import (
	"cmp"
	"net/http"

	"github.com/go-chi/chi/v5"
)

// Endpoint names what a request is for, for metrics and logs: the Path of a Resource, or
// the pattern of a route of this package, such as /token or /authorize/assets/{file}.
// Whatever strangers ask for, the name is one of those, or "" if there is nothing at the
// path.
func (rt *Router) Endpoint(r *http.Request) string {
	for i := range rt.guarded {
		if g := &rt.guarded[i]; g.covers(r.URL.Path) {
			return g.path
		}
	}
	// Every pattern has every method; the path is as chi takes it.
	return rt.routes.Find(chi.NewRouteContext(), http.MethodGet, cmp.Or(r.URL.RawPath, r.URL.Path))
}
