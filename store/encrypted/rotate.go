package encrypted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// page is how many records are read in one step, and written at once: a backend that
// waits for a disk waits once for all of them.
const page = 256

// Counts says what Rotate or SealPlain did to the records that it found.
type Counts struct {
	Sealed int // with the first key
	Kept   int // as they were
}

// Rotate seals anew, with the first of keys, every record of inner that is sealed with
// another of them. Afterwards the others can be left out. The server may run meanwhile,
// if all its processes have the same first key by then.
//
// A record that is in the clear, or does not open, is an error that names it: Rotate
// makes nothing trustworthy that was not. What was sealed anew until then stays so;
// Counts is right after an error too. Running it again goes on.
func Rotate(ctx context.Context, inner store.Backend, keys ...Key) (Counts, error) {
	return reseal(ctx, inner, keys, keyring.outdated)
}

// SealPlain seals, with the first of keys, every record of inner that is in the clear, and
// keeps those that are sealed. It is for the day on which encryption begins, with
// no server running: it believes what it finds, so that whoever could write to the
// database before could write into what is trusted afterwards. Errors are as those of Rotate.
func SealPlain(ctx context.Context, inner store.Backend, keys ...Key) (Counts, error) {
	return reseal(ctx, inner, keys, keyring.plain)
}

// A selection returns what a record holds if it has to be sealed anew, or nil.
type selection func(r keyring, record store.Record) (data []byte, expires time.Time, err error)

func (r keyring) outdated(record store.Record) ([]byte, time.Time, error) {
	o, err := r.open(record)
	if err != nil || o.with.ID() == r[0].ID() {
		return nil, time.Time{}, err
	}
	data, err := o.value.Encode()
	return data, o.expires, err
}

func (r keyring) plain(record store.Record) ([]byte, time.Time, error) {
	e, data, err := unwrap(record)
	if err != nil || !e.plain() {
		return nil, time.Time{}, err
	}
	return data, record.ExpiresAt, nil
}

func reseal(ctx context.Context, inner store.Backend, keys []Key, sel selection) (Counts, error) {
	var counts Counts
	ring, err := newKeyring(keys)
	if err != nil {
		return counts, err
	}
	for _, kind := range store.Kinds() {
		after := ""
		for {
			listed, err := inner.List(ctx, kind, "", after, page)
			if err != nil {
				return counts, fmt.Errorf("encrypted: listing the records of kind %s: %w", kind, err)
			}
			if err := ring.resealAll(ctx, inner, listed, sel, &counts); err != nil {
				return counts, err
			}
			if len(listed) < page {
				break
			}
			after = listed[len(listed)-1].Key.ID
		}
	}
	return counts, nil
}

// resealAll treats the records of a page at once.
func (r keyring) resealAll(ctx context.Context, inner store.Backend, listed []store.Record, sel selection, counts *Counts) error {
	var countsMu sync.Mutex // guards counts and first
	var first error
	var all sync.WaitGroup
	for _, record := range listed {
		all.Go(func() {
			sealed, err := r.resealOne(ctx, inner, record, sel)
			countsMu.Lock()
			defer countsMu.Unlock()
			switch {
			case err != nil && first == nil:
				first = err
			case err == nil && sealed:
				counts.Sealed++
			case err == nil:
				counts.Kept++
			}
		})
	}
	all.Wait()
	return first
}

// resealOne gives way to every other writer, and looks at what that one left.
func (r keyring) resealOne(ctx context.Context, inner store.Backend, record store.Record, sel selection) (sealed bool, err error) {
	for {
		data, expires, err := sel(r, record)
		if err != nil || data == nil {
			return false, err
		}
		value, err := r.sealBytes(record.Key, data, expires)
		if err != nil {
			return false, err
		}
		key := record.Key
		err = inner.Replace(ctx, key, record.Version, value, expires)
		if errors.Is(err, store.ErrConflict) {
			record, err = inner.Get(ctx, key)
			if err == nil {
				continue
			}
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return false, nil // nothing is left to seal
		case err != nil:
			return false, fmt.Errorf("encrypted: sealing %v anew: %w", key, err)
		}
		return true, nil
	}
}
