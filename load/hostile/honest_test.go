package hostile

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mcpoauth/mcpoauth/load/target"
	"github.com/mcpoauth/mcpoauth/load/wire"
)

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// An honest client has an address, and expects to be served.
type honest struct {
	server *target.Server
	http   *http.Client
	served *atomic.Int64
}

func newHonest(server *target.Server, from string, served *atomic.Int64) honest {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return wire.Open(ctx, from, server.Addr) },
	}
	return honest{server, &http.Client{Transport: transport, Timeout: time.Minute}, served}
}

// calls makes calls with the token until the end of the traffic, on one connection.
func (h honest) calls(ctx context.Context, token string) error {
	defer h.http.CloseIdleConnections()
	for pause(ctx, shortly/5) {
		if _, err := h.do("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, http.StatusOK, "Content-Type", json, "Authorization", "Bearer "+token); err != nil {
			return err
		}
	}
	return nil
}

// refreshes changes its tokens all the time, and uses them.
func (h honest) refreshes(ctx context.Context, token string) error {
	defer h.http.CloseIdleConnections()
	for pause(ctx, time.Second) {
		values := url.Values{"grant_type": {"refresh_token"}, "client_id": {h.server.Client}, "refresh_token": {token}}
		body, err := h.do("POST", "/token", values.Encode(), http.StatusOK, "Content-Type", form)
		if err != nil {
			return err
		}
		var tokens struct {
			Access  string `json:"access_token"`
			Refresh string `json:"refresh_token"`
		}
		if err := stdjson.Unmarshal(body, &tokens); err != nil || tokens.Refresh == token {
			return fmt.Errorf("no new tokens: %w", err)
		}
		token = tokens.Refresh
		if _, err := h.do("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, http.StatusOK, "Content-Type", json, "Authorization", "Bearer "+tokens.Access); err != nil {
			return err
		}
	}
	return nil
}

// connects registers a client now and then, and opens its approval page: the flood of
// registrations has not pushed it out.
func (h honest) connects(ctx context.Context) error {
	defer h.http.CloseIdleConnections()
	for n := 0; pause(ctx, 2*time.Second); n++ {
		body, err := h.do("POST", "/register", fmt.Sprintf(`{"client_name":"honest %d","redirect_uris":["https://client.example/%d"],"token_endpoint_auth_method":"none"}`, n, n),
			http.StatusCreated, "Content-Type", json)
		if err != nil {
			return err
		}
		var client struct {
			ID string `json:"client_id"`
		}
		if err := stdjson.Unmarshal(body, &client); err != nil {
			return fmt.Errorf("reading the registration: %w", err)
		}
		page := strings.NewReplacer("client_id=load", "client_id="+client.ID, "%2Fcallback", fmt.Sprintf("%%2F%d", n)).Replace(target.AuthorizePage)
		if body, err = h.do("GET", page, "", http.StatusOK, "Accept", "text/html"); err != nil {
			return err
		}
		if !bytes.Contains(body, []byte("data-digest=")) {
			return errors.New("the page has nothing to approve")
		}
	}
	return nil
}

func (h honest) do(method, path, body string, want int, headers ...string) (answer []byte, err error) {
	req, err := http.NewRequest(method, "http://"+h.server.Host+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	if res.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %d %s, want %d", method, path, res.StatusCode, answer, want)
	}
	h.served.Add(1)
	return answer, nil
}
