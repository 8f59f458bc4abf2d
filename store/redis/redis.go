package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/mcpoauth/mcpoauth/store"
)

// Defaults of Options.
const (
	DefaultPrefix  = "mcpoauth"
	DefaultTimeout = 5 * time.Second
)

// Options says how a Backend uses the server. The zero value is a good default.
type Options struct {
	// Prefix begins the name of every key, so that several servers can share one
	// database: letters, digits and any of - . _ : are allowed. If empty, DefaultPrefix.
	Prefix string

	// Timeout is how long one operation may take, besides its context. If zero,
	// DefaultTimeout.
	Timeout time.Duration

	// WaitReplicas is how many replicas must have a write before it is acknowledged;
	// a write that fewer have in time fails, and may have happened. If zero, a
	// fail-over may undo the writes of its last moment, revocations included. Each
	// write then waits for the slowest of them, and fails while too few are there.
	// The URL can say it too, for a command line: ?wait_replicas=1.
	WaitReplicas int
}

// A Backend keeps records in Redis or Valkey.
type Backend struct {
	client  rueidis.Client
	layout  layout
	timeout time.Duration
	wait    int64 // replicas that must have a write
	crowd   int   // see bound
	cache   *cache
}

var _ store.CachingBackend = (*Backend)(nil)

// Open connects to the server that url names, and checks that it can be trusted with
// records: that it is new enough, speaks RESP3, evicts nothing and is no replica. Its
// errors say what is wrong and how to mend it, and never the password. The package comment
// has the forms of url.
func Open(ctx context.Context, url string, o Options) (*Backend, error) {
	prefix := cmp.Or(o.Prefix, DefaultPrefix)
	waiting, err := waitReplicas(url)
	o.WaitReplicas = cmp.Or(o.WaitReplicas, waiting)
	if err := errors.Join(checkPrefix(prefix), o.check(), err); err != nil {
		return nil, err
	}
	b := &Backend{
		layout:  layout{prefix},
		timeout: cmp.Or(o.Timeout, DefaultTimeout),
		wait:    int64(o.WaitReplicas),
		crowd:   maxCrowd / buckets,
		cache:   newCache(),
	}
	settings, err := parse(url)
	if err != nil {
		return nil, err
	}
	b.configure(&settings)
	if b.client, err = connect(ctx, settings); err != nil {
		return nil, err
	}
	if err := b.checkServers(ctx); err != nil {
		b.client.Close()
		return nil, err
	}
	return b, nil
}

func (o Options) check() error {
	var errs []error
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("redis: Options.Timeout: must not be negative, got %v; leave it zero for %v", o.Timeout, DefaultTimeout))
	}
	if o.WaitReplicas < 0 {
		errs = append(errs, fmt.Errorf("redis: Options.WaitReplicas: must not be negative, got %d; zero waits for none", o.WaitReplicas))
	}
	return errors.Join(errs...)
}

// Close waits for the operations under way and ends the connections. Every method
// fails afterwards.
func (b *Backend) Close() error {
	b.client.Close()
	b.cache.flush()
	return nil
}
