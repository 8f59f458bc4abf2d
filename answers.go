package mcpoauth

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/templates"
)

// A refusal says an error to a program or to a person.
type refusal = func(http.ResponseWriter, *http.Request, *oauth.Error)

func (s settings) refuseJSON(w http.ResponseWriter, r *http.Request, e *oauth.Error) {
	oauth.WriteError(w, r, s.log, e)
}

func (s settings) refusePage(w http.ResponseWriter, _ *http.Request, e *oauth.Error) {
	w.Header().Set("Retry-After", oauth.Seconds(e.RetryAfter))
	s.tooOften.Write(w, e.Status)
}

// tooOften is all that who asks too often gets to see. To render it anew each time costs
// more than to answer most requests.
var tooOften = templates.Problem{
	Title:   "Too many requests",
	Message: "There were more requests from your network than this server takes in a minute.",
	Remedy:  "Wait a minute, then reload this page.",
}

// inOwnWindow refuses what another website loads into itself, as a picture or a frame:
// none of it would be seen, and it would use up the limit of the owner's network. Another
// subdomain, or another port of localhost, is another website too.
func (s settings) inOwnWindow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, dest := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Dest") // not sent by old browsers, nor by anything else
		if (site == "cross-site" || site == "same-site") && dest != "" && dest != "document" {
			s.pages.Render(w, r, http.StatusForbidden, templates.Problem{
				Title:   "This page stays by itself",
				Message: "It is not shown within another website.",
				Remedy:  "Open it in a window of its own.",
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuseCrossOrigin answers another website that calls what only our pages call.
func (s settings) refuseCrossOrigin(w http.ResponseWriter, r *http.Request) {
	s.refuseJSON(w, r, &oauth.Error{
		Code:        oauth.AccessDenied,
		Description: "this is for the pages of this server alone",
		Status:      http.StatusForbidden,
	})
}

// notFound answers what is no route: JSON for programs, which probe well-known
// paths, and a page for a person who typed the address into a browser.
func (s settings) notFound(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") || strings.HasPrefix(r.URL.Path, "/.well-known") {
		s.refuseJSON(w, r, &oauth.Error{Code: oauth.NotFound, Description: "there is nothing at this path", Status: http.StatusNotFound})
		return
	}
	s.pages.Render(w, r, http.StatusNotFound, templates.Problem{
		Title:   "Nothing to see here",
		Message: "This is the address of an MCP server. It has no pages to browse.",
		Remedy:  "Add " + s.resources[0].URL + " as a server in your MCP client.",
	})
}

func (s settings) otherMethod(allowed []string) http.HandlerFunc {
	list := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.refuseJSON(w, r, &oauth.Error{
			Code:        oauth.InvalidRequest,
			Description: "the method is not one of " + list,
			Status:      http.StatusMethodNotAllowed,
		})
	}
}

func (s settings) unknownMethod(w http.ResponseWriter, r *http.Request) {
	s.refuseJSON(w, r, &oauth.Error{Code: oauth.InvalidRequest, Description: "no path here has this method", Status: http.StatusNotImplemented})
}

// health answers whether the server can do its work, which it cannot without its store.
func (s settings) health(st *store.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := st.Check(r.Context()); err != nil {
			oauth.WriteError(w, r, s.log, fmt.Errorf("checking the store: %w", err))
			return
		}
		oauth.WriteJSON(w, http.StatusOK, struct {
			Status string `json:"status"`
		}{"ok"})
	}
}

func (s settings) asset(w http.ResponseWriter, r *http.Request) {
	s.pages.ServeAsset(w, r, chi.URLParam(r, "file"))
}

// absolute returns path as it will be found from anywhere, for the log.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
