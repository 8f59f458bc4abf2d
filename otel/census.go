package mcpotel

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/mcpoauth/mcpoauth/internal/later"
	"github.com/mcpoauth/mcpoauth/store"
)

const (
	// censusPage is how many grants are read in one step: many, because the store in
	// memory looks through all of them for each page, but no more than a database gives at once.
	censusPage = 10_000

	// Counting takes no more than a hundredth of the time, and is no older than that or
	// a minute.
	censusEvery = time.Minute
	censusShare = 100
)

// A census counts the grants of a store, off the path of those who collect metrics and
// only while somebody does.
type census struct {
	inner store.Backend
	task  later.Task
	count atomic.Int64 // unknown: what it says
	due   atomic.Int64 // when to count again, in nanoseconds of the clock
}

const unknown = -1

func newCensus(inner store.Backend) *census {
	c := &census{inner: inner}
	c.count.Store(unknown)
	c.task.Do = c.take
	c.task.Soon()
	return c
}

// observe says what was counted last, and has it counted again when it is time to.
func (c *census) observe(o metric.Observer, gauge metric.Int64Observable) {
	if time.Now().UnixNano() >= c.due.Load() {
		c.task.Soon()
	}
	if n := c.count.Load(); n != unknown {
		o.ObserveInt64(gauge, n)
	}
}

// take counts, and says when to do so again. It returns no error, after which it would be
// asked again without anybody who collects.
func (c *census) take(ctx context.Context) error {
	began := time.Now()
	n, err := c.live(ctx, began)
	if err != nil {
		n = unknown // rather none than an old one
	}
	c.count.Store(n)
	c.due.Store(time.Now().Add(max(censusEvery, censusShare*time.Since(began))).UnixNano())
	return nil
}

// live returns how many grants there are that have not expired.
func (c *census) live(ctx context.Context, now time.Time) (n int64, err error) {
	after := ""
	for {
		records, err := c.inner.List(ctx, store.KindGrant, "", after, censusPage)
		if err != nil {
			return 0, fmt.Errorf("counting grants: %w", err)
		}
		for _, record := range records {
			if record.ExpiresAt.IsZero() || now.Before(record.ExpiresAt) {
				n++
			}
		}
		if len(records) < censusPage {
			return n, nil
		}
		after = records[len(records)-1].Key.ID
	}
}
