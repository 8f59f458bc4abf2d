package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/internal/perf"
)

// A server is one that is measured, at the paths of a [perf.Floor].
type server struct {
	http.Handler
	client     string
	audience   string                 // the name of the parameter for the resource
	add        func() (access string) // makes an access token alone
	approve    func() (code string)   // nil: it is no authorization server
	authorize  http.Handler           // checks a request, and calls found in place of the page
	documented bool                   // it has metadata of the resource
	tokens     []string               // access tokens that it lets in
}

// Columns of the table.
var names = []string{"floor", "mcpoauth", "fosite", "go-oauth2", "go-sdk"}

// servers returns those of names.
func servers(tb testing.TB) []*server {
	return []*server{newFloor(), newOurs(tb), newFosite(), newGoOAuth2(tb), newSDK()}
}

// routes is a mux that costs nothing, like that of the floor.
type routes map[string]http.HandlerFunc

func (m routes) ServeHTTP(w http.ResponseWriter, r *http.Request) { m[r.URL.Path](w, r) }

const form = "application/x-www-form-urlencoded"

func (s *server) exchange(code, verifier string) *http.Request {
	return perf.Post("/token", form, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {s.client}, "redirect_uri": {perf.RedirectURI},
		"code_verifier": {verifier}, "code": {code},
	}.Encode())
}

func (s *server) refresh(token string) *http.Request {
	return perf.Post("/token", form, url.Values{"grant_type": {"refresh_token"}, "client_id": {s.client}, "refresh_token": {token}}.Encode())
}

type issued struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

func (s *server) ask(r *http.Request) (*perf.Writer, issued) {
	var answer issued
	w := new(perf.Writer)
	s.ServeHTTP(w, r)
	if w.Status == http.StatusOK {
		_ = json.Unmarshal(w.Body, &answer) // an answer without tokens is found out by their use
	}
	return w, answer
}

// connect is an approval and its redemption.
func (s *server) connect() issued {
	w, answer := s.ask(s.exchange(s.approve(), perf.Verifier))
	if answer.Access == "" || answer.Refresh == "" {
		panic(fmt.Sprintf("no tokens: %d %s", w.Status, w.Body))
	}
	return answer
}

func (s *server) grow(n int) {
	for len(s.tokens) < n {
		if s.approve == nil {
			s.tokens = append(s.tokens, s.add())
		} else {
			s.tokens = append(s.tokens, s.connect().Access)
		}
	}
}

func (s *server) exchanges(tb testing.TB) perf.Op {
	var codes []string
	return perf.Op{
		Prepare: func(n int) {
			for len(codes) < n {
				codes = append(codes, s.approve())
			}
		},
		Run: perf.Ask(tb, s, http.StatusOK, func() *http.Request {
			code := codes[len(codes)-1]
			codes = codes[:len(codes)-1]
			return s.exchange(code, perf.Verifier)
		}, func(w *perf.Writer) bool { return strings.Contains(string(w.Body), `"refresh_token":"`) }),
	}
}

func (s *server) refreshes(tb testing.TB) perf.Op {
	token := s.connect().Refresh
	return perf.Op{Run: perf.Ask(tb, s, http.StatusOK, func() *http.Request { return s.refresh(token) }, func(w *perf.Writer) bool {
		var answer issued
		err := json.Unmarshal(w.Body, &answer)
		before := token
		token = answer.Refresh
		return err == nil && token != "" && token != before
	})}
}

func (s *server) discovers(tb testing.TB) perf.Op {
	return perf.Op{Run: perf.Ask(tb, s, http.StatusOK, func() *http.Request {
		return perf.Request(http.MethodGet, "/.well-known/oauth-protected-resource/mcp")
	}, func(w *perf.Writer) bool { return strings.Contains(string(w.Body), `"resource":"`+perf.Resource+`"`) })}
}

func (s *server) authorization(redirectURI string) (target string) {
	return "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {s.client}, "redirect_uri": {redirectURI}, "state": {"af0ifjsldkj"},
		"code_challenge": {perf.Challenge}, "code_challenge_method": {"S256"}, s.audience: {perf.Resource}, "scope": {perf.Scope},
	}.Encode()
}

// checked is the key of what found calls.
type checked struct{}

// found says that an authorization request is good. Nobody is there for the page.
func found(ctx context.Context) { ctx.Value(checked{}).(func())() }

func (s *server) authorizes(tb testing.TB) perf.Op {
	was := false
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), checked{}, func() { was = true }))
	cancel()
	target := s.authorization(perf.RedirectURI)
	return perf.Op{Run: perf.Ask(tb, s.authorize, 0, func() *http.Request {
		was = false
		return perf.Request(http.MethodGet, target).WithContext(ctx)
	}, func(*perf.Writer) bool { return was })}
}

// A library that forgets a check is fast.
func TestEachLetsInWhomItShould(t *testing.T) {
	for i, s := range servers(t) {
		t.Run(names[i], func(t *testing.T) {
			s.grow(2)
			s.tokens = append(s.tokens, s.add())
			perf.Calls(t, s, http.StatusOK, s.tokens...).Run(len(s.tokens))
			perf.Calls(t, s, http.StatusUnauthorized, spoilt(s.tokens[0])).Run(1)
			if s.approve == nil {
				return
			}
			s.authorizes(t).Run(1)
			if w, _ := s.ask(perf.Request(http.MethodGet, s.authorization("https://attacker.test/"))); w.Status != http.StatusBadRequest {
				t.Errorf("a wrong redirect URI: %d %s", w.Status, w.Body)
			}
			if w, _ := s.ask(s.exchange(s.approve(), spoilt(perf.Verifier))); w.Status < 400 {
				t.Errorf("a wrong verifier: %d %s", w.Status, w.Body)
			}
			first := s.connect()
			if w, second := s.ask(s.refresh(first.Refresh)); second.Access == "" || second.Access == first.Access {
				t.Errorf("a refresh: %d %s", w.Status, w.Body)
			}
			if w, _ := s.ask(s.refresh(spoilt(first.Refresh))); w.Status < 400 {
				t.Errorf("a wrong refresh token: %d %s", w.Status, w.Body)
			}
		})
	}
}

func spoilt(token string) string { return token[:len(token)-4] + "AAAA" }
