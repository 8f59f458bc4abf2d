package mcpoauth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/mcpoauth/mcpoauth"
)

func TestEveryRecordedClientConnectsAndStaysConnected(t *testing.T) {
	for name, recorded := range byClient() {
		t.Run(name, func(t *testing.T) {
			for _, r := range recorded {
				t.Run("by "+r.identity(), func(t *testing.T) {
					cfg := files(t)
					synctest.Test(t, func(t *testing.T) { r.replay(t, cfg) })
				})
			}
			if !t.Failed() {
				fmt.Printf("client: %s: recorded: %s\n", name, exercised(recorded))
			}
		})
	}
}

// byClient yields the recordings of each client, in the order of its first.
func byClient() func(yield func(string, []recording) bool) {
	return func(yield func(string, []recording) bool) {
		var done []string
		for _, first := range recordings {
			if slices.Contains(done, first.client) {
				continue
			}
			done = append(done, first.client)
			same := slices.DeleteFunc(slices.Clone(recordings), func(r recording) bool { return r.client != first.client })
			if !yield(first.client, same) {
				return
			}
		}
	}
}

// identity says in the README's words how this server comes to know the client.
func (r recording) identity() string {
	switch {
	case r.document != "":
		return "metadata document"
	case r.registers != "":
		return "registration"
	default:
		return "entry in `Clients`"
	}
}

func identities(recorded []recording) string {
	var ways []string
	for _, r := range recorded {
		if way := r.identity(); !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
	}
	return strings.Join(ways, ", ")
}

func exercised(recorded []recording) string {
	most := 1
	for _, r := range recorded {
		most = max(most, r.atOnce)
	}
	refresh := "refresh"
	if most > 1 {
		refresh = fmt.Sprintf("%d refreshes at once", most)
	}
	return strings.ReplaceAll(identities(recorded), "`", "") + "; discovery, approval, token, call, expiry, " + refresh + ", restart, call, a week off, refresh, call"
}

// lifetime is how long an access token lives here: less than by default, since each
// minute of it costs the test a sweep.
const lifetime = time.Hour

// replay has a server meet the client for the first time, and stay with it for more than
// a week and two restarts.
func (r recording) replay(t *testing.T, cfg mcpoauth.Config) {
	others := somewhere(publishedDocuments)
	others.put(appDocument, described(appDocument, nil))
	others.put(chatGPTKeys, publicKeys())
	cfg.DangerouslyFetchThrough = others
	cfg.AccessTokenLifetime = lifetime
	if r.entry != nil {
		cfg.Clients = []mcpoauth.Client{*r.entry}
	}
	s, router := inProcess(t, cfg)
	s.setUp()

	found := r.discover(s)
	c := r.identify(s, found)
	tokens := c.redeem(s, c.authorize(s))
	c.call(s, tokens)
	tokens = c.outlive(s, tokens)
	c.call(s, tokens)

	s, router = restarted(t, s, router, cfg)
	c.call(s, tokens)

	others.goDown() // which a connected client never notices
	if err := router.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(7 * day)
	s, _ = restarted(t, s, router, cfg)
	c.refused(s, tokens)
	tokens = c.refresh(s, tokens, 1)
	c.call(s, tokens)
	if s.logged("approval.granted") != 0 {
		t.Error("after the restart somebody had to approve again")
	}
}

// restarted is restart for who restarts again.
func restarted(t *testing.T, s *server, router *mcpoauth.Router, cfg mcpoauth.Config) (*server, *mcpoauth.Router) {
	t.Helper()
	s = restart(t, s, router, cfg)
	return s, s.http.Transport.(straight).handler.(*mcpoauth.Router)
}

// outlive has the access token end and returns the tokens that the client gets for it.
func (c connecting) outlive(s *server, old answer) answer {
	s.t.Helper()
	if c.early == 0 {
		time.Sleep(lifetime)
		c.refused(s, old)
		return c.refresh(s, old, max(c.atOnce, 1))
	}
	time.Sleep(lifetime - c.early)
	tokens := c.refresh(s, old, max(c.atOnce, 1))
	c.call(s, old) // as calls do that are under way
	time.Sleep(c.early)
	c.refused(s, old)
	return tokens
}

// endpoints are what a client found.
type endpoints struct{ resource, authorize, token, register string }

// discover makes the requests of the client's discovery, and holds what they are
// answered with against the strictest of all clients.
func (r recording) discover(s *server) (found endpoints) {
	s.t.Helper()
	for _, p := range r.discovery {
		headers := []string{"Accept", "application/json"}
		if r.version != "" {
			headers = append(headers, "MCP-Protocol-Version", r.version)
		}
		if r.origin != "" {
			headers = append(headers, "Origin", r.origin)
		}
		res := s.do(p.method, p.path, nil, headers...)
		if res.StatusCode != p.status {
			s.t.Fatalf("%s %s: %d, want %d", p.method, p.path, res.StatusCode, p.status)
		}
		if r.origin != "" && !res.readable() {
			s.t.Errorf("%s %s: a web page cannot read the answer: %v", p.method, p.path, res.Header)
		}
		switch {
		case p.status == http.StatusUnauthorized:
			wantChallenge(s.t, res)
		case p == readsResource:
			found.resource = wantResource(s.t, res)
		case p == readsIssuer:
			wantIssuer(s.t, res, r.document != "")
			found.authorize, found.token, found.register = res.text(s.t, "authorization_endpoint"), res.text(s.t, "token_endpoint"), res.text(s.t, "registration_endpoint")
		}
	}
	return found
}

func wantChallenge(t *testing.T, res answer) {
	t.Helper()
	params := res.challenge(t)
	if params["resource_metadata"] != serverURL+readsResource.path || params["scope"] != "mcp:tools" {
		t.Errorf("the challenge leads to %v", params)
	}
	if _, there := params["error"]; there {
		t.Errorf("nothing was presented, and the challenge has %v", params) // Claude takes it for a refusal
	}
}

// wantResource returns the resource, which for Claude Code, VS Code, Zed and the Go SDK
// has to be the URL that a person typed, byte for byte.
func wantResource(t *testing.T, res answer) string {
	t.Helper()
	if got := res.texts(t, "authorization_servers"); !slices.Equal(got, []string{serverURL}) {
		t.Errorf("the authorization servers are %q", got) // Claude takes the first alone
	}
	if slices.Contains(res.texts(t, "scopes_supported"), "offline_access") {
		t.Error("a resource lists offline_access (SEP-2207)")
	}
	resource := res.text(t, "resource")
	if resource != mcpURL {
		t.Errorf("the resource is %q", resource)
	}
	return resource
}

func wantIssuer(t *testing.T, res answer, byDocument bool) {
	t.Helper()
	if got := res.text(t, "issuer"); got != serverURL {
		t.Errorf("the issuer is %q", got) // Zed, Python, Go and ChatGPT compare bytes
	}
	if got := res.texts(t, "code_challenge_methods_supported"); !slices.Contains(got, "S256") {
		t.Errorf("the challenge methods are %q", got) // ChatGPT, Zed and Go stop without
	}
	if res.json(t, "authorization_response_iss_parameter_supported") != true {
		t.Error("iss is not promised, which ChatGPT needs for its one client ID")
	}
	if !byDocument {
		return
	}
	methods := res.texts(t, "token_endpoint_auth_methods_supported")
	if res.json(t, "client_id_metadata_document_supported") != true || !slices.Contains(methods, "none") {
		t.Errorf("Claude would register, for the metadata do not promise documents and none: %s", res.body)
	}
}

// A connecting client is a recording that this server knows by an ID.
type connecting struct {
	recording
	endpoints
	id, secret string
}

func (r recording) identify(s *server, found endpoints) connecting {
	s.t.Helper()
	switch {
	case r.document != "":
		return connecting{r, found, r.document, ""}
	case r.entry != nil:
		return connecting{r, found, r.entry.ID, r.entry.Secret}
	}
	res := s.do("POST", found.register, strings.NewReader(r.registers), "Content-Type", "application/json", "Accept", "application/json")
	if res.StatusCode != http.StatusCreated || strings.Contains(res.body, "null") || res.text(s.t, "client_id") == "" {
		s.t.Fatalf("registering: %d %s", res.StatusCode, res.body)
	}
	var sent struct {
		RedirectURIs []string `json:"redirect_uris"`
	}
	if err := json.Unmarshal([]byte(r.registers), &sent); err != nil {
		s.t.Fatal(err)
	}
	if got := res.texts(s.t, "redirect_uris"); !slices.Equal(got, sent.RedirectURIs) {
		s.t.Errorf("the redirect URIs are %q", got)
	}
	return connecting{r, found, res.text(s.t, "client_id"), res.text(s.t, "client_secret")}
}

// instead returns values with those in pairs in place of their own of that name.
func instead(values url.Values, pairs []string) url.Values {
	values = maps.Clone(values)
	for i := 0; i < len(pairs); i += 2 {
		values.Del(pairs[i])
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Add(pairs[i], pairs[i+1])
		}
	}
	return values
}

// authorize has the owner approve, and returns the code.
func (c connecting) authorize(s *server) string {
	s.t.Helper()
	request := instead(authorizationRequest(c.id, c.redirect), c.asks)
	page := s.get(c.endpoints.authorize + "?" + request.Encode())
	if c.document != "" {
		page.wantPage(s.t, http.StatusOK, hostOf(s.t, c.document))
	}
	values := returned(s.t, s.submit(page, "approve", s.touch(page)), c.redirect)
	if values.Get("iss") != serverURL || values.Get("state") != request.Get("state") || values.Get("code") == "" {
		s.t.Fatalf("the answer is %v", values)
	}
	return values.Get("code")
}

func hostOf(t *testing.T, s string) string {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// returned returns what the browser carries back to the redirect URI: by a redirect, or
// to an app by the link on a page.
func returned(t *testing.T, a answer, redirectURI string) url.Values {
	t.Helper()
	target := a.Header.Get("Location")
	if found := returnLink.FindStringSubmatch(a.body); a.StatusCode == http.StatusOK && found != nil {
		target = html.UnescapeString(found[1])
	}
	rest, ok := strings.CutPrefix(target, redirectURI)
	values, err := url.ParseQuery(strings.TrimLeft(rest, "?&"))
	if !ok || err != nil {
		t.Fatalf("%d: the browser is sent to %q, want %s and the answer (%v)", a.StatusCode, target, redirectURI, err)
	}
	return values
}

func (c connecting) redeem(s *server, code string) answer {
	s.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}, "resource": {mcpURL}}
	tokens := c.exchange(s, instead(form, c.redeems))
	c.wantTokens(s.t, tokens)
	return tokens
}

// exchange posts a form to the token endpoint as the client does.
func (c connecting) exchange(s *server, form url.Values) answer {
	s.t.Helper()
	proof := c.proof
	if proof == nil {
		proof = byID
	}
	credentials, headers := proof(c.id, c.secret)
	maps.Copy(form, credentials)
	contentType := "application/x-www-form-urlencoded"
	if c.contentType != "" {
		contentType = c.contentType
	}
	headers = append(headers, "Content-Type", contentType, "Accept", "application/json")
	if c.origin != "" {
		headers = append(headers, "Origin", c.origin)
	}
	return s.do("POST", c.token, strings.NewReader(form.Encode()), headers...)
}

func (c connecting) wantTokens(t *testing.T, a answer) {
	t.Helper()
	if a.StatusCode != http.StatusOK || strings.Contains(a.body, "null") {
		t.Fatalf("no tokens: %d %s", a.StatusCode, a.body)
	}
	if c.origin != "" && !a.readable() {
		t.Errorf("a web page cannot read the tokens: %v", a.Header)
	}
	scopes := strings.Fields(a.text(t, "scope"))
	if a.text(t, "token_type") != "Bearer" || a.json(t, "expires_in") != lifetime.Seconds() || a.text(t, "refresh_token") == "" || !slices.Contains(scopes, "mcp:tools") {
		t.Errorf("the tokens are %s", a.body)
	}
	for _, scope := range scopes {
		if !strings.Contains(offline, scope) {
			t.Errorf("it was given a scope that does not exist: %s", scope)
		}
	}
}

// refresh refreshes with the tokens in as many places at once, which have to get the
// same answer.
func (c connecting) refresh(s *server, tokens answer, atOnce int) answer {
	s.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.text(s.t, "refresh_token")}, "resource": {mcpURL}}
	answers := make([]answer, atOnce)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = c.exchange(s, instead(form, c.refreshes)) })
	}
	wg.Wait()
	for _, a := range answers {
		c.wantTokens(s.t, a)
		sameTokens(s.t, a, answers[0])
	}
	if answers[0].text(s.t, "refresh_token") == tokens.text(s.t, "refresh_token") {
		s.t.Error("the refresh token is the old one")
	}
	return answers[0]
}

// call calls a tool.
func (c connecting) call(s *server, tokens answer) {
	s.t.Helper()
	res := c.callWith(s, tokens)
	identity, _ := res.json(s.t, "identity").(map[string]any)
	if res.StatusCode != http.StatusOK || identity["ClientID"] != c.id || identity["Resource"] != mcpURL {
		s.t.Errorf("calling: %d %s", res.StatusCode, res.body)
	}
}

// refused fails unless the access token is over, and the client told so.
func (c connecting) refused(s *server, tokens answer) {
	s.t.Helper()
	res := c.callWith(s, tokens)
	res.wantError(s.t, http.StatusUnauthorized, "invalid_token")
	if params := res.challenge(s.t); params["error"] != "invalid_token" || params["resource_metadata"] != serverURL+readsResource.path {
		s.t.Errorf("the challenge is %v", params)
	}
}

func (c connecting) callWith(s *server, tokens answer) answer {
	s.t.Helper()
	headers := []string{"Authorization", "Bearer " + tokens.text(s.t, "access_token"), "Content-Type", "application/json", "Accept", "application/json, text/event-stream"}
	if c.version != "" {
		headers = append(headers, "MCP-Protocol-Version", c.version)
	}
	if c.version >= "2026" {
		headers = append(headers, "Mcp-Method", "tools/call", "Mcp-Name", "notes")
	}
	if c.origin != "" {
		headers = append(headers, "Origin", c.origin)
	}
	return s.do("POST", "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"notes","arguments":{}}}`), headers...)
}

// A proving returns what shows the token endpoint who a client is: parameters and
// headers.
type proving func(id, secret string) (form url.Values, headers []string)

func byID(id, _ string) (url.Values, []string) { return url.Values{"client_id": {id}}, nil }

func byPost(id, secret string) (url.Values, []string) {
	return url.Values{"client_id": {id}, "client_secret": {secret}}, nil
}

// byBasic is Basic as it comes, as the TypeScript SDK sends it.
func byBasic(id, secret string) (url.Values, []string) {
	return url.Values{}, []string{"Authorization", basic(id, secret)}
}

// byEncodedBasic is Basic as RFC 6749 §2.3.1 has it.
func byEncodedBasic(id, secret string) (url.Values, []string) {
	return url.Values{}, []string{"Authorization", basic(percentEncoded(id), percentEncoded(secret))}
}

// byBasicWithoutSecret is what x/oauth2 tries first, also for a client that has none.
func byBasicWithoutSecret(id, _ string) (url.Values, []string) {
	return url.Values{}, []string{"Authorization", basic(url.QueryEscape(id), "")}
}

// signingKey is whose public half chatGPTKeys has.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

const signingKeyID = "key-1"

func publicKeys() string {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: crypto.PublicKey(&signingKey().PublicKey), KeyID: signingKeyID, Algorithm: "RS256", Use: "sig",
	}}})
	if err != nil {
		panic(err) // only for a key that JSON cannot hold
	}
	return string(body)
}

// bySignature is private_key_jwt (RFC 7523).
func bySignature(clientID string) proving {
	return func(id, _ string) (url.Values, []string) {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: signingKey(), KeyID: signingKeyID}}, (&jose.SignerOptions{}).WithType("JWT"))
		if err != nil {
			panic(err)
		}
		now := time.Now()
		assertion, err := jwt.Signed(signer).Claims(jwt.Claims{
			Issuer: clientID, Subject: clientID, Audience: jwt.Audience{serverURL}, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
		}).Serialize()
		if err != nil {
			panic(err)
		}
		return url.Values{
			"client_id": {id}, "client_assertion": {assertion},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}, nil
	}
}

func TestTheReadmeNamesEveryRecordedClient(t *testing.T) {
	var want []string
	for name, recorded := range byClient() {
		want = append(want, fmt.Sprintf("| %s | %s |", name, identities(recorded)))
	}
	_, rest, found := strings.Cut(readFile(t, "README.md"), "| client | this server knows it by |\n|---|---|\n")
	if !found {
		t.Fatal("README.md has no table of the recorded clients")
	}
	var got []string
	for line := range strings.Lines(rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		got = append(got, strings.TrimSpace(line))
	}
	if !slices.Equal(got, want) {
		t.Errorf("README.md lists\n%s\nand the recordings are\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
