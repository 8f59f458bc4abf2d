package token_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcpoauth/mcpoauth/ratelimit"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/token"
)

// A used server has a guard that remembers uses, in front of nothing.
type used struct {
	*testing.T
	store   *counted
	uses    *token.Uses
	handler http.Handler
	logs    bytes.Buffer
}

// counted counts the writes of uses, and fails when it is told to.
type counted struct {
	*store.Store
	mu     sync.Mutex // guards what follows
	writes int
	broken bool
}

func (c *counted) NoteUse(ctx context.Context, u store.Use) (*store.Use, error) {
	c.mu.Lock()
	c.writes++
	broken := c.broken
	c.mu.Unlock()
	if broken {
		return nil, errors.New("the disk is on fire")
	}
	return c.Store.NoteUse(ctx, u)
}

func (c *counted) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

func (c *counted) setBroken(broken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = broken
}

// usedIn runs prove in a bubble in which a minute passes at once.
func usedIn(t *testing.T, prove func(u *used)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		backend := memory.New(memory.Options{})
		defer backend.Close()
		u := &used{T: t, store: &counted{Store: store.New(backend, store.Lifetimes{})}}
		log := slog.New(slog.NewTextHandler(&u.logs, nil))
		u.uses = token.NewUses(u.store, ratelimit.Proxies(nil).Network, log)
		defer u.uses.Close()
		u.handler = token.Guard{
			Store: u.store, Resource: resource, Limit: (*ratelimit.Table[string])(nil), Uses: u.uses, Log: log,
		}.Protect(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if err := u.store.CreateOwner(t.Context(), store.User{Name: "owner"}); err != nil {
			t.Fatal(err)
		}
		prove(u)
	})
}

func (u *used) call(access, from string) {
	u.Helper()
	r, w := request("Bearer "+access), new(writer)
	r.RemoteAddr = from
	if u.handler.ServeHTTP(w, r); w.status != 0 {
		u.Errorf("answered with %d", w.status)
	}
}

func (u *used) key() (access, grantID string) {
	u.Helper()
	access, grant, err := u.store.CreateKey(u.Context(), store.NewKey{
		UserID: store.OwnerID, Name: "ci", Resource: resource.URL, Scopes: resource.Scopes, Life: 30 * 24 * time.Hour,
	})
	if err != nil {
		u.Fatal(err)
	}
	return access, grant.ID
}

func (u *used) kept() map[string]store.Use {
	u.Helper()
	synctest.Wait()
	uses, err := u.store.Uses(u.Context(), "")
	if err != nil {
		u.Fatal(err)
	}
	return uses
}

func TestTheLastUseIsKeptOnceAMinuteAndWithoutTheAddress(t *testing.T) {
	usedIn(t, func(u *used) {
		key, id := u.key()
		for range 100 {
			u.call(key, "203.0.113.77:1234")
		}
		if got := u.kept(); len(got) != 0 || u.store.written() != 0 {
			t.Fatalf("requests wait for writes: %v", got)
		}
		began := time.Now()
		time.Sleep(time.Minute)
		if got := u.kept()[id]; !got.At.Equal(began) || got.From != "203.0.113.0/24" || u.store.written() != 1 {
			t.Fatalf("kept %+v in %d writes", got, u.store.written())
		}
		for range 600 { // a minute again, ten times a second
			u.call(key, "[2001:db8:1:2:3::4]:1234")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if got := u.kept()[id]; got.From != "2001:db8:1::/48" || u.store.written() != 2 {
			t.Errorf("kept %+v in %d writes", got, u.store.written())
		}
		time.Sleep(time.Hour)
		if u.store.written() != 2 {
			t.Errorf("%d writes, though nobody came", u.store.written())
		}
	})
}

func TestCloseKeepsTheLastUse(t *testing.T) {
	usedIn(t, func(u *used) {
		key, id := u.key()
		u.call(key, "203.0.113.77:1234")
		u.uses.Close()
		if got := u.kept()[id]; got.From != "203.0.113.0/24" {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestWhoIsRefusedHasNotUsedAnything(t *testing.T) {
	usedIn(t, func(u *used) {
		key, _ := u.key()
		u.handler.ServeHTTP(new(writer), request("Bearer "+key[:len(key)-1]+"_"))
		u.uses.Close()
		if got := u.kept(); len(got) != 0 {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestAStoreThatFailsIsToldOfOnceAMinuteAndLosesNoUse(t *testing.T) {
	usedIn(t, func(u *used) {
		first, firstID := u.key()
		second, secondID := u.key()
		u.store.setBroken(true)
		u.call(first, "203.0.113.77:1234")
		for range 299 { // five minutes
			u.call(second, "198.51.100.1:1234")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := strings.Count(u.logs.String(), "uses.unsaved"); n != 4 {
			t.Errorf("%d lines in five minutes:\n%s", n, u.logs.String())
		}
		u.store.setBroken(false)
		time.Sleep(2 * time.Minute)
		if got := u.kept(); got[firstID].From != "203.0.113.0/24" || got[secondID].From != "198.51.100.0/24" {
			t.Errorf("kept %+v", got)
		}
	})
}

func TestAKeyThatIsUsedFromANewPlaceIsToldOfOnceForEachPlace(t *testing.T) {
	usedIn(t, func(u *used) {
		key, id := u.key()
		access := connect(t, u.store.Store, resource.URL, resource.Scopes)
		for _, from := range []string{
			"203.0.113.77:1", // its first place, which is no news
			"203.0.113.99:2", "198.51.100.1:1", "203.0.113.77:1", "198.51.100.200:7", "192.0.2.1:1",
		} {
			u.call(key, from)
			u.call(access, from) // of no key: people and clouds move
			time.Sleep(2 * time.Minute)
		}
		synctest.Wait()
		log := u.logs.String()
		if n := strings.Count(log, "key.used_from_new_place"); n != 2 {
			t.Errorf("it is told of %d times, want 2:\n%s", n, log)
		}
		for _, want := range []string{"level=WARN", "grant_id=" + id, "name=ci", "from=198.51.100.0/24", "from=192.0.2.0/24"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log lacks %s:\n%s", want, log)
			}
		}
		if strings.Contains(log, key) {
			t.Error("the log has the key")
		}
	})
}

func TestOfManyRequestsAtOnceEachGrantIsKeptOnce(t *testing.T) {
	usedIn(t, func(u *used) {
		const grants, callers = 500, 8
		keys := make([]string, grants)
		for i := range keys {
			keys[i], _ = u.key()
		}
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for _, key := range keys {
					u.call(key, "203.0.113.77:1234")
				}
			})
		}
		all.Wait()
		time.Sleep(time.Minute)
		if got := u.kept(); len(got) != grants || u.store.written() != grants {
			t.Errorf("%d of %d are kept, in %d writes", len(got), grants, u.store.written())
		}
	})
}

func TestAUseWithoutAnAddressIsKeptAllTheSame(t *testing.T) {
	usedIn(t, func(u *used) {
		u.uses = token.NewUses(u.store, func(*http.Request) netip.Prefix { return netip.Prefix{} }, slog.New(slog.DiscardHandler))
		u.handler = token.Guard{Store: u.store, Resource: resource, Limit: (*ratelimit.Table[string])(nil), Uses: u.uses}.Protect(http.NotFoundHandler())
		key, id := u.key()
		u.handler.ServeHTTP(new(writer), request("Bearer "+key))
		u.uses.Close()
		if got := u.kept()[id]; got.At.IsZero() || got.From != "" || got.Places != nil {
			t.Errorf("kept %+v", got)
		}
	})
}
