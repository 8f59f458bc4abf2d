package token

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
)

// An Ed25519 key pair of RFC 8037, appendix A, and what it signed there, which is no JWT.
const (
	rfc8037Set = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	rfc8037JWS = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

// Whatever is sent: it is refused in words for the client, or it is a JWT with an alg of
// ours and a sub; and none that a stranger makes is signed by the client's key.
func FuzzAssertion(f *testing.F) {
	encode := base64.RawURLEncoding.EncodeToString
	add := func(header, claims, signature string) {
		f.Add(encode([]byte(header))+"."+encode([]byte(claims))+"."+signature, []byte(rfc8037Set))
	}
	signature := encode(make([]byte, 64))
	add(`{"alg":"EdDSA"}`, `{"iss":"c","sub":"c","aud":"https://example.com","exp":1,"jti":"1"}`, signature)
	add(`{"alg":"EdDSA","kid":"a","typ":"JWT"}`, `{"sub":"c","aud":["a","b"],"exp":1e300,"nbf":-1.5,"iat":null}`, signature)
	add(`{"alg":"none"}`, `{"sub":"c"}`, "")
	add(`{"alg":"HS256"}`, `{"sub":"c"}`, signature)
	add(`{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}`, `{"sub":"c"}`, signature)
	add(`{"alg":"EdDSA","x5c":["AAAA"]}`, `{"sub":"c"}`, signature)
	add(`{"alg":"EdDSA","b64":false,"crit":["b64"]}`, `{"sub":"c"}`, signature)
	add(`{"alg":"EdDSA","typ":7}`, `{"sub":"c","sub":"d"}`, signature)
	f.Add(rfc8037JWS, []byte(rfc8037Set))
	f.Add("..", []byte(`{"keys":[{},null,7,{"kty":"RSA","n":"AA","e":"AQAB"}]}`))

	f.Fuzz(func(t *testing.T, s string, set []byte) {
		a, err := parseAssertion(s)
		if err != nil {
			refusal, ok := errors.AsType[*oauth.Error](err)
			if !ok || refusal.Code != oauth.InvalidClient || a != nil {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if !slices.Contains(oauth.SigningAlgs, a.alg) || a.claims.Subject == "" || len(s) > maxAssertion || strings.Count(s, ".") != 2 {
			t.Fatalf("%q is taken for an assertion: %+v", s, a)
		}
		if a.verify([]byte(rfc8037Set)) == nil {
			t.Fatalf("%q is taken for signed", s)
		}
		a.verify(set) // the set is the fuzzer's own
		now := time.Unix(1_800_000_000, 0)
		if a.problem(a.claims.Subject, []string{"https://example.com"}, now) != "" {
			return
		}
		end := a.claims.Expiry.Time()
		if end.Before(now.Add(-clockSkew)) || end.After(now.Add(maxAssertionLife+clockSkew)) || a.claims.ID == "" {
			t.Fatalf("%q is taken for good: %+v", s, a.claims)
		}
	})
}
