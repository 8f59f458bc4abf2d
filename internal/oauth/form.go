package oauth

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of a request to an endpoint of ours.
const (
	MaxBody    = 64 << 10         // bytes of a form or JSON body
	MaxQuery   = 16 << 10         // bytes of a query
	MaxDepth   = 32               // levels of objects and arrays in JSON; WebAuthn's and JWKS have six
	maxPairs   = 100              // parameters in a form or query, repeats among them
	bodyTime   = 15 * time.Second // for a body to arrive
	answerTime = 30 * time.Second // for an answer to be made and taken
)

// ReadForm returns the parameters of a form body (RFC 6749 §4.1.3). It does not
// look at the query: a secret there would be in every log on the way.
func ReadForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if MediaType(r) != "application/x-www-form-urlencoded" {
		return nil, Errorf(InvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	return ParseParameters(string(body))
}

// MediaType returns that of a request's body, in lower case and without parameters.
func MediaType(r *http.Request) string {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}

// ReadBody returns the whole body, of at most MaxBody bytes. It does not wait for
// one that drips: the http.Server around us can have no ReadTimeout, because MCP
// streams, so that nobody else would.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	timed := control.SetReadDeadline(time.Now().Add(bodyTime)) == nil
	body, err := readAll(http.MaxBytesReader(w, r.Body, MaxBody), r.ContentLength)
	if timed && err == nil {
		// Otherwise it stays: before it answers, an http.Server waits for what has
		// not been read.
		control.SetReadDeadline(time.Time{})
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &Error{Code: InvalidRequest, Description: "the body is larger than 64 KiB", Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, Errorf(InvalidRequest, "the body did not arrive whole")
	}
	return body, nil
}

// readAll is io.ReadAll for a body that says how long it is, if it does: most need less
// memory than that begins with. More is not reserved, whatever a body says.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length < 0 || length >= 512 {
		return io.ReadAll(r)
	}
	body := make([]byte, 0, length+1) // one more, to see the end
	for len(body) < cap(body) {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return body, err
		}
	}
	rest, err := io.ReadAll(r)
	return append(body, rest...), err
}

// SetDeadlines gives the body of r, which perhaps nobody will read, as long to arrive as
// ReadBody does, and whoever asks a while to take the answer. Who sends no more, or reads
// nothing, would hold the connection and its goroutine for ever: an http.Server waits
// for the rest before it answers, and then for room to write. Both end with the request.
func SetDeadlines(w http.ResponseWriter, r *http.Request) {
	control, now := http.NewResponseController(w), time.Now()
	control.SetWriteDeadline(now.Add(answerTime))
	if r.ContentLength != 0 {
		control.SetReadDeadline(now.Add(bodyTime))
	}
}

// CheckDepth says why JSON is not to be decoded, or "" if it may be. It looks at its
// depth alone.
func CheckDepth(body []byte) (problem string) {
	if bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("[")) <= MaxDepth {
		return "" // not even if each were in the one before
	}
	depth, inString, escaped := 0, false, false
	for _, c := range body {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{', c == '[':
			if depth++; depth > MaxDepth {
				return "is nested deeper than 32 levels"
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return ""
}

// ParseParameters parses a query or form. A parameter given twice is refused
// (RFC 6749 §3.1), but for resource, of which RFC 8707 allows several. One with an
// empty value counts as not given.
func ParseParameters(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, Errorf(InvalidRequest, "the parameters are not form-urlencoded")
	}
	if strings.Count(raw, "&") >= maxPairs && pairs(values) > maxPairs {
		return nil, Errorf(InvalidRequest, "there are more than 100 parameters")
	}
	for name, list := range values {
		if len(list) == 1 && list[0] != "" {
			continue // as nearly all are
		}
		given := slices.DeleteFunc(list, func(v string) bool { return v == "" })
		switch {
		case len(given) == 0:
			delete(values, name)
		case len(given) > 1 && name != "resource":
			return nil, Errorf(InvalidRequest, "a parameter is given more than once")
		case len(given) < len(list):
			values[name] = given // and not always: it can make the map grow
		}
	}
	return values, nil
}

func pairs(values url.Values) (n int) {
	for _, list := range values {
		n += len(list)
	}
	return n
}
