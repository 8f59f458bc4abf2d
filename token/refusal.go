package token

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// A refusal is an answer of the guard with every byte made beforehand: it is what
// somebody without a token can make the server do.
type refusal struct {
	status int
	body   []byte
	header map[string][]string
}

func newRefusal(status int, code, description, challenge string) *refusal {
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	if err != nil {
		panic("token: " + err.Error()) // strings always encode
	}
	header := map[string][]string{
		"Content-Type":           {"application/json"},
		"Content-Length":         {strconv.Itoa(len(body))},
		"Cache-Control":          {"no-store"},
		"X-Content-Type-Options": {"nosniff"},
	}
	if challenge != "" {
		header["Www-Authenticate"] = []string{challenge} // one line: clients read it with a regular expression
	}
	return &refusal{status, body, header}
}

func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	oauth.SetDeadlines(w, r)
	h := w.Header()
	maps.Copy(h, f.header)
	w.WriteHeader(f.status)
	w.Write(f.body)
}
