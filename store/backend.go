// Package store keeps users, clients, grants and ceremonies.
//
// It has two layers. [Backend] is what a database must do: keep immutable values
// under keys and replace one only if nobody else did. [Store] is what those
// values mean: single use, rotation, reuse detection and expiry are written once,
// here, and hold on every backend.
package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Errors that a Backend returns, bare or wrapped. Any other error means that the
// backend failed and says nothing about the record.
var (
	ErrNotFound = errors.New("store: not found")
	ErrConflict = errors.New("store: conflict")
)

// A Kind is one of the kinds of records. A backend takes any.
type Kind string

// The kinds that Store keeps.
const (
	KindUser      Kind = "user"
	KindClient    Kind = "client"
	KindGrant     Kind = "grant"
	KindConsent   Kind = "consent"
	KindCeremony  Kind = "ceremony"  // a challenge that waits for its answer
	KindApproval  Kind = "approval"  // a ceremony that was answered
	KindAssertion Kind = "assertion" // of a client, that was used
	KindEnrolment Kind = "enrolment" // a link that lets somebody make a passkey
	KindSession   Kind = "session"   // of a browser that is signed in
	KindUse       Kind = "use"       // when and from where a grant was last used
	KindJournal   Kind = "journal"   // of what happened, that one process wrote
)

// A Key names a record. IDs are made of A-Z a-z 0-9 - . _ ~ and, for clients that
// are named by a URL, any printable ASCII; at most 2048 bytes.
type Key struct {
	Kind Kind
	ID   string
}

// String returns the kind and the ID with a slash between, for people to read.
func (k Key) String() string { return string(k.Kind) + "/" + k.ID }

// A Value is what is kept under a key. It never changes once it was handed over,
// so a backend in the same process may keep it as it is and hand it out again
// without a copy, while a remote one stores what Encode returns and answers with
// an [Encoded].
type Value interface {
	// Encode returns the value as JSON.
	Encode() ([]byte, error)
}

// A Record is a value as a backend found it.
type Record struct {
	Key       Key
	Value     Value
	Version   uint64    // for Replace; never zero
	ExpiresAt time.Time // zero: never
}

// A Backend is what the author of a database adapter implements; the package
// store/storetest proves it. All methods may be called at once from many
// goroutines and return ctx's error once ctx is done.
//
// expires is the time after which the backend may forget the record: the zero
// time means never. Until it has forgotten, it may still answer with the record:
// Store looks at the time itself.
type Backend interface {
	// Get returns the record under key, or ErrNotFound. It sees every write
	// that was acknowledged before it was called.
	Get(ctx context.Context, key Key) (Record, error)

	// Create keeps value under key. If the key is taken it changes nothing
	// and returns ErrConflict.
	Create(ctx context.Context, key Key, value Value, expires time.Time) error

	// Replace puts value in the place of the version that Get returned. If
	// that is not the present version any more it changes nothing and returns
	// ErrConflict; if the record is gone, ErrNotFound. A version is never used
	// twice for a key, not even after Delete and Create.
	Replace(ctx context.Context, key Key, version uint64, value Value, expires time.Time) error

	// Delete removes the record. It returns ErrNotFound if there was none, so
	// that of many who delete a record exactly one succeeds.
	Delete(ctx context.Context, key Key) error

	// List returns up to limit records of a kind whose IDs begin with prefix
	// and sort after the ID after, in ascending byte order of their IDs. Fewer
	// than limit means that there are no more.
	List(ctx context.Context, kind Kind, prefix, after string, limit int) ([]Record, error)
}

// A CachingBackend is a Backend that can answer from the memory of its own process,
// which saves a round trip before every request to a guarded handler. Only that check
// uses it: what decides about a change asks with Get.
type CachingBackend interface {
	Backend

	// GetCached is Get, except that it may miss a write of another process for as
	// long as the backend documents, whatever happens to its connections. It sees
	// every write that this Backend acknowledged before it was called.
	GetCached(ctx context.Context, key Key) (Record, error)
}

// Encoded is a value in the form that a remote backend reads from its database.
// It is decoded when it is first needed, and only then: a backend that caches the
// Encoded it returned caches the decoded value with it.
type Encoded struct {
	data    []byte
	decoded atomic.Value // a record's pointer type
}

// NewEncoded wraps what Encode returned earlier. The bytes now belong to the value.
func NewEncoded(data []byte) *Encoded { return &Encoded{data: data} }

// Encode returns the bytes as they were read. They are the caller's own.
func (e *Encoded) Encode() ([]byte, error) { return bytes.Clone(e.data), nil }

// Check decodes value as a record of that kind, and returns an error if it is none. A
// backend that reads from a place that people can edit calls it when it starts. Kinds
// that Store does not keep pass.
func Check(kind Kind, value Value) (err error) {
	switch kind {
	case KindUser:
		_, err = decode[User](value)
	case KindClient:
		_, err = decode[Client](value)
	case KindGrant:
		_, err = decode[Grant](value)
	case KindConsent:
		_, err = decode[Consent](value)
	case KindAssertion:
		_, err = decode[Assertion](value)
	case KindEnrolment:
		_, err = decode[Enrolment](value)
	case KindSession:
		_, err = decode[Session](value)
	case KindUse:
		_, err = decode[Use](value)
	case KindJournal:
		_, err = decode[Journal](value)
	}
	return err
}

// decode returns the record inside v, which is a *T already or the JSON of one.
func decode[T any](v Value) (*T, error) {
	if record, ok := any(v).(*T); ok {
		return record, nil
	}
	encoded, ok := v.(*Encoded)
	if !ok {
		if _, err := v.Encode(); err != nil {
			return nil, err // why a backend that wraps another could not read it
		}
		return nil, fmt.Errorf("store: the backend returned a %T, want a %T or a *store.Encoded", v, (*T)(nil))
	}
	if record, ok := encoded.decoded.Load().(*T); ok {
		return record, nil
	}
	record := new(T)
	if err := json.Unmarshal(encoded.data, record); err != nil {
		return nil, fmt.Errorf("store: decoding a %T: %w", record, err)
	}
	if g, ok := any(record).(*Grant); ok {
		g.shareTexts()
		record = any(g.packed()).(*T)
	}
	encoded.decoded.Store(record)
	return record, nil
}
