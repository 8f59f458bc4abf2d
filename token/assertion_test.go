package token_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

const day = 24 * time.Hour

func TestRFC7523_AClientGetsInByWhatItHasSigned(t *testing.T) {
	set := func(keys ...map[string]any) func(*store.Client) {
		return func(c *store.Client) { c.JWKS = keySet(keys...) }
	}
	for name, test := range map[string]struct {
		jwt     func() *jwt
		prepare func(*store.Client)
	}{
		"RS256":                         {good, nil},
		"PS256":                         {func() *jwt { return good().with(rsaKey(), jose.PS256) }, nil},
		"ES256":                         {func() *jwt { return good().with(p256Key(), jose.ES256) }, set(jwk(p256Key(), keyID))},
		"ES384":                         {func() *jwt { return good().with(p384Key(), jose.ES384) }, set(jwk(p384Key(), keyID))},
		"EdDSA":                         {func() *jwt { return good().with(edKey(), jose.EdDSA) }, set(jwk(edKey(), keyID))},
		"typ JWT":                       {func() *jwt { return good().head("typ", "JWT") }, nil},
		"typ in small letters":          {func() *jwt { return good().head("typ", "jwt") }, nil},
		"typ of the revised RFC":        {func() *jwt { return good().head("typ", "client-authentication+jwt") }, nil},
		"aud as a list of one":          {func() *jwt { return good().claim("aud", []string{issuer}) }, nil},
		"aud is the endpoint, as old":   {func() *jwt { return good().claim("aud", issuer+"/token") }, nil},
		"no iat":                        {func() *jwt { return good().claim("iat", nil) }, nil},
		"a nbf that has passed":         {func() *jwt { return good().claim("nbf", time.Now().Unix()) }, nil},
		"a clock that is a minute fast": {func() *jwt { return good().claim("iat", time.Now().Add(time.Minute).Unix()) }, nil},
		"a clock that is a minute slow": {func() *jwt { return good().expires(-time.Minute + time.Second) }, nil},
		"as long as it may be":          {func() *jwt { return good().expires(10 * time.Minute) }, nil},
		"that long, and a fast clock":   {func() *jwt { return good().expires(11 * time.Minute) }, nil},
		"a time with a fraction":        {func() *jwt { return good().claim("exp", float64(time.Now().Unix())+30.5) }, nil},
		"claims that nobody knows":      {func() *jwt { return good().claim("custom", map[string]any{"a": 1}) }, nil},
		"a jti like no other":           {func() *jwt { return good().claim("jti", strings.Repeat("\n/é\x00", 500)+secret.NewID()) }, nil},
		"no kid, and one key":           {func() *jwt { return good().head("kid", nil) }, nil},
		"no kid, and one key for its alg": {
			func() *jwt { return good().head("kid", nil) }, set(jwk(p256Key(), "a"), jwk(rsaKey(), "b"), jwk(edKey(), "c")),
		},
		"no kid, and one key that may sign": {
			func() *jwt { return good().head("kid", nil) },
			set(jwk(otherRSAKey(), "a", map[string]any{"use": "enc"}), jwk(rsaKey(), "b", map[string]any{"use": "sig"})),
		},
		"one key of several": {good, set(jwk(otherRSAKey(), "other"), jwk(rsaKey(), keyID))},
		"one key of several of that name": {
			good, set(jwk(p256Key(), keyID), jwk(rsaKey(), keyID)),
		},
		"a key that says what it is for": {
			good, set(jwk(rsaKey(), keyID, map[string]any{"use": "sig", "alg": "RS256", "key_ops": []string{"verify"}})),
		},
		"a key with a certificate that is none": {
			good, set(jwk(rsaKey(), keyID, map[string]any{"x5c": []string{"AAAA"}, "x5t": "AAAA", "x5u": ":"})),
		},
		"keys of kinds that nobody knows": {
			good, set(map[string]any{"kty": "XYZ", "kid": keyID}, map[string]any{"kid": 7}, jwk(rsaKey(), keyID)),
		},
		// What an assertion says of its own key is not looked at, also if it is another.
		"somebody else's key in the header": {
			func() *jwt { return good().head("jwk", jwk(otherRSAKey(), keyID)) }, nil,
		},
		"where to find a key in the header": {
			func() *jwt {
				return good().head("jku", "https://evil.example/jwks.json").head("x5u", "https://evil.example/cert").head("x5t", "AAAA")
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := serve(t, keyClient())
				if test.prepare != nil {
					test.prepare(e.client)
				}
				proof := signed(test.jwt().sign())
				e.enters(proof)
				proof = signed(test.jwt().sign())
				proof.Set("client_id", "client")
				e.enters(proof)
			})
		})
	}
}

func TestRFC7523_WhatIsWrongInOneWayIsRefusedAndSpendsNothing(t *testing.T) {
	publicPEM := func() []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(rsaKey().Public()))})
	}
	set := func(keys ...map[string]any) func(*store.Client) {
		return func(c *store.Client) { c.JWKS = keySet(keys...) }
	}
	claim := func(name string, value any) func() string {
		return func() string { return good().claim(name, value).sign() }
	}
	head := func(name string, value any) func() string {
		return func() string { return good().head(name, value).sign() }
	}
	signedBy := func(key any, alg jose.SignatureAlgorithm) func() string {
		return func() string { return good().with(key, alg).sign() }
	}
	fine := func() string { return good().sign() }
	const otherServer = "https://other.example"

	for name, test := range map[string]struct {
		says      string
		assertion func() string
		prepare   func(*store.Client)
	}{
		// RFC 7523 §3: the claims.
		"iss is another":                {"iss and sub", claim("iss", "another"), nil},
		"iss is missing":                {"iss and sub", claim("iss", nil), nil},
		"sub is another":                {"client_id is not the sub", claim("sub", "another"), nil},
		"sub is missing":                {"the claims of the assertion", claim("sub", nil), nil},
		"sub is no text":                {"the claims of the assertion", claim("sub", 7), nil},
		"aud is another server":         {"aud of the assertion", claim("aud", otherServer), nil},
		"aud is missing":                {"aud of the assertion", claim("aud", nil), nil},
		"aud is null":                   {"the claims of the assertion", func() string { return payload(`{"iss":"client","sub":"client","aud":null}`).sign() }, nil},
		"aud is an empty list":          {"aud of the assertion", claim("aud", []string{}), nil},
		"aud has another server too":    {"aud of the assertion", claim("aud", []string{issuer, otherServer}), nil},
		"aud has this server twice":     {"aud of the assertion", claim("aud", []string{issuer, issuer + "/token"}), nil},
		"aud begins as it should":       {"aud of the assertion", claim("aud", issuer+".evil.example"), nil},
		"aud has a slash too many":      {"aud of the assertion", claim("aud", issuer+"/token/"), nil},
		"aud is in capitals":            {"aud of the assertion", claim("aud", "HTTPS://EXAMPLE.COM"), nil},
		"aud is the resource":           {"aud of the assertion", claim("aud", resource.URL), nil},
		"aud is the other endpoint":     {"aud of the assertion", claim("aud", issuer+"/revoke"), nil},
		"exp is missing":                {"no exp", claim("exp", nil), nil},
		"exp has passed":                {"has expired", func() string { return good().expires(-time.Minute).sign() }, nil},
		"exp has passed long ago":       {"has expired", func() string { return good().expires(-day).sign() }, nil},
		"exp is too far ahead":          {"more than 10 minutes ahead", func() string { return good().expires(11*time.Minute + time.Second).sign() }, nil},
		"exp is for ever":               {"more than 10 minutes ahead", claim("exp", 1e18), nil},
		"exp is beyond for ever":        {"the claims of the assertion", claim("exp", 1e300), nil},
		"exp is below nothing":          {"has expired", claim("exp", -1e18), nil},
		"exp is text":                   {"the claims of the assertion", claim("exp", "4102444800"), nil},
		"nbf is ahead":                  {"in the future", func() string { return good().claim("nbf", time.Now().Add(time.Minute+time.Second).Unix()).sign() }, nil},
		"iat is ahead":                  {"in the future", func() string { return good().claim("iat", time.Now().Add(time.Minute+time.Second).Unix()).sign() }, nil},
		"jti is missing":                {"no jti", claim("jti", nil), nil},
		"jti is empty":                  {"no jti", claim("jti", ""), nil},
		"jti is no text":                {"the claims of the assertion", claim("jti", 7), nil},
		"a claim is there twice":        {"the claims of the assertion", func() string { return payload(`{"iss":"client","sub":"client","sub":"client"}`).sign() }, nil},
		"the claims are a list":         {"the claims of the assertion", func() string { return payload(`["client"]`).sign() }, nil},
		"the claims are null":           {"the claims of the assertion", func() string { return payload(`null`).sign() }, nil},
		"the claims are not JSON":       {"the claims of the assertion", func() string { return payload(`{"sub":"client"`).sign() }, nil},
		"the claims are in other cases": {"the claims of the assertion", func() string { return payload(`{"ISS":"client","SUB":"client"}`).sign() }, nil},

		// RFC 8725: the header.
		"typ of an access token":      {"the typ", head("typ", "at+jwt"), nil},
		"typ of a logout token":       {"the typ", head("typ", "logout+jwt"), nil},
		"typ is no text":              {"the typ", head("typ", 7), nil},
		"typ is empty":                {"the typ", head("typ", ""), nil},
		"kid is of no key":            {"no key", head("kid", "key-2"), nil},
		"kid is no text":              {"not a signed JWT", func() string { return tampered(fine(), `{"alg":"RS256","kid":7}`, "") }, nil},
		"a header that must be known": {"crit", head("crit", []string{"exp"}), nil},
		"a payload that is not coded": {"b64", head("b64", true), nil},

		// The algorithm.
		"alg none":                                  {"the alg of the assertion", func() string { return unsigned("none") }, nil},
		"alg None":                                  {"the alg of the assertion", func() string { return unsigned("None") }, nil},
		"alg empty":                                 {"the alg of the assertion", func() string { return unsigned("") }, nil},
		"alg missing":                               {"the alg of the assertion", func() string { return tampered(fine(), `{"kid":"key-1"}`, "") }, nil},
		"alg none, with a signature":                {"the alg of the assertion", func() string { return tampered(fine(), `{"alg":"none","kid":"key-1"}`, "") }, nil},
		"HS256 with the public key as secret":       {"the alg of the assertion", signedBy(publicPEM(), jose.HS256), nil},
		"HS256 with the modulus as secret":          {"the alg of the assertion", signedBy(rsaKey().N.Bytes(), jose.HS256), nil},
		"HS256 with a secret of the set":            {"the alg of the assertion", signedBy([]byte(strings.Repeat("k", 32)), jose.HS256), set(map[string]any{"kty": "oct", "kid": keyID, "k": base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))})},
		"RS384":                                     {"the alg of the assertion", signedBy(rsaKey(), jose.RS384), nil},
		"RS512":                                     {"the alg of the assertion", signedBy(rsaKey(), jose.RS512), nil},
		"PS512":                                     {"the alg of the assertion", signedBy(rsaKey(), jose.PS512), nil},
		"ES512":                                     {"the alg of the assertion", signedBy(p521Key(), jose.ES512), set(jwk(p521Key(), keyID))},
		"an alg that the key is not for":            {"no key", signedBy(rsaKey(), jose.PS256), set(jwk(rsaKey(), keyID, map[string]any{"alg": "RS256"}))},
		"the alg of another curve":                  {"no key", func() string { return tampered(signedBy(p256Key(), jose.ES256)(), `{"alg":"ES384","kid":"key-1"}`, "") }, set(jwk(p256Key(), keyID))},
		"an alg of another kind of key":             {"no key", func() string { return tampered(fine(), `{"alg":"EdDSA","kid":"key-1"}`, "") }, nil},
		"signed PS256 and said to be RS256":         {"not signed with the client's key", func() string { return tampered(signedBy(rsaKey(), jose.PS256)(), `{"alg":"RS256","kid":"key-1"}`, "") }, nil},
		"an Edwards key of the wrong curve":         {"no key", signedBy(edKey(), jose.EdDSA), set(jwk(edKey(), keyID, map[string]any{"crv": "X25519"}))},
		"a point that is not on the curve":          {"no key", signedBy(p256Key(), jose.ES256), set(jwk(p256Key(), keyID, map[string]any{"x": base64.RawURLEncoding.EncodeToString(make([]byte, 32))}))},
		"an Edwards key that is too short":          {"no key", signedBy(edKey(), jose.EdDSA), set(jwk(edKey(), keyID, map[string]any{"x": "AAAA"}))},
		"an RSA key of 1024 bits":                   {"no key", signedBy(smallRSAKey(), jose.RS256), set(jwk(smallRSAKey(), keyID))},
		"an RSA key of 1024 bits, the only one":     {"no key", func() string { return good().with(smallRSAKey(), jose.RS256).head("kid", nil).sign() }, set(jwk(smallRSAKey(), ""))},
		"an RSA key whose exponent is 1":            {"no key", signedBy(rsaKey(), jose.RS256), set(jwk(rsaKey(), keyID, map[string]any{"e": "AQ"}))},
		"an RSA key whose exponent is huge":         {"no key", signedBy(rsaKey(), jose.RS256), set(jwk(rsaKey(), keyID, map[string]any{"e": base64.RawURLEncoding.EncodeToString(slices.Repeat([]byte{255}, 32))}))},
		"an RSA key that is larger than is checked": {"no key", fine, set(jwk(rsaKey(), keyID, map[string]any{"n": base64.RawURLEncoding.EncodeToString(slices.Repeat([]byte{255}, 2048))}))},

		// The signature and the key.
		"another's key":                      {"not signed with the client's key", signedBy(otherRSAKey(), jose.RS256), nil},
		"another's key, which comes with it": {"not signed with the client's key", func() string { return embedded(otherRSAKey()) }, nil},
		"another's key, which it says where is": {"not signed with the client's key", func() string {
			return good().with(otherRSAKey(), jose.RS256).head("jku", "https://evil.example/jwks.json").sign()
		}, nil},
		"another's key, in a certificate's place": {"not signed with the client's key", func() string {
			return good().with(otherRSAKey(), jose.RS256).head("x5u", "https://evil.example/cert").sign()
		}, nil},
		"claims that were changed": {"more than 10 minutes ahead", func() string {
			return tampered(fine(), "", `{"iss":"client","sub":"client","aud":"`+issuer+`","exp":4102444800,"jti":"x"}`)
		}, nil},
		"a header that was changed":           {"not signed with the client's key", func() string { return tampered(fine(), `{"alg":"RS256","kid":"key-1","x":1}`, "") }, nil},
		"no signature":                        {"not signed with the client's key", func() string { s := fine(); return s[:strings.LastIndex(s, ".")+1] }, nil},
		"half a signature":                    {"not signed with the client's key", func() string { s := fine(); return s[:len(s)-100] }, nil},
		"two keys that it can be":             {"no key", func() string { return good().head("kid", nil).sign() }, set(jwk(rsaKey(), "a"), jwk(otherRSAKey(), "b"))},
		"two keys of one name":                {"no key", fine, set(jwk(rsaKey(), keyID), jwk(otherRSAKey(), keyID))},
		"a key that only encrypts":            {"no key", fine, set(jwk(rsaKey(), keyID, map[string]any{"use": "enc"}))},
		"a key that only signs":               {"no key", fine, set(jwk(rsaKey(), keyID, map[string]any{"key_ops": []string{"sign"}}))},
		"a key of which a secret part is out": {"no key", fine, set(jwk(rsaKey(), keyID, map[string]any{"p": "AQAB"}))},
		"a key that is out as a whole": {"no key", fine, func(c *store.Client) {
			c.JWKS = must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaKey(), KeyID: keyID}}}))
		}},
		"no key":                {"no key", fine, set()},
		"a client without keys": {"no key", fine, func(c *store.Client) { c.JWKS = nil }},

		// The form of it.
		"too long":                           {"longer", claim("custom", strings.Repeat("x", 8192)), nil},
		"not a JWT":                          {"not a signed JWT", func() string { return "assertion" }, nil},
		"two parts":                          {"not a signed JWT", func() string { s := fine(); return s[:strings.LastIndex(s, ".")] }, nil},
		"four parts":                         {"not a signed JWT", func() string { return fine() + ".AAAA" }, nil},
		"as JSON":                            {"not a signed JWT", func() string { return asJSON(fine()) }, nil},
		"in another base64":                  {"not a signed JWT", func() string { return "+/" + fine() }, nil},
		"dots":                               {"the alg of the assertion", func() string { return ".." }, nil},
		"a header that is a list":            {"not a signed JWT", func() string { return tampered(fine(), `["RS256"]`, "") }, nil},
		"a header that is there twice":       {"not a signed JWT", func() string { return tampered(fine(), `{"alg":"none","alg":"RS256","kid":"key-1"}`, "") }, nil},
		"a key in the header that is secret": {"not a signed JWT", head("jwk", map[string]any{"kty": "oct", "k": "AAAA"}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := serve(t, keyClient())
				if test.prepare != nil {
					test.prepare(e.client)
				}
				code, assertion := e.code(), test.assertion()
				proof := signed(assertion)
				proof.Set("client_id", "client")
				w := e.redeem(code, proof)
				e.is(w, http.StatusUnauthorized, "invalid_client")
				if !strings.Contains(w.Body.String(), test.says) {
					t.Errorf("got %s, want %q", w.Body, test.says)
				}
				e.is(e.redeem(code, signed(assertion)), http.StatusUnauthorized, "invalid_client")
				if used := must(e.backend.List(t.Context(), store.KindAssertion, "", "", 10)); len(used) != 0 {
					t.Error("it takes room in the store")
				}
				e.client.JWKS = keySet(jwk(rsaKey(), keyID))
				e.is(e.redeem(code, signed(good().sign())), http.StatusOK, "")
				e.hides(assertion)
			})
		})
	}
}

// hides fails the test if a part of the assertion is in the log.
func (e *endpoint) hides(assertion string) {
	e.Helper()
	for part := range strings.SplitSeq(assertion, ".") {
		if len(part) > 20 && strings.Contains(e.logs.String(), part) {
			e.Errorf("the log has the assertion: %s", e.logs.String())
		}
	}
}

func payload(s string) *jwt {
	j := good()
	j.payload = s
	return j
}

// unsigned is right in all but that it has no signature.
func unsigned(alg string) string {
	header := must(json.Marshal(map[string]any{"alg": alg, "kid": keyID}))
	claims := must(json.Marshal(good().claims))
	return base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
}

// tampered has another header or payload than what was signed.
func tampered(assertion, header, claims string) string {
	parts := strings.Split(assertion, ".")
	if header != "" {
		parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
	}
	if claims != "" {
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(claims))
	}
	return strings.Join(parts, ".")
}

// embedded brings the key along that it is signed with.
func embedded(key any) string {
	j := good().with(jose.JSONWebKey{Key: key, KeyID: keyID}, jose.RS256)
	j.options.EmbedJWK = true
	delete(j.header, "kid")
	return j.sign()
}

func asJSON(assertion string) string {
	return must(jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{jose.RS256})).FullSerialize()
}

func TestRFC7521_TheParametersOfAnAssertion(t *testing.T) {
	e := serve(t, keyClient())
	for name, test := range map[string]struct {
		change func(form url.Values)
		header string
		status int
		code   string
	}{
		"no type":            {func(f url.Values) { f.Del("client_assertion_type") }, "", 400, "invalid_request"},
		"no assertion":       {func(f url.Values) { f.Del("client_assertion") }, "", 400, "invalid_request"},
		"an empty assertion": {func(f url.Values) { f.Set("client_assertion", "") }, "", 400, "invalid_request"},
		"two assertions":     {func(f url.Values) { f.Add("client_assertion", good().sign()) }, "", 400, "invalid_request"},
		"SAML": {func(f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")
		}, "", 401, "invalid_client"},
		"a type in capitals": {func(f url.Values) { f.Set("client_assertion_type", strings.ToUpper(assertionType)) }, "", 401, "invalid_client"},
		"the grant's type":   {func(f url.Values) { f.Set("client_assertion_type", "urn:ietf:params:oauth:grant-type:jwt-bearer") }, "", 401, "invalid_client"},
		"another client_id":  {func(f url.Values) { f.Set("client_id", "another") }, "", 401, "invalid_client"},
		"an unknown client": {func(f url.Values) {
			f.Set("client_assertion", good().claim("sub", "another").claim("iss", "another").sign())
		}, "", 401, "invalid_client"},
		"a secret beside it":    {func(f url.Values) { f.Set("client_secret", "secret") }, "", 400, "invalid_request"},
		"Basic beside it":       {func(url.Values) {}, "Basic Y2xpZW50Og==", 400, "invalid_request"},
		"another scheme beside": {func(url.Values) {}, "Bearer token", 400, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			e := &endpoint{TB: t, Handler: e.Handler, store: e.store, client: e.client}
			code, form := e.code(), signed(good().sign())
			test.change(form)
			var headers []string
			if test.header != "" {
				headers = []string{"Authorization", test.header}
			}
			e.is(e.redeem(code, form, headers...), test.status, test.code)
			e.is(e.redeem(code, signed(good().sign())), http.StatusOK, "")
		})
	}
}

func TestAClientWithKeysCannotComeAsAPublicOneOrByASecret(t *testing.T) {
	for name, keys := range map[string]func(*store.Client){
		"keys in its record":   func(*store.Client) {},
		"keys at its jwks_uri": func(c *store.Client) { c.JWKS, c.JWKSURI = nil, jwksURI },
		"keys that are lost":   func(c *store.Client) { c.JWKS = nil },
		"a secret too":         func(c *store.Client) { c.SecretHash = secret.Sum("the-secret") },
	} {
		t.Run(name, func(t *testing.T) {
			e := serve(t, keyClient())
			keys(e.client)
			code := e.code()
			id := url.Values{"client_id": {"client"}}
			e.is(e.redeem(code, id), http.StatusUnauthorized, "invalid_client")
			e.is(e.redeem(code, url.Values{"client_id": {"client"}, "client_secret": {"the-secret"}}), http.StatusUnauthorized, "invalid_client")
			e.is(e.redeem(code, url.Values{"client_id": {"client"}, "client_secret": {"null"}}), http.StatusUnauthorized, "invalid_client")
			e.is(e.redeem(code, nil, "Authorization", basic("client:")), http.StatusUnauthorized, "invalid_client")
			e.is(e.redeem(code, id, "Authorization", basic("client:the-secret")), http.StatusUnauthorized, "invalid_client")
			e.client = keyClient()
			e.is(e.redeem(code, signed(good().sign())), http.StatusOK, "")
		})
	}
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestAClientWithASecretCannotComeByKeys(t *testing.T) {
	e := serve(t, keyClient())
	e.client.TokenEndpointAuthMethod, e.client.SecretHash = oauth.AuthBasic, secret.Sum("the-secret")
	code := e.code()
	e.is(e.redeem(code, signed(good().sign())), http.StatusUnauthorized, "invalid_client")
	e.is(e.redeem(code, nil, "Authorization", basic("client:the-secret")), http.StatusOK, "")
}

// ChatGPT can do both, and nothing tells it that this server settled for none.
func TestAClientThatAgreedOnNoneStaysPublicWhetherItSignsOrNot(t *testing.T) {
	e := serve(t, publishing())
	e.client.TokenEndpointAuthMethod = oauth.AuthNone
	e.publish(http.StatusForbidden, "bot check")
	e.enters(url.Values{"client_id": {"client"}})
	e.enters(signed(good().sign()))
	if n := e.fetched(); n != 0 {
		t.Errorf("its keys were asked for %d times", n)
	}
	proof := signed(good().sign())
	proof.Set("client_id", "another")
	e.is(e.redeem(e.code(), proof), http.StatusUnauthorized, "invalid_client")
}

func TestRFC7523_AnAssertionIsGoodOnceUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, keyClient())
		assertion := good().expires(10 * time.Minute).sign()
		e.enters(signed(assertion))
		used := must(e.backend.List(t.Context(), store.KindAssertion, "", "", 10))
		if len(used) != 1 || time.Until(used[0].ExpiresAt) < 12*time.Minute {
			t.Errorf("it is remembered as %v", used) // for servers whose clocks differ
		}
		code := e.code()
		for _, wait := range []time.Duration{0, time.Minute, 9 * time.Minute, time.Minute - time.Nanosecond, time.Nanosecond, time.Minute, day} {
			time.Sleep(wait)
			synctest.Wait()
			if w := e.redeem(code, signed(assertion)); w.Code != http.StatusUnauthorized {
				t.Errorf("used again after %v more: %d %s", wait, w.Code, w.Body)
			}
		}
		if !strings.Contains(e.logs.String(), "client.assertion_reused") {
			t.Error("the log says nothing of it")
		}
		e.hides(assertion)
	})
}

func TestRFC7523_AnAssertionIsGoodOnceForAllEndpointsTogether(t *testing.T) {
	e := serve(t, keyClient())
	form := signed(good().sign())
	form.Set("token", "unknown")
	e.is(e.post(e.Revoke, form), http.StatusOK, "")
	e.is(e.redeem(e.code(), signed(form.Get("client_assertion"))), http.StatusUnauthorized, "invalid_client")
}

func TestRFC7523_TheSameJTIUnderAnotherSignatureIsStillAReplay(t *testing.T) {
	e := serve(t, keyClient())
	e.enters(signed(good().claim("jti", "one").sign()))
	e.is(e.redeem(e.code(), signed(good().claim("jti", "one").with(rsaKey(), jose.PS256).sign())), http.StatusUnauthorized, "invalid_client")
	e.enters(signed(good().claim("jti", "two").sign()))
}

func TestRFC7523_OfManyUsesAtOnceOneGetsIn(t *testing.T) {
	e := serve(t, keyClient())
	assertion := good().sign()
	codes := make([]string, 50)
	for i := range codes {
		codes[i] = e.code()
	}
	answers := make([]*httptest.ResponseRecorder, len(codes))
	var all sync.WaitGroup
	for i, code := range codes {
		all.Go(func() { answers[i] = e.redeem(code, signed(assertion)) })
	}
	all.Wait()
	in := 0
	for _, w := range answers {
		if w.Code == http.StatusOK {
			in++
			continue
		}
		e.is(w, http.StatusUnauthorized, "invalid_client")
	}
	if in != 1 {
		t.Errorf("%d got in", in)
	}
}

func TestAClientRefreshesAndRevokesByWhatItHasSigned(t *testing.T) {
	e := serve(t, keyClient())
	var tokens struct {
		Refresh string `json:"refresh_token"`
	}
	first := e.redeem(e.code(), signed(good().sign()))
	e.is(first, http.StatusOK, "")
	if err := json.Unmarshal(first.Body.Bytes(), &tokens); err != nil {
		t.Fatal(err)
	}
	refresh := func(proof url.Values) *httptest.ResponseRecorder {
		proof.Set("grant_type", "refresh_token")
		proof.Set("refresh_token", tokens.Refresh)
		return e.post(e.Exchange, proof)
	}
	e.is(refresh(url.Values{"client_id": {"client"}}), http.StatusUnauthorized, "invalid_client")
	e.is(refresh(signed(good().sign())), http.StatusOK, "")

	revoke := func(aud, code string, status int) {
		t.Helper()
		form := signed(good().claim("aud", aud).sign())
		form.Set("token", tokens.Refresh)
		e.is(e.post(e.Revoke, form), status, code)
	}
	revoke("https://other.example/revoke", "invalid_client", http.StatusUnauthorized)
	e.is(e.post(e.Revoke, url.Values{"client_id": {"client"}, "token": {tokens.Refresh}}), http.StatusUnauthorized, "invalid_client")
	e.is(refresh(signed(good().sign())), http.StatusOK, "")
	for _, aud := range []string{issuer, issuer + "/token", issuer + "/revoke"} {
		revoke(aud, "", http.StatusOK)
	}
	e.is(refresh(signed(good().sign())), http.StatusBadRequest, "invalid_grant")
}

func TestOnlyWhatIsSupportedIsSaidToBe(t *testing.T) {
	keys := map[string]any{"RS256": rsaKey(), "PS256": rsaKey(), "ES256": p256Key(), "ES384": p384Key(), "EdDSA": edKey()}
	e := serve(t, keyClient())
	e.client.JWKS = keySet(jwk(rsaKey(), keyID), jwk(p256Key(), keyID), jwk(p384Key(), keyID), jwk(edKey(), keyID))
	for _, alg := range oauth.SigningAlgs {
		e.enters(signed(good().with(keys[alg], jose.SignatureAlgorithm(alg)).sign()))
	}
	if len(keys) != len(oauth.SigningAlgs) {
		t.Errorf("it is said that %v are supported", oauth.SigningAlgs)
	}
}
