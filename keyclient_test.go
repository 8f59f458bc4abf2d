package mcpoauth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// A signer is a client that authenticates by what it signs.
type signer struct {
	t   *testing.T
	id  string
	key *ecdsa.PrivateKey
}

func newSigner(t *testing.T, id string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{t, id, key}
}

func (c *signer) jwks() string {
	c.t.Helper()
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.key.Public(), KeyID: "key-1"}}})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(set)
}

// proof is what a request has that the client makes.
func (c *signer) proof(audience string) url.Values {
	c.t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: c.key, KeyID: "key-1"}}, (&jose.SignerOptions{}).WithType("client-authentication+jwt"))
	if err != nil {
		c.t.Fatal(err)
	}
	assertion, err := jwt.Signed(s).Claims(jwt.Claims{
		Issuer: c.id, Subject: c.id, Audience: jwt.Audience{audience}, ID: secret.NewID(),
		Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)), IssuedAt: jwt.NewNumericDate(time.Now()),
	}).Serialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
}

// post sends a form to an endpoint, together with a proof.
func (c *signer) post(s *server, path string, proof url.Values, more ...string) answer {
	c.t.Helper()
	form := maps.Clone(proof)
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return s.form(path, form)
}

func wantStatus(t *testing.T, a answer, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s: %d %s", a.Request.URL.Path, a.StatusCode, a.body)
	}
	return a
}

// connects walks through the whole flow, with each wrong way in between.
func (c *signer) connects(s *server) {
	t := c.t
	t.Helper()
	code := []string{"grant_type", "authorization_code", "code", s.code(authorizationRequest(c.id, webClient)), "redirect_uri", webClient, "code_verifier", verifier}
	s.redeem(c.id, webClient, code[3]).wantError(t, http.StatusUnauthorized, "invalid_client")
	stranger := newSigner(t, c.id)
	c.post(s, "/token", stranger.proof(s.url), code...).wantError(t, http.StatusUnauthorized, "invalid_client")
	c.post(s, "/token", c.proof("https://other.example"), code...).wantError(t, http.StatusUnauthorized, "invalid_client")

	proof := c.proof(s.url)
	tokens := wantStatus(t, c.post(s, "/token", proof, code...), http.StatusOK)
	wantStatus(t, s.call(tokens.text(t, "access_token")), http.StatusOK)

	refresh := []string{"grant_type", "refresh_token", "refresh_token", tokens.text(t, "refresh_token")}
	c.post(s, "/token", proof, refresh...).wantError(t, http.StatusUnauthorized, "invalid_client")
	s.refresh(c.id, refresh[3]).wantError(t, http.StatusUnauthorized, "invalid_client")
	tokens = wantStatus(t, c.post(s, "/token", c.proof(s.url+"/token"), refresh...), http.StatusOK)
	wantStatus(t, s.call(tokens.text(t, "access_token")), http.StatusOK)

	s.revoke(c.id, tokens.text(t, "refresh_token")).wantError(t, http.StatusUnauthorized, "invalid_client")
	wantStatus(t, c.post(s, "/revoke", c.proof(s.url+"/revoke"), "token", tokens.text(t, "refresh_token")), http.StatusOK)
	s.call(tokens.text(t, "access_token")).wantError(t, http.StatusUnauthorized, "invalid_token")
	for part := range strings.SplitSeq(proof.Get("client_assertion"), ".") {
		if strings.Contains(s.logs.String(), part) {
			t.Error("the log has the assertion")
		}
	}
}

func TestRFC7523_APreregisteredClientConnectsByItsKey(t *testing.T) {
	c := newSigner(t, "signer")
	s := start(t, mcpoauth.Config{Clients: []mcpoauth.Client{{ID: c.id, JWKS: c.jwks(), RedirectURIs: []string{webClient}}}})
	s.setUp()
	c.connects(s)
}

// A keyOrigin is other people's servers: documents by their URL.
type keyOrigin struct {
	documents map[string]string
	keys      atomic.Int64
}

func (p *keyOrigin) RoundTrip(r *http.Request) (*http.Response, error) {
	body, found := p.documents[r.URL.String()]
	status := http.StatusOK
	if !found {
		status = http.StatusNotFound
	}
	if strings.HasSuffix(r.URL.Path, "jwks.json") {
		p.keys.Add(1)
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewBufferString(body)), Request: r,
	}, nil
}

const signerURL = "https://client.example/oauth/client.json"

// signersDocument is a metadata document with more members.
func signersDocument(more map[string]any) string {
	members := map[string]any{
		"client_id": signerURL, "client_name": "Signer", "redirect_uris": []string{webClient},
		"grant_types": []string{"authorization_code", "refresh_token"},
	}
	maps.Copy(members, more)
	body, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestR22_AClientConnectsByTheKeysOfItsMetadataDocument(t *testing.T) {
	c := newSigner(t, signerURL)
	const keysURL = "https://client.example/oauth/jwks.json"
	for name, where := range map[string]map[string]any{
		"in the document":  {"jwks": json.RawMessage(c.jwks())},
		"at its jwks_uri":  {"jwks_uri": keysURL},
		"on another host":  {"jwks_uri": "https://keys.example/jwks.json"},
		"and no other way": {"jwks_uri": keysURL, "token_endpoint_auth_methods_supported": []string{"private_key_jwt"}},
	} {
		t.Run(name, func(t *testing.T) {
			where["token_endpoint_auth_method"] = "private_key_jwt"
			origin := &keyOrigin{documents: map[string]string{
				signerURL: signersDocument(where), keysURL: c.jwks(), "https://keys.example/jwks.json": c.jwks(),
			}}
			s := start(t, mcpoauth.Config{DangerouslyFetchThrough: origin})
			s.setUp()
			c.t = t
			c.connects(s)
		})
	}
}

// As ChatGPT does it.
func TestR22_AClientThatCanDoBothIsPublicAndMaySign(t *testing.T) {
	c := newSigner(t, signerURL)
	origin := &keyOrigin{documents: map[string]string{signerURL: signersDocument(map[string]any{
		"token_endpoint_auth_method":            "private_key_jwt",
		"token_endpoint_auth_methods_supported": []string{"none", "private_key_jwt"},
		"jwks_uri":                              "https://client.example/oauth/jwks.json",
	})}}
	s := start(t, mcpoauth.Config{DangerouslyFetchThrough: origin})
	s.setUp()
	wantStatus(t, s.redeem(c.id, webClient, s.code(authorizationRequest(c.id, webClient))), http.StatusOK)
	form := c.proof(s.url)
	form.Set("grant_type", "authorization_code")
	form.Set("code", s.code(authorizationRequest(c.id, webClient)))
	form.Set("code_verifier", verifier)
	wantStatus(t, s.form("/token", form), http.StatusOK)
	if n := origin.keys.Load(); n != 0 {
		t.Errorf("its keys were asked for %d times", n)
	}
}

func TestKeysThatCannotBeHadLetAClientTryAgain(t *testing.T) {
	c := newSigner(t, signerURL)
	origin := &keyOrigin{documents: map[string]string{signerURL: signersDocument(map[string]any{
		"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://client.example/oauth/jwks.json",
	})}}
	s := start(t, mcpoauth.Config{DangerouslyFetchThrough: origin})
	s.setUp()
	code := s.code(authorizationRequest(c.id, webClient))
	res := c.post(s, "/token", c.proof(s.url), "grant_type", "authorization_code", "code", code, "code_verifier", verifier)
	res.wantError(t, http.StatusServiceUnavailable, "temporarily_unavailable")
	if res.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
}

func TestTheMetadataSayHowAClientCanSign(t *testing.T) {
	res := start(t, mcpoauth.Config{}).get("/.well-known/oauth-authorization-server")
	for _, endpoint := range []string{"token", "revocation"} {
		methods, _ := json.Marshal(res.json(t, endpoint+"_endpoint_auth_methods_supported"))
		algs, _ := json.Marshal(res.json(t, endpoint+"_endpoint_auth_signing_alg_values_supported"))
		if !strings.Contains(string(methods), "private_key_jwt") || string(algs) != `["RS256","PS256","ES256","ES384","EdDSA"]` {
			t.Errorf("%s: %s with %s", endpoint, methods, algs)
		}
	}
}

// Anybody can register. Before somebody approved, nobody's server is asked for keys.
func TestNobodysKeysAreFetchedForAClientThatNobodyApproved(t *testing.T) {
	c := newSigner(t, "to be told")
	origin := &keyOrigin{}
	s := start(t, mcpoauth.Config{DangerouslyFetchThrough: origin})
	c.id, _ = s.register(map[string]any{
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://victim.example/jwks.json",
	})
	c.post(s, "/token", c.proof(s.url), "grant_type", "refresh_token", "refresh_token", "x").wantError(t, http.StatusUnauthorized, "invalid_client")
	if n := origin.keys.Load(); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

func TestAClientThatRegisteredItsKeysConnectsByThem(t *testing.T) {
	c := newSigner(t, "to be told")
	s := owned(t)
	id, clientSecret := s.register(map[string]any{
		"redirect_uris": []string{webClient}, "token_endpoint_auth_method": "private_key_jwt", "jwks": json.RawMessage(c.jwks()),
	})
	if clientSecret != "" {
		t.Error("it got a secret as well")
	}
	c.id = id
	c.connects(s)
}

func TestConfigTheKeysOfAClient(t *testing.T) {
	c := newSigner(t, "signer")
	for name, test := range map[string]struct {
		client mcpoauth.Client
		says   string
	}{
		"a secret too":   {mcpoauth.Client{JWKS: c.jwks(), Secret: "a-secret-of-16-characters"}, "Clients[0].Secret"},
		"both":           {mcpoauth.Client{JWKS: c.jwks(), JWKSURI: "https://client.example/jwks.json"}, "Clients[0].JWKS"},
		"no set":         {mcpoauth.Client{JWKS: "keys"}, "Clients[0].JWKS: is not a set of keys"},
		"nothing public": {mcpoauth.Client{JWKS: `{"keys":[]}`}, "Clients[0].JWKS: has no public key"},
		"plain http":     {mcpoauth.Client{JWKSURI: "http://client.example/jwks.json"}, "Clients[0].JWKSURI: is not an https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			test.client.ID, test.client.RedirectURIs = c.id, []string{webClient}
			_, err := mcpoauth.BuildOAuthRouter(http.NotFoundHandler(), mcpoauth.Config{ServerURL: serverURL, Clients: []mcpoauth.Client{test.client}})
			if err == nil || !strings.Contains(err.Error(), "mcpoauth: Config."+test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}
