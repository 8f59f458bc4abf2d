package encrypted

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

const makeKey = "make one with: openssl rand -base64 32"

// A Key is 256 random bits that are the operator's to keep. The zero Key is none.
type Key struct{ master *secret.Master }

// ParseKey reads a key of 32 bytes in base64, of either alphabet and with or without
// padding, or in hex; white space around it does not matter. Its error says nothing of
// the text.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	data, ok := decodeKey(text)
	switch {
	case text == "":
		return Key{}, errors.New("encrypted: the key is empty; " + makeKey)
	case !ok:
		return Key{}, fmt.Errorf("encrypted: the key of %d characters is not 32 bytes in base64 or hex; %s", len(text), makeKey)
	case strings.Count(string(data), string(data[:1])) == len(data):
		return Key{}, errors.New("encrypted: the key is one byte over and over; " + makeKey)
	}
	return Key{secret.NewMaster([secret.MasterLen]byte(data))}, nil
}

func decodeKey(text string) (data []byte, ok bool) {
	text = strings.TrimRight(text, "=")
	for _, decode := range []func(string) ([]byte, error){
		hex.DecodeString, base64.RawStdEncoding.Strict().DecodeString, base64.RawURLEncoding.Strict().DecodeString,
	} {
		if data, err := decode(text); err == nil && len(data) == secret.MasterLen {
			return data, true
		}
	}
	return nil, false
}

// ID tells this key from others, with 12 characters that say nothing about it. It is
// empty for the zero Key.
func (k Key) ID() string {
	if k.master == nil {
		return ""
	}
	return k.master.Name()
}

// String returns the ID, so that a key which gets into a log does not tell itself.
func (k Key) String() string { return k.ID() }

// GoString returns the ID too.
func (k Key) GoString() string { return "encrypted.Key(" + k.ID() + ")" }

// A keyring is the keys that open; the first one seals. There are two of them while
// keys change, and rarely more, so that a list is enough.
type keyring []Key

func newKeyring(keys []Key) (keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("encrypted: there is no key; " + makeKey)
	}
	seen := make(map[string]int)
	for i, key := range keys {
		if key.master == nil {
			return nil, fmt.Errorf("encrypted: key %d is the zero Key; pass what ParseKey returned", i+1)
		}
		if first, twice := seen[key.ID()]; twice {
			return nil, fmt.Errorf("encrypted: keys %d and %d are the same one, %s; leave one of them out", first, i+1, key.ID())
		}
		seen[key.ID()] = i + 1
	}
	return slices.Clone(keys), nil
}

func (r keyring) find(id string) (Key, bool) {
	for _, key := range r {
		if key.ID() == id {
			return key, true
		}
	}
	return Key{}, false
}

func (r keyring) String() string {
	var ids []string
	for _, key := range r {
		ids = append(ids, key.ID())
	}
	return strings.Join(ids, ", ")
}
