package encrypted

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// format is the number of the way in which records are sealed.
const format = 1

// An envelope is what inner keeps: backends keep JSON.
type envelope struct {
	Format int    `json:"format"`
	KeyID  string `json:"key"`
	Sealed []byte `json:"sealed"` // the time, then the value
}

// timeLen is how many bytes time.Time.AppendBinary makes of a time in UTC.
const timeLen = 15

// opened is what an envelope holds.
type opened struct {
	value   *store.Encoded
	expires time.Time
	with    Key
}

// label is what a value is sealed under: nothing that was sealed for one record opens
// in the place of another, whatever kinds and IDs there will be.
func label(key store.Key) string {
	return fmt.Sprintf("%d:%d:%v", format, len(key.Kind), key)
}

func (r keyring) seal(key store.Key, value store.Value, expires time.Time) (*store.Encoded, error) {
	data, err := value.Encode()
	if err != nil {
		return nil, fmt.Errorf("encrypted: encoding %v: %w", key, err)
	}
	return r.sealBytes(key, data, expires)
}

func (r keyring) sealBytes(key store.Key, data []byte, expires time.Time) (*store.Encoded, error) {
	plain, err := expires.UTC().AppendBinary(make([]byte, 0, timeLen+len(data)))
	if err != nil {
		return nil, fmt.Errorf("encrypted: sealing the time of %v: %w", key, err)
	}
	first := r[0]
	sealed, err := json.Marshal(envelope{format, first.ID(), first.master.Seal(label(key), append(plain, data...))})
	if err != nil {
		return nil, fmt.Errorf("encrypted: sealing %v: %w", key, err)
	}
	return store.NewEncoded(sealed), nil
}

func (r keyring) open(record store.Record) (opened, error) {
	key := record.Key
	var e envelope
	_, err := decode(record, &e)
	switch {
	case err != nil:
		return opened{}, err
	case e.Format == 0:
		return opened{}, fmt.Errorf("encrypted: %v is not encrypted; if nobody else could ever write to the database, seal what is in it with SealPlain", key)
	case e.Format != format:
		return opened{}, fmt.Errorf("encrypted: %v is sealed in the format %d, and this program knows format %d; run the one that has sealed it", key, e.Format, format)
	}
	with, ok := r.find(e.KeyID)
	if !ok {
		return opened{}, fmt.Errorf("encrypted: %v is sealed with the key %.64q, and the keys here are %v; add that one", key, e.KeyID, r)
	}
	plain, ok := with.master.Open(label(key), e.Sealed)
	if !ok || len(plain) < timeLen {
		return opened{}, fmt.Errorf("encrypted: %v does not open with the key %v; somebody has changed it, or taken it from another record", key, with)
	}
	o := opened{value: store.NewEncoded(plain[timeLen:]), with: with}
	if err := o.expires.UnmarshalBinary(plain[:timeLen]); err != nil {
		return opened{}, fmt.Errorf("encrypted: the time of %v: %w", key, err)
	}
	return o, nil
}

// envelopeMembers counts the members that an envelope has, by their exact names. Nothing
// that Store keeps has one of them.
func envelopeMembers(members map[string]json.RawMessage) (n int) {
	for _, name := range []string{"format", "key", "sealed"} {
		if _, ok := members[name]; ok {
			n++
		}
	}
	return n
}

// decode reads a record of inner's, which has to be a JSON object, and returns its bytes.
func decode(record store.Record, into any) (data []byte, err error) {
	data, err = record.Value.Encode()
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err == nil && !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		err = errors.New("it is no JSON object")
	}
	if err != nil {
		return nil, fmt.Errorf("encrypted: reading %v: %w", record.Key, err)
	}
	return data, nil
}
