package model

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/realserver"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/postgres"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// A ground is where a server keeps things.
type ground interface {
	// start returns the backends of the replicas, empty.
	start(ctx context.Context) ([]store.Backend, error)

	// restart returns the backend of a replica that was stopped, or killed, and started.
	restart(ctx context.Context, replica int, killed bool) (store.Backend, error)

	// end ends what a history has left behind.
	end() error
}

// inMemory keeps what it has when a server restarts, as a database would.
type inMemory struct{ backend *memory.Backend }

func (g *inMemory) start(context.Context) ([]store.Backend, error) {
	g.backend = memory.New(memory.Options{})
	return []store.Backend{g.backend}, nil
}

func (g *inMemory) restart(context.Context, int, bool) (store.Backend, error) { return g.backend, nil }

func (g *inMemory) end() error { return g.backend.Close() }

// encryptedMemory is read back with the same key by every server that starts.
type encryptedMemory struct {
	inMemory
	key encrypted.Key
}

func newKey(t *testing.T) encrypted.Key {
	key, err := encrypted.ParseKey(strings.Repeat("00112233", 8))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (g *encryptedMemory) start(ctx context.Context) ([]store.Backend, error) {
	if _, err := g.inMemory.start(ctx); err != nil {
		return nil, err
	}
	b, err := encrypted.New(g.backend, g.key)
	return []store.Backend{b}, err
}

func (g *encryptedMemory) restart(context.Context, int, bool) (store.Backend, error) {
	return encrypted.New(g.backend, g.key)
}

// inFiles is a directory. What a kill leaves is what is on the disk at that moment: a copy of
// it, because the process that is killed is this one.
type inFiles struct {
	parent string
	dir    string
	open   *memory.Backend
	killed []*memory.Backend
}

func (g *inFiles) start(context.Context) (_ []store.Backend, err error) {
	if g.dir, err = os.MkdirTemp(g.parent, "history-*"); err != nil {
		return nil, err
	}
	b, err := g.reopen()
	return []store.Backend{b}, err
}

func (g *inFiles) reopen() (_ store.Backend, err error) {
	g.open, err = memory.Open(memory.Options{PasskeyFile: filepath.Join(g.dir, "passkeys.json"), StateFile: filepath.Join(g.dir, "state.json")})
	return g.open, err
}

func (g *inFiles) restart(_ context.Context, _ int, killed bool) (store.Backend, error) {
	if !killed {
		if err := g.open.Close(); err != nil {
			return nil, err
		}
		return g.reopen()
	}
	left, err := os.MkdirTemp(g.parent, "history-*")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(left, os.DirFS(g.dir)); err != nil {
		return nil, err
	}
	for _, name := range must(filepath.Glob(filepath.Join(left, "*"))) {
		if err := os.Chmod(name, 0o600); err != nil { // CopyFS lets the group read
			return nil, err
		}
	}
	g.killed, g.dir = append(g.killed, g.open), left
	return g.reopen()
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (g *inFiles) end() error {
	err := g.open.Close()
	for _, b := range g.killed {
		err = errors.Join(err, b.Close())
	}
	for _, dir := range must(filepath.Glob(filepath.Join(g.parent, "history-*"))) {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	g.killed = nil
	return err
}

// onServer is a database with two replicas, which stay from one history to the next.
type onServer struct {
	connect  func(ctx context.Context) (closer, error)
	replicas []closer
	killed   []closer
}

type closer interface {
	store.Backend
	Close() error
}

func onRedis(t *testing.T) ground {
	server := realserver.Redis(t)
	return newOnServer(t, func(ctx context.Context) (closer, error) {
		return redis.Open(ctx, "redis://"+server.Addr, redis.Options{})
	})
}

func onPostgres(t *testing.T) ground {
	server := realserver.Postgres(t)
	return newOnServer(t, func(ctx context.Context) (closer, error) {
		return postgres.Open(ctx, server.URL, postgres.Options{})
	})
}

func newOnServer(t *testing.T, connect func(context.Context) (closer, error)) *onServer {
	g := &onServer{connect: connect}
	for range 2 {
		b, err := connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		g.replicas = append(g.replicas, b)
	}
	t.Cleanup(func() {
		for _, b := range g.replicas {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return g
}

func (g *onServer) start(ctx context.Context) (backends []store.Backend, err error) {
	for _, b := range g.replicas {
		backends = append(backends, b)
	}
	for _, kind := range []store.Kind{store.KindUser, store.KindClient, store.KindGrant, store.KindUse, store.KindConsent} {
		for record, err := range records(ctx, g.replicas[0], kind) {
			if err == nil {
				err = g.replicas[0].Delete(ctx, record.Key)
			}
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
		}
	}
	return backends, nil
}

func (g *onServer) restart(ctx context.Context, replica int, killed bool) (store.Backend, error) {
	old := g.replicas[replica]
	next, err := g.connect(ctx)
	if err != nil {
		return nil, err
	}
	g.replicas[replica] = next
	if killed {
		g.killed = append(g.killed, old)
		return next, nil
	}
	return next, old.Close()
}

func (g *onServer) end() (err error) {
	for _, b := range g.killed {
		err = errors.Join(err, b.Close())
	}
	g.killed = nil
	return err
}

// records returns the records of a kind.
func records(ctx context.Context, b store.Backend, kind store.Kind) func(yield func(store.Record, error) bool) {
	return func(yield func(store.Record, error) bool) {
		const page = 100
		for after := ""; ; {
			found, err := b.List(ctx, kind, "", after, page)
			for _, record := range found {
				after = record.Key.ID
				if !yield(record, nil) {
					return
				}
			}
			if err != nil {
				yield(store.Record{}, err)
			}
			if len(found) < page {
				return
			}
		}
	}
}

// settle stores the people and clients that are there when a history begins.
func settle(ctx context.Context, b store.Backend) error {
	st := store.New(b, store.Lifetimes{})
	for i, id := range peopleIDs {
		user := store.User{ID: id, Name: id, Passkeys: []store.Passkey{{ID: []byte{byte(i)}}}}
		if err := st.CreateUser(ctx, user); err != nil {
			return err
		}
	}
	for _, client := range clients {
		approved := *client
		approved.ApprovedAt = time.Now().UTC()
		if err := b.Create(ctx, store.Key{Kind: store.KindClient, ID: client.ID}, &approved, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}
