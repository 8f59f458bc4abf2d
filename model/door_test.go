package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// A door is a way to one replica of a server.
type door interface {
	// ask makes a call. An error is no answer, and always wrong.
	ask(ctx context.Context, c call) (answer, error)
	close() error
}

// Who is who in every history.
var (
	peopleIDs = []string{store.OwnerID, secret.IDOf("person", "1"), secret.IDOf("person", "2")}
	clients   = []*store.Client{newClient(0), newClient(1), newClient(plainClient)}
)

const (
	serverURL = "https://mcp.example.com"
	resource  = serverURL + "/mcp"
	redirect  = "https://client.example/callback"

	verifier      = "a-verifier.of_the~model-0123456789-0123456789"
	otherVerifier = "another-verifier-of-at-least-43-characters-length"
)

var scopes = []string{"mcp:tools"}

func newClient(n int) *store.Client {
	c := &store.Client{
		ID: secret.IDOf("client", fmt.Sprint(n)), RedirectURIs: []string{redirect}, TokenEndpointAuthMethod: "none",
		GrantTypes: []string{"authorization_code", "refresh_token"},
	}
	if n == plainClient {
		c.GrantTypes = c.GrantTypes[:1]
	}
	return c
}

func proof(c call) string {
	if c.verifier {
		return verifier
	}
	return otherVerifier
}

// A storeDoor is store.Store itself.
type storeDoor struct{ *store.Store }

func openStore(b store.Backend, life store.Lifetimes) (door, error) {
	return storeDoor{store.New(b, life)}, nil
}

func (d storeDoor) close() error { return nil }

func (d storeDoor) ask(ctx context.Context, c call) (answer, error) {
	a, err := d.try(ctx, c)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return answer{verdict: gone}, nil
	case errors.Is(err, store.ErrWrongClient):
		return answer{verdict: anothers}, nil
	case errors.Is(err, store.ErrWrongVerifier):
		return answer{verdict: wrongVerifier}, nil
	case errors.Is(err, store.ErrReused):
		return answer{verdict: reused}, nil
	case errors.Is(err, store.ErrOwner):
		return answer{verdict: isOwner}, nil
	}
	a.verdict = yes
	return a, err
}

func (d storeDoor) try(ctx context.Context, c call) (a answer, err error) {
	switch c.operation {
	case approve:
		a.token, err = d.Approve(ctx, store.Approval{
			UserID: peopleIDs[c.person], UserName: peopleIDs[c.person], Client: clients[c.client], RedirectURI: redirect, Resource: resource,
			Scopes: scopes, Challenge: secret.S256(verifier),
		})
	case createKey:
		a.token, _, err = d.CreateKey(ctx, store.NewKey{UserID: peopleIDs[c.person], Name: "a key", Resource: resource, Scopes: scopes, Life: keyLife})
	case redeem:
		client := clients[c.client]
		return tokens(d.ConsumeCode(ctx, store.Redemption{
			Code: c.token, ClientID: client.ID, Verifier: proof(c), Refresh: client.Refreshes, Accept: func(*store.Grant) error { return nil },
		}))
	case refresh:
		return tokens(d.RotateRefresh(ctx, c.token, clients[c.client].ID, func(g *store.Grant) ([]string, error) { return g.Scopes, nil }))
	case access:
		_, _, err = d.Access(ctx, c.token, time.Now())
	case revokeToken:
		_, err = d.RevokeToken(ctx, c.token, clients[c.client].ID)
	case connections:
		for g, err := range d.Grants(ctx, idOf(c.person)) {
			if err != nil {
				return a, err
			}
			a.ids = append(a.ids, g.ID)
		}
	default:
		err = d.rule(ctx, c)
	}
	return a, err
}

func (d storeDoor) rule(ctx context.Context, c call) (err error) {
	switch c.operation {
	case revokeGrant:
		err = d.RevokeGrant(ctx, c.grant)
	case revokeAll:
		_, err = d.RevokeGrants(ctx, idOf(c.person), nil)
	case suspend:
		_, err = d.SuspendUser(ctx, idOf(c.person))
	case resume:
		err = d.ResumeUser(ctx, idOf(c.person))
	case remove:
		_, err = d.RemoveUser(ctx, idOf(c.person))
	}
	return err
}

func tokens(t store.Tokens, err error) (answer, error) {
	return answer{token: t.Access, refresh: t.Refresh, left: t.ExpiresIn, repeated: t.Repeated}, err
}

func idOf(person int) string {
	if person == everybody {
		return ""
	}
	return peopleIDs[person]
}

// A routerDoor is a whole Router, asked over HTTP where outsiders do so. A person's approval is
// stored as the page stores it.
type routerDoor struct {
	*mcpoauth.Router
	pages storeDoor
}

func openRouter(b store.Backend, life store.Lifetimes) (door, error) {
	router, err := mcpoauth.BuildOAuthRouter(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), mcpoauth.Config{
		ServerURL: serverURL, Store: b, SetupToken: "a-setup-token-of-the-model", Logger: slog.New(slog.DiscardHandler),
		AccessTokenLifetime: life.Access, CodeLifetime: life.Code, RefreshIdleLifetime: life.RefreshIdle, RefreshGrace: life.RefreshGrace,
		RateLimits: mcpoauth.RateLimits{Auth: -1, Registration: -1, General: -1},
	})
	return routerDoor{router, storeDoor{store.New(b, life)}}, err
}

func (d routerDoor) close() error { return d.Router.Close() }

func (d routerDoor) ask(ctx context.Context, c call) (a answer, err error) {
	switch c.operation {
	case approve:
		return d.pages.ask(ctx, c)
	case redeem:
		return d.exchange(ctx, url.Values{
			"grant_type": {"authorization_code"}, "client_id": {clients[c.client].ID}, "redirect_uri": {redirect},
			"code": {c.token}, "code_verifier": {proof(c)}, "resource": {resource},
		})
	case refresh:
		return d.exchange(ctx, url.Values{"grant_type": {"refresh_token"}, "client_id": {clients[c.client].ID}, "refresh_token": {c.token}})
	case access:
		request := httptest.NewRequestWithContext(ctx, "POST", resource, nil)
		request.Header.Set("Authorization", "Bearer "+c.token)
		return d.send(request, http.StatusUnauthorized, "invalid_token")
	case revokeToken:
		_, err := d.form(ctx, "/revoke", url.Values{"client_id": {clients[c.client].ID}, "token": {c.token}})
		return answer{verdict: done}, err
	}
	a.verdict = yes
	switch c.operation {
	case createKey:
		a.token, err = d.CreateKey(ctx, mcpoauth.NewKey{UserID: peopleIDs[c.person], Name: "a key", Life: keyLife})
	case connections:
		var found []mcpoauth.Connection
		found, err = d.Connections(ctx, idOf(c.person))
		for _, connection := range found {
			a.ids = append(a.ids, connection.ID)
		}
	default:
		err = d.rule(ctx, c)
	}
	switch {
	case errors.Is(err, store.ErrNotFound) && c.operation == remove:
		return answer{verdict: done}, nil // there was nothing to end
	case errors.Is(err, store.ErrNotFound) || err != nil && strings.Contains(err.Error(), "suspended; resume"):
		return answer{verdict: gone}, nil
	case errors.Is(err, store.ErrOwner):
		return answer{verdict: isOwner}, nil
	}
	return a, err
}

func (d routerDoor) rule(ctx context.Context, c call) (err error) {
	switch c.operation {
	case revokeGrant:
		err = d.RevokeConnection(ctx, c.grant)
	case revokeAll:
		_, err = d.RevokeAll(ctx, idOf(c.person))
	case suspend:
		err = d.SuspendPerson(ctx, idOf(c.person))
	case resume:
		err = d.ResumePerson(ctx, idOf(c.person))
	case remove:
		err = d.RemovePerson(ctx, idOf(c.person))
	}
	return err
}

func (d routerDoor) exchange(ctx context.Context, form url.Values) (answer, error) {
	a, err := d.form(ctx, "/token", form)
	a.coarse, a.slack = true, time.Second // the answer has whole seconds
	return a, err
}

func (d routerDoor) form(ctx context.Context, path string, form url.Values) (answer, error) {
	request := httptest.NewRequestWithContext(ctx, "POST", serverURL+path, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return d.send(request, http.StatusBadRequest, "invalid_grant")
}

// send makes a request that has to be answered with 200, or with one refusal.
func (d routerDoor) send(request *http.Request, status int, code string) (answer, error) {
	recorder := httptest.NewRecorder()
	d.ServeHTTP(recorder, request)
	body, err := io.ReadAll(recorder.Result().Body)
	if err != nil {
		return answer{}, err
	}
	var said struct {
		Error   string `json:"error"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Left    int64  `json:"expires_in"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &said); err != nil {
			return answer{}, fmt.Errorf("%d with a body that is no JSON: %w", recorder.Code, err)
		}
	}
	switch {
	case recorder.Code == http.StatusOK:
		return answer{verdict: yes, token: said.Access, refresh: said.Refresh, left: time.Duration(said.Left) * time.Second}, nil
	case recorder.Code == status && said.Error == code:
		return answer{verdict: refused}, nil
	}
	return answer{}, fmt.Errorf("the answer is %d %s", recorder.Code, said.Error)
}
