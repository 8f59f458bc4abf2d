package token_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/token"
)

// published runs prove with a client whose keys are at its jwks_uri.
func published(t *testing.T, set []byte, prove func(e *endpoint)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, publishing())
		e.publish(http.StatusOK, string(set))
		prove(e)
	})
}

// comes is an attempt to get in by an assertion, of a code that stays good if it fails.
func (e *endpoint) comes(j *jwt) *httptest.ResponseRecorder {
	e.Helper()
	return e.redeem(e.code(), signed(j.sign()))
}

func (e *endpoint) fetches(want int) {
	e.Helper()
	if got := e.fetched(); got != want {
		e.Errorf("the keys were asked for %d times, want %d", got, want)
	}
}

// unavailable is the answer that lets a client keep what it has.
func (e *endpoint) unavailable(w *httptest.ResponseRecorder) {
	e.Helper()
	e.is(w, http.StatusServiceUnavailable, "temporarily_unavailable")
	if !strings.Contains(e.logs.String(), "client.keys_unavailable") {
		e.Error("the log says nothing of it")
	}
}

func other() *jwt { return good().with(otherRSAKey(), jose.RS256).head("kid", "key-2") }

func TestTheKeysAtAJWKSURIAreKeptBetweenRequests(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		for range 5 {
			e.is(e.comes(good()), http.StatusOK, "")
			time.Sleep(time.Minute)
		}
		e.fetches(1)
	})
}

func TestAClientThatChangesItsKeysGetsInAtOnce(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good()), http.StatusOK, "")
		time.Sleep(time.Minute)
		e.publish(http.StatusOK, string(keySet(jwk(rsaKey(), keyID), jwk(otherRSAKey(), "key-2"))))
		e.is(e.comes(other()), http.StatusOK, "")
		e.is(e.comes(good()), http.StatusOK, "")
		e.fetches(2)

		time.Sleep(time.Hour)
		e.publish(http.StatusOK, string(keySet(jwk(otherRSAKey(), "key-2"))))
		e.is(e.comes(other()), http.StatusOK, "")
		e.is(e.comes(good()), http.StatusUnauthorized, "invalid_client") // what it took away is gone
	})
}

func TestAClientThatNamesNoKeyChangesItToo(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), "")), func(e *endpoint) {
		e.is(e.comes(good().head("kid", nil)), http.StatusOK, "")
		time.Sleep(time.Minute)
		e.publish(http.StatusOK, string(keySet(jwk(otherRSAKey(), ""))))
		e.is(e.comes(other().head("kid", nil)), http.StatusOK, "")
		e.fetches(2)
	})
}

func TestWhoMakesUpKeysHasThemAskedForOnceAMinute(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good()), http.StatusOK, "")
		for i := range 10 {
			e.is(e.comes(other().head("kid", fmt.Sprint(i))), http.StatusUnauthorized, "invalid_client")
			time.Sleep(6*time.Second - time.Nanosecond)
		}
		e.fetches(1)
		time.Sleep(time.Second)
		for i := range 10 {
			e.is(e.comes(other().head("kid", fmt.Sprint(i))), http.StatusUnauthorized, "invalid_client")
		}
		e.fetches(2)
	})
}

func TestABadSignatureOfAKnownKeyAsksForNothing(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good()), http.StatusOK, "")
		time.Sleep(time.Minute)
		e.is(e.comes(good().with(otherRSAKey(), jose.RS256)), http.StatusUnauthorized, "invalid_client")
		e.fetches(1)
	})
}

func TestWhatIsWrongWithoutKeysAsksForNone(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good().claim("aud", "https://other.example")), http.StatusUnauthorized, "invalid_client")
		e.is(e.comes(good().expires(-time.Hour)), http.StatusUnauthorized, "invalid_client")
		e.fetches(0)
	})
}

func TestKeysThatCannotBeHadAreTroubleAndSpendNothing(t *testing.T) {
	for name, breaks := range map[string]func(e *endpoint){
		"nobody is there": func(e *endpoint) { e.fail(errors.New("refused")) },
		"an error":        func(e *endpoint) { e.publish(http.StatusInternalServerError, "") },
		"a bot check":     func(e *endpoint) { e.publish(http.StatusForbidden, "<html>") },
		"not found":       func(e *endpoint) { e.publish(http.StatusNotFound, "{}") },
		"not JSON":        func(e *endpoint) { e.publish(http.StatusOK, "keys") },
		"no keys":         func(e *endpoint) { e.publish(http.StatusOK, "{}") },
		"keys are null":   func(e *endpoint) { e.publish(http.StatusOK, `{"keys":null}`) },
		"keys are text":   func(e *endpoint) { e.publish(http.StatusOK, `{"keys":"key"}`) },
		"too large": func(e *endpoint) {
			e.publish(http.StatusOK, string(keySet(jwk(rsaKey(), keyID, map[string]any{"x": strings.Repeat("A", token.MaxKeySet)}))))
		},
		"too many keys": func(e *endpoint) {
			keys := []map[string]any{jwk(rsaKey(), keyID)}
			for range 100 {
				keys = append(keys, map[string]any{})
			}
			e.publish(http.StatusOK, string(keySet(keys...)))
		},
		"not a public address": func(e *endpoint) { e.client.JWKSURI = "https://127.0.0.1/jwks.json" },
		"plain http":           func(e *endpoint) { e.client.JWKSURI = "http://client.example/jwks.json" },
	} {
		t.Run(name, func(t *testing.T) {
			published(t, nil, func(e *endpoint) {
				breaks(e)
				code, assertion := e.code(), good().sign()
				e.unavailable(e.redeem(code, signed(assertion)))
				e.hides(assertion)

				e.client.JWKSURI = jwksURI
				e.publish(http.StatusOK, string(keySet(jwk(rsaKey(), keyID))))
				time.Sleep(10 * time.Second) // as Retry-After says
				e.is(e.redeem(code, signed(assertion)), http.StatusOK, "")
			})
		})
	}
}

func TestKeysThatWereHadAreGoodWhileTheirServerIsDown(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good()), http.StatusOK, "")
		e.fail(errors.New("refused"))
		time.Sleep(2 * time.Hour)
		e.is(e.comes(good()), http.StatusOK, "")
		e.is(e.comes(good().with(otherRSAKey(), jose.RS256)), http.StatusUnauthorized, "invalid_client")
		// It may be a new one that nobody could tell us of yet.
		e.unavailable(e.comes(other()))
		e.unavailable(e.comes(other().head("kid", nil)))
	})
}

func TestAMissingKeyIsTroubleIfTheServerIsDownWhenItIsLookedFor(t *testing.T) {
	published(t, keySet(jwk(rsaKey(), keyID)), func(e *endpoint) {
		e.is(e.comes(good()), http.StatusOK, "")
		e.fail(errors.New("refused"))
		time.Sleep(time.Minute)
		e.unavailable(e.comes(other()))
		e.is(e.comes(good()), http.StatusOK, "") // the old set is not lost by it
		e.fetches(2)
	})
}

func TestARecordWhoseKeysAreDamagedIsTroubleOfOurs(t *testing.T) {
	e := serve(t, keyClient())
	e.client.JWKS = json.RawMessage(`{"keys":7}`)
	e.is(e.comes(good()), http.StatusServiceUnavailable, "temporarily_unavailable")
}

// forgetful is a store that cannot remember.
type forgetful struct{ *store.Store }

func (forgetful) UseAssertion(context.Context, string, string, time.Time) error {
	return errors.New("disk full")
}

func TestIfNobodyCanRememberAnAssertionItIsNotAccepted(t *testing.T) {
	e := serve(t, keyClient())
	e.Handler.Store = forgetful{e.store}
	code := e.code()
	e.is(e.redeem(code, signed(good().sign())), http.StatusServiceUnavailable, "temporarily_unavailable")
	e.Handler.Store = e.store
	e.is(e.redeem(code, signed(good().sign())), http.StatusOK, "")
}

func TestCheckKeysSaysWhyNoAssertionCanBeVerified(t *testing.T) {
	private := func() []byte {
		return must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: rsaKey(), KeyID: keyID}}}))
	}
	for name, test := range map[string]struct {
		set  []byte
		says string
	}{
		"RSA":                  {keySet(jwk(rsaKey(), keyID)), ""},
		"an elliptic curve":    {keySet(jwk(p256Key(), keyID)), ""},
		"an Edwards curve":     {keySet(jwk(edKey(), "")), ""},
		"one of several":       {keySet(jwk(p521Key(), "a"), map[string]any{"kty": "oct", "k": "AAAA"}, jwk(p384Key(), "b")), ""},
		"nothing":              {nil, "is not a set of keys"},
		"no JSON":              {[]byte("keys"), "is not a set of keys"},
		"a key and no set":     {must(json.Marshal(jwk(rsaKey(), keyID))), "is not a set of keys"},
		"too large a set":      {append(keySet(jwk(rsaKey(), keyID)), strings.Repeat(" ", token.MaxKeySet)...), "is not a set of keys"},
		"an empty set":         {keySet(), "has no public key"},
		"too small a key":      {keySet(jwk(smallRSAKey(), keyID)), "has no public key"},
		"another curve":        {keySet(jwk(p521Key(), keyID)), "has no public key"},
		"a shared secret":      {keySet(map[string]any{"kty": "oct", "k": "AAAA"}), "has no public key"},
		"a private key":        {private(), "has no public key"},
		"a key for encryption": {keySet(jwk(rsaKey(), keyID, map[string]any{"use": "enc"})), "has no public key"},
		"an alg we have not":   {keySet(jwk(rsaKey(), keyID, map[string]any{"alg": "RS512"})), "has no public key"},
	} {
		t.Run(name, func(t *testing.T) {
			got := token.CheckKeys(test.set)
			if test.says == "" && got != "" || !strings.HasPrefix(got, test.says) {
				t.Errorf("it says %q, want %q", got, test.says)
			}
		})
	}
}
