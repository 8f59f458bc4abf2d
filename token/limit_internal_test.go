package token

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/mcpoauth/mcpoauth/store"
)

// signed is a JWT of exactly so many bytes: base64 leaves out one length in four, which
// the name of the key makes up for.
func signed(t *testing.T, size int) string {
	t.Helper()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	for _, kid := range []string{"k", "kk", "kkk"} {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for filler := size/4*3 - 200; filler < size; filler++ {
			jws, err := signer.Sign([]byte(`{"sub":"client","x":"` + strings.Repeat("x", filler) + `"}`))
			if err != nil {
				t.Fatal(err)
			}
			compact, err := jws.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			if len(compact) == size {
				return compact
			}
			if len(compact) > size {
				break
			}
		}
	}
	t.Fatalf("no JWT of %d bytes was found", size)
	return ""
}

func TestAnAssertionIsAsLongAsItMayBe(t *testing.T) {
	if _, err := parseAssertion(signed(t, maxAssertion)); err != nil {
		t.Errorf("of %d bytes: %v", maxAssertion, err)
	}
	if _, err := parseAssertion(signed(t, maxAssertion+1)); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxAssertion)) {
		t.Errorf("of one more: %v", err)
	}
}

func TestASetOfKeysIsAsLargeAsItMayBe(t *testing.T) {
	padded := func(n int) []byte { return []byte(`{"keys":[]}` + strings.Repeat(" ", n-len(`{"keys":[]}`))) }
	if _, err := parseKeys(padded(MaxKeySet)); err != nil {
		t.Errorf("of %d bytes: %v", MaxKeySet, err)
	}
	if _, err := parseKeys(padded(MaxKeySet + 1)); err == nil {
		t.Error("of one more: taken")
	}
	many := func(n int) []byte {
		return []byte(`{"keys":[` + strings.TrimSuffix(strings.Repeat("{},", n), ",") + `]}`)
	}
	if _, err := parseKeys(many(maxKeys)); err != nil {
		t.Errorf("of %d keys: %v", maxKeys, err)
	}
	if _, err := parseKeys(many(maxKeys + 1)); err == nil {
		t.Error("of one more: taken")
	}
}

func TestAMessageIsAsLargeAndAsDeepAsItMayBe(t *testing.T) {
	const levels = 10_000 // encoding/json's own
	message := func(n int) string {
		const around = `{"method":""}`
		return `{"method":"` + strings.Repeat("x", n-len(around)) + `"}`
	}
	batch := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`{"method":"x"},`, n), ",") + "]" }
	deep := func(n int) string { return `{"params":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"of the largest size":  {message(MaxMessage), http.StatusOK},
		"of one byte more":     {message(MaxMessage + 1), http.StatusRequestEntityTooLarge},
		"as many as may be":    {batch(maxBatch), http.StatusOK},
		"one more":             {batch(maxBatch + 1), http.StatusBadRequest},
		"of the most levels":   {deep(levels), http.StatusOK},
		"of one level more":    {deep(levels + 1), http.StatusBadRequest},
		"of nothing but depth": {strings.Repeat("[", MaxMessage), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			inner := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
			r := httptest.NewRequest("POST", "/mcp", strings.NewReader(test.body))
			r.Header.Set("Content-Type", "application/json")
			r = r.WithContext(&admitted{r.Context(), new(store.Grant), new(store.AccessToken), new(guard)})
			w := httptest.NewRecorder()
			RequireToolScopes(inner, nil).ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("%d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

// Whoever is one too many is let in and not remembered, and displaces nobody.
func TestOnlySoManyUsesAreRemembered(t *testing.T) {
	u, r, now := newUses(t), new(http.Request), time.Now()
	grants := grantsOf(3 * MaxUses)
	for _, g := range grants {
		u.note(g.ID, g, r, now)
	}
	remembered := func(of []*store.Grant) (n int) {
		for _, g := range of {
			if u.remembers(g.ID, now) {
				n++
			}
		}
		return n
	}
	if n := remembered(grants); n > MaxUses || n < MaxUses*9/10 {
		t.Errorf("%d uses are remembered, want %d or somewhat fewer", n, MaxUses)
	}
	if first := grants[:MaxUses/4]; remembered(first) < len(first)*99/100 {
		t.Errorf("%d of the first %d are remembered", remembered(first), len(first))
	}
}

func TestTheGrantThatWasNotUsedForLongestGivesWay(t *testing.T) {
	slots, now := make([]atomic.Uint64, useSlots), time.Now()
	for i := range slots {
		age := time.Duration((i+3)%useSlots+2) * useStep // the oldest is neither first nor last
		slots[i].Store(uint64(newSeen(uint32(i+1), now.Add(-age))))
	}
	oldest := useSlots - 4
	if slot, before := choose(slots, 99, now); slot != &slots[oldest] || !before.of(uint32(oldest+1)) {
		t.Errorf("another gives way, of %d", before>>32)
	}
	if slot, before := choose(slots, 3, now); slot != &slots[2] || !before.of(3) {
		t.Error("a grant that has a slot takes another")
	}
	slots[2].Store(uint64(newSeen(3, now)))
	if slot, _ := choose(slots, 3, now); slot != nil {
		t.Error("what was noted a moment ago is noted again")
	}
}

// again is a store that is told of the next use while it writes one.
type again struct {
	write func()
	wrote int
}

func (a *again) NoteUse(context.Context, store.Use) (*store.Use, error) {
	if a.wrote++; a.wrote == 1 {
		a.write()
	}
	return nil, nil
}

func TestAUseDuringTheWriteOfTheLastIsWrittenToo(t *testing.T) {
	g, now, s := grantsOf(1)[0], time.Now(), new(again)
	u := NewUses(s, func(*http.Request) netip.Prefix { return somewhere }, slog.New(slog.DiscardHandler))
	s.write = func() { u.note(g.ID, g, new(http.Request), now.Add(2*useStep)) }
	u.note(g.ID, g, new(http.Request), now)
	for range 2 {
		if err := u.writeAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.wrote != 2 || len(u.unwritten) != 0 {
		t.Errorf("%d writes, and %d wait", s.wrote, len(u.unwritten))
	}
}

// A store that is out of order for long must not make what waits for it grow.
func TestOnlySoManyUsesWaitToBeWritten(t *testing.T) {
	u, r, now := newUses(t), new(http.Request), time.Now()
	for i, g := range grantsOf(3 * MaxUses) {
		u.note(g.ID, g, r, now.Add(time.Duration(i/MaxUses)*2*useStep))
	}
	if n := len(u.unwritten); n != MaxUses {
		t.Errorf("%d uses wait, want %d", n, MaxUses)
	}
}

// slow is a store that counts how many write at once.
type slow struct {
	mu        sync.Mutex
	now, most int
}

func (s *slow) NoteUse(context.Context, store.Use) (*store.Use, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	time.Sleep(time.Millisecond)
	s.mu.Lock()
	s.now--
	s.mu.Unlock()
	return nil, nil
}

func TestOnlySoManyUsesAreWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(slow)
		u := NewUses(s, func(*http.Request) netip.Prefix { return somewhere }, slog.New(slog.DiscardHandler))
		for _, g := range grantsOf(10 * usesAtOnce) {
			u.note(g.ID, g, new(http.Request), time.Now())
		}
		u.Close()
		if s.most != usesAtOnce {
			t.Errorf("%d are written at once, want %d", s.most, usesAtOnce)
		}
	})
}

// dripping is the writer of a request whose body does not come, and the body itself.
type dripping struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (d *dripping) SetReadDeadline(t time.Time) error {
	d.until = t
	return nil
}

func (d *dripping) Read([]byte) (int, error) {
	time.Sleep(time.Until(d.until))
	return 0, os.ErrDeadlineExceeded
}

func TestAMessageHasSoLongToArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d := &dripping{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("POST", "/mcp", d)
		r.Header.Set("Content-Type", "application/json")
		r = r.WithContext(&admitted{r.Context(), new(store.Grant), new(store.AccessToken), new(guard)})
		RequireToolScopes(http.NotFoundHandler(), nil).ServeHTTP(d, r)
		if took := time.Since(began); d.Code != http.StatusBadRequest || took != messageTime {
			t.Errorf("%d after %v", d.Code, took)
		}
		if d.until.IsZero() {
			t.Error("what http.Server reads of it afterwards has no end")
		}
	})
}
