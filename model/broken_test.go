package model

import (
	"context"
	"flag"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// A server that is broken in one way is found out, and by few steps.
func TestTheCheckerFindsWhatIsBroken(t *testing.T) {
	const most = 5 // steps of the shrunk history
	for name, broken := range map[string]stage{
		"a refresh token can be repeated for too long": living(func(l *store.Lifetimes) { l.RefreshGrace *= 10 }),
		"a refresh token cannot be repeated":           living(func(l *store.Lifetimes) { l.RefreshGrace = -1 }),
		"an access token lives too long":               living(func(l *store.Lifetimes) { l.Access *= 2 }),
		"a connection lives too long":                  living(func(l *store.Lifetimes) { l.RefreshIdle *= 2 }),
		"a code lives too long":                        living(func(l *store.Lifetimes) { l.Code *= 2 }),
		"what is revoked stays":                        on(openStore, func(b store.Backend) store.Backend { return undying{b} }),
		"two refresh at once and get two pairs":        on(openStore, func(b store.Backend) store.Backend { return blind{b} }),
		"a kill brings back what was revoked":          {ground: new(forgetful), open: openStore},
		"a replica never hears of a revocation":        {ground: new(deaf), open: openStore},
	} {
		t.Run(name, func(t *testing.T) {
			setFor(t, "rapid.shrinktime", shrinkTime) // however busy the machine is
			f := broken.failure(t)
			if fewer == 1 && len(f.steps) > most {
				t.Errorf("the history has %d steps, want at most %d:\n%v", len(f.steps), most, f.report)
			}
			t.Logf("%v", f.report)
		})
	}
}

// Its histories take longer, so that this one is left as it is found.
func TestTheCheckerFindsABrokenRouter(t *testing.T) {
	setFor(t, "rapid.shrinktime", "0s")
	t.Log(on(openRouter, func(b store.Backend) store.Backend { return undying{b} }).failure(t).report)
}

// setFor sets a flag for one test.
func setFor(t *testing.T, name, value string) {
	before := flag.Lookup(name).Value.String()
	t.Cleanup(func() { set(name, before) })
	set(name, value)
}

// failure lets a stage fail without failing t, which it fails if it does not.
func (s stage) failure(t *testing.T) *failure {
	t.Helper()
	setFor(t, "rapid.seed", "1") // so that it is the same each time
	setFor(t, "rapid.checks", "2000")
	var run search
	done := make(chan struct{})
	go func() {
		defer close(done)
		run.check(t, &quiet{TB: t}, s)
	}()
	<-done
	if run.shortest == nil {
		t.Fatalf("in %d histories it was not found", run.played)
	}
	return run.shortest
}

// quiet is a test that may fail and does not say so.
type quiet struct {
	testing.TB
	failed bool
}

func (q *quiet) Log(...any)            {}
func (q *quiet) Logf(string, ...any)   {}
func (q *quiet) Error(...any)          { q.Fail() }
func (q *quiet) Errorf(string, ...any) { q.Fail() }
func (q *quiet) Fatal(...any)          { q.FailNow() }
func (q *quiet) Fatalf(string, ...any) { q.FailNow() }
func (q *quiet) Fail()                 { q.failed = true }
func (q *quiet) Failed() bool          { return q.failed }
func (q *quiet) FailNow()              { q.Fail(); runtime.Goexit() }

// living is a Store of other lifetimes than it should have.
func living(alter func(*store.Lifetimes)) stage {
	return stage{ground: new(inMemory), open: func(b store.Backend, life store.Lifetimes) (door, error) {
		alter(&life)
		return openStore(b, life)
	}}
}

// on is a server on a backend that is broken.
func on(open func(store.Backend, store.Lifetimes) (door, error), broken func(store.Backend) store.Backend) stage {
	return stage{ground: new(inMemory), open: func(b store.Backend, life store.Lifetimes) (door, error) { return open(broken(b), life) }}
}

// undying says that it deletes.
type undying struct{ store.Backend }

func (undying) Delete(context.Context, store.Key) error { return nil }

// blind does not look at versions.
type blind struct{ store.Backend }

func (b blind) Replace(ctx context.Context, key store.Key, _ uint64, value store.Value, expires time.Time) error {
	record, err := b.Get(context.WithValue(ctx, laneKey{}, nil), key)
	if err != nil {
		return err
	}
	return b.Backend.Replace(ctx, key, record.Version, value, expires)
}

// forgetful loses the last deletion when it is killed.
type forgetful struct {
	inMemory
	store.Backend
	deleted store.Record
}

func (g *forgetful) start(ctx context.Context) ([]store.Backend, error) {
	backends, err := g.inMemory.start(ctx)
	g.Backend, g.deleted = backends[0], store.Record{}
	return []store.Backend{g}, err
}

func (g *forgetful) Delete(ctx context.Context, key store.Key) (err error) {
	if g.deleted, err = g.Get(ctx, key); err != nil {
		return err
	}
	return g.Backend.Delete(ctx, key)
}

func (g *forgetful) restart(ctx context.Context, _ int, killed bool) (store.Backend, error) {
	if killed && g.deleted.Value != nil {
		err := g.Create(ctx, g.deleted.Key, g.deleted.Value, g.deleted.ExpiresAt)
		return g, err
	}
	return g, nil
}

// deaf is two replicas of which neither hears what the other changes.
type deaf struct{ inMemory }

func (g *deaf) start(context.Context) ([]store.Backend, error) {
	g.backend = memory.New(memory.Options{})
	return []store.Backend{&remembering{Backend: g.backend}, &remembering{Backend: g.backend}}, nil
}

func (g *deaf) restart(context.Context, int, bool) (store.Backend, error) {
	return &remembering{Backend: g.backend}, nil
}

type remembering struct {
	store.Backend
	records sync.Map
}

func (b *remembering) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if record, ok := b.records.Load(key); ok {
		return record.(store.Record), nil
	}
	record, err := b.Get(ctx, key)
	if err == nil {
		b.records.Store(key, record)
	}
	return record, err
}

func (b *remembering) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	b.records.Delete(key)
	return b.Backend.Replace(ctx, key, version, value, expires)
}

func (b *remembering) Delete(ctx context.Context, key store.Key) error {
	b.records.Delete(key)
	return b.Backend.Delete(ctx, key)
}
