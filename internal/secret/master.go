package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

const (
	// MasterLen is the length of a master key, in bytes.
	MasterLen = 32

	masterInfo     = "mcpoauth: a record at rest: "
	masterNameInfo = "mcpoauth: the name of a master key"
	masterNameLen  = 6
)

// A Master is a key of the operator's under which records lie in a database. Each
// record has a key of its own that is derived from it, so that a random nonce is
// never near its limit (NIST SP 800-38D §8.3), however many records there are.
type Master struct {
	prk  []byte // of HKDF
	name string
}

// NewMaster returns the Master of a key of MasterLen random bytes.
func NewMaster(key [MasterLen]byte) *Master {
	prk, err := hkdf.Extract(sha256.New, key[:], nil)
	must(err)
	m := &Master{prk: prk}
	m.name = hex.EncodeToString(m.expand(masterNameInfo, masterNameLen))
	return m
}

// NewMasterKey returns a fresh key for NewMaster.
func NewMasterKey() (key [MasterLen]byte) {
	rand.Read(key[:])
	return key
}

// Name returns 12 characters that tell this key from others. They say nothing about it.
func (m *Master) Name() string { return m.name }

// Seal encrypts plain so that it opens under the same label only.
func (m *Master) Seal(label string, plain []byte) []byte {
	sealed := make([]byte, 0, len(plain)+overhead)
	return m.aead(label).Seal(sealed, nil, plain, []byte(label))
}

// Open returns what was sealed under label; ok is false if it was not, or not as it
// is now.
func (m *Master) Open(label string, sealed []byte) (plain []byte, ok bool) {
	plain, err := m.aead(label).Open(nil, nil, sealed, []byte(label))
	return plain, err == nil
}

func (m *Master) aead(label string) cipher.AEAD {
	block, err := aes.NewCipher(m.expand(masterInfo+label, 32))
	must(err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	must(err)
	return aead
}

func (m *Master) expand(info string, length int) []byte {
	key, err := hkdf.Expand(sha256.New, m.prk, info, length)
	must(err)
	return key
}

// must panics at errors that only a length of ours could cause.
func must(err error) {
	if err != nil {
		panic("secret: " + err.Error())
	}
}
