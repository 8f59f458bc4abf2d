package perf

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// The documents are about as long as the real ones.
var (
	serverDocument = []byte(`{"issuer":"` + Origin + `","authorization_endpoint":"` + Origin + `/authorize","token_endpoint":"` + Origin + `/token","registration_endpoint":"` + Origin +
		`/register","revocation_endpoint":"` + Origin + `/revoke","scopes_supported":["` + Scope + `","` + OtherScope + `"],"response_types_supported":["code"],"response_modes_supported":["query"],` +
		`"grant_types_supported":["authorization_code","refresh_token"],"code_challenge_methods_supported":["S256"],"token_endpoint_auth_methods_supported":["none","client_secret_basic","client_secret_post"]}`)
	resourceDocument = []byte(`{"resource":"` + Resource + `","authorization_servers":["` + Origin + `"],"scopes_supported":["` + Scope + `"],"bearer_methods_supported":["header"]}`)
	serverLength     = []string{strconv.Itoa(len(serverDocument))}
	resourceLength   = []string{strconv.Itoa(len(resourceDocument))}
)

func document(w http.ResponseWriter, body []byte, length []string) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = anybody
	h["Access-Control-Expose-Headers"] = exposed
	h["Content-Type"] = inJSON
	h["Content-Length"] = length
	h["Cache-Control"] = cached
	h["X-Content-Type-Options"] = noSniff
	w.Write(body)
}
