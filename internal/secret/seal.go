package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
)

const (
	pairLen  = 2 * 32
	overhead = 12 + 16 // AES-GCM's nonce and tag
	sealInfo = "mcpoauth: the successors of a spent token"
)

// Sealed is a pair of secrets that only the holder of a third one can read. It
// has a fixed size so that it lies inside the record that holds it.
type Sealed [pairLen + overhead]byte

// Seal encrypts two secrets made by New under a key derived from a third.
func Seal(key, first, second string) Sealed {
	var s Sealed
	pair := s[:pairLen]
	mustDecode(pair[:32], first)
	mustDecode(pair[32:], second)
	newAEAD(key).Seal(s[:0], nil, pair, nil)
	return s
}

// Open returns the pair that was sealed under key; ok is false for another key
// and for the zero Sealed.
func (s Sealed) Open(key string) (first, second string, ok bool) {
	pair, err := newAEAD(key).Open(nil, nil, s[:], nil)
	if err != nil {
		return "", "", false
	}
	return encoding.EncodeToString(pair[:32]), encoding.EncodeToString(pair[32:]), true
}

// Derive returns a secret of the form of New that belongs to key and purpose, for
// what must be known again to whoever knows key. It is as secret as key is.
func Derive(key, purpose string) string {
	return text(derive(key, "mcpoauth: "+purpose))
}

// derive is the one-step key derivation of NIST SP 800-56C Rev. 2 §4.1 with SHA-256. HKDF
// would first make a uniform key of what has 256 random bits already, at ten times the cost.
func derive(key, info string) Hash {
	var buf [256]byte // for a code, the longest verifier and any info
	return sha256.Sum256(append(append(append(buf[:0], "\x00\x00\x00\x01"...), key...), info...))
}

// MarshalText writes the sealed pair as base64url.
func (s Sealed) MarshalText() ([]byte, error) {
	return encoding.AppendEncode(nil, s[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Sealed) UnmarshalText(text []byte) error {
	return decodeExactly(s[:], text)
}

func newAEAD(secret string) cipher.AEAD {
	key := derive(secret, sealInfo)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("secret: " + err.Error()) // only for a key of the wrong length
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("secret: " + err.Error()) // only for another block size than AES has
	}
	return aead
}

// mustDecode fills dst with what a secret of New stands for.
func mustDecode(dst []byte, secret string) {
	var text [Len + 1]byte // one more, so that what is too long stays it
	n := copy(text[:], secret)
	if err := decodeExactly(dst, text[:n]); err != nil {
		panic("secret: Seal takes what New returned: " + err.Error())
	}
}
