package oauth

// How a client proves itself at the token endpoint (RFC 7591 §2).
const (
	AuthNone  = "none"
	AuthPost  = "client_secret_post"
	AuthBasic = "client_secret_basic"
)

// What this server supports. The metadata, the registration and the endpoints
// all read these, so that none of them promises what another refuses.
var (
	AuthMethods   = []string{AuthNone, AuthPost, AuthBasic}
	GrantTypes    = []string{GrantCode, GrantRefresh}
	ResponseTypes = []string{ResponseCode}
)

// Grant and response types (RFC 6749).
const (
	GrantCode    = "authorization_code"
	GrantRefresh = "refresh_token"
	ResponseCode = "code"
)
