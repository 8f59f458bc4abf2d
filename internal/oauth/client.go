package oauth

// How a client proves itself at the token endpoint (RFC 7591 §2).
const (
	AuthNone          = "none"
	AuthPost          = "client_secret_post"
	AuthBasic         = "client_secret_basic"
	AuthPrivateKeyJWT = "private_key_jwt" // RFC 7523 §2.2
)

// What this server supports. The metadata, the registration and the endpoints
// all read these, so that none of them promises what another refuses.
var (
	AuthMethods = []string{AuthNone, AuthPost, AuthBasic, AuthPrivateKeyJWT}

	// SigningAlgs are those of private_key_jwt (RFC 7518 §3.1, RFC 8037). Never
	// "none", nor one whose key is a shared secret: whoever read the public key
	// could sign with it.
	SigningAlgs = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}

	GrantTypes    = []string{GrantCode, GrantRefresh}
	ResponseTypes = []string{ResponseCode}
)

// Grant and response types (RFC 6749).
const (
	GrantCode    = "authorization_code"
	GrantRefresh = "refresh_token"
	ResponseCode = "code"
)
