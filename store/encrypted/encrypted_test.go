package encrypted_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

const (
	oneKey   = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	otherKey = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
)

func TestOverMemory(t *testing.T) {
	open := func(t *testing.T) store.Backend { return over(t, inner(t), key(t, oneKey)) }
	storetest.Run(t, open)
	storetest.RunStore(t, open)
}

func TestOverABackendThatCaches(t *testing.T) {
	open := func(t *testing.T) store.Backend { return over(t, &caching{inner(t)}, key(t, oneKey)) }
	storetest.Run(t, open)
	storetest.RunStore(t, open)
}

func TestItCachesIfWhatItWrapsDoes(t *testing.T) {
	if _, ok := over(t, inner(t), key(t, oneKey)).(store.CachingBackend); ok {
		t.Error("over memory it does")
	}
	if _, ok := over(t, &caching{inner(t)}, key(t, oneKey)).(store.CachingBackend); !ok {
		t.Error("over a backend that caches it does not")
	}
}

func TestNothingOfARecordCanBeReadInside(t *testing.T) {
	in := inner(t)
	b := over(t, in, key(t, oneKey))
	connect(t, b)
	records := 0
	for _, kind := range store.Kinds() {
		listed, err := in.List(t.Context(), kind, "", "", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range listed {
			records++
			data, err := record.Value.Encode()
			if err != nil {
				t.Fatal(err)
			}
			for _, word := range []string{"Ada", "A client", "client.example", "notes:read", "mcp.example.com", "scopes", "redirect", "handle"} {
				if bytes.Contains(data, []byte(word)) {
					t.Errorf("%v holds %q: %s", record.Key, word, data)
				}
			}
		}
	}
	if records < 3 {
		t.Fatalf("there are %d records, want a user, a client and a grant", records)
	}
}

func TestWhatIsNotAsItWasSealedIsAnError(t *testing.T) {
	life := time.Now().Add(time.Hour)
	a, b := store.Key{Kind: store.KindGrant, ID: "a"}, store.Key{Kind: store.KindGrant, ID: "b"}
	for name, c := range map[string]struct {
		change    func(t *testing.T, of map[string]any, in *memory.Backend) any
		complaint string
	}{
		"of another ID": {func(t *testing.T, _ map[string]any, in *memory.Backend) any { return envelopeOf(t, in, b) }, "grant/a does not open"},
		"of another kind": {func(t *testing.T, _ map[string]any, in *memory.Backend) any {
			return envelopeOf(t, in, store.Key{Kind: store.KindUse, ID: "a"})
		}, "grant/a does not open"},
		"cut":              {changed("sealed", func(text string) any { return text[:len(text)-4] }), "grant/a does not open"},
		"cut to its nonce": {changed("sealed", func(text string) any { return text[:16] }), "grant/a does not open"},
		"empty":            {changed("sealed", func(string) any { return "" }), "grant/a does not open"},
		"with a byte more": {changed("sealed", func(text string) any { return "AAAA" + text }), "grant/a does not open"},
		"another letter":   {changed("sealed", func(text string) any { return flip(text, 40) }), "grant/a does not open"},
		"no base64":        {changed("sealed", func(string) any { return "?" }), "reading grant/a"},
		"no text":          {changed("sealed", func(string) any { return 1 }), "reading grant/a"},
		"another key":      {changed("key", func(string) any { return "0123456789ab" }), "grant/a is sealed with the key \"0123456789ab\", and the keys here are 389e925dcde5"},
		"no key":           {changed("key", func(string) any { return "" }), "grant/a is sealed with the key \"\", and the keys here are"},
		"of the future":    {changed("format", func(string) any { return 2 }), "grant/a is sealed in the format 2"},
		"not sealed":       {func(*testing.T, map[string]any, *memory.Backend) any { return map[string]any{"id": "a"} }, "grant/a is not encrypted"},
		"no object":        {func(*testing.T, map[string]any, *memory.Backend) any { return nil }, "reading grant/a"},
	} {
		t.Run(name, func(t *testing.T) {
			in := inner(t)
			sealed := over(t, &caching{in}, key(t, oneKey)).(store.CachingBackend)
			for _, key := range []store.Key{a, b, {Kind: store.KindUse, ID: "a"}} {
				create(t, sealed, key, `{"id": "`+string(key.Kind)+key.ID+`"}`, life)
			}
			if _, err := sealed.GetCached(t.Context(), a); err != nil { // so that it is known already
				t.Fatal(err)
			}
			overwrite(t, in, a, c.change(t, envelopeOf(t, in, a), in), life)
			methods := map[string]func() error{
				"Get":       func() error { _, err := sealed.Get(t.Context(), a); return err },
				"GetCached": func() error { _, err := sealed.GetCached(t.Context(), a); return err },
				"a list": func() error {
					listed, err := sealed.List(t.Context(), a.Kind, "", "", 1)
					if err == nil {
						_, err = listed[0].Value.Encode()
					}
					return err
				},
			}
			for method, call := range methods {
				err := call()
				if err == nil || !strings.Contains(err.Error(), c.complaint) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
					t.Errorf("%s returned %v, want %q", method, err, c.complaint)
				}
			}
			if record, err := sealed.Get(t.Context(), b); err != nil || text(t, record) != `{"id": "grantb"}` {
				t.Errorf("the other record is %v, %v", record, err)
			}
		})
	}
}

func TestNobodyProlongsARecordFromOutside(t *testing.T) {
	in := inner(t)
	sealed := over(t, in, key(t, oneKey))
	a := store.Key{Kind: store.KindSession, ID: "a"}
	for _, life := range []time.Time{time.Now().Add(time.Hour).UTC().Round(0), {}} {
		create(t, sealed, a, `{}`, life)
		for _, forged := range []time.Time{time.Now().Add(1000 * time.Hour), {}} {
			overwrite(t, in, a, envelopeOf(t, in, a), forged)
			record, err := sealed.Get(t.Context(), a)
			if err != nil || record.ExpiresAt != life {
				t.Errorf("Get: it expires at %v, want %v; %v", record.ExpiresAt, life, err)
			}
			listed, err := sealed.List(t.Context(), a.Kind, "", "", 1)
			if err != nil || listed[0].ExpiresAt != life {
				t.Errorf("List: it expires at %v, want %v; %v", listed[0].ExpiresAt, life, err)
			}
		}
		if err := sealed.Delete(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARecordThatWasPutBackDoesNotLiveAgainInTheMemo(t *testing.T) {
	in := inner(t)
	sealed := over(t, in, key(t, oneKey))
	a := store.Key{Kind: store.KindGrant, ID: "a"}
	for _, want := range []string{`{"n": 1}`, `{"n": 2}`} {
		create(t, sealed, a, want, time.Time{})
		for range 3 {
			if record, err := sealed.Get(t.Context(), a); err != nil || text(t, record) != want {
				t.Fatalf("Get = %v, %v; want %s", record, err, want)
			}
		}
		if err := sealed.Delete(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.Get(t.Context(), a); !errors.Is(err, store.ErrNotFound) {
			t.Fatalf("after Delete Get returned %v", err)
		}
	}
}

// The value is decoded with it, which a new one would have to be again.
func TestAGrantThatHasNotChangedIsOpenedOnce(t *testing.T) {
	b := over(t, &caching{inner(t)}, key(t, oneKey)).(store.CachingBackend)
	a := store.Key{Kind: store.KindGrant, ID: "a"}
	create(t, b, a, `{}`, time.Time{})
	first, err := b.Get(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.GetCached(t.Context(), a)
	if err != nil || first.Value != second.Value {
		t.Errorf("it was opened again, %v", err)
	}
	if err := b.Replace(t.Context(), a, second.Version, store.NewEncoded([]byte(`{"n": 1}`)), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if third, err := b.GetCached(t.Context(), a); err != nil || text(t, third) != `{"n": 1}` {
		t.Errorf("after Replace GetCached = %v, %v", third, err)
	}
}

func TestTheWarmCheckDoesNotAllocate(t *testing.T) {
	b := over(t, &caching{inner(t)}, key(t, oneKey))
	tokens := connect(t, b)
	s, now := store.New(b, store.Lifetimes{}), time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		if _, _, err := s.Access(t.Context(), tokens.Access, now); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestACopyGoesInAndOut(t *testing.T) {
	plain, in, back := inner(t), inner(t), inner(t)
	tokens := connect(t, plain)
	sealed := over(t, in, key(t, oneKey))
	if _, err := store.Copy(t.Context(), sealed, plain); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Copy(t.Context(), back, sealed); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]store.Backend{"sealed": sealed, "opened again": back} {
		if _, _, err := store.New(b, store.Lifetimes{}).Access(t.Context(), tokens.Access, time.Now()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// caching is a memory.Backend, which forgets nothing, that says so.
type caching struct{ *memory.Backend }

func (c *caching) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	return c.Get(ctx, key)
}

func inner(tb testing.TB) *memory.Backend {
	b := memory.New(memory.Options{})
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Error(err)
		}
	})
	return b
}

func over(tb testing.TB, in store.Backend, keys ...encrypted.Key) store.Backend {
	tb.Helper()
	b, err := encrypted.New(in, keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func key(tb testing.TB, text string) encrypted.Key {
	tb.Helper()
	k, err := encrypted.ParseKey(text)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func create(tb testing.TB, b store.Backend, key store.Key, data string, expires time.Time) {
	tb.Helper()
	if err := b.Create(tb.Context(), key, store.NewEncoded([]byte(data)), expires); err != nil {
		tb.Fatal(err)
	}
}

func text(tb testing.TB, record store.Record) string {
	tb.Helper()
	data, err := record.Value.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

func envelopeOf(tb testing.TB, in *memory.Backend, key store.Key) (envelope map[string]any) {
	tb.Helper()
	record, err := in.Get(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text(tb, record)), &envelope); err != nil {
		tb.Fatal(err)
	}
	return envelope
}

// overwrite is what somebody does who can write to the database.
func overwrite(tb testing.TB, in *memory.Backend, key store.Key, value any, expires time.Time) {
	tb.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	record, err := in.Get(tb.Context(), key)
	if err != nil {
		tb.Fatal(err)
	}
	if err := in.Replace(tb.Context(), key, record.Version, store.NewEncoded(data), expires); err != nil {
		tb.Fatal(err)
	}
}

// changed is a change of one field of an envelope.
func changed(field string, change func(text string) any) func(*testing.T, map[string]any, *memory.Backend) any {
	return func(_ *testing.T, envelope map[string]any, _ *memory.Backend) any {
		next := maps.Clone(envelope)
		old, _ := envelope[field].(string)
		next[field] = change(old)
		return next
	}
}

func flip(text string, i int) string {
	letter := "A"
	if text[i] == 'A' {
		letter = "B"
	}
	return text[:i] + letter + text[i+1:]
}

// connect sets a server up and connects a client.
func connect(tb testing.TB, b store.Backend) store.Tokens {
	tb.Helper()
	const challenge, verifier = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	s := store.New(b, store.Lifetimes{})
	if err := s.CreateOwner(tb.Context(), store.User{Name: "Ada", Handle: store.NewUserHandle(store.OwnerID)}); err != nil && !errors.Is(err, store.ErrConflict) {
		tb.Fatal(err)
	}
	code, err := s.Approve(tb.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "id", Name: "A client", RedirectURIs: []string{"https://client.example/"}},
		RedirectURI: "https://client.example/", Resource: "https://mcp.example.com/mcp", Scopes: slices.Clone([]string{"notes:read"}), Challenge: challenge,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tokens, err := s.ConsumeCode(tb.Context(), store.Redemption{
		Code: code, ClientID: "id", Verifier: verifier,
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return tokens
}

// anew returns a new value each time, as a backend does that caches nothing.
type anew struct{ store.Backend }

func (a anew) Get(ctx context.Context, key store.Key) (store.Record, error) {
	record, err := a.Backend.Get(ctx, key)
	if err != nil {
		return record, err
	}
	data, err := record.Value.Encode()
	record.Value = store.NewEncoded(data)
	return record, err
}
