package perf_test

import (
	"context"
	"errors"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mcpoauth/mcpoauth/authorize"
	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/store"
)

// pageOf returns what shows the approval page as a floor does: the text of the real one,
// and in it what differs between requests.
func pageOf(tb testing.TB, f *fixture, asked url.Values) func(http.ResponseWriter, *http.Request, url.Values) {
	w := new(perf.Writer)
	f.router.ServeHTTP(w, perf.Request(http.MethodGet, "/authorize?"+asked.Encode()))
	if w.Status != http.StatusOK {
		tb.Fatalf("the page: %d %s", w.Status, w.Body)
	}
	text, header := string(w.Body), w.Header()
	action := html.EscapeString("/authorize?" + asked.Encode())
	before, after, found := strings.Cut(text, action)
	if !found {
		tb.Fatalf("the page does not have %s:\n%s", action, text)
	}
	return func(w http.ResponseWriter, r *http.Request, asked url.Values) {
		h := w.Header()
		maps.Copy(h, header)
		w.WriteHeader(http.StatusOK)
		// In one piece, as whoever knows its length writes it.
		w.Write([]byte(before + html.EscapeString("/authorize?"+r.URL.RawQuery) + after))
	}
}

// onlyChecks is /authorize up to where the page would be made: whoever asked has hung up
// by then.
func onlyChecks(f *fixture) http.Handler {
	h := &authorize.Handler{
		Clients: oneClient{f.known}, People: nobody{}, Issuer: perf.Origin,
		Resources: oauth.Resources{{URL: perf.Resource, Path: "/mcp", Name: "A server", Scopes: []string{perf.Scope}}},
		Scopes:    oauth.Scopes{{Name: perf.Scope}, {Name: perf.OtherScope}}, Log: quiet,
	}
	return http.HandlerFunc(h.Get)
}

type oneClient struct{ client *store.Client }

func (c oneClient) Client(_ context.Context, id string) (*store.Client, error) {
	if id != c.client.ID {
		return nil, store.ErrNotFound
	}
	return c.client, nil
}

type nobody struct{ authorize.Authenticator }

var errHungUp = errors.New("who asked has hung up")

func (nobody) SetUp(ctx context.Context) (bool, error) {
	ctx.Value(checked{}).(func())()
	return false, errHungUp
}

// checked is the key of what is called when a request was found good.
type checked struct{}

// checks sends authorization requests that get no answer.
func checks(tb testing.TB, f *fixture, h http.Handler) perf.Op {
	good := false
	found := func() { good = true }
	f.floor.Page = func(_ http.ResponseWriter, r *http.Request, _ url.Values) { r.Context().Value(checked{}).(func())() }
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), checked{}, found))
	cancel()
	target := "/authorize?" + authorization(f.client, perf.Scope).Encode()
	return perf.Op{Run: perf.Ask(tb, h, 0, func() *http.Request {
		good = false
		return perf.Request(http.MethodGet, target).WithContext(ctx)
	}, func(*perf.Writer) bool { return good })}
}
