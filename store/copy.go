package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Kinds returns all kinds that Store keeps, in the order in which Copy takes them. A
// program that walks through a whole backend has them from here.
func Kinds() []Kind {
	return append(slices.Clone(lasting), KindCeremony, KindApproval)
}

// lasting are the kinds that Copy takes. The other two are of sign-ins that last
// minutes: who is in the middle of one begins it again. Users come first: a copy that
// stopped half-way has an owner, so that its setup is not open.
var lasting = []Kind{
	KindUser, KindEnrolment, KindClient, KindGrant, KindUse, KindConsent, KindSession, KindAssertion, KindJournal,
}

const (
	copyPage = 256 // records that are read in one step

	// copyWorkers is how many records are written at once: several, because a backend
	// that waits for a disk waits once for all of them, and few, because one that
	// writes them one after another gives each only so long.
	copyWorkers = 8
)

// Copied says how many records of each kind Copy has found in the target at last.
type Copied map[Kind]int

// Copy copies everything that outlives a restart from one backend to another: people
// and passkeys, clients, grants, consents and sessions, with the times at which they
// expire, and nothing that has expired. Then it reads both and compares them record by
// record: values as JSON, times to the microsecond. No process may use either backend
// meanwhile.
//
// If the target holds a record that has not expired, and that the source does not have
// or has otherwise, Copy says which and changes nothing: two servers' people are never
// mixed. So a Copy that failed half-way, which leaves what it had copied, is finished by
// running it again.
//
// The error says what Copy was doing and the key of the record; Copied is nil then.
func Copy(ctx context.Context, to, from Backend) (Copied, error) {
	copied := make(Copied)
	for _, kind := range lasting {
		if err := onlyCopies(ctx, to, from, kind); err != nil {
			return nil, fmt.Errorf("store: looking through the target before copying: %w", err)
		}
	}
	for _, kind := range lasting {
		if err := copyKind(ctx, to, from, kind); err != nil {
			return nil, fmt.Errorf("store: copying: %w; run it again to go on where it stopped", err)
		}
	}
	for _, kind := range lasting {
		n, err := verifyKind(ctx, to, from, kind)
		if err != nil {
			return nil, fmt.Errorf("store: comparing the copy with the source: %w", err)
		}
		copied[kind] = n
	}
	return copied, nil
}

// onlyCopies returns an error if the target holds anything that is not in the source
// as it is.
func onlyCopies(ctx context.Context, to, from Backend, kind Kind) error {
	for record, err := range each(ctx, to, kind) {
		if err != nil {
			return err
		}
		source, err := from.Get(ctx, record.Key)
		if err == nil {
			err = same(record, source)
		}
		switch {
		case errors.Is(err, ErrNotFound):
			return fmt.Errorf("%v is there already, and not in the source; copy to an empty backend", record.Key)
		case err != nil:
			return fmt.Errorf("%v is there already: %w; copy to an empty backend", record.Key, err)
		}
	}
	return nil
}

func copyKind(ctx context.Context, to, from Backend, kind Kind) error {
	for page, err := range pages(ctx, from, kind) {
		if err != nil {
			return err
		}
		if err := createAll(ctx, to, page); err != nil {
			return err
		}
	}
	return nil
}

// createAll creates the records of a page, several at once.
func createAll(ctx context.Context, to Backend, page []Record) error {
	errs := make([]error, copyWorkers)
	var all sync.WaitGroup
	for w := range copyWorkers {
		all.Go(func() {
			for i := w; i < len(page) && errs[w] == nil; i += copyWorkers {
				errs[w] = create(ctx, to, page[i])
			}
		})
	}
	all.Wait()
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i] // one in the place of all
}

// create leaves a record alone that is there from a run before: it is compared in the
// end. One that has expired, and is not swept yet, gives way.
func create(ctx context.Context, to Backend, record Record) error {
	err := to.Create(ctx, record.Key, record.Value, record.ExpiresAt)
	if errors.Is(err, ErrConflict) {
		var there Record
		there, err = to.Get(ctx, record.Key)
		if err == nil && expired(there.ExpiresAt, wall()) {
			err = to.Replace(ctx, record.Key, there.Version, record.Value, record.ExpiresAt)
		}
	}
	if err != nil {
		return fmt.Errorf("writing %v: %w", record.Key, err)
	}
	return nil
}

// verifyKind requires that both hold the same, and returns how many records that are.
func verifyKind(ctx context.Context, to, from Backend, kind Kind) (n int, err error) {
	next, stop := iter.Pull2(each(ctx, to, kind))
	defer stop()
	got, err, more := next()
	for want, errSource := range each(ctx, from, kind) {
		if errSource != nil {
			return n, fmt.Errorf("the source: %w", errSource)
		}
		for more && err == nil && got.Key.ID < want.Key.ID {
			if err = unexpected(got); err == nil {
				got, err, more = next()
			}
		}
		switch {
		case err != nil:
			return n, err
		case !more || got.Key.ID != want.Key.ID:
			if !expired(want.ExpiresAt, wall()) { // in the meantime
				return n, fmt.Errorf("%v is not in the target; if that keeps a limited number of them, let it keep more", want.Key)
			}
			continue
		}
		if err := same(got, want); err != nil {
			return n, fmt.Errorf("%v: %w", want.Key, err)
		}
		n++
		got, err, more = next()
	}
	for more && err == nil {
		if err = unexpected(got); err == nil {
			got, err, more = next()
		}
	}
	return n, err
}

// unexpected is the error of a record that the source does not have, unless it has
// expired in the meantime.
func unexpected(r Record) error {
	if expired(r.ExpiresAt, wall()) {
		return nil
	}
	return fmt.Errorf("%v is in the target, and not in the source", r.Key)
}

// same returns an error that says in what two records of a key differ, and nothing of
// what they hold.
func same(got, want Record) error {
	// A backend may round to the microsecond, up or down.
	if g, w := got.ExpiresAt, want.ExpiresAt; g.IsZero() != w.IsZero() || g.Sub(w).Abs() > time.Microsecond {
		return fmt.Errorf("it expires at %s, and in the source at %s", when(g), when(w))
	}
	g, err := content(got.Value)
	if err != nil {
		return fmt.Errorf("reading its value: %w", err)
	}
	w, err := content(want.Value)
	if err != nil {
		return fmt.Errorf("reading its value in the source: %w", err)
	}
	if !reflect.DeepEqual(g, w) {
		return errors.New("its value differs")
	}
	return nil
}

func when(expires time.Time) string {
	if expires.IsZero() {
		return "no time"
	}
	return expires.UTC().Format(time.RFC3339Nano)
}

// content decodes a value with its numbers as they are spelled, not rounded.
func content(value Value) (content any, err error) {
	data, err := value.Encode()
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	err = dec.Decode(&content)
	return content, err
}

// each goes through the records of a kind that have not expired, by their IDs, and
// ends after the first error.
func each(ctx context.Context, b Backend, kind Kind) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for page, err := range pages(ctx, b, kind) {
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, record := range page {
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// pages is each, by the page.
func pages(ctx context.Context, b Backend, kind Kind) iter.Seq2[[]Record, error] {
	return func(yield func([]Record, error) bool) {
		after := ""
		for {
			page, err := b.List(ctx, kind, "", after, copyPage)
			if err != nil {
				yield(nil, fmt.Errorf("listing the records of kind %s: %w", kind, err))
				return
			}
			last := len(page) < copyPage
			if len(page) > 0 {
				after = page[len(page)-1].Key.ID
			}
			now := wall()
			page = slices.DeleteFunc(page, func(r Record) bool { return expired(r.ExpiresAt, now) })
			if !yield(page, nil) || last {
				return
			}
		}
	}
}
