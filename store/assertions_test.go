package store_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/secret"
	"github.com/mcpoauth/mcpoauth/store"
)

func TestAnAssertionIsUsedOnceByItsClientWhileItIsGood(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		until := time.Now().Add(10 * time.Minute)
		use := func(client, jti string) error { return s.UseAssertion(s.Context(), client, jti, until) }
		s.is(use("a", "bc"), nil)
		s.is(use("a", "bc"), store.ErrConflict)
		s.is(use("b", "bc"), nil)
		s.is(use("ab", "c"), nil)
		s.is(use("a", "a jti/may be\n\x00anything"), nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s.is(use("a", "bc"), store.ErrConflict)
	})
}

func TestAnAssertionThatHasExpiredIsForgotten(t *testing.T) {
	timed(t, store.Lifetimes{}, func(s *server) {
		s.is(s.UseAssertion(s.Context(), "a", "jti", time.Now().Add(time.Minute)), nil)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		left, err := s.backend.List(s.Context(), store.KindAssertion, "", "", 10)
		if err != nil || len(left) != 0 {
			s.Errorf("%d are left, %v", len(left), err)
		}
	})
}

func TestOfManyUsesOfAnAssertionAtOnceOneWins(t *testing.T) {
	s := newServer(t, store.Lifetimes{})
	var won, lost atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			switch err := s.UseAssertion(t.Context(), "a", "jti", time.Now().Add(time.Minute)); {
			case err == nil:
				won.Add(1)
			case errors.Is(err, store.ErrConflict):
				lost.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 99 {
		t.Errorf("%d won and %d lost", won.Load(), lost.Load())
	}
}

func TestOnlyAClientThatCanProveNothingIsPublic(t *testing.T) {
	hash := secret.Sum("secret")
	for name, test := range map[string]struct {
		client store.Client
		want   bool
	}{
		"none":                               {store.Client{TokenEndpointAuthMethod: "none"}, true},
		"none, although it has keys":         {store.Client{TokenEndpointAuthMethod: "none", JWKSURI: "https://client.example/jwks.json"}, true},
		"nothing said":                       {store.Client{}, true},
		"keys":                               {store.Client{TokenEndpointAuthMethod: "private_key_jwt", JWKS: json.RawMessage(`{"keys":[]}`)}, false},
		"keys elsewhere":                     {store.Client{TokenEndpointAuthMethod: "private_key_jwt", JWKSURI: "https://client.example/jwks.json"}, false},
		"keys that it has not":               {store.Client{TokenEndpointAuthMethod: "private_key_jwt"}, false},
		"a secret":                           {store.Client{TokenEndpointAuthMethod: "client_secret_post", SecretHash: hash}, false},
		"a secret, and nothing said":         {store.Client{SecretHash: hash}, false},
		"a secret that was lost":             {store.Client{TokenEndpointAuthMethod: "client_secret_basic"}, false},
		"a method that this server does not": {store.Client{TokenEndpointAuthMethod: "tls_client_auth"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.client.Public(); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestTheKeysOfAClientComeBackFromItsJSON(t *testing.T) {
	client := &store.Client{
		ID: "c", RedirectURIs: []string{"https://client.example/"}, TokenEndpointAuthMethod: "private_key_jwt",
		JWKS: json.RawMessage(`{"keys":[{"kty":"OKP"}]}`), JWKSURI: "https://client.example/jwks.json",
	}
	data, err := client.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back := new(store.Client)
	if err := json.Unmarshal(data, back); err != nil || !reflect.DeepEqual(client, back) {
		t.Errorf("it came back as %+v, %v", back, err)
	}
}
