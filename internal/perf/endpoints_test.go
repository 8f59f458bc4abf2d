package perf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

func BenchmarkDiscovery(b *testing.B) {
	f := setUp(b, false)
	for _, of := range []struct{ name, path string }{{"the server", "/.well-known/oauth-authorization-server"}, {"the resource", "/.well-known/oauth-protected-resource/mcp"}} {
		b.Run(of.name, func(b *testing.B) {
			ratios.Against(b, 1.2, get(b, f.floor, http.StatusOK, of.path), get(b, f.router, http.StatusOK, of.path))
		})
	}
}

func BenchmarkAuthorize(b *testing.B) {
	f := setUp(b, false)
	b.Run("checked", func(b *testing.B) {
		ratios.Against(b, 1.6, checks(b, f, f.floor), checks(b, f, onlyChecks(f)))
	})
	b.Run("the page", func(b *testing.B) {
		target := "/authorize?" + authorization(f.client, perf.Scope).Encode()
		f.floor.Page = pageOf(b, f, authorization(f.client, perf.Scope))
		ratios.Against(b, 0, get(b, f.floor, http.StatusOK, target), get(b, f.router, http.StatusOK, target))
	})
}

func BenchmarkRegister(b *testing.B) {
	f := setUp(b, false)
	b.Run("public", func(b *testing.B) {
		ratios.Against(b, 1.6, registers(b, f.floor, "none"), registers(b, f.router, "none"))
	})
	b.Run("confidential", func(b *testing.B) {
		ratios.Against(b, 1.6, registers(b, f.floor, "client_secret_basic"), registers(b, f.router, "client_secret_basic"))
	})
	b.Run("confidential beside public", func(b *testing.B) {
		ratios.Against(b, 2, registers(b, f.router, "none"), registers(b, f.router, "client_secret_basic"))
	})
}

func BenchmarkExchange(b *testing.B) {
	f := setUp(b, false)
	ratios.Against(b, 1.6, exchanges(b, f.floor, f.client, func() string { return f.floor.Approve(f.client) }),
		exchanges(b, f.router, f.client, func() string { return f.approve(store.OwnerID) }))
}

func BenchmarkRefresh(b *testing.B) {
	b.Run("the first of a grant", func(b *testing.B) {
		f := setUp(b, false)
		ratios.Against(b, 1.6, refreshes(b, f.floor, f.client, f.floorRefresh), refreshes(b, f.router, f.client, f.refresh))
	})
	b.Run("beside as many access tokens as may live", func(b *testing.B) {
		f := setUp(b, false, seldom)
		ratios.Against(b, 0, rotates(b, f.floor, f.client, f.floorRefresh()), rotates(b, f.router, f.client, f.refresh()))
	})
}

// seldom makes each refresh come after the grace of the one before, as those of a client do,
// which refreshes each day or hour.
func seldom(cfg *mcpoauth.Config) { cfg.RefreshGrace = time.Nanosecond }

// refresh returns the refresh token of a new grant, and floorRefresh that of the floor's.
func (f *fixture) refresh() string { return f.connect().Refresh }

func (f *fixture) floorRefresh() string {
	_, refresh := f.floor.Connect(f.client)
	return refresh
}

func BenchmarkRevoke(b *testing.B) {
	f := setUp(b, false)
	ratios.Against(b, 0, revokes(b, f.floor, f.client, f.floorRefresh), revokes(b, f.router, f.client, f.refresh))
}

func get(tb testing.TB, h http.Handler, status int, target string) perf.Op {
	return perf.Op{Run: perf.Ask(tb, h, status, func() *http.Request { return perf.Request(http.MethodGet, target) }, nil)}
}

func authorization(client, scope string) url.Values {
	return url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {perf.RedirectURI}, "state": {"af0ifjsldkj"},
		"code_challenge": {perf.Challenge}, "code_challenge_method": {"S256"}, "resource": {perf.Resource}, "scope": {scope},
	}
}

// registers registers clients of different names.
func registers(tb testing.TB, h http.Handler, method string) perf.Op {
	n := 0
	return perf.Op{Run: perf.Ask(tb, h, http.StatusCreated, func() *http.Request {
		n++
		return perf.Post("/register", "application/json", registration(fmt.Sprint("Client ", n), method))
	}, nil)}
}

const form = "application/x-www-form-urlencoded"

// exchanges redeems codes that approve has made beforehand.
func exchanges(tb testing.TB, h http.Handler, client string, approve func() string) perf.Op {
	var codes []string
	return perf.Op{
		Prepare: stock(&codes, approve),
		Run: perf.Ask(tb, h, http.StatusOK, func() *http.Request {
			return perf.Post("/token", form, url.Values{
				"grant_type": {"authorization_code"}, "client_id": {client}, "redirect_uri": {perf.RedirectURI},
				"code_verifier": {perf.Verifier}, "code": {pop(&codes)},
			}.Encode())
		}, func(w *perf.Writer) bool { return bytes.Contains(w.Body, []byte(`"refresh_token":"`)) }),
	}
}

// refreshes exchanges the refresh tokens of grants that connect has made beforehand.
func refreshes(tb testing.TB, h http.Handler, client string, connect func() string) perf.Op {
	var tokens []string
	var token string
	return perf.Op{
		Prepare: stock(&tokens, connect),
		Run: perf.Ask(tb, h, http.StatusOK, func() *http.Request {
			token = pop(&tokens)
			return refreshing(client, token)
		}, func(w *perf.Writer) bool { return anotherRefresh(w, token) != "" }),
	}
}

// rotates exchanges one grant's refresh tokens again and again.
func rotates(tb testing.TB, h http.Handler, client, token string) perf.Op {
	return perf.Op{Run: perf.Ask(tb, h, http.StatusOK, func() *http.Request { return refreshing(client, token) }, func(w *perf.Writer) bool {
		token = anotherRefresh(w, token)
		return token != ""
	})}
}

func refreshing(client, token string) *http.Request {
	return perf.Post("/token", form, url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token}}.Encode())
}

// anotherRefresh returns the refresh token of an answer, or "" if that is the one before.
func anotherRefresh(w *perf.Writer, before string) string {
	var answer struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body, &answer); err != nil || answer.Refresh == before {
		return ""
	}
	return answer.Refresh
}

// revokes ends grants by their refresh tokens.
func revokes(tb testing.TB, h http.Handler, client string, connect func() string) perf.Op {
	var tokens []string
	return perf.Op{
		Prepare: stock(&tokens, connect),
		Run: perf.Ask(tb, h, http.StatusOK, func() *http.Request {
			return perf.Post("/revoke", form, url.Values{"client_id": {client}, "token": {pop(&tokens)}}.Encode())
		}, func(w *perf.Writer) bool { return strings.TrimSpace(string(w.Body)) == "{}" }),
	}
}

func stock(all *[]string, one func() string) func(n int) {
	return func(n int) {
		for len(*all) < n {
			*all = append(*all, one())
		}
	}
}

func pop(all *[]string) string {
	last := len(*all) - 1
	one := (*all)[last]
	*all = (*all)[:last]
	return one
}
