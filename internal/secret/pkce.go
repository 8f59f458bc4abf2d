package secret

// PKCE code verifiers and challenges, S256 only (RFC 7636).

const (
	minVerifier = 43
	maxVerifier = 128
)

// ValidChallenge reports whether s has the form of an S256 code challenge:
// a SHA-256 value in base64url without padding (RFC 7636 §4.2).
func ValidChallenge(s string) bool {
	var h Hash
	return decodeExactly(h[:], []byte(s)) == nil
}

// ValidVerifier reports whether s is 43 to 128 unreserved characters
// (RFC 7636 §4.1).
func ValidVerifier(s string) bool {
	if len(s) < minVerifier || len(s) > maxVerifier {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '.', c == '_', c == '~':
		default:
			return false
		}
	}
	return true
}

// VerifyS256 reports, in constant time, whether challenge is the S256
// transformation of verifier (RFC 7636 §4.6).
func VerifyS256(challenge, verifier string) bool {
	h := Sum(verifier)
	return Equal(encoding.EncodeToString(h[:]), challenge)
}

// S256 returns the code challenge that belongs to a verifier (RFC 7636 §4.2).
func S256(verifier string) string {
	h := Sum(verifier)
	return encoding.EncodeToString(h[:])
}
