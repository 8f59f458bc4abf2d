package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// tampered is a mapBackend of which some methods are wrong.
type tampered struct {
	*mapBackend
	get     func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error)
	create  func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error
	replace func(b *mapBackend, ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error
	delete  func(b *mapBackend, ctx context.Context, key store.Key) error
	list    func(b *mapBackend, ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error)
}

func (t *tampered) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if t.get == nil {
		return t.mapBackend.Get(ctx, key)
	}
	return t.get(t.mapBackend, ctx, key)
}

func (t *tampered) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	if t.create == nil {
		return t.mapBackend.Create(ctx, key, value, expires)
	}
	return t.create(t.mapBackend, ctx, key, value, expires)
}

func (t *tampered) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	if t.replace == nil {
		return t.mapBackend.Replace(ctx, key, version, value, expires)
	}
	return t.replace(t.mapBackend, ctx, key, version, value, expires)
}

func (t *tampered) Delete(ctx context.Context, key store.Key) error {
	if t.delete == nil {
		return t.mapBackend.Delete(ctx, key)
	}
	return t.delete(t.mapBackend, ctx, key)
}

func (t *tampered) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	if t.list == nil {
		return t.mapBackend.List(ctx, kind, prefix, after, limit)
	}
	return t.list(t.mapBackend, ctx, kind, prefix, after, limit)
}

type mistake struct {
	rule string
	open func() store.Backend
}

func wrong(rule string, t tampered) mistake {
	return mistake{rule, func() store.Backend {
		fresh := t
		fresh.mapBackend = newMapBackend()
		return &fresh
	}}
}

// shared is a value that hands out its own bytes.
type shared []byte

func (s shared) Encode() ([]byte, error) { return s, nil }

var mistakes = map[string]mistake{
	"Create overwrites": wrong("Create of a key that is taken changes nothing and returns ErrConflict", tampered{
		create: func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
			b.Delete(ctx, key)
			return b.Create(ctx, key, value, expires)
		},
	}),
	"Create looks and then writes": wrong("of many who create a record exactly one succeeds", tampered{
		create: func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
			if _, err := b.Get(ctx, key); err == nil {
				return store.ErrConflict
			}
			time.Sleep(time.Millisecond)
			b.Delete(ctx, key)
			return b.Create(ctx, key, value, expires)
		},
	}),
	"Create does not see that a record has expired": wrong("a key that is not found because its record has expired can be taken", tampered{
		get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			record, err := b.Get(ctx, key)
			if err == nil && !record.ExpiresAt.IsZero() && time.Now().After(record.ExpiresAt) {
				return store.Record{}, store.ErrNotFound
			}
			return record, err
		},
	}),
	"Create cuts long values": wrong("a value of up to a mebibyte is kept", tampered{
		create: func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
			if data, _ := value.Encode(); len(data) > 1<<16 {
				value = store.NewEncoded([]byte(`{}`))
			}
			return b.Create(ctx, key, value, expires)
		},
	}),
	"Create acknowledges what a deadline cut off": wrong("what is acknowledged while a deadline passes is kept, and the rest fails with the error of ctx", tampered{
		create: func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
			if err := b.Create(ctx, key, value, expires); !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		},
	}),
	"numbers are rounded": wrong("a value keeps what it is made of, to the last digit", tampered{
		get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			record, err := b.Get(ctx, key)
			if err != nil {
				return record, err
			}
			var content any
			data, _ := record.Value.Encode()
			json.Unmarshal(data, &content)
			data, err = json.Marshal(content)
			record.Value = store.NewEncoded(data)
			return record, err
		},
	}),
	"Get does not look at ctx": wrong("no method does anything once ctx is cancelled", tampered{
		get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			return b.Get(context.WithoutCancel(ctx), key)
		},
	}),
	"a deadline counts as not found": wrong("no method does anything once the deadline of ctx has passed", tampered{
		get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			record, err := b.Get(ctx, key)
			if err != nil {
				err = errors.Join(err, store.ErrNotFound)
			}
			return record, err
		},
	}),
	"an error is two": wrong("Get returns ErrNotFound if there is none", tampered{
		get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			record, err := b.Get(ctx, key)
			if err != nil {
				err = fmt.Errorf("%w, %w", store.ErrConflict, err)
			}
			return record, err
		},
	}),
	"Get hands out the bytes that it keeps": {"the bytes of a value are the caller's own", func() store.Backend {
		kept := make(map[uint64]shared)
		return &tampered{mapBackend: newMapBackend(), get: func(b *mapBackend, ctx context.Context, key store.Key) (store.Record, error) {
			record, err := b.Get(ctx, key)
			if err != nil {
				return record, err
			}
			if _, ok := kept[record.Version]; !ok {
				kept[record.Version], _ = record.Value.Encode()
			}
			record.Value = kept[record.Version]
			return record, nil
		}}
	}},
	"Replace does not look at the version": wrong("of many who replace a version exactly one succeeds", tampered{
		replace: func(b *mapBackend, ctx context.Context, key store.Key, _ uint64, value store.Value, expires time.Time) error {
			b.Delete(ctx, key)
			return b.Create(ctx, key, value, expires)
		},
	}),
	"Replace looks and then writes": wrong("each version of many records has one successor, whoever comes", tampered{
		replace: func(b *mapBackend, ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
			if record, err := b.Get(ctx, key); err != nil || record.Version != version {
				return errors.Join(err, store.ErrConflict)
			}
			time.Sleep(time.Millisecond)
			return b.Replace(ctx, key, b.version(key), value, expires)
		},
	}),
	"Replace of nothing is a conflict": wrong("Replace returns ErrNotFound if the record is gone", tampered{
		replace: func(b *mapBackend, ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
			err := b.Replace(ctx, key, version, value, expires)
			if errors.Is(err, store.ErrNotFound) {
				err = store.ErrConflict
			}
			return err
		},
	}),
	"Replace keeps the first time": wrong("a record that got more time is there when its first time is over", tampered{
		replace: func(b *mapBackend, ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
			record, err := b.Get(ctx, key)
			if err == nil && !record.ExpiresAt.IsZero() {
				time.AfterFunc(time.Until(record.ExpiresAt), func() { b.Delete(context.WithoutCancel(ctx), key) })
			}
			return b.Replace(ctx, key, version, value, expires)
		},
	}),
	"versions begin anew": {"a version is never used twice for a key, not even after Delete and Create", func() store.Backend {
		return &tampered{mapBackend: newMapBackend(), create: func(b *mapBackend, ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
			err := b.Create(ctx, key, value, expires)
			if err == nil {
				b.recordsMu.Lock()
				defer b.recordsMu.Unlock()
				r := b.records[key]
				r.version = 1
				b.records[key] = r
			}
			return err
		}}
	}},
	"Delete of nothing succeeds": wrong("of many who delete a record exactly one succeeds", tampered{
		delete: func(b *mapBackend, ctx context.Context, key store.Key) error {
			if err := b.Delete(ctx, key); !errors.Is(err, store.ErrNotFound) {
				return err
			}
			return nil
		},
	}),
	"List begins with the ID that it should follow": wrong("List returns nothing if there is nothing", tampered{
		list: func(b *mapBackend, ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
			if after != "" {
				after = after[:len(after)-1] + string(after[len(after)-1]-1) + "~"
			}
			return b.List(ctx, kind, prefix, after, limit)
		},
	}),
	"List folds cases": wrong("List sorts IDs in ascending byte order", tampered{
		list: func(b *mapBackend, ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
			listed, err := b.List(ctx, kind, prefix, after, limit)
			slices.SortStableFunc(listed, func(a, b store.Record) int {
				return strings.Compare(strings.ToLower(a.Key.ID), strings.ToLower(b.Key.ID))
			})
			return listed, err
		},
	}),
	"List takes prefix for a pattern": wrong("List takes prefix literally", tampered{
		list: func(b *mapBackend, ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
			begin, _, _ := strings.Cut(prefix, "%")
			return b.List(ctx, kind, begin, after, limit)
		},
	}),
	"List reads IDs and then their records": wrong("pages beside many writers have every record that stays, once", tampered{
		list: func(b *mapBackend, ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
			listed, err := b.List(ctx, kind, prefix, after, limit)
			time.Sleep(time.Millisecond)
			// What is gone by now makes the page short, and a short one is the last.
			return slices.DeleteFunc(listed, func(r store.Record) bool { return b.version(r.Key) == 0 }), err
		},
	}),
	"GetCached misses the backend's own writes": {"GetCached sees every write that the backend acknowledged before", func() store.Backend {
		return newCaching(true)
	}},
	"GetCached remembers that there was none": {"GetCached returns ErrNotFound if there is none", func() store.Backend {
		return &pessimist{newCaching(false), make(map[store.Key]bool)}
	}},
	"GetCached writes an old answer over a new one": {"GetCached beside a writer never goes back behind what was acknowledged", func() store.Backend {
		return &late{newCaching(true)}
	}},
}

type pessimist struct {
	*caching
	missing map[store.Key]bool
}

func (p *pessimist) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	if p.missing[key] {
		return store.Record{}, store.ErrNotFound
	}
	record, err := p.caching.GetCached(ctx, key)
	p.missing[key] = errors.Is(err, store.ErrNotFound)
	return record, err
}

// late forgets what it has cached when it writes, and not what is on its way there.
type late struct{ *caching }

func (l *late) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	err := l.caching.Replace(ctx, key, version, value, expires)
	l.cacheMu.Lock()
	defer l.cacheMu.Unlock()
	delete(l.cache, key)
	return err
}

func (l *late) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	l.cacheMu.Lock()
	record, ok := l.cache[key]
	l.cacheMu.Unlock()
	if ok {
		return record, nil
	}
	record, err := l.Get(ctx, key)
	time.Sleep(time.Millisecond)
	if err == nil {
		l.cacheMu.Lock()
		defer l.cacheMu.Unlock()
		l.cache[key] = record
	}
	return record, err
}
