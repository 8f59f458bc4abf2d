package store_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

func TestKindsAreAllThatStoreDeclares(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "backend.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []store.Kind
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Kind" {
			name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, store.Kind(name))
		}
		return true
	})
	got := store.Kinds()
	slices.Sort(got)
	slices.Sort(declared)
	if len(declared) == 0 || !slices.Equal(got, declared) {
		t.Errorf("Kinds = %q, declared are %q", got, declared)
	}
}

func TestACopyHasEverythingThatOutlivesARestart(t *testing.T) {
	from := newServer(t, store.Lifetimes{})
	tokens := from.connect()
	life := time.Now().Add(time.Hour)
	from.is(from.CreateOwner(t.Context(), store.User{Name: "the owner"}), nil)
	from.is(from.UseAssertion(t.Context(), clientID, "jti", life), nil)
	for _, kind := range store.Kinds() {
		put(t, from.backend, store.Key{Kind: kind, ID: "permanent"}, `{"id": "a", "scopes": ["<é>"]}`, time.Time{})
		put(t, from.backend, store.Key{Kind: kind, ID: "passing"}, `{}`, life)
		put(t, from.backend, store.Key{Kind: kind, ID: "past"}, `{}`, time.Now().Add(-time.Second))
	}
	files := memory.Options{PasskeyFile: filepath.Join(t.TempDir(), "passkeys.json"), StateFile: filepath.Join(t.TempDir(), "state.json")}
	kept := open(t, files)
	first, err := store.Copy(t.Context(), kept, from.backend)
	from.is(err, nil)
	back := memory.New(memory.Options{})
	t.Cleanup(func() { from.is(back.Close(), nil) })
	second, err := store.Copy(t.Context(), back, kept)
	from.is(err, nil)

	want := make(store.Copied)
	for _, kind := range store.Kinds() {
		want[kind] = 2
	}
	delete(want, store.KindCeremony)
	delete(want, store.KindApproval)
	for _, kind := range []store.Kind{store.KindUser, store.KindClient, store.KindGrant, store.KindAssertion} {
		want[kind]++ // what the server made itself
	}
	if !maps.Equal(first, want) || !maps.Equal(second, want) {
		t.Errorf("copied %v and %v, want %v", first, second, want)
	}
	for _, kind := range []store.Kind{store.KindCeremony, store.KindApproval} {
		if listed, err := kept.List(t.Context(), kind, "", "", 10); err != nil || len(listed) != 0 {
			t.Errorf("%d of kind %s were copied, %v", len(listed), kind, err)
		}
	}
	s := store.New(back, store.Lifetimes{})
	if _, _, err := s.Access(t.Context(), tokens.Access, time.Now()); err != nil {
		t.Errorf("a token does not work at the copy: %v", err)
	}
	if owner, err := s.User(t.Context(), store.OwnerID); err != nil || owner.Name != "the owner" {
		t.Errorf("the owner is %+v, %v", owner, err)
	}
	record, err := back.Get(t.Context(), store.Key{Kind: store.KindGrant, ID: "passing"})
	if err != nil || !record.ExpiresAt.Equal(life) {
		t.Errorf("it expires at %v, want %v; %v", record.ExpiresAt, life, err)
	}
}

func TestACopyOfTenThousandRecordsIsWhole(t *testing.T) {
	const count = 10_000
	from, to := empty(t), open(t, memory.Options{
		PasskeyFile: filepath.Join(t.TempDir(), "passkeys.json"), StateFile: filepath.Join(t.TempDir(), "state.json"),
	})
	for n := range count {
		put(t, from, store.Key{Kind: store.KindGrant, ID: fmt.Sprint(n)}, fmt.Sprintf(`{"id": "%d"}`, n), time.Time{})
	}
	copied, err := store.Copy(t.Context(), to, from)
	if err != nil || copied[store.KindGrant] != count {
		t.Errorf("copied %v, %v", copied, err)
	}
}

func TestAPageIsCopiedToADatabaseThatCommitsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := memory.New(memory.Options{}), memory.New(memory.Options{})
		defer from.Close()
		defer to.Close()
		const count = 300 // more than one page
		for n := range count {
			put(t, from, store.Key{Kind: store.KindGrant, ID: fmt.Sprint(n)}, `{}`, time.Time{})
		}
		copied, err := store.Copy(t.Context(), &serial{to, make(chan struct{}, 1)}, from)
		if err != nil || copied[store.KindGrant] != count {
			t.Errorf("copied %v, %v", copied, err)
		}
	})
}

func TestWhatHasExpiredInTheTargetGivesWay(t *testing.T) {
	from, to := empty(t), empty(t)
	key := store.Key{Kind: store.KindSession, ID: "a"}
	life := time.Now().Add(time.Hour)
	put(t, from, key, `{"id": "now"}`, life)
	put(t, to, key, `{"id": "before"}`, time.Now().Add(-time.Second)) // and is not swept yet
	copied, err := store.Copy(t.Context(), to, from)
	if err != nil || copied[store.KindSession] != 1 {
		t.Errorf("copied %v, %v", copied, err)
	}
	if record, err := to.Get(t.Context(), key); err != nil || !record.ExpiresAt.Equal(life) {
		t.Errorf("it expires at %v, want %v; %v", record.ExpiresAt, life, err)
	}
}

func TestACopyIntoABackendThatHoldsOthersChangesNothing(t *testing.T) {
	key := store.Key{Kind: store.KindGrant, ID: "a"}
	life := time.Now().Add(time.Hour)
	for name, c := range map[string]struct {
		there     store.Key
		value     string
		expires   time.Time
		complaint string
	}{
		"another owner":  {store.Key{Kind: store.KindUser, ID: store.OwnerID}, `{"id": "another"}`, time.Time{}, "user/owner is there already: its value differs"},
		"another record": {store.Key{Kind: store.KindSession, ID: "b"}, `{}`, time.Time{}, "session/b is there already, and not in the source"},
		"another value":  {key, `{"id": "b"}`, life, "grant/a is there already: its value differs"},
		"another time":   {key, `{"id": "a"}`, life.Add(time.Millisecond), "grant/a is there already: it expires at"},
		"no time":        {key, `{"id": "a"}`, time.Time{}, "grant/a is there already: it expires at no time"},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := empty(t), empty(t)
			put(t, from, store.Key{Kind: store.KindUser, ID: store.OwnerID}, `{"id": "owner"}`, time.Time{})
			put(t, from, key, `{"id": "a"}`, life)
			put(t, to, c.there, c.value, c.expires)
			copied, err := store.Copy(t.Context(), to, from)
			if err == nil || !strings.Contains(err.Error(), c.complaint) || !strings.Contains(err.Error(), "copy to an empty backend") || copied != nil {
				t.Errorf("got %v, %v", copied, err)
			}
			for _, kind := range store.Kinds() {
				if listed, err := to.List(t.Context(), kind, "", "", 10); err != nil || len(listed) > 1 || len(listed) == 1 && listed[0].Key != c.there {
					t.Errorf("%d records of kind %s are there, %v", len(listed), kind, err)
				}
			}
		})
	}
}

func TestACopyThatFailedInTheMiddleIsFinishedByAnother(t *testing.T) {
	const count = 1000
	from, to := empty(t), empty(t)
	for n := range count {
		put(t, from, store.Key{Kind: store.KindGrant, ID: fmt.Sprint(n)}, fmt.Sprintf(`{"id": "%d"}`, n), time.Time{})
	}
	full := &failing{Backend: to}
	full.left.Store(count / 2)
	_, err := store.Copy(t.Context(), full, from)
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "writing grant/") || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("got the error %v", err)
	}
	if listed, err := to.List(t.Context(), store.KindGrant, "", "", count); err != nil || len(listed) != count/2 {
		t.Fatalf("%d were copied, %v", len(listed), err)
	}
	if copied, err := store.Copy(t.Context(), to, from); err != nil || copied[store.KindGrant] != count {
		t.Errorf("copied %v, %v", copied, err)
	}
}

func TestACopyThatIsNotLikeItsSourceIsAnError(t *testing.T) {
	key := store.Key{Kind: store.KindGrant, ID: "m"}
	for name, c := range map[string]struct {
		alter     func(b *memory.Backend)
		complaint string
	}{
		"a record less":       {func(b *memory.Backend) { drop(t, b, key) }, "grant/m is not in the target; if that keeps a limited number"},
		"the last one less":   {func(b *memory.Backend) { drop(t, b, store.Key{Kind: store.KindGrant, ID: "z"}) }, "grant/z is not in the target"},
		"a record more":       {func(b *memory.Backend) { put(t, b, store.Key{Kind: store.KindGrant, ID: "b"}, `{}`, time.Time{}) }, "grant/b is in the target, and not in the source"},
		"one more at the end": {func(b *memory.Backend) { put(t, b, store.Key{Kind: store.KindGrant, ID: "zz"}, `{}`, time.Time{}) }, "grant/zz is in the target, and not in the source"},
		"a number rounded": {func(b *memory.Backend) {
			drop(t, b, key)
			put(t, b, key, `{"n": 9007199254740992, "l": []}`, time.Time{})
		}, "grant/m: its value differs"},
		"a list that became a map": {func(b *memory.Backend) {
			drop(t, b, key)
			put(t, b, key, `{"n": 9007199254740993, "l": {}}`, time.Time{})
		}, "grant/m: its value differs"},
		"a time more": {func(b *memory.Backend) {
			drop(t, b, key)
			put(t, b, key, `{"n": 9007199254740993, "l": []}`, time.Now().Add(time.Hour))
		}, "grant/m: it expires at"},
		"order and space": {func(b *memory.Backend) {
			drop(t, b, key)
			put(t, b, key, "{\"l\":[],\n\"n\":9007199254740993}", time.Time{})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := empty(t), empty(t)
			for _, id := range []string{"a", "m", "z"} {
				put(t, from, store.Key{Kind: store.KindGrant, ID: id}, `{"n": 9007199254740993, "l": []}`, time.Time{})
			}
			_, err := store.Copy(t.Context(), &altering{Backend: to, at: store.Key{Kind: store.KindGrant, ID: "z"}, alter: func() { c.alter(to) }}, from)
			switch {
			case c.complaint == "":
				if err != nil {
					t.Errorf("got the error %v", err)
				}
			case err == nil || !strings.Contains(err.Error(), c.complaint):
				t.Errorf("got the error %v, want %q", err, c.complaint)
			}
		})
	}
}

func TestWhatExpiresWhileItIsCopiedIsNoDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := memory.New(memory.Options{}), memory.New(memory.Options{})
		defer from.Close()
		defer to.Close()
		for n := range 20 {
			put(t, from, store.Key{Kind: store.KindClient, ID: fmt.Sprint(n)}, `{}`, time.Now().Add(time.Duration(n)*10*time.Second))
		}
		put(t, from, store.Key{Kind: store.KindClient, ID: "permanent"}, `{}`, time.Time{})
		copied, err := store.Copy(t.Context(), slow{to}, slow{from})
		if err != nil || copied[store.KindClient] == 0 || copied[store.KindClient] == 21 {
			t.Errorf("copied %v, %v", copied, err)
		}
	})
}

func TestACopyEndsWithItsContext(t *testing.T) {
	from := empty(t)
	put(t, from, store.Key{Kind: store.KindGrant, ID: "a"}, `{}`, time.Time{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Copy(ctx, empty(t), from); !errors.Is(err, context.Canceled) {
		t.Errorf("got the error %v", err)
	}
}

func empty(t *testing.T) *memory.Backend {
	t.Helper()
	return open(t, memory.Options{})
}

func put(t *testing.T, b store.Backend, key store.Key, data string, expires time.Time) {
	t.Helper()
	if err := b.Create(t.Context(), key, store.NewEncoded([]byte(data)), expires); err != nil {
		t.Fatal(err)
	}
}

func drop(t *testing.T, b store.Backend, key store.Key) {
	t.Helper()
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

var errFull = errors.New("the disk is full")

// failing creates only so many records.
type failing struct {
	store.Backend
	left atomic.Int64
}

func (f *failing) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	if f.left.Add(-1) < 0 {
		return errFull
	}
	return f.Backend.Create(ctx, key, value, expires)
}

// serial creates one record after another, slowly, and for each only waits so long.
type serial struct {
	store.Backend
	turn chan struct{}
}

func (s *serial) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	select {
	case s.turn <- struct{}{}:
	case <-time.After(5 * time.Second):
		return context.DeadlineExceeded
	}
	defer func() { <-s.turn }()
	time.Sleep(200 * time.Millisecond)
	return s.Backend.Create(ctx, key, value, expires)
}

// altering is changed by somebody when a record is there.
type altering struct {
	store.Backend
	at    store.Key
	alter func()
}

func (a *altering) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	if _, err := a.Get(ctx, a.at); err == nil && a.alter != nil {
		a.alter()
		a.alter = nil
	}
	return a.Backend.List(ctx, kind, prefix, after, limit)
}

// slow takes seconds to list anything, in a bubble.
type slow struct{ store.Backend }

func (s slow) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	defer time.Sleep(7 * time.Second)
	return s.Backend.List(ctx, kind, prefix, after, limit)
}
