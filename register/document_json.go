package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// parseDocument reads a document strictly, so that what we take from it is what any
// other reader, or a person, would.
func parseDocument(body []byte) (doc document, err error) {
	if !utf8.Valid(body) {
		return doc, errors.New("it is not JSON in UTF-8")
	}
	if problem := oauth.CheckDepth(body); problem != "" {
		return doc, errors.New("it " + problem)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if err := checkNames(decoder); err != nil {
		return doc, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return doc, errors.New("it has something after the JSON object")
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return doc, errors.New("it is not a JSON object")
	}
	// encoding/json takes CLIENT_ID for client_id as well, and even redirect_uriſ.
	for name := range members {
		if strings.ContainsFunc(name, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' }) {
			delete(members, name)
		}
	}
	plain, err := json.Marshal(members)
	if err != nil {
		return doc, errors.New("it is not a JSON object")
	}
	err = json.Unmarshal(plain, &doc)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return doc, errors.New(wrong.Field[strings.LastIndexByte(wrong.Field, '.')+1:] + " is not of the type that RFC 7591 gives it")
	}
	return doc, err
}

// checkNames reads one JSON value, in which no object may have a name twice: of two
// client_ids, readers differ in which they believe.
func checkNames(decoder *json.Decoder) error {
	notJSON := errors.New("it is not JSON")
	token, err := decoder.Token()
	if err != nil {
		return notJSON
	}
	if _, nested := token.(json.Delim); !nested {
		return nil
	}
	seen := make(map[string]bool)
	for decoder.More() {
		if token == json.Delim('{') {
			name, err := decoder.Token()
			if err != nil {
				return notJSON
			}
			if seen[name.(string)] {
				return errors.New("it has a member twice")
			}
			seen[name.(string)] = true
		}
		if err := checkNames(decoder); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return notJSON
	}
	return nil
}
