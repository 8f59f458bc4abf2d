package mcpotel_test

import (
	"context"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/storetest"
)

// caching is a store that also answers from a memory, which it is.
type caching struct{ store.Backend }

func (c caching) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	return c.Get(ctx, key)
}

func TestAMeasuredStoreKeepsThePromise(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Backend {
		p, inMemory := newProbe(t), memory.New(memory.Options{})
		t.Cleanup(func() {
			p.telemetry.Close()
			inMemory.Close()
		})
		return p.telemetry.Store(caching{inMemory})
	})
}

// Without GetCached each MCP request would ask the database.
func TestAStoreThatAnswersFromMemoryStillDoes(t *testing.T) {
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	if _, ok := newProbe(t).telemetry.Store(inMemory).(store.CachingBackend); ok {
		t.Error("a store without GetCached got it")
	}
	s := start(t, mcpoauth.Config{Store: caching{inMemory}}, func(http.ResponseWriter, *http.Request) {})
	access, _ := s.connect("somebody")
	before := s.series(t)
	s.do("POST", "/mcp", "", "Authorization", "Bearer "+access)
	after := s.series(t)
	if n := after["mcpoauth.store.duration get_cached grant ok"]; n != 1 || after["mcpoauth.store.duration get grant ok"] != before["mcpoauth.store.duration get grant ok"] {
		t.Errorf("the request asked the memory %d times; there are %v", n, after)
	}
}

func TestTheFilesAreMeasuredToo(t *testing.T) {
	dir := t.TempDir()
	files, err := memory.Open(memory.Options{PasskeyFile: filepath.Join(dir, "passkeys.json"), StateFile: filepath.Join(dir, "state.json")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	s := start(t, mcpoauth.Config{Store: files}, func(http.ResponseWriter, *http.Request) {})
	_, refresh := s.connect("somebody")
	s.refresh(refresh)
	if got := s.series(t); got["mcpoauth.store.duration replace grant ok"] != 2 { // the code, and the refresh token
		t.Errorf("there are %v", got)
	}
}

func TestAReuseIsCountedBesideEveryOtherEvent(t *testing.T) {
	told := make(chan string, 100)
	s := start(t, mcpoauth.Config{RefreshGrace: -1, OnEvent: func(e mcpoauth.Event) { told <- e.Name }}, func(http.ResponseWriter, *http.Request) {})
	_, refresh := s.connect("somebody")
	s.refresh(refresh)
	if status, answer := s.refresh(refresh); answer["error"] != "invalid_grant" {
		t.Fatal(status, answer)
	}
	for name := range told { // in the order of the log
		if name == "token.reused" {
			break
		}
	}
	got := s.series(t)
	for _, name := range []string{"setup.needed", "token.issued", "token.refreshed", "token.reused"} {
		if got["mcpoauth.events "+name] != 1 {
			t.Errorf("%s is not counted once; there are %v", name, got)
		}
	}
}

func TestGrantsAreCountedAMinuteLaterAndOnlyWhileTheyLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(t)
		inMemory := memory.New(memory.Options{})
		s := store.New(p.telemetry.Store(unswept{inMemory}), store.Lifetimes{})
		if err := s.CreateUser(t.Context(), store.User{ID: "somebody"}); err != nil {
			t.Fatal(err)
		}
		keys := func(n int, life time.Duration) (last *store.Grant) {
			for range n {
				var err error
				if _, last, err = s.CreateKey(t.Context(), store.NewKey{UserID: "somebody", Name: "key", Life: life}); err != nil {
					t.Fatal(err)
				}
			}
			return last
		}
		counted := func(want int64) {
			t.Helper()
			time.Sleep(61 * time.Second)
			p.series(t) // has them counted
			synctest.Wait()
			if got, ok := p.series(t)["mcpoauth.grants"]; got != want || !ok {
				t.Errorf("%d grants are counted (%v), want %d", got, ok, want)
			}
		}
		counted(0)
		keys(2, time.Hour)
		last := keys(3, 24*time.Hour)
		counted(5)
		if err := s.RevokeGrant(t.Context(), last.ID); err != nil {
			t.Fatal(err)
		}
		counted(4)
		time.Sleep(time.Hour)
		counted(2)
		keys(11_000, 24*time.Hour) // more than are read in one step
		counted(11_002)
		p.telemetry.Close()
		inMemory.Close()
	})
}

// unswept is a store that has not yet forgotten a grant that expired.
type unswept struct{ store.Backend }

func (u unswept) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	records, err := u.Backend.List(ctx, kind, prefix, after, limit)
	if len(records) < limit {
		records = append(records, store.Record{Key: store.Key{Kind: kind, ID: "~"}, ExpiresAt: time.Now()})
	}
	return records, err
}

// An alarm on a number that stands still would never go off.
func TestGrantsThatCannotBeCountedAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProbe(t)
		backend := &unlisted{Backend: memory.New(memory.Options{})}
		p.telemetry.Store(backend)
		synctest.Wait()
		if _, ok := p.series(t)["mcpoauth.grants"]; !ok {
			t.Fatal("there is no count")
		}
		backend.fails.Store(true)
		time.Sleep(2 * time.Minute)
		p.series(t)
		synctest.Wait()
		if got, ok := p.series(t)["mcpoauth.grants"]; ok {
			t.Errorf("%d are reported", got)
		}
		tried := backend.asked.Load()
		time.Sleep(time.Hour)
		if backend.asked.Load() != tried {
			t.Error("it was tried again for nobody")
		}
		backend.fails.Store(false)
		p.series(t)
		synctest.Wait()
		if _, ok := p.series(t)["mcpoauth.grants"]; !ok {
			t.Error("it never recovered")
		}
		p.telemetry.Close()
		backend.Backend.(*memory.Backend).Close()
	})
}

type unlisted struct {
	store.Backend
	fails atomic.Bool
	asked atomic.Int64
}

func (u *unlisted) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	u.asked.Add(1)
	if u.fails.Load() {
		return nil, context.DeadlineExceeded
	}
	return u.Backend.List(ctx, kind, prefix, after, limit)
}
