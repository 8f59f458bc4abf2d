package mcpotel

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/felixge/httpsnoop"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

var methods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

func knownMethod(method string) string {
	if slices.Contains(methods, method) {
		return method
	}
	return other
}

// refusals are the codes that outcomes are named after.
var refusals = []string{
	oauth.AccessDenied, oauth.InsufficientScope, oauth.InvalidClient, oauth.InvalidClientMetadata, oauth.InvalidGrant,
	oauth.InvalidRedirectURI, oauth.InvalidRequest, oauth.InvalidScope, oauth.InvalidTarget, oauth.InvalidToken, oauth.NotFound,
	oauth.TemporarilyUnavailable, oauth.TooManyRequests, oauth.UnsupportedGrantType, oauth.UnsupportedResponseType,
	"unauthorized", // a request to a guarded handler without a token
}

// A response is what is seen of an answer while it is written.
type response struct {
	status   int    // 0: nothing is written yet
	refusal  string // the OAuth error code, if it is one
	looked   bool   // for the refusal
	finished bool   // by a return of the handler, not a panic
}

// watch returns w with the same interfaces: streams stream, and connections are taken over.
func (s *response) watch(w http.ResponseWriter) http.ResponseWriter {
	return httpsnoop.Wrap(w, httpsnoop.Hooks{
		WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
			return func(status int) {
				final := status >= http.StatusOK || status == http.StatusSwitchingProtocols
				if s.status == 0 && final {
					s.status = status
				}
				next(status)
			}
		},
		Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
			return func(p []byte) (int, error) {
				s.look(p)
				return next(p)
			}
		},
		ReadFrom: func(next httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(from io.Reader) (int64, error) {
				s.look(nil)
				return next(from)
			}
		},
		Hijack: func(next httpsnoop.HijackFunc) httpsnoop.HijackFunc {
			return func() (net.Conn, *bufio.ReadWriter, error) {
				conn, buffered, err := next()
				if err == nil && s.status == 0 {
					s.status = http.StatusSwitchingProtocols
				}
				return conn, buffered, err
			}
		},
	})
}

// look finds the error code, with which the JSON of every refusal begins.
func (s *response) look(p []byte) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	if s.looked || s.status < http.StatusBadRequest {
		return
	}
	s.looked = true
	rest, ok := bytes.CutPrefix(p, []byte(`{"error":"`))
	if !ok {
		return
	}
	code, _, _ := bytes.Cut(rest, []byte(`"`))
	if i := slices.Index(refusals, string(code)); i >= 0 {
		s.refusal = refusals[i]
	}
}

// outcome names how it ended: by the error code, or by the class of the status.
func (s *response) outcome() string {
	switch {
	case !s.finished:
		return "aborted"
	case s.refusal != "":
		return s.refusal
	case s.status == http.StatusTooManyRequests:
		return oauth.TooManyRequests // as a page
	case s.status == 0:
		return "2xx" // which net/http makes of an answer that nothing was written to
	case s.status > 599:
		return other
	}
	return [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}[s.status/100-1]
}
