package model

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/mcpoauth/mcpoauth/store"
)

// shift moves all times in all grants, which is as good as a clock that jumps the other way.
func shift(ctx context.Context, b store.Backend, d time.Duration) error {
	for record, err := range records(ctx, b, store.KindGrant) {
		if err != nil {
			return err
		}
		value, err := shifted(record.Value, d)
		if err != nil {
			return err
		}
		err = b.Replace(ctx, record.Key, record.Version, value, record.ExpiresAt.Add(d))
		if err != nil && !errors.Is(err, store.ErrNotFound) { // it has expired
			return err
		}
	}
	return nil
}

func shifted(v store.Value, d time.Duration) (store.Value, error) {
	data, err := v.Encode()
	if err != nil {
		return nil, err
	}
	var object any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	data, err = json.Marshal(move(object, d))
	return store.NewEncoded(data), err
}

// move returns v with every string in it that is a time moved.
func move(v any, d time.Duration) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = move(member, d)
		}
	case []any:
		for i, element := range v {
			v[i] = move(element, d)
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Add(d).Format(time.RFC3339Nano)
		}
	}
	return v
}
