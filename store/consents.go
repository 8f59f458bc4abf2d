package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
)

// ConsentLife is how long it is remembered what was approved in a browser.
const ConsentLife = 90 * 24 * time.Hour

// A Consent is what somebody let a client do, in one browser. It approves nothing: it
// lets the next approval page show what is new.
type Consent struct {
	Scopes []string `json:"scopes"`
}

// ConsentTo is what a consent was given to.
type ConsentTo struct {
	ClientID, RedirectURI, Resource string
}

// Encode implements Value.
func (c *Consent) Encode() ([]byte, error) { return json.Marshal(c) }

// Consented returns the scopes that were approved in that browser before. Who does
// not have the browser's cookie cannot ask.
func (s *Store) Consented(ctx context.Context, browser Hash, to ConsentTo) ([]string, error) {
	if (browser == Hash{}) {
		return nil, nil
	}
	consent, err := get[Consent](ctx, s, consentKey(browser, to))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return consent.Scopes, nil
}

// remember adds scopes to what was approved in a browser.
func (s *Store) remember(ctx context.Context, browser Hash, to ConsentTo, scopes []string) error {
	if (browser == Hash{}) {
		return nil
	}
	key := consentKey(browser, to)
	expires := wall().Add(ConsentLife)
	err := s.backend.Create(ctx, key, &Consent{Scopes: scopes}, expires)
	if !errors.Is(err, ErrConflict) {
		return err
	}
	err = update(ctx, s, key, func(current *Consent, _ time.Time) (change, error) {
		all := slices.Clone(current.Scopes)
		for _, name := range scopes {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
		return change{value: &Consent{Scopes: all}, expires: expires}, nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil // it ran out just now; the next page shows more than it needs to
	}
	return err
}

func consentKey(browser Hash, to ConsentTo) Key {
	text, _ := browser.MarshalText()
	return Key{KindConsent, secret.IDOf(string(text), to.ClientID, to.RedirectURI, to.Resource)}
}
