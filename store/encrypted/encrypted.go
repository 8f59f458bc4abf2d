// Package encrypted puts encryption at rest between store.Store and a backend. It is
// off unless a program asks for it.
//
// # What it adds
//
// Secrets are stored as hashes anyway, so whoever reads the database cannot use a
// token. With this package they do not read either who is connected to what: names,
// passkeys, scopes, redirect URIs. And whoever writes to it cannot make a grant, a
// passkey or an owner, change one, put one in the place of another, or make one live
// longer: what was not sealed with a key of this server is an error, never a record.
//
// # What it does not
//
// IDs stay in the clear, because records are found by them: user and client IDs (a
// client that is known by a URL has that for its ID), grant IDs, which show what belongs to
// the same person, and how many records there are of which kind. So do
// the sizes of values and the times at which records expire and are written. Who
// can write to the database can delete records, and put back what a record held
// before: a grant that was revoked, as long as its tokens would have lived.
// The process itself has everything in its memory, the keys too.
//
// A sealed value is a third larger, and about 105 bytes, than what it holds.
//
// # Keys
//
// [ParseKey] reads one that openssl rand -base64 32 made. The first key that [New]
// gets seals, all of them open. To change the key: give the new one as the second,
// to every process; then as the first, with the old one as the second; call [Rotate]; leave the
// old one out. Each deployment has keys of its own: with the same key in two, whoever can
// write to both databases can put a record of one in the place of the same record of the
// other, such as its owner. Without its key nothing can be read ever again: keep a copy of it, and
// not with the backups of the database.
//
// To begin with records that are there already, copy them with store.Copy into an empty
// backend with this package before it, or seal them in their place with [SealPlain].
// To end it, copy the other way.
package encrypted

import (
	"context"
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

type backend struct {
	inner store.Backend
	keys  keyring
	memo  memo
}

// New returns a backend that keeps its records in inner, sealed. The first of keys seals,
// all of them open. It is a store.CachingBackend if inner is one, and sees as much of
// the writes of others as inner does; it has nothing to close.
//
// A record that cannot be opened, because it is in the clear, was changed or was sealed
// with another key, is an error of every method that would have to return it. It returns
// an error if inner is nil, if there is no key, or if one is the zero Key or there twice.
func New(inner store.Backend, keys ...Key) (store.Backend, error) {
	if inner == nil {
		return nil, errors.New("encrypted: there is no backend to keep the records in; pass one to New")
	}
	ring, err := newKeyring(keys)
	if err != nil {
		return nil, err
	}
	b := &backend{inner: inner, keys: ring}
	if caching, ok := inner.(store.CachingBackend); ok {
		return &cachingBackend{b, caching}, nil
	}
	return b, nil
}

// Get implements store.Backend.
func (b *backend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	record, err := b.inner.Get(ctx, key)
	if err != nil {
		return store.Record{}, err
	}
	return b.open(record)
}

// Create implements store.Backend.
func (b *backend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	sealed, err := b.keys.seal(key, value, expires)
	if err != nil {
		return err
	}
	return b.inner.Create(ctx, key, sealed, expires)
}

// Replace implements store.Backend.
func (b *backend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	sealed, err := b.keys.seal(key, value, expires)
	if err != nil {
		return err
	}
	return b.inner.Replace(ctx, key, version, sealed, expires)
}

// Delete implements store.Backend.
func (b *backend) Delete(ctx context.Context, key store.Key) error {
	return b.inner.Delete(ctx, key)
}

// List implements store.Backend.
func (b *backend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	listed, err := b.inner.List(ctx, kind, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	records := make([]store.Record, len(listed)) // inner's slice stays as it is
	for i, record := range listed {
		if records[i], err = b.open(record); err != nil {
			record.Value = unreadable{err}
			records[i] = record
		}
	}
	return records, nil
}

// unreadable is the value of a record that does not open. In a list it stands for itself alone:
// who can write to the database must not keep the others from being seen, or revoked.
type unreadable struct{ err error }

func (u unreadable) Encode() ([]byte, error) { return nil, u.err }

// open returns what a record of inner's stands for, and at its own time: the one beside
// it is as good as whoever can write to the database.
func (b *backend) open(record store.Record) (store.Record, error) {
	opened, ok := b.memo.get(record)
	if !ok {
		var err error
		if opened, err = b.keys.open(record); err != nil {
			return store.Record{}, err
		}
		b.memo.put(record, opened)
	}
	record.Value, record.ExpiresAt = opened.value, opened.expires
	return record, nil
}

type cachingBackend struct {
	*backend
	caching store.CachingBackend
}

var _ store.CachingBackend = (*cachingBackend)(nil)

// GetCached implements store.CachingBackend.
func (b *cachingBackend) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	record, err := b.caching.GetCached(ctx, key)
	if err != nil {
		return store.Record{}, err
	}
	return b.open(record)
}
