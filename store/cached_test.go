package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A lagging backend answers from a cache that has not heard of anything lately.
type lagging struct {
	store.Backend
	cache map[store.Key]store.Record
}

func (l *lagging) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if record, ok := l.cache[key]; ok {
		return record, nil
	}
	record, err := l.Get(ctx, key)
	if err == nil {
		l.cache[key] = record
	}
	return record, err
}

func TestATokenThatAnotherReplicaJustIssuedIsNotRefusedFromTheCache(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	here := store.New(&lagging{backend, make(map[store.Key]store.Record)}, store.Lifetimes{})
	there := store.New(backend, store.Lifetimes{})
	code, err := there.Approve(t.Context(), store.Approval{
		UserID: store.OwnerID, Client: &store.Client{ID: "client", Preregistered: true}, Scopes: []string{"a"},
		Challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
	})
	if err != nil {
		t.Fatal(err)
	}
	first, err := there.ConsumeCode(t.Context(), store.Redemption{
		Code: code, ClientID: "client", Verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	opens := func(access string) {
		t.Helper()
		if _, _, err := here.Access(t.Context(), access, time.Now()); err != nil {
			t.Errorf("the token is refused: %v", err)
		}
	}
	opens(first.Access) // and is in the cache now
	second, err := there.RotateRefresh(t.Context(), first.Refresh, "client", func(g *store.Grant) ([]string, error) { return g.Scopes, nil })
	if err != nil {
		t.Fatal(err)
	}
	opens(second.Access)
}

func TestAnApprovalOfSomebodyWhoIsSuspendedMeanwhileLeavesNoGrant(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	s := store.New(backend, store.Lifetimes{})
	if err := s.CreateUser(t.Context(), store.User{ID: "ann", Name: "Ann"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SuspendUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Approve(t.Context(), store.Approval{UserID: "ann", UserName: "Ann", Client: &store.Client{ID: "client", Preregistered: true}})
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	left, err := backend.List(t.Context(), store.KindGrant, "", "", 1)
	if err != nil || len(left) != 0 {
		t.Errorf("%d grants are left, %v", len(left), err)
	}
}

func TestAnEncryptedStoreThatIsOpenedInTheClearIsAnErrorAndNotAnOpenSetup(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	key, err := encrypted.ParseKey(strings.Repeat("0123456789abcdef", 4))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := encrypted.New(backend, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.New(sealed, store.Lifetimes{}).CreateOwner(t.Context(), store.User{Name: "owner"}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.New(backend, store.Lifetimes{}).HasOwner(t.Context()); err == nil || !strings.Contains(err.Error(), "store/encrypted") {
		t.Errorf("got %v, want an error that says how to open it", err)
	}
}

// A fenced backend has carried a deletion out, but not on enough replicas: it says so each
// time, until they are back.
type fenced struct{ store.Backend }

var errTooFew = errors.New("0 of 1 replicas have it")

func (f fenced) Delete(ctx context.Context, key store.Key) error {
	return errors.Join(errTooFew, ctx.Err())
}

func TestARevocationThatIsRepeatedIsNotDoneBeforeTheReplicasHaveIt(t *testing.T) {
	backend := memory.New(memory.Options{})
	defer backend.Close()
	token := "mcpoauth_rt_" + strings.Repeat("A", 22+43+43)
	for name, test := range map[string]struct {
		backend store.Backend
		want    error
	}{"it is gone everywhere": {backend, store.ErrNotFound}, "it is gone here alone": {fenced{backend}, errTooFew}} {
		_, err := store.New(test.backend, store.Lifetimes{}).RevokeToken(t.Context(), token, "client")
		if !errors.Is(err, test.want) || test.want == errTooFew && errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}
