package register

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
)

// maxDocumentURL is the longest URL that is taken for a client's ID, in bytes. It is
// kept with every grant.
const maxDocumentURL = 512

// CheckDocumentURL says why id cannot be the URL of a client's metadata document
// (draft-ietf-oauth-client-id-metadata-document, "Client Identifier URL"), or "" if it
// can. A query, which the draft advises against, is refused: many a page repeats its
// query, and who finds one at a trusted host could write a document there.
func CheckDocumentURL(id string) (problem string) {
	host, problem := fetch.CheckURL(id)
	path := strings.TrimPrefix(id, "https://"+host)
	switch {
	case problem != "":
		return problem
	case len(id) > maxDocumentURL:
		return "is longer than 512 bytes"
	case strings.Contains(id, "?"):
		return "has a query"
	case strings.Trim(path, "/") == "":
		return "has no path"
	}
	for segment := range strings.SplitSeq(path, "/") {
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".", "..":
			return "has a segment of dots in its path"
		}
	}
	return ""
}

// A document is a client's metadata document: registration metadata and what proves
// whose they are.
type document struct {
	metadata
	ClientID        string          `json:"client_id"`
	Secret          json.RawMessage `json:"client_secret"`
	SecretExpiresAt json.RawMessage `json:"client_secret_expires_at"`
}

// read returns the client that the document at url describes. An error says, for
// people, what is wrong with the document. It is as lenient as registration is, and
// exact about who speaks and where a code may go.
func (d *Documents) read(url string, body []byte) (*store.Client, error) {
	doc, err := parseDocument(body)
	if err != nil {
		return nil, err
	}
	switch {
	case doc.ClientID == "":
		return nil, errors.New("client_id is missing")
	case doc.ClientID != url: // somebody else's document, or a copy of one
		return nil, errors.New("client_id is not the URL that the document was fetched from")
	case strings.TrimSpace(doc.Name) == "":
		return nil, errors.New("client_name is missing")
	case given(doc.Secret), given(doc.SecretExpiresAt): // everybody would know it
		return nil, errors.New("it has a client_secret, which a public document must not have")
	}
	if err := doc.checkKeys(); err != nil {
		return nil, err
	}
	method, err := doc.method(d.Methods)
	if err != nil {
		return nil, err
	}
	client, err := doc.client(method, d.RedirectURIs, d.Scopes)
	if wrong, ok := errors.AsType[*oauth.Error](err); ok {
		return nil, errors.New(wrong.Description)
	}
	if err != nil {
		return nil, err
	}
	client.ID = url
	return client, nil
}

// method returns how the client proves itself: the first of ours that it can do. It
// may name one method, several, or both: ChatGPT names its best in the singular member
// and all in the plural one. Who names none has no secret, so it is none.
func (doc document) method(ours []string) (string, error) {
	if ours == nil {
		ours = []string{oauth.AuthNone}
	}
	// In the plural member it is only more than can be used here; in the singular
	// one it is a mistake about what a document is.
	if strings.HasPrefix(doc.TokenEndpointAuthMethod, "client_secret_") {
		return "", errors.New("token_endpoint_auth_method needs a secret, which a public document cannot give")
	}
	theirs := doc.TokenEndpointAuthMethods
	if doc.TokenEndpointAuthMethod != "" {
		theirs = append(slices.Clone(theirs), doc.TokenEndpointAuthMethod)
	}
	if len(theirs) == 0 {
		theirs = []string{oauth.AuthNone}
	}
	for _, method := range ours {
		if slices.Contains(theirs, method) && (method != oauth.AuthPrivateKeyJWT || doc.hasKeys()) {
			return method, nil
		}
	}
	return "", errors.New("token_endpoint_auth_method is not one that this server supports for such clients: " + strings.Join(ours, ", "))
}
