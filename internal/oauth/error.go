// Package oauth holds the words of the protocol that the endpoints share: errors
// and how they are written, redirect URIs, resources, scopes and request forms.
// It imports nothing of this module.
package oauth

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7591 §3.2.2,
// RFC 8707 §2 and, for a rate limit, this server's own too_many_requests.
const (
	AccessDenied            = "access_denied"
	InsufficientScope       = "insufficient_scope"
	InvalidClient           = "invalid_client"
	InvalidClientMetadata   = "invalid_client_metadata"
	InvalidGrant            = "invalid_grant"
	InvalidRedirectURI      = "invalid_redirect_uri"
	InvalidRequest          = "invalid_request"
	InvalidScope            = "invalid_scope"
	InvalidTarget           = "invalid_target"
	InvalidToken            = "invalid_token"
	NotFound                = "not_found"
	TemporarilyUnavailable  = "temporarily_unavailable"
	TooManyRequests         = "too_many_requests"
	UnsupportedGrantType    = "unsupported_grant_type"
	UnsupportedResponseType = "unsupported_response_type"
)

// RetryAfter is what a caller is told to wait when the store fails.
const RetryAfter = 5 * time.Second

// An Error is an answer for the client: it may show every word of it. Any other
// error is ours: it is logged, and the client learns only that it may try again.
type Error struct {
	Code        string
	Description string // for the client's developer; ASCII without quote or backslash (RFC 6749 §5.2)
	Status      int    // the HTTP status; zero: 400
	Challenge   string // the WWW-Authenticate header, if one belongs to the answer
	RetryAfter  time.Duration
}

func (e *Error) Error() string {
	if e.Description == "" {
		return e.Code
	}
	return e.Code + ": " + e.Description
}

// Errorf is a plain 400 with a code of this package.
func Errorf(code, description string) *Error {
	return &Error{Code: code, Description: description}
}

// TooOften is the answer to who asks too often: 429 with Retry-After (RFC 6585 §4).
func TooOften(retryAfter time.Duration) *Error {
	return &Error{
		Code:        TooManyRequests,
		Description: "too many requests; wait as long as Retry-After says",
		Status:      http.StatusTooManyRequests,
		RetryAfter:  retryAfter,
	}
}

// AsError returns the answer that err stands for. What is not an *Error is
// trouble on our side, mostly of the store. It becomes 503 with Retry-After,
// because clients throw their tokens away on anything that looks final.
func AsError(err error) (answer *Error, ours bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, false
	}
	return &Error{
		Code:        TemporarilyUnavailable,
		Description: "the server cannot answer just now; try again",
		Status:      http.StatusServiceUnavailable,
		RetryAfter:  RetryAfter,
	}, true
}

// WriteError writes err as the JSON of RFC 6749 §5.2. Trouble of ours is logged
// in full; the request's path is, its query never.
func WriteError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	answer, ours := AsError(err)
	if ours && r.Context().Err() == nil { // else who asked has hung up
		log.ErrorContext(r.Context(), "request.failed", "path", r.URL.Path, "error", err)
	} else {
		log.DebugContext(r.Context(), "request.refused", "path", r.URL.Path, "code", answer.Code, "description", answer.Description)
	}
	h := w.Header()
	if answer.Challenge != "" {
		h.Set("WWW-Authenticate", answer.Challenge)
	}
	if answer.RetryAfter > 0 {
		h.Set("Retry-After", Seconds(answer.RetryAfter))
	}
	status := answer.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	WriteJSON(w, status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{answer.Code, answer.Description})
}

// Seconds writes a wait as Retry-After has it (RFC 9110 §10.2.3): rounded up, since
// who comes back a moment too early is refused again.
func Seconds(wait time.Duration) string {
	return strconv.FormatInt(int64(max(1, (wait+time.Second-1)/time.Second)), 10)
}

// Values of headers that every answer shares.
var (
	inJSON  = []string{"application/json"}
	noStore = []string{"no-store"}
	noCache = []string{"no-cache"}
	noSniff = []string{"nosniff"}
)

// WriteJSON writes v, with the no-store headers that RFC 6749 §5.1 asks for.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("oauth: " + err.Error()) // only for a type that JSON cannot hold
	}
	WriteBody(w, status, body)
}

// WriteBody is WriteJSON for what is JSON already.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = inJSON
	h["Cache-Control"] = noStore
	h["Pragma"] = noCache
	h["X-Content-Type-Options"] = noSniff
	w.WriteHeader(status)
	w.Write(body)
}
