package redis

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

// Redis forgets a record this long after it expired, because its clock and ours differ;
// store.Store looks at the time itself.
const margin = time.Minute

// Get implements store.Backend.
func (b *Backend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	record, err := b.get(ctx, key)
	if err == nil {
		b.cache.correct(b.layout.record(key), record.Version)
	}
	return record, err
}

// get asks the server. What is gone is not answered from memory either, though the server
// has not told of it yet.
func (b *Backend) get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	record, err := decode(key, b.client.Do(limited, b.read(key)))
	switch {
	case errors.Is(err, store.ErrNotFound):
		b.cache.drop(b.layout.record(key))
	case err != nil:
		err = b.failed(ctx, "getting", key.Kind, err)
	}
	return record, err
}

// Create implements store.Backend.
func (b *Backend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	data, err := value.Encode()
	if err != nil {
		return err
	}
	return b.write(ctx, "creating", createScript, key, append(content(data, expires), b.bound(key.Kind))...)
}

// Replace implements store.Backend.
func (b *Backend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	data, err := value.Encode()
	if err != nil {
		return err
	}
	return b.write(ctx, "replacing", replaceScript, key, append(content(data, expires), strconv.FormatUint(version, 10))...)
}

// Delete implements store.Backend. It works when the server's memory is full.
func (b *Backend) Delete(ctx context.Context, key store.Key) error {
	return b.write(ctx, "deleting", deleteScript, key)
}

// content is a record as the scripts take it: version, value, expiry, time to forget.
func content(data []byte, expires time.Time) []string {
	args := []string{newVersion(), rueidis.BinaryString(data), "", ""}
	if !expires.IsZero() {
		args[2] = strconv.FormatInt(expires.UnixMicro(), 10)
		args[3] = strconv.FormatInt(expires.Add(margin).UnixMilli(), 10)
	}
	return args
}

// newVersion is random, because a count could repeat after a fail-over that lost
// the last writes.
func newVersion() string {
	var b [8]byte
	rand.Read(b[:])
	return strconv.FormatUint(max(binary.BigEndian.Uint64(b[:])>>1, 1), 10)
}

func (b *Backend) read(key store.Key) rueidis.Completed {
	return b.client.B().Hmget().Key(b.layout.record(key)).Field("v", "d", "e").Build()
}

// decode reads the answer to read.
func decode(key store.Key, answer rueidis.RedisResult) (store.Record, error) {
	fields, err := answer.ToArray()
	if err != nil {
		return store.Record{}, err
	}
	if len(fields) != 3 || fields[0].IsNil() {
		return store.Record{}, store.ErrNotFound
	}
	version, errVersion := fields[0].AsUint64()
	data, errData := fields[1].AsBytes()
	expires, errExpires := expiry(&fields[2])
	if err := errors.Join(errVersion, errData, errExpires); err != nil {
		return store.Record{}, err
	}
	return store.Record{Key: key, Value: store.NewEncoded(data), Version: version, ExpiresAt: expires}, nil
}

func expiry(field *rueidis.RedisMessage) (time.Time, error) {
	text, err := field.ToString()
	if rueidis.IsRedisNil(err) || err == nil && text == "" {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	micros, err := strconv.ParseInt(text, 10, 64)
	return time.UnixMicro(micros).UTC(), err
}
