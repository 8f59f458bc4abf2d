package oauth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Limits of a request to an endpoint of ours.
const (
	MaxBody  = 64 << 10         // bytes of a form or JSON body
	MaxQuery = 16 << 10         // bytes of a query
	maxPairs = 100              // parameters in a form or query
	bodyTime = 15 * time.Second // for a body to arrive
)

// ReadForm returns the parameters of a form body (RFC 6749 §4.1.3). It does not
// look at the query: a secret there would be in every log on the way.
func ReadForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, Errorf(InvalidRequest, "the body must be application/x-www-form-urlencoded")
	}
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	return ParseParameters(string(body))
}

// ReadBody returns the whole body, of at most MaxBody bytes. It does not wait for
// one that drips: the http.Server around us can have no ReadTimeout, because MCP
// streams, so that nobody else would.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Now().Add(bodyTime)) == nil {
		defer control.SetReadDeadline(time.Time{})
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &Error{Code: InvalidRequest, Description: "the body is larger than 64 KiB", Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, Errorf(InvalidRequest, "the body did not arrive whole")
	}
	return body, nil
}

// ParseParameters parses a query or form. A parameter given twice is refused
// (RFC 6749 §3.1), but for resource, of which RFC 8707 allows several. One with an
// empty value counts as not given.
func ParseParameters(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, Errorf(InvalidRequest, "the parameters are not form-urlencoded")
	}
	if len(values) > maxPairs {
		return nil, Errorf(InvalidRequest, "there are more than 100 parameters")
	}
	for name, list := range values {
		list = slices.DeleteFunc(list, func(v string) bool { return v == "" })
		switch {
		case len(list) == 0:
			delete(values, name)
			continue
		case len(list) > 1 && name != "resource":
			return nil, Errorf(InvalidRequest, "a parameter is given more than once")
		}
		values[name] = list
	}
	return values, nil
}
