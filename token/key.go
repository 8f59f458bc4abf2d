package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Limits of a client's set of keys.
const (
	MaxKeySet = 64 << 10 // bytes
	maxKeys   = 100
	minRSA    = 2048 // bits; go-jose takes none of more than 4096
)

// What can be found out about an assertion and a set of keys.
var (
	errNoKey     = invalidClient("the client has no key, or more than one, for the kid and alg of the assertion")
	errSignature = invalidClient("the assertion is not signed with the client's key")
	errNotKeySet = errors.New("is not a set of keys (RFC 7517), or one too large")
)

// CheckKeys says why a client cannot authenticate with a set of keys, or "" if it can.
func CheckKeys(set []byte) (problem string) {
	keys, err := parseKeys(set)
	if err != nil {
		return err.Error()
	}
	if len(keys) == 0 {
		return "has no public key that can be used: RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519"
	}
	return ""
}

// A publicKey is one that can verify assertions.
type publicKey struct {
	id   string // empty: none
	algs []string
	key  any
}

// parseKeys returns the keys of a set that can be used here. The others are left out,
// as RFC 7517 §5 wants it: a set is for more than one purpose and server.
func parseKeys(set []byte) ([]publicKey, error) {
	var jwks struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(set) > MaxKeySet || json.Unmarshal(set, &jwks) != nil || jwks.Keys == nil || len(jwks.Keys) > maxKeys {
		return nil, errNotKeySet
	}
	var keys []publicKey
	for _, raw := range jwks.Keys {
		if key, ok := parseKey(raw); ok {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// secretMembers are those that hold what only the owner of a key may know. One that is
// published with them proves nothing any more; and what they say need not be read.
var secretMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

func parseKey(raw []byte) (publicKey, bool) {
	var members map[string]*json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return publicKey{}, false
	}
	for _, name := range secretMembers {
		if _, there := members[name]; there {
			return publicKey{}, false
		}
	}
	if ops := members["key_ops"]; ops != nil {
		var names []string
		if json.Unmarshal(*ops, &names) != nil || !slices.Contains(names, "verify") {
			return publicKey{}, false
		}
	}
	// A certificate says nothing here, and an odd one would spoil the key.
	maps.DeleteFunc(members, func(name string, _ *json.RawMessage) bool { return strings.HasPrefix(name, "x5") })
	plain, err := json.Marshal(members)
	if err != nil {
		return publicKey{}, false
	}
	var jwk jose.JSONWebKey
	if jwk.UnmarshalJSON(plain) != nil || jwk.Use != "" && jwk.Use != "sig" {
		return publicKey{}, false
	}
	algs := algsOf(jwk.Key)
	if jwk.Algorithm != "" {
		algs = slices.DeleteFunc(algs, func(alg string) bool { return alg != jwk.Algorithm })
	}
	return publicKey{jwk.KeyID, algs, jwk.Key}, len(algs) != 0
}

// algsOf returns the algorithms that a key is for. That it is the key which decides, and
// not the assertion, keeps a signature of one kind from being taken for one of another
// (RFC 8725 §3.1).
func algsOf(key any) []string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= minRSA {
			return []string{"RS256", "PS256"}
		}
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return []string{"ES256"}
		case elliptic.P384():
			return []string{"ES384"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}
