package encrypted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

const (
	page = 256 // records that are read in one step

	// workers is how many records are written at once: several, because a backend that
	// waits for a disk waits once for all of them, and few, because one that writes them
	// one after another gives each only so long.
	workers = 8
)

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
// keeps those that one of keys opens. It is for the day on which encryption begins, with
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
	var members map[string]json.RawMessage
	data, err := decode(record, &members)
	if err != nil {
		return nil, time.Time{}, err
	}
	switch there := envelopeMembers(members); there {
	case 0:
		return data, record.ExpiresAt, nil
	case 3:
		// Under another key it would be lost behind a report that all is well.
		_, err := r.open(record)
		return nil, time.Time{}, err
	default:
		return nil, time.Time{}, fmt.Errorf("encrypted: %v has %d of the 3 members of a sealed record, so that it is neither sealed nor in the clear; restore it from a backup or delete it", record.Key, there)
	}
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

// resealAll treats the records of a page, several at once.
func (r keyring) resealAll(ctx context.Context, inner store.Backend, listed []store.Record, sel selection, counts *Counts) error {
	var countsMu sync.Mutex // guards counts and first
	var first error
	var all sync.WaitGroup
	one := func(record store.Record) (goOn bool) {
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
		return first == nil
	}
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(listed); i += workers {
				if !one(listed[i]) {
					return
				}
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
