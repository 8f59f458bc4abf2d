package register

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/fetch"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const documentURL = "https://app.example/oauth/client.json"

// documents is a Documents on a real store, with a server on this machine in place
// of everybody else's.
type documents struct {
	*Documents
	fetcher *fetch.Fetcher
	store   *store.Store
	logs    *bytes.Buffer
}

// newDocuments returns one for which every host is the server of this handler.
func newDocuments(t *testing.T, handler http.HandlerFunc) documents {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	transport.TLSClientConfig.ServerName = "example.com" // whom its certificate is for
	transport.DisableKeepAlives = true
	return documentsOver(t, transport)
}

func documentsOver(t *testing.T, transport http.RoundTripper) documents {
	t.Helper()
	backend := memory.New(memory.Options{})
	t.Cleanup(func() { backend.Close() })
	s, logs := store.New(backend, store.Lifetimes{}), new(bytes.Buffer)
	fetcher := &fetch.Fetcher{Transport: transport}
	return documents{
		&Documents{Fetch: fetcher, Store: s, Scopes: scopes, Log: slog.New(slog.NewJSONHandler(logs, nil))},
		fetcher, s, logs,
	}
}

// approve keeps the client, as an approval by a person does.
func (d documents) approve(t *testing.T, client *store.Client) {
	t.Helper()
	_, err := d.store.Approve(t.Context(), store.Approval{UserID: store.OwnerID, Client: client, RedirectURI: client.RedirectURIs[0], Resource: "https://r.example"})
	if err != nil {
		t.Fatal(err)
	}
}

func (d documents) mustClient(t *testing.T, url string) *store.Client {
	t.Helper()
	client, err := d.Client(t.Context(), url)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return client
}

// mustRefuse asks for a client that has to be refused with this status, for a reason
// that has these words, and with a line in the log that says so.
func (d documents) mustRefuse(t *testing.T, url string, status int, words string) *DocumentError {
	t.Helper()
	client, err := d.Client(t.Context(), url)
	refusal, ok := errors.AsType[*DocumentError](err)
	if !ok {
		t.Fatalf("the client is %+v and the error %v, want a *DocumentError", client, err)
	}
	if refusal.Status != status || !strings.Contains(refusal.Reason, words) {
		t.Errorf("status %d, %q; want %d and %q", refusal.Status, refusal.Reason, status, words)
	}
	if !strings.Contains(d.logs.String(), "client.document_refused") {
		t.Errorf("the log says nothing of it: %s", d.logs)
	}
	return refusal
}

// serve answers with this JSON, as a document.
func serve(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(body))
	}
}

// with is a good document with these members in place of, or beside, its own; a nil
// takes one out.
func with(url string, members map[string]any) string {
	doc := map[string]any{"client_id": url, "client_name": "App", "redirect_uris": []string{"https://app.example/cb"}, "token_endpoint_auth_method": "none"}
	maps.Copy(doc, members)
	maps.DeleteFunc(doc, func(_ string, value any) bool { return value == nil })
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(body)
}

func TestURLsThatNameAClient(t *testing.T) {
	for _, id := range []string{
		documentURL,
		"https://claude.ai/oauth/mcp-oauth-client-metadata",
		"https://app.example/x",
		"https://app.example/x/",
		"https://app.example/...",
		"https://app.example/.well-known/client",
		"https://app.example/a%20b",
		"https://app.example/" + strings.Repeat("x", maxDocumentURL-20),
	} {
		if problem := CheckDocumentURL(id); problem != "" {
			t.Errorf("%s: %s", id, problem)
		}
	}
}

func TestURLsThatNameNoClient(t *testing.T) {
	for id, want := range map[string]string{
		"":                             "not an https URL",
		"http://app.example/x":         "not an https URL",
		"https://app.example":          "no path",
		"https://app.example/":         "no path",
		"https://app.example//":        "no path",
		"https://app.example/x?y":      "a query",
		"https://app.example/x?":       "a query",
		"https://app.example?x":        "a query",
		"https://app.example/x#y":      "a fragment",
		"https://u@app.example/x":      "a user name",
		"https://app.example:8443/x":   "a port",
		"https://app.example/a/../b":   "dots",
		"https://app.example/./b":      "dots",
		"https://app.example/a/..":     "dots",
		"https://app.example/a/%2e%2E": "dots",
		"https://app.example/a/.%2e/b": "dots",
		"https://app.example/%2e":      "dots",
		"https://10.0.0.1/x":           "an address",
		"https://localhost/x":          "not on the internet",
		"https://app.example/" + strings.Repeat("x", maxDocumentURL-19): "longer than 512",
	} {
		t.Run(id, func(t *testing.T) {
			if problem := CheckDocumentURL(id); !strings.Contains(problem, want) || problem == "" {
				t.Errorf("problem %q, want %q", problem, want)
			}
			d := newDocuments(t, func(http.ResponseWriter, *http.Request) { t.Error("it was asked for") })
			d.mustRefuse(t, id, http.StatusBadRequest, "the URL ")
		})
	}
}

func TestADocumentIsTheClient(t *testing.T) {
	d := newDocuments(t, serve(with(documentURL, map[string]any{
		"client_name": " My App ", "client_uri": "https://app.example/", "logo_uri": "javascript:alert(1)",
		"redirect_uris": []string{"https://app.example/cb", "http://127.0.0.1/cb", "app.example:/cb"},
		"scope":         "read openid", "application_type": "native", "grant_types": []string{"authorization_code"},
	})))
	before := time.Now().Add(-time.Second)
	got := d.mustClient(t, documentURL)
	if got.CreatedAt.Before(before) {
		t.Errorf("it is of %v", got.CreatedAt)
	}
	got.CreatedAt = time.Time{}
	want := &store.Client{
		ID: documentURL, Name: "My App", URI: "https://app.example/",
		RedirectURIs:            []string{"https://app.example/cb", "http://127.0.0.1/cb", "app.example:/cb"},
		TokenEndpointAuthMethod: "none", GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
		Scope: "read", ApplicationType: "native",
	}
	if a, b := encode(t, got), encode(t, want); a != b {
		t.Errorf("the client is\n%s\nwant\n%s", a, b)
	}
	d.mustLogFetched(t)
	if again := d.mustClient(t, documentURL); again.ID != got.ID {
		t.Errorf("the client is %s, and was %s", again.ID, got.ID)
	}
	d.mustLogFetched(t) // not again: it was not asked for again
	if _, err := d.store.Client(t.Context(), documentURL); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody has approved it, but the store has it (%v)", err)
	}
}

func encode(t *testing.T, client *store.Client) string {
	t.Helper()
	body, err := client.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestR22_TheMethodIsTheFirstOfOursThatTheDocumentHasInEitherMember(t *testing.T) {
	keys := map[string]any{"keys": []any{map[string]any{"kty": "RSA", "n": "x", "e": "AQAB"}}}
	const uri = "https://app.example/jwks.json"
	none, both, keyed := []string{"none"}, []string{"none", "private_key_jwt"}, []string{"private_key_jwt", "none"}
	for name, test := range map[string]struct {
		ours    []string
		members map[string]any
		want    string // empty: refused
	}{
		"nothing said":                      {nil, map[string]any{"token_endpoint_auth_method": nil}, "none"},
		"none":                              {nil, map[string]any{"token_endpoint_auth_method": "none"}, "none"},
		"none, in the plural":               {none, map[string]any{"token_endpoint_auth_method": nil, "token_endpoint_auth_methods_supported": both}, "none"},
		"ChatGPT, and we know no keys":      {none, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": both, "jwks_uri": uri}, "none"},
		"ChatGPT, and we prefer none":       {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": both, "jwks_uri": uri}, "none"},
		"ChatGPT, and we prefer keys":       {keyed, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": both, "jwks_uri": uri}, "private_key_jwt"},
		"keys in the document":              {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": keys}, "private_key_jwt"},
		"keys by reference":                 {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri}, "private_key_jwt"},
		"keys, and null beside them":        {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": json.RawMessage("null"), "jwks_uri": uri}, "private_key_jwt"},
		"keys in two ways":                  {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks": keys, "jwks_uri": uri}, ""},
		"no keys":                           {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt"}, ""},
		"keys that nobody could fetch":      {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://10.0.0.1/jwks"}, ""},
		"keys without TLS":                  {both, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/jwks"}, ""},
		"only keys, and we know none":       {none, map[string]any{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri}, ""},
		"a secret":                          {nil, map[string]any{"token_endpoint_auth_method": "client_secret_post"}, ""},
		"a secret, by Basic":                {nil, map[string]any{"token_endpoint_auth_method": "client_secret_basic"}, ""},
		"a secret, in a JWT":                {nil, map[string]any{"token_endpoint_auth_method": "client_secret_jwt"}, ""},
		"a secret, though none would do":    {nil, map[string]any{"token_endpoint_auth_method": "client_secret_post", "token_endpoint_auth_methods_supported": both}, ""},
		"only secrets, in the plural":       {nil, map[string]any{"token_endpoint_auth_method": nil, "token_endpoint_auth_methods_supported": []string{"client_secret_post"}}, ""},
		"more than can be, in the plural":   {nil, map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_post", "none"}}, "none"},
		"a method of the future":            {both, map[string]any{"token_endpoint_auth_method": "attest_jwt_client_auth"}, ""},
		"a method of the future, and none":  {both, map[string]any{"token_endpoint_auth_method": "attest_jwt_client_auth", "token_endpoint_auth_methods_supported": none}, "none"},
		"keys are there, but were not said": {both, map[string]any{"token_endpoint_auth_method": nil, "jwks_uri": uri}, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDocuments(t, serve(with(documentURL, test.members)))
			d.Methods = test.ours
			if test.want == "" {
				d.mustRefuse(t, documentURL, http.StatusBadRequest, "token_endpoint_auth_method")
				return
			}
			if got := d.mustClient(t, documentURL).TokenEndpointAuthMethod; got != test.want {
				t.Errorf("the method is %s, want %s", got, test.want)
			}
		})
	}
}

func TestR23_WhatADocumentHasBesideIsIgnored(t *testing.T) {
	d := newDocuments(t, serve(with(documentURL, map[string]any{
		"grant_types":    []string{"authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:device_code"},
		"response_types": []string{"code", "code id_token"}, "client_name#ja": "アプリ", "client_secret": json.RawMessage("null"),
		"code_challenge_methods_supported": []string{"S256"}, "contacts": json.RawMessage("null"), "x": map[string]any{"y": []any{1, nil, true}},
		"CLIENT_ID": "https://evil.example/x", "Redirect_URIs": []string{"https://evil.example/cb"}, "redirect_uriſ": []string{"https://evil.example/cb"},
	})))
	got := d.mustClient(t, documentURL)
	if !slices.Equal(got.GrantTypes, []string{"authorization_code", "refresh_token"}) || !slices.Equal(got.ResponseTypes, []string{"code"}) {
		t.Errorf("grants %v and response types %v", got.GrantTypes, got.ResponseTypes)
	}
	if !slices.Equal(got.RedirectURIs, []string{"https://app.example/cb"}) {
		t.Errorf("redirect URIs %v, by a member of another name", got.RedirectURIs)
	}
}

// The client of these documents is a well-known one, and was approved before: what
// its server says now counts all the same.
func TestABrokenDocumentIsRefusedWhateverWasKnownBefore(t *testing.T) {
	const url = "https://zed.dev/oauth/client-metadata.json"
	good := with(url, nil)
	key := func(members string) string {
		return with(url, map[string]any{"jwks": json.RawMessage(`{"keys":[{"kty":"RSA","n":"x","e":"AQAB"},{` + members + `}]}`)})
	}
	for name, test := range map[string]struct {
		body, reason string
	}{
		"nothing":                    {"", "not JSON"},
		"a page, called JSON":        {"<!doctype html>", "not JSON"},
		"half of it":                 {good[:len(good)-1], "not JSON"},
		"a list":                     {"[" + good + "]", "not a JSON object"},
		"a string":                   {`"x"`, "not a JSON object"},
		"null":                       {"null", "not a JSON object"},
		"two":                        {good + good, "something after"},
		"one and a bracket":          {good + "}", "something after"},
		"not UTF-8":                  {strings.Replace(good, "App", "\xff", 1), "UTF-8"},
		"a mark before it":           {"\ufeff" + good, "not JSON"},
		"a comment":                  {"{/* */" + good[1:], "not JSON"},
		"a comma too many":           {good[:len(good)-1] + ",}", "not JSON"},
		"two IDs":                    {`{"client_id":"https://evil.example/x",` + good[1:], "twice"},
		"a name in two spellings":    {`{"client_\u0069d":"https://evil.example/x",` + good[1:], "twice"},
		"two lists of redirect URIs": {`{"redirect_uris":["https://evil.example/x"],` + good[1:], "twice"},
		"two of what nobody reads":   {`{"x":1,"x":2,` + good[1:], "twice"},
		"two deep inside":            {with(url, map[string]any{"jwks": json.RawMessage(`{"keys":[{"d":"x","d":null}]}`)}), "twice"},
		"no ID":                      {with(url, map[string]any{"client_id": nil}), "client_id is missing"},
		"an ID in capitals":          {`{"CLIENT_ID"` + strings.TrimPrefix(with(url, map[string]any{"client_id": url}), `{"client_id"`), "client_id is missing"},
		"another's ID":               {with("https://claude.ai/oauth/claude-code-client-metadata", nil), "client_id is not the URL"},
		"nearly its ID":              {with(url+"/", nil), "client_id is not the URL"},
		"its ID in capitals":         {with("https://ZED.dev/oauth/client-metadata.json", nil), "client_id is not the URL"},
		"an ID that is a number":     {with(url, map[string]any{"client_id": 1}), "client_id is not of the type"},
		"no name":                    {with(url, map[string]any{"client_name": nil}), "client_name is missing"},
		"a name of spaces":           {with(url, map[string]any{"client_name": "  "}), "client_name is missing"},
		"a name that is a list":      {with(url, map[string]any{"client_name": []string{"x"}}), "client_name is not of the type"},
		"too long a name":            {with(url, map[string]any{"client_name": strings.Repeat("x", 201)}), "client_name is longer"},
		"no redirect URI":            {with(url, map[string]any{"redirect_uris": nil}), "redirect_uris is missing"},
		"an empty list of them":      {with(url, map[string]any{"redirect_uris": []string{}}), "redirect_uris is missing"},
		"one that is not in a list":  {with(url, map[string]any{"redirect_uris": "https://app.example/cb"}), "redirect_uris is not of the type"},
		"one that is a number":       {with(url, map[string]any{"redirect_uris": []any{1}}), "redirect_uris is not of the type"},
		"one that is dangerous":      {with(url, map[string]any{"redirect_uris": []string{"https://app.example/cb", "javascript:alert(1)"}}), "one of the redirect_uris"},
		"one that is plain http":     {with(url, map[string]any{"redirect_uris": []string{"http://app.example/cb"}}), "one of the redirect_uris"},
		"21 of them":                 {with(url, map[string]any{"redirect_uris": slices.Repeat([]string{"https://app.example/cb"}, 21)}), "more than 20"},
		"a secret":                   {with(url, map[string]any{"client_secret": "s3cret"}), "client_secret"},
		"an empty secret":            {with(url, map[string]any{"client_secret": ""}), "client_secret"},
		"a secret's end":             {with(url, map[string]any{"client_secret_expires_at": 0}), "client_secret"},
		"a method with a secret":     {with(url, map[string]any{"token_endpoint_auth_method": "client_secret_basic"}), "token_endpoint_auth_method"},
		"no grant that we know":      {with(url, map[string]any{"grant_types": []string{"client_credentials"}}), "grant_types"},
		"a private RSA key":          {key(`"kty":"RSA","n":"x","e":"AQAB","d":"x"`), "private key"},
		"a private RSA key's factor": {key(`"kty":"RSA","n":"x","e":"AQAB","p":"x"`), "private key"},
		"a private EC key":           {key(`"kty":"EC","crv":"P-256","x":"x","y":"x","d":"x"`), "private key"},
		"a symmetric key":            {key(`"kty":"oct","k":"x"`), "private key"},
		"a private key made null":    {key(`"kty":"EC","d":null`), "private key"},
		"keys that are a list":       {with(url, map[string]any{"jwks": []any{}}), "jwks is not a set"},
		"keys that are strings":      {with(url, map[string]any{"jwks": map[string]any{"keys": []string{"x"}}}), "jwks is not a set"},
		"6 KB":                       {with(url, map[string]any{"x": strings.Repeat("x", 6<<10)}), "more than 5120 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDocuments(t, serve(test.body))
			d.approve(t, &store.Client{ID: url, RedirectURIs: []string{"https://app.example/cb"}})
			refusal := d.mustRefuse(t, url, http.StatusBadRequest, test.reason)
			if strings.Contains(d.logs.String(), "s3cret") || strings.Contains(refusal.Error(), "s3cret") {
				t.Error("the secret is in the log or the error")
			}
		})
	}
}

// The members of RFC 7518 §6.2.2, §6.3.2 and §6.4, and priv of newer kinds of key.
func TestNoSecretMemberOfAKeyMayBePublished(t *testing.T) {
	names := []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}
	for _, name := range names {
		for _, value := range []any{"AA", nil, []any{map[string]string{"r": "AA"}}} {
			key := map[string]any{"kty": "RSA", "n": "AA", "e": "AQAB", name: value}
			d := newDocuments(t, serve(with(documentURL, map[string]any{
				"token_endpoint_auth_method": "private_key_jwt", "jwks": map[string]any{"keys": []any{key}},
			})))
			d.mustRefuse(t, documentURL, http.StatusBadRequest, "private key")
		}
	}
	if !slices.Equal(secretMembers, names) {
		t.Errorf("secretMembers are %v, and this test knows %v", secretMembers, names)
	}
}

func TestAClientThatItsServerSaysIsNoMoreIsRefused(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusGone} {
		d := newDocuments(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		const url = "https://zed.dev/oauth/client-metadata.json"
		d.approve(t, &store.Client{ID: url, RedirectURIs: []string{"https://app.example/cb"}})
		d.mustRefuse(t, url, http.StatusBadRequest, "no such document")
	}
}

// unreachable are the ways in which a server says nothing about the document.
var unreachable = map[string]http.HandlerFunc{
	"a bot check":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	"an outage":           func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	"too many requests":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) },
	"its home page":       func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<!doctype html>")) },
	"a redirect":          func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
	"a broken connection": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func TestR20_WhileAServerCannotBeReachedAnApprovedClientIsWhoItWas(t *testing.T) {
	for name, handler := range unreachable {
		t.Run(name, func(t *testing.T) {
			// Well-known as well: what a person saw goes first.
			const url = "https://zed.dev/oauth/client-metadata.json"
			d := newDocuments(t, handler)
			d.approve(t, &store.Client{ID: url, Name: "As approved", RedirectURIs: []string{"https://zed.dev/then"}})
			if got := d.mustClient(t, url); got.Name != "As approved" {
				t.Errorf("the client is %+v", got)
			}
			d.mustLog(t, url, "the copy from its last approval")
		})
	}
}

func TestAnUnknownClientWhoseServerCannotBeReachedIsRefusedWithTheReason(t *testing.T) {
	for name, handler := range unreachable {
		t.Run(name, func(t *testing.T) {
			d := newDocuments(t, handler)
			refusal := d.mustRefuse(t, documentURL, http.StatusServiceUnavailable, "the server ")
			if _, _, message, _ := refusal.Explain(); !strings.Contains(message, "app.example") || !strings.Contains(message, refusal.Reason) {
				t.Errorf("the page would say %q", message)
			}
		})
	}
}

func (d documents) mustLog(t *testing.T, url, used string) {
	t.Helper()
	var line struct{ Level, Msg, Client_id, Used, Error string }
	if err := json.Unmarshal(d.logs.Bytes(), &line); err != nil {
		t.Fatalf("the log is not one line: %v\n%s", err, d.logs)
	}
	if line.Level != "WARN" || line.Msg != "client.document_unavailable" || line.Client_id != url || line.Used != used || line.Error == "" {
		t.Errorf("the log says %+v, want that %s was used", line, used)
	}
}

// mustLogFetched requires that the log says once that the document was fetched, and no more.
func (d documents) mustLogFetched(t *testing.T) {
	t.Helper()
	var line struct{ Level, Msg string }
	if err := json.Unmarshal(d.logs.Bytes(), &line); err != nil || line.Level != "INFO" || line.Msg != "client.document_fetched" {
		t.Errorf("the log says %s, %v", d.logs, err)
	}
}

func TestAHostThatTheOperatorDoesNotAllowIsRefusedWhateverIsKnownOfIt(t *testing.T) {
	const url = "https://zed.dev/oauth/client-metadata.json"
	for name, handler := range map[string]http.HandlerFunc{"reachable": serve(with(url, nil)), "not reachable": unreachable["an outage"]} {
		t.Run(name, func(t *testing.T) {
			d := newDocuments(t, handler)
			d.approve(t, &store.Client{ID: url, RedirectURIs: []string{"https://zed.dev/then"}})
			d.fetcher.Allow = func(host string) bool { return host == "claude.ai" }
			refusal := d.mustRefuse(t, url, http.StatusForbidden, "zed.dev is not allowed")
			if _, _, _, remedy := refusal.Explain(); !strings.Contains(remedy, "allow that host") {
				t.Errorf("the remedy is %q", remedy)
			}
		})
	}
}

func TestRedirectURIsThatTheOperatorDoesNotAllowAreLeftOut(t *testing.T) {
	d := newDocuments(t, serve(with(documentURL, map[string]any{"redirect_uris": []string{"https://app.example/cb", "https://app.example/other"}})))
	d.RedirectURIs = []string{"https://app.example/other"}
	if got := d.mustClient(t, documentURL).RedirectURIs; !slices.Equal(got, d.RedirectURIs) {
		t.Errorf("redirect URIs %v, want %v", got, d.RedirectURIs)
	}
	d.RedirectURIs = []string{"https://claude.ai/api/mcp/auth_callback"}
	d.mustRefuse(t, documentURL, http.StatusBadRequest, "operator does not allow")
}

type brokenStore struct{}

var errStore = errors.New("the disk is on fire")

func (brokenStore) Client(context.Context, string) (*store.Client, error) { return nil, errStore }

func TestTroubleOfTheStoreIsNotTakenForAnUnknownClient(t *testing.T) {
	d := newDocuments(t, unreachable["an outage"])
	d.Store = brokenStore{}
	const wellKnown = "https://zed.dev/oauth/client-metadata.json"
	if client, err := d.Client(t.Context(), wellKnown); !errors.Is(err, errStore) {
		t.Errorf("the client is %+v and the error %v, want the store's", client, err)
	}
	if _, ours := oauth.AsError(fmt.Errorf("looking up the client: %w", errStore)); !ours {
		t.Error("it would be told to the client")
	}
}

func TestWhoHangsUpIsNotCalledAnUnknownClient(t *testing.T) {
	d := newDocuments(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	if client, err := d.Client(ctx, documentURL); !errors.Is(err, context.Canceled) {
		t.Errorf("the client is %+v and the error %v", client, err)
	}
}

// answers is a transport that needs no network, so that time can be the bubble's.
type answers func(r *http.Request) *http.Response

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func answer(handler http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	handler(w, httptest.NewRequest("GET", "/", nil))
	return w.Result()
}

func TestAMendedDocumentIsSeenSoonAndABrokenOneNeverServedAsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now http.HandlerFunc
		d := documentsOver(t, answers(func(*http.Request) *http.Response { return answer(now) }))
		now = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=86400")
			serve(with(documentURL, map[string]any{"client_name": nil}))(w, r)
		}
		d.mustRefuse(t, documentURL, http.StatusBadRequest, "client_name is missing")
		now = unreachable["an outage"]
		time.Sleep(30 * time.Second)
		d.mustRefuse(t, documentURL, http.StatusServiceUnavailable, "503")
		now = serve(with(documentURL, nil))
		time.Sleep(30 * time.Second)
		d.mustClient(t, documentURL)
	})
}

func TestWhatAServerTookBackIsNotBackInItsNextOutage(t *testing.T) {
	for name, no := range map[string]http.HandlerFunc{
		"gone": http.NotFound, "broken": serve(with(documentURL, map[string]any{"client_name": nil})),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				now := no
				d := documentsOver(t, answers(func(*http.Request) *http.Response { return answer(now) }))
				d.approve(t, &store.Client{ID: documentURL, RedirectURIs: []string{"https://taken-back.example/cb"}})
				d.mustRefuse(t, documentURL, http.StatusBadRequest, "")
				now = unreachable["an outage"]
				for range 3 {
					time.Sleep(7 * time.Hour)
					d.mustRefuse(t, documentURL, http.StatusServiceUnavailable, "503")
				}
				now = serve(with(documentURL, nil))
				time.Sleep(time.Minute)
				d.mustClient(t, documentURL)
			})
		})
	}
}

func TestWhileAServerCannotBeReachedTheDocumentOfTodayIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := serve(with(documentURL, nil))
		d := documentsOver(t, answers(func(*http.Request) *http.Response { return answer(now) }))
		first := d.mustClient(t, documentURL)
		d.mustLogFetched(t)
		d.logs.Reset()
		now = unreachable["a bot check"]
		time.Sleep(time.Hour)
		if again := d.mustClient(t, documentURL); encode(t, again) != encode(t, first) {
			t.Errorf("the client is %+v, and was %+v", again, first)
		}
		d.mustLog(t, documentURL, "the copy in memory")
	})
}

// Whoever holds every connection with slow servers of their own would otherwise bring a
// redirect URI back that the client's server has taken back.
func TestWhoKeepsThisServerBusyBringsNoOldRedirectURIBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := documentsOver(t, slow(func(r *http.Request) (time.Duration, *http.Response) {
			if strings.HasSuffix(r.URL.Host, ".slow.example") {
				return 4900 * time.Millisecond, answer(http.NotFound)
			}
			return 150 * time.Millisecond, answer(serve(with(documentURL, nil)))
		}))
		d.approve(t, &store.Client{ID: documentURL, RedirectURIs: []string{"https://taken-back.example/cb"}})
		var wg sync.WaitGroup
		for i := range 64 { // as many as are asked at once
			wg.Go(func() { d.fetcher.Get(t.Context(), fmt.Sprintf("https://h%d.slow.example/x", i)) })
		}
		synctest.Wait()
		d.mustRefuse(t, documentURL, http.StatusServiceUnavailable, "too many others")
		wg.Wait()
		time.Sleep(time.Minute)
		if got := d.mustClient(t, documentURL).RedirectURIs; !slices.Equal(got, []string{"https://app.example/cb"}) {
			t.Errorf("redirect URIs %v, once there is time again", got)
		}
	})
}

// slow is a transport whose answers take their time.
type slow func(r *http.Request) (time.Duration, *http.Response)

func (f slow) RoundTrip(r *http.Request) (*http.Response, error) {
	takes, response := f(r)
	select {
	case <-time.After(takes):
		return response, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestEveryRefusalSaysWhatAPersonCanDo(t *testing.T) {
	for _, e := range []*DocumentError{
		{URL: documentURL, Status: http.StatusForbidden, Reason: "r"},
		{URL: documentURL, Status: http.StatusServiceUnavailable, Reason: "the server answered with HTTP status 503"},
		{URL: documentURL, Status: http.StatusBadRequest, Reason: "client_name is missing"},
		{Status: http.StatusBadRequest, Reason: "the URL has a query"},
	} {
		status, title, message, remedy := e.Explain()
		if status != e.Status || title == "" || remedy == "" || e.URL != "" && !strings.Contains(message, "app.example") {
			t.Errorf("%d: %q, %q, %q", e.Status, title, message, remedy)
		}
		if e.Status != http.StatusForbidden && !strings.Contains(message, e.Reason) {
			t.Errorf("%q does not say why: %q", message, e.Reason)
		}
	}
}

func FuzzADocumentThatIsTakenSaysSoToEveryReader(f *testing.F) {
	f.Add([]byte(with(documentURL, nil)))
	f.Add([]byte(with(documentURL, map[string]any{"CLIENT_ID": "x", "jwks": map[string]any{"keys": []any{}}})))
	f.Add([]byte(`{"client_id":"x",` + with(documentURL, nil)[1:]))
	d := &Documents{Methods: []string{"none", "private_key_jwt"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		client, err := d.read(documentURL, body)
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(body, &plain); err != nil {
			t.Fatalf("%q was taken, but is no JSON object: %v", body, err)
		}
		if plain["client_id"] != documentURL || client.ID != documentURL || !client.Public() {
			t.Errorf("%q is of %v, and was taken for %v", body, plain["client_id"], client.ID)
		}
		listed, _ := plain["redirect_uris"].([]any)
		for _, uri := range client.RedirectURIs {
			if !slices.Contains(listed, any(uri)) || oauth.CheckRedirectURI(uri) != "" {
				t.Errorf("%q lists %v, and %q was taken", body, listed, uri)
			}
		}
	})
}
