package perf

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorize checks an authorization request. A scope that there is not sends the browser
// back; what is to be shown is left to Page.
func (f *Floor) authorize(w http.ResponseWriter, r *http.Request) {
	asked, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, "invalid_request")
		return
	}
	f.mu.Lock()
	client := f.clients[asked.Get("client_id")]
	f.mu.Unlock()
	redirectURI := asked.Get("redirect_uri")
	if client == nil || !slices.Contains(client.RedirectURIs, redirectURI) {
		refuse(w, "invalid_request")
		return
	}
	challenge, err := base64.RawURLEncoding.DecodeString(asked.Get("code_challenge"))
	back := func(code string) {
		h := w.Header()
		h["Cache-Control"] = noStore
		h["Location"] = []string{redirectURI + "?error=" + code + "&iss=" + url.QueryEscape(Origin) + "&state=" + url.QueryEscape(asked.Get("state"))}
		w.WriteHeader(http.StatusSeeOther)
	}
	switch {
	case asked.Get("response_type") != "code", err != nil, len(challenge) != 32, asked.Get("code_challenge_method") != "S256":
		back("invalid_request")
		return
	case asked.Get("resource") != Resource:
		back("invalid_target")
		return
	}
	for name := range strings.FieldsSeq(asked.Get("scope")) {
		if name != Scope && name != OtherScope {
			back("invalid_scope")
			return
		}
	}
	f.Page(w, r, asked)
}
