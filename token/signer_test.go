package token_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/token"
)

const (
	issuer  = "https://example.com"
	keyID   = "key-1"
	jwksURI = "https://client.example/jwks.json"
)

// Keys, made once each: RSA takes its time.
var (
	rsaKey      = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	otherRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	smallRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })
	p256Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p384Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P384()) })
	p521Key     = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P521()) })
	edKey       = sync.OnceValue(func() ed25519.PrivateKey {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return must(key, err)
	})
)

func newRSA(bits int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, bits)) }

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// jwk is the public half of a key, with more members or others than it would have.
func jwk(key crypto.Signer, id string, more ...map[string]any) map[string]any {
	members := make(map[string]any)
	data := must(json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: id}))
	if err := json.Unmarshal(data, &members); err != nil {
		panic(err)
	}
	for _, m := range more {
		maps.Copy(members, m)
	}
	return members
}

func keySet(keys ...map[string]any) json.RawMessage {
	if keys == nil {
		keys = []map[string]any{}
	}
	return must(json.Marshal(map[string]any{"keys": keys}))
}

// A jwt is an assertion that a test makes: nil removes a claim or header.
type jwt struct {
	alg            jose.SignatureAlgorithm
	key            any
	header, claims map[string]any
	options        jose.SignerOptions
	payload        string // in the place of the claims
}

// good is a right one of the client, for this server.
func good() *jwt {
	return &jwt{
		alg: jose.RS256, key: rsaKey(),
		header: map[string]any{"kid": keyID},
		claims: map[string]any{
			"iss": "client", "sub": "client", "aud": issuer, "jti": secret.NewID(),
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		},
	}
}

func (j *jwt) with(key any, alg jose.SignatureAlgorithm) *jwt {
	j.key, j.alg = key, alg
	return j
}

func (j *jwt) head(name string, value any) *jwt { return j.set(j.header, name, value) }

func (j *jwt) claim(name string, value any) *jwt { return j.set(j.claims, name, value) }

func (j *jwt) set(in map[string]any, name string, value any) *jwt {
	in[name] = value
	if value == nil {
		delete(in, name)
	}
	return j
}

func (j *jwt) expires(in time.Duration) *jwt {
	return j.claim("exp", time.Now().Add(in).Unix())
}

func (j *jwt) sign() string {
	options := j.options
	for name, value := range j.header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer := must(jose.NewSigner(jose.SigningKey{Algorithm: j.alg, Key: j.key}, &options))
	payload := []byte(j.payload)
	if j.payload == "" {
		payload = must(json.Marshal(j.claims))
	}
	return must(must(signer.Sign(payload)).CompactSerialize())
}

// An endpoint is a token.Handler on memory, with one client and what it publishes.
type endpoint struct {
	testing.TB
	*token.Handler
	store   *store.Store
	backend *memory.Backend
	client  *store.Client
	logs    bytes.Buffer

	mu       sync.Mutex // guards what follows
	jwks     func() (*http.Response, error)
	requests int
}

// keyClient is a client that signs with rsaKey.
func keyClient() *store.Client {
	return &store.Client{
		ID: "client", TokenEndpointAuthMethod: "private_key_jwt", JWKS: keySet(jwk(rsaKey(), keyID)),
		RedirectURIs: []string{"https://client.example/cb"}, GrantTypes: oauth.GrantTypes,
		ApprovedAt: time.Now(),
	}
}

// publishing is one whose keys are at its jwks_uri.
func publishing() *store.Client {
	client := keyClient()
	client.JWKS, client.JWKSURI = nil, jwksURI
	return client
}

func serve(tb testing.TB, client *store.Client) *endpoint {
	e := &endpoint{TB: tb, backend: memory.New(memory.Options{}), client: client}
	tb.Cleanup(func() { e.backend.Close() })
	e.store = store.New(e.backend, store.Lifetimes{})
	e.Handler = &token.Handler{
		Clients: e, Store: e.store, Issuer: issuer, Resources: oauth.Resources{resource},
		KeySets: &fetch.Fetcher{Transport: e, MaxBytes: token.MaxKeySet},
		Log:     slog.New(slog.NewTextHandler(&e.logs, nil)),
	}
	return e
}

// Client implements token.Clients.
func (e *endpoint) Client(_ context.Context, id string) (*store.Client, error) {
	if id != e.client.ID {
		return nil, store.ErrNotFound
	}
	return e.client, nil
}

// RoundTrip is what the client's own server answers.
func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if r.URL.String() != jwksURI {
		e.Errorf("%s was fetched", r.URL)
	}
	e.requests++
	return e.jwks()
}

// publish makes the client's server answer with a document, to be kept for an hour.
func (e *endpoint) publish(status int, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jwks = func() (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "max-age=3600")
		w.WriteHeader(status)
		w.WriteString(body)
		return w.Result(), nil
	}
}

func (e *endpoint) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.jwks = func() (*http.Response, error) { return nil, err }
}

func (e *endpoint) fetched() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// code returns a code of the client.
func (e *endpoint) code() string {
	e.Helper()
	code, err := e.store.Approve(e.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: e.client.ID, Preregistered: true}, RedirectURI: e.client.RedirectURIs[0],
		Resource: resource.URL, Scopes: resource.Scopes, Challenge: secret.S256(verifier),
	})
	if err != nil {
		e.Fatal(err)
	}
	return code
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func signed(assertion string) url.Values {
	return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
}

// redeem sends a code with what proves the client.
func (e *endpoint) redeem(code string, proof url.Values, headers ...string) *httptest.ResponseRecorder {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}}
	maps.Copy(form, proof)
	return e.post(e.Exchange, form, headers...)
}

func (e *endpoint) post(to http.HandlerFunc, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(e.Context(), "POST", issuer+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	to(w, r)
	return w
}

// enters fails the test unless the proof is good for a fresh code.
func (e *endpoint) enters(proof url.Values) {
	e.Helper()
	e.is(e.redeem(e.code(), proof), http.StatusOK, "")
}

// is fails the test unless the answer is that OAuth error.
func (e *endpoint) is(w *httptest.ResponseRecorder, status int, code string) {
	e.Helper()
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		e.Fatal(err)
	}
	if w.Code != status || body.Error != code {
		e.Errorf("got %d %s, want %d %q", w.Code, w.Body, status, code)
	}
	if strings.ContainsFunc(body.Description, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		e.Errorf("the description has a character that RFC 6749 does not allow: %q", body.Description)
	}
	if status == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		e.Error("there is no challenge with the 401")
	}
	if status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		e.Error("there is no Retry-After with the 503")
	}
}
