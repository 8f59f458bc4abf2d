package templates

import (
	"log/slog"
	"maps"
	"net/http"
	"strconv"
)

// contentSecurityPolicy has no form-action: Chromium applies it to the redirect
// that answers the form, and so would never let a person go back to their client.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

const permissionsPolicy = "publickey-credentials-get=(self), publickey-credentials-create=(self), " +
	"camera=(), geolocation=(), microphone=()"

// Render answers with a page. The page is made whole before anything is sent.
func (p *Pages) Render(w http.ResponseWriter, r *http.Request, status int, page Page) {
	body, err := p.execute(page)
	if err != nil {
		log := p.Log
		if log == nil {
			log = slog.Default()
		}
		log.ErrorContext(r.Context(), "page.failed", "error", err)
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "This page cannot be shown just now. Go back and try again.", http.StatusInternalServerError)
		return
	}
	write(w, status, body)
}

// Fixed is a page that is always the same, with its bytes made beforehand: it is what a
// flood is answered with.
type Fixed struct{ body []byte }

// Fix returns page as it would be rendered, for good.
func (p *Pages) Fix(page Page) (Fixed, error) {
	body, err := p.execute(page)
	return Fixed{body}, err
}

// Write writes the page with that status.
func (f Fixed) Write(w http.ResponseWriter, status int) { write(w, status, f.body) }

func write(w http.ResponseWriter, status int, body []byte) {
	maps.Copy(w.Header(), pageHeaders)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// pageHeaders are those of each page. They are made once: a flood is answered with pages.
var pageHeaders = http.Header{
	"Content-Type":            {"text/html; charset=utf-8"},
	"Cache-Control":           {"no-store"},
	"Content-Security-Policy": {contentSecurityPolicy},
	"Permissions-Policy":      {permissionsPolicy},
	// Not no-referrer: under it browsers send "Origin: null" with our own forms,
	// and one too old for Sec-Fetch-Site would look like an attacker.
	"Referrer-Policy":        {"same-origin"},
	"X-Content-Type-Options": {"nosniff"},
	"X-Frame-Options":        {"DENY"},
	// No Cross-Origin-Opener-Policy: a client that opened us in a popup would
	// lose its window for good, and with it the answer, even after the redirect
	// back. What the opener could do meanwhile, frame-ancestors and the passkey's
	// own prompt leave harmless.
}
