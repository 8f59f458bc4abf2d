package register

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
)

// keys are a client's public keys, for private_key_jwt, or where to find them.
type keys struct {
	JWKSURI string          `json:"jwks_uri"`
	JWKS    json.RawMessage `json:"jwks"`
}

// hasKeys reports whether it says where the keys are, in one way (RFC 7591 §2).
func (k keys) hasKeys() bool {
	_, problem := fetch.CheckURL(k.JWKSURI)
	return given(k.JWKS) != (k.JWKSURI != "") && (given(k.JWKS) || problem == "")
}

// publicMembers are those of a JWK that are kept (RFC 7517 §4, RFC 7518 §6, RFC 8037).
var publicMembers = []string{"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"}

// maxKeys is how many keys of a set are kept: its first.
const maxKeys = 20

// plain returns the set with what can be used of it and nothing else. Whatever
// somebody nests in there would be kept, and each level of it written further in.
func (k keys) plain() (json.RawMessage, error) {
	if !given(k.JWKS) {
		return nil, nil
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(k.JWKS, &set); err != nil {
		return nil, errors.New("jwks is not a set of keys")
	}
	kept := make([]map[string]string, 0, len(set.Keys))
	for _, key := range set.Keys[:min(len(set.Keys), maxKeys)] {
		members := make(map[string]string)
		for _, name := range publicMembers {
			var text string
			if json.Unmarshal(key[name], &text) == nil {
				members[name] = text
			}
		}
		kept = append(kept, members)
	}
	if len(kept) == 0 {
		return nil, errors.New("jwks has no key")
	}
	return json.Marshal(map[string]any{"keys": kept})
}

// secretMembers are those of a JWK that hold what only its owner may know: of private
// keys, and of symmetric ones (RFC 7518 §6.2.2, §6.3.2, §6.4).
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// checkKeys refuses keys that everybody can sign with, now that they are published.
func (k keys) checkKeys() error {
	if !given(k.JWKS) {
		return nil
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(k.JWKS, &set); err != nil {
		return errors.New("jwks is not a set of keys")
	}
	for _, key := range set.Keys {
		for _, name := range secretMembers {
			if _, there := key[name]; there {
				return errors.New("jwks has a private key in it, which is no longer private")
			}
		}
	}
	return nil
}

// given reports whether a member is there; null is the same as not.
func given(member json.RawMessage) bool {
	return len(member) != 0 && !bytes.Equal(member, []byte("null"))
}
