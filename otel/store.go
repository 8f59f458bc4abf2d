package mcpotel

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpoauth/mcpoauth/store"
)

// Store returns inner with each call measured, and traced if it belongs to a request that
// is. It is a store.CachingBackend if inner is one. From now on the grants in inner are
// counted. It is for one store, which its caller closes, after Close.
//
// The files that a Config without a Store keeps are memory.Open of the package
// store/memory, which is to be called and closed by the program then.
func (t *Telemetry) Store(inner store.Backend) store.Backend {
	t.grants.Store(newCensus(inner))
	b := &backend{inner, t}
	if caching, ok := inner.(store.CachingBackend); ok {
		return &cachingBackend{b, caching}
	}
	return b
}

type backend struct {
	inner store.Backend
	t     *Telemetry
}

// Get implements store.Backend.
func (b *backend) Get(ctx context.Context, key store.Key) (store.Record, error) {
	c := b.t.call(ctx, "get", key.Kind)
	record, err := b.inner.Get(c.ctx, key)
	return record, c.end(err)
}

// Create implements store.Backend.
func (b *backend) Create(ctx context.Context, key store.Key, value store.Value, expires time.Time) error {
	c := b.t.call(ctx, "create", key.Kind)
	return c.end(b.inner.Create(c.ctx, key, value, expires))
}

// Replace implements store.Backend.
func (b *backend) Replace(ctx context.Context, key store.Key, version uint64, value store.Value, expires time.Time) error {
	c := b.t.call(ctx, "replace", key.Kind)
	return c.end(b.inner.Replace(c.ctx, key, version, value, expires))
}

// Delete implements store.Backend.
func (b *backend) Delete(ctx context.Context, key store.Key) error {
	c := b.t.call(ctx, "delete", key.Kind)
	return c.end(b.inner.Delete(c.ctx, key))
}

// List implements store.Backend.
func (b *backend) List(ctx context.Context, kind store.Kind, prefix, after string, limit int) ([]store.Record, error) {
	c := b.t.call(ctx, "list", kind)
	records, err := b.inner.List(c.ctx, kind, prefix, after, limit)
	return records, c.end(err)
}

type cachingBackend struct {
	*backend
	caching store.CachingBackend
}

// GetCached implements store.CachingBackend.
func (b *cachingBackend) GetCached(ctx context.Context, key store.Key) (store.Record, error) {
	c := b.t.call(ctx, "get_cached", key.Kind)
	record, err := b.caching.GetCached(c.ctx, key)
	return record, c.end(err)
}

// A call is one to the store, under way.
type call struct {
	t     *Telemetry
	ctx   context.Context
	span  trace.Span // nil: it is not traced
	about storeLabel
	began time.Time
}

var kinds = store.Kinds()

// call begins one. What the server does by itself, for no request, gets no span.
func (t *Telemetry) call(ctx context.Context, operation string, kind store.Kind) call {
	if !slices.Contains(kinds, kind) {
		kind = other
	}
	c := call{t: t, ctx: ctx, about: storeLabel{operation: operation, kind: string(kind)}, began: time.Now()}
	if trace.SpanFromContext(ctx).IsRecording() {
		c.ctx, c.span = t.tracer.Start(ctx, "store "+operation+" "+string(kind),
			trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(operationKey.String(operation), kindKey.String(string(kind))))
	}
	return c
}

// end returns err as it came.
func (c *call) end(err error) error {
	c.about.outcome = storeOutcome(err)
	c.t.stores.Record(c.ctx, time.Since(c.began).Seconds(), c.t.storeLabels.of(c.about)...)
	if c.span != nil {
		c.span.SetAttributes(outcomeKey.String(c.about.outcome))
		if c.about.outcome == "timeout" || c.about.outcome == "error" {
			c.span.SetStatus(codes.Error, "") // the text of an error may name an address
		}
		c.span.End()
	}
	return err
}

func storeOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "not_found"
	case errors.Is(err, store.ErrConflict):
		return "conflict"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "error"
}

// A storeLabel says which calls are counted together.
type storeLabel struct{ operation, kind, outcome string }

func (l storeLabel) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{operationKey.String(l.operation), kindKey.String(l.kind), outcomeKey.String(l.outcome)}
}
