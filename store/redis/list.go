package redis

import (
	"context"
	"errors"
	"slices"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

// pageSize is how many records List reads at a time.
const pageSize = 200

// List implements store.Backend.
func (b *Backend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var records []store.Record
	for len(records) < limit {
		wanted := min(limit-len(records), pageSize)
		ids, err := b.ids(limited, kind, prefix, after, wanted)
		if err == nil {
			records, err = b.collect(limited, records, kind, ids)
		}
		if err != nil {
			return nil, b.failed(ctx, "listing", kind, err)
		}
		if len(ids) < wanted {
			break
		}
		after = ids[len(ids)-1]
	}
	return records, nil
}

// ids returns the first IDs of a kind beyond after: those are among the first of
// each bucket.
func (b *Backend) ids(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]string, error) {
	from, to := "["+prefix, "+"
	if after >= prefix {
		from = "(" + after
	}
	if prefix != "" {
		to = "(" + prefix + "\xff" // beyond all printable ASCII
	}
	commands := make([]rueidis.Completed, buckets)
	for bucket := range commands {
		commands[bucket] = b.client.B().Zrangebylex().Key(b.layout.ids(kind, bucket)).Min(from).Max(to).Limit(0, int64(limit)).Build()
	}
	var all []string
	for _, answer := range b.client.DoMulti(ctx, commands...) {
		some, err := answer.AsStrSlice()
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.Sort(all)
	return all[:min(limit, len(all))], nil
}

// collect appends the records that are still there: the index keeps an ID for a while after
// Redis has forgotten its record, or a person deleted it.
func (b *Backend) collect(ctx context.Context, records []store.Record, kind store.Kind, ids []string) ([]store.Record, error) {
	if len(ids) == 0 {
		return records, nil
	}
	commands := make([]rueidis.Completed, len(ids))
	for i, id := range ids {
		commands[i] = b.read(store.Key{Kind: kind, ID: id})
	}
	var gone []rueidis.Completed
	for i, answer := range b.client.DoMulti(ctx, commands...) {
		record, err := decode(store.Key{Kind: kind, ID: ids[i]}, answer)
		switch {
		case err == nil:
			records = append(records, record)
		case errors.Is(err, store.ErrNotFound):
			gone = append(gone, b.forget(store.Key{Kind: kind, ID: ids[i]}))
		default:
			return nil, err
		}
	}
	if len(gone) > 0 {
		b.client.DoMulti(ctx, gone...) // if it fails, the next List tries again
	}
	return records, nil
}

// forget takes the ID of a record that is not there out of the index.
func (b *Backend) forget(key store.Key) rueidis.Completed {
	return b.client.B().Eval().Script(forgetScript.text).Numkeys(3).Key(b.layout.keys(key)...).Arg(key.ID).Build()
}
