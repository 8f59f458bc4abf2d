package token

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// A refusal is an answer of the guard with every byte made beforehand: it is what
// somebody without a token can make the server do.
type refusal struct {
	status int
	body   []byte
	header []field
}

// A field is a header by its canonical name. A list of them is copied faster than a map.
type field struct {
	name   string
	values []string
}

func newRefusal(status int, code, description, challenge string) *refusal {
	body, err := json.Marshal(struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
	if err != nil {
		panic("token: " + err.Error()) // strings always encode
	}
	header := []field{
		{"Content-Type", []string{"application/json"}},
		{"Content-Length", []string{strconv.Itoa(len(body))}},
		{"Cache-Control", []string{"no-store"}},
		{"X-Content-Type-Options", []string{"nosniff"}},
	}
	if challenge != "" {
		header = append(header, field{"Www-Authenticate", []string{challenge}}) // one line: clients read it with a regular expression
	}
	return &refusal{status, body, header}
}

func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	oauth.SetDeadlines(w, r)
	h := w.Header()
	for i := range f.header {
		h[f.header[i].name] = f.header[i].values
	}
	w.WriteHeader(f.status)
	w.Write(f.body)
}
