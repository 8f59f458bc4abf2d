// Package secret is the one place that makes, hashes and compares secrets.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
)

// Lengths of the strings that New and NewID return.
const (
	Len   = 43
	IDLen = 22
)

var encoding = base64.RawURLEncoding.Strict()

// New returns a fresh secret: 256 random bits as 43 characters of base64url.
// crypto/rand never fails: it ends the process rather than return weak bytes.
func New() string {
	var b [32]byte
	rand.Read(b[:])
	return text(b)
}

// text writes 32 bytes as a secret, with one allocation where EncodeToString makes two.
func text(b [32]byte) string {
	var t [Len]byte
	encoding.Encode(t[:], b[:])
	return string(t[:])
}

// NewID returns a fresh identifier: 128 random bits as 22 characters of
// base64url. It is unique, not secret: it may stand in a log or a page.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return encoding.EncodeToString(b[:])
}

// IDOf returns the identifier that belongs to parts, of the form of NewID. The parts
// cannot run into each other.
func IDOf(parts ...string) string {
	all := make([]byte, 0, 128)
	for _, part := range parts {
		h := Sum(part)
		all = append(all, h[:]...)
	}
	h := sha256.Sum256(all)
	return encoding.EncodeToString(h[:16])
}

// TagLen is the length of what Tag returns.
const TagLen = 4

// Tag returns a few characters that belong to name: 24 bits, to sort by and not to
// know by.
func Tag(name string) string {
	h := Sum(name)
	return encoding.EncodeToString(h[:3])
}

// NewIDWith returns a fresh identifier that begins with a tag and has 104 random bits.
func NewIDWith(tag string) string {
	var b [13]byte
	rand.Read(b[:])
	return tag[:TagLen] + encoding.EncodeToString(b[:])
}

// ValidID reports whether s has the form of an identifier that NewID made. What a
// stranger sends in the place of one must not get as far as a database.
func ValidID(s string) bool {
	if len(s) != IDLen {
		return false
	}
	for i := range len(s) {
		if !inID[s[i]] {
			return false
		}
	}
	return true
}

// inID has the characters of base64url.
var inID = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		in[c] = true
	}
	return in
}()

// A Hash is what is kept of a secret. SHA-256 without salt or stretching is
// enough because every secret stored as one has 256 random bits. A secret that a
// person chose must not be stored as one; those of the configuration stay in memory.
type Hash [sha256.Size]byte

// Sum returns the hash of s. It does not allocate for strings of up to 128 bytes.
func Sum(s string) Hash {
	var buf [128]byte
	return sha256.Sum256(append(buf[:0], s...))
}

// Matches reports whether h is the hash of s, in constant time. The zero Hash
// matches nothing.
func (h Hash) Matches(s string) bool {
	return h.Equal(Sum(s))
}

// Equal compares two hashes in constant time. The zero Hash equals nothing,
// itself included, so that a field that was never set opens no door.
func (h Hash) Equal(other Hash) bool {
	return subtle.ConstantTimeCompare(h[:], other[:]) == 1 && h != Hash{}
}

// MarshalText writes the hash as base64url.
func (h Hash) MarshalText() ([]byte, error) {
	return encoding.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	return decodeExactly(h[:], text)
}

// decodeExactly fills dst from base64url, or fails. The decoder itself leaves line ends
// out, so that a shorter text would pass.
func decodeExactly(dst, text []byte) error {
	if len(text) != encoding.EncodedLen(len(dst)) {
		return fmt.Errorf("%d bytes take %d characters of base64url, got %d", len(dst), encoding.EncodedLen(len(dst)), len(text))
	}
	n, err := encoding.Decode(dst, text)
	if err == nil && n != len(dst) {
		err = fmt.Errorf("base64url for %d bytes, want %d", n, len(dst))
	}
	return err
}

// Equal compares two secrets in constant time. Both are hashed first, so that
// not even the length of either shows.
func Equal(a, b string) bool {
	x, y := Sum(a), Sum(b)
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
