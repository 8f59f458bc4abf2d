package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/encrypted"
	"github.com/mcpoauth/mcpoauth/store/memory"
	"github.com/mcpoauth/mcpoauth/store/postgres"
	"github.com/mcpoauth/mcpoauth/store/redis"
)

// How the two files are called in their directory.
const (
	passkeyFile = "passkeys.json"
	stateFile   = "state.json"
)

// allOfThem is a capacity that a server's own cannot be above.
const allOfThem = 1 << 30

// A closingBackend is a backend that the command opened, and closes.
type closingBackend interface {
	store.Backend
	Close() error
}

// openForServer opens a store for a server to run on: files may be new.
func openForServer(ctx context.Context, p place, keys []encrypted.Key, log *slog.Logger) (backend store.Backend, closeStore func() error, err error) {
	var kept closingBackend
	if p.kind == filesStore {
		kept, err = openFiles(p.dir, memory.Capacity{})
	} else {
		kept, err = openDatabase(ctx, p, log)
	}
	if err != nil {
		return nil, nil, err
	}
	backend, err = unsealed(ctx, kept, keys)
	if err != nil {
		return nil, nil, errors.Join(err, kept.Close())
	}
	return backend, kept.Close, nil
}

// openKept opens a store as it is kept, sealed or not. Files have to be there unless
// they may be new.
func openKept(ctx context.Context, p place, mayBeNew bool, log *slog.Logger) (closingBackend, error) {
	if p.kind != filesStore {
		return openDatabase(ctx, p, log)
	}
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{passkeyFile, stateFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) && !mayBeNew {
			return nil, fmt.Errorf("there is no %s in %q; name the directory of the server's files with --data, or its database with --store", name, dir)
		}
	}
	return openFiles(p.dir, memory.Capacity{Clients: allOfThem, Ceremonies: allOfThem})
}

func openFiles(dir string, capacity memory.Capacity) (closingBackend, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	files, err := memory.Open(memory.Options{
		PasskeyFile: filepath.Join(dir, passkeyFile),
		StateFile:   filepath.Join(dir, stateFile),
		Capacity:    capacity,
	})
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return files, nil
}

func openDatabase(ctx context.Context, p place, log *slog.Logger) (closingBackend, error) {
	if p.kind == "redis" {
		b, err := redis.Open(ctx, p.url, redis.Options{})
		if err != nil {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
		return b, nil
	}
	b, err := postgres.Open(ctx, p.url, postgres.Options{Logger: log})
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return b, nil
}

// unsealed returns a backend of what is kept in another, sealed with keys or, without
// any, in the clear.
func unsealed(ctx context.Context, kept store.Backend, keys []encrypted.Key) (store.Backend, error) {
	if len(keys) > 0 {
		return encrypted.New(kept, keys...)
	}
	sealed, err := isSealed(ctx, kept)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the store: %w", err)
	case sealed:
		return nil, errors.New("the store is encrypted; set " + envKeys + " to its keys")
	}
	return kept, nil
}

// isSealed looks at one record of each kind: read without its key, one would pass for a
// record with nothing in it.
func isSealed(ctx context.Context, kept store.Backend) (bool, error) {
	for _, kind := range store.Kinds() {
		records, err := kept.List(ctx, kind, "", "", 1)
		if err != nil {
			return false, err
		}
		for _, record := range records {
			data, err := record.Value.Encode()
			if err != nil {
				return false, err
			}
			var envelope struct {
				Sealed []byte `json:"sealed"`
			}
			if json.Unmarshal(data, &envelope) == nil && envelope.Sealed != nil {
				return true, nil
			}
		}
	}
	return false, nil
}
