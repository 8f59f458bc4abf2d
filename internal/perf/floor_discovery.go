package perf

import (
	"net/http"
	"strconv"
)

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
