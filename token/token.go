// Package token exchanges codes and refresh tokens for access tokens, revokes them,
// and stands guard before the handlers that they open.
//
// It is public to be read: only what mcpoauth itself exports is promised.
package token

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/oauth"
	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

// Handler answers POST /token and POST /revoke.
type Handler struct {
	Clients Clients
	Store   interface {
		ConsumeCode(ctx context.Context, r store.Redemption) (store.Tokens, error)
		RotateRefresh(ctx context.Context, token, clientID string, narrow func(*store.Grant) ([]string, error)) (store.Tokens, error)
		RevokeToken(ctx context.Context, token, clientID string) (*store.Grant, error)
		UseAssertion(ctx context.Context, clientID, jti string, until time.Time) error
	}
	Issuer    string  // the audience of client assertions
	KeySets   KeySets // of clients that sign and publish their keys
	Resources oauth.Resources
	Scopes    oauth.Scopes
	Log       *slog.Logger
}

// Exchange answers POST /token.
func (h *Handler) Exchange(w http.ResponseWriter, r *http.Request) {
	tokens, err := h.exchange(w, r)
	if err != nil {
		oauth.WriteError(w, r, h.Log, err)
		return
	}
	oauth.WriteBody(w, http.StatusOK, answer(tokens))
}

func (h *Handler) exchange(w http.ResponseWriter, r *http.Request) (store.Tokens, error) {
	form, err := oauth.ReadForm(w, r)
	if err != nil {
		return store.Tokens{}, err
	}
	grantType := form.Get("grant_type")
	switch {
	case grantType == "":
		return store.Tokens{}, oauth.Errorf(oauth.InvalidRequest, "grant_type is missing")
	case !slices.Contains(oauth.GrantTypes, grantType):
		return store.Tokens{}, oauth.Errorf(oauth.UnsupportedGrantType, "grant_type must be authorization_code or refresh_token")
	}
	client, err := h.authenticate(r, form, tokenPath)
	if err != nil {
		return store.Tokens{}, err
	}
	var resource *oauth.Resource
	if form.Has("resource") {
		if resource, err = h.Resources.Select(form["resource"]); err != nil {
			return store.Tokens{}, err
		}
	}
	var tokens store.Tokens
	event := "token.issued"
	if grantType == oauth.GrantCode {
		tokens, err = h.redeem(r.Context(), client, form, resource)
	} else {
		event = "token.refreshed"
		tokens, err = h.refresh(r.Context(), client, form, resource)
	}
	if err != nil {
		return store.Tokens{}, h.refusal(r.Context(), client, grantType, tokens.Grant, err)
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, event, slog.String("user_id", tokens.Grant.UserID), slog.String("client_id", client.ID),
		slog.String("grant_id", tokens.Grant.ID), slog.Bool("repeated", tokens.Repeated))
	return tokens, nil
}

// redeem exchanges a code. All that can be wrong with the request is looked at
// before the code is spent.
func (h *Handler) redeem(ctx context.Context, client *store.Client, form url.Values, resource *oauth.Resource) (store.Tokens, error) {
	code, verifier := form.Get("code"), form.Get("code_verifier")
	switch {
	case code == "":
		return store.Tokens{}, oauth.Errorf(oauth.InvalidRequest, "code is missing")
	case verifier == "":
		return store.Tokens{}, oauth.Errorf(oauth.InvalidRequest, "code_verifier is missing")
	case !secret.ValidVerifier(verifier):
		return store.Tokens{}, oauth.Errorf(oauth.InvalidGrant, "code_verifier must be 43 to 128 unreserved characters")
	}
	return h.Store.ConsumeCode(ctx, store.Redemption{
		Code:     code,
		ClientID: client.ID,
		Verifier: verifier,
		Refresh:  client.Refreshes,
		Accept: func(g *store.Grant) error {
			// OAuth 2.1 drops the parameter, RFC 6749 §4.1.3 demands it:
			// it may be missing, but not wrong.
			if uri := form.Get("redirect_uri"); uri != "" && uri != g.RedirectURI {
				return oauth.Errorf(oauth.InvalidGrant, "redirect_uri is not that of the authorization request")
			}
			return sameResource(g, resource)
		},
	})
}

// refresh exchanges a refresh token.
func (h *Handler) refresh(ctx context.Context, client *store.Client, form url.Values, resource *oauth.Resource) (store.Tokens, error) {
	presented := form.Get("refresh_token")
	if presented == "" {
		return store.Tokens{}, oauth.Errorf(oauth.InvalidRequest, "refresh_token is missing")
	}
	return h.Store.RotateRefresh(ctx, presented, client.ID, func(g *store.Grant) ([]string, error) {
		if err := sameResource(g, resource); err != nil {
			return nil, err
		}
		return h.narrow(g.Scopes, form.Get("scope"))
	})
}

// sameResource refuses a token request for another resource than the one approved
// (RFC 8707 §2.2). Go's SDK and x/oauth2 name none, and mean the same.
func sameResource(g *store.Grant, resource *oauth.Resource) error {
	if resource != nil && resource.URL != g.Resource {
		return oauth.Errorf(oauth.InvalidTarget, "the grant is for another resource")
	}
	return nil
}

// narrow returns the scopes that are asked for, as far as they were granted or are
// implied by one that was. What was not is left out and not refused: rmcp and Gemini
// CLI ask for all they know of each time.
func (h *Handler) narrow(granted []string, asked string) ([]string, error) {
	if asked == "" {
		return granted, nil
	}
	names := oauth.ParseScope(asked)
	kept := slices.DeleteFunc(h.Scopes.Expand(granted), func(name string) bool { return !slices.Contains(names, name) })
	if len(kept) == 0 {
		return nil, oauth.Errorf(oauth.InvalidScope, "none of the scopes was granted")
	}
	return kept, nil
}

// refusal turns what the store says of a code or refresh token into what the client
// may know, and records a reuse, which is how a theft shows.
func (h *Handler) refusal(ctx context.Context, client *store.Client, grantType string, ended *store.Grant, err error) error {
	what := "the code"
	if grantType == "refresh_token" {
		what = "the refresh token"
	}
	switch {
	case errors.Is(err, store.ErrReused):
		h.Log.WarnContext(ctx, "token.reused", "user_id", ended.UserID, "client_id", client.ID, "grant_id", ended.ID, "grant_type", grantType)
		return oauth.Errorf(oauth.InvalidGrant, what+" was used before: all tokens of this sign-in have been revoked; start a new authorization")
	case errors.Is(err, store.ErrWrongClient):
		return oauth.Errorf(oauth.InvalidGrant, what+" belongs to another client")
	case errors.Is(err, store.ErrWrongVerifier):
		return oauth.Errorf(oauth.InvalidGrant, "code_verifier does not match code_challenge")
	case errors.Is(err, store.ErrNotFound):
		return oauth.Errorf(oauth.InvalidGrant, what+" is unknown, expired or revoked; start a new authorization")
	}
	return err
}
