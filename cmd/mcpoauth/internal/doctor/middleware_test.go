package doctor

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
)

// edit is a proxy that changes answers on their way: it gets each answer whole.
func edit(change func(r *http.Request, a *httptest.ResponseRecorder)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := httptest.NewRecorder()
			next.ServeHTTP(a, r)
			before := a.Body.Len()
			change(r, a)
			if a.Body.Len() != before {
				a.Header().Del("Content-Length")
			}
			maps.Copy(w.Header(), a.Header())
			w.WriteHeader(a.Code)
			w.Write(a.Body.Bytes())
		})
	}
}

// rewrite is a proxy that replaces words in the metadata, and in challenges.
func rewrite(old, new string) func(http.Handler) http.Handler {
	return edit(func(r *http.Request, a *httptest.ResponseRecorder) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			body := strings.ReplaceAll(a.Body.String(), old, new)
			a.Body.Reset()
			a.Body.WriteString(body)
			a.Header().Del("Content-Length")
		}
	})
}

// instead is a proxy that answers some requests by itself.
func instead(of func(*http.Request) bool, answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if of(r) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func wellKnown(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/.well-known/") }

func atEndpoint(r *http.Request) bool { return r.URL.Path == "/mcp" && r.Method != http.MethodOptions }

func page(status int, text string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, text)
	}
}

// challenged is a proxy that changes challenges.
func challenged(change func(string) string) func(http.Handler) http.Handler {
	return edit(func(_ *http.Request, a *httptest.ResponseRecorder) {
		if c := a.Header().Get("WWW-Authenticate"); c != "" {
			a.Header().Set("WWW-Authenticate", change(c))
		}
	})
}

// poisoned is a server that believes what a request says about its name.
func poisoned(name func(*http.Request) string) func(http.Handler) http.Handler {
	return edit(func(r *http.Request, a *httptest.ResponseRecorder) {
		host := name(r)
		if host == "" || !wellKnown(r) {
			return
		}
		body := strings.ReplaceAll(a.Body.String(), "mcp.example.com", host)
		a.Body.Reset()
		a.Body.WriteString(body)
	})
}
