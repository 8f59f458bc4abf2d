// Package mcpotel measures and traces an mcpoauth router with OpenTelemetry.
//
//	telemetry, err := mcpotel.New(mcpotel.Options{})
//	...
//	router, err := mcpoauth.BuildOAuthRouter(mcpHandler, mcpoauth.Config{
//		ServerURL: "https://mcp.example.com",
//		Store:     telemetry.Store(backend),
//		OnEvent:   telemetry.OnEvent(nil),
//	})
//	...
//	server := &http.Server{Handler: telemetry.Handler(router)}
//
// What it records has names out of fixed lists only: strangers cannot make new series,
// and nothing in a metric or span tells who a person, client, token or caller is.
//
// It is a module of its own, so that mcpoauth itself does not depend on OpenTelemetry.
package mcpotel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/audit"
)

const scope = "github.com/mcpoauth/mcpoauth/otel"

// Options say where metrics and spans go. A provider that is nil is the global one of
// OpenTelemetry, which drops everything until the program has set it.
type Options struct {
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider
}

// Telemetry measures one router. New makes one.
type Telemetry struct {
	tracer   trace.Tracer
	requests metric.Float64Histogram
	stores   metric.Float64Histogram
	events   metric.Int64Counter
	grants   atomic.Pointer[census] // nil: there is no store to count in

	requestLabels labels[requestLabel]
	storeLabels   labels[storeLabel]
	eventLabels   map[string][]metric.AddOption // of every name that there is

	registration metric.Registration
}

// New makes the instruments. It returns what OpenTelemetry has against them.
func New(o Options) (*Telemetry, error) {
	if o.MeterProvider == nil {
		o.MeterProvider = otel.GetMeterProvider()
	}
	if o.TracerProvider == nil {
		o.TracerProvider = otel.GetTracerProvider()
	}
	t := &Telemetry{tracer: o.TracerProvider.Tracer(scope), eventLabels: make(map[string][]metric.AddOption)}
	for _, name := range append(audit.Names(), other) {
		t.eventLabels[name] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("mcpoauth.event", name)))}
	}
	meter := o.MeterProvider.Meter(scope)
	var errs [5]error
	t.requests, errs[0] = meter.Float64Histogram("mcpoauth.request.duration", metric.WithUnit("s"),
		metric.WithDescription("How long requests took, to the end of the answer."),
		metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60))
	t.stores, errs[1] = meter.Float64Histogram("mcpoauth.store.duration", metric.WithUnit("s"),
		metric.WithDescription("How long the store took."),
		metric.WithExplicitBucketBoundaries(0.00001, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5))
	t.events, errs[2] = meter.Int64Counter("mcpoauth.events", metric.WithUnit("{event}"),
		metric.WithDescription("Events of the log that decide who is in."))
	grants, err := meter.Int64ObservableGauge("mcpoauth.grants", metric.WithUnit("{grant}"),
		metric.WithDescription("Connections and API keys that have not expired, in the whole store."))
	errs[3] = err
	t.registration, errs[4] = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if c := t.grants.Load(); c != nil {
			c.observe(o, grants)
		}
		return nil
	}, grants)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("mcpotel: making the instruments: %w", err)
	}
	return t, nil
}

// OnEvent returns a function for Config.OnEvent that counts each event, and then tells
// next of it, unless next is nil.
func (t *Telemetry) OnEvent(next func(mcpoauth.Event)) func(mcpoauth.Event) {
	return func(e mcpoauth.Event) {
		label, ok := t.eventLabels[e.Name]
		if !ok {
			label = t.eventLabels[other]
		}
		t.events.Add(context.Background(), 1, label...)
		if next != nil {
			next(e)
		}
	}
}

// Close ends the counting of grants. It comes after Router.Close and before the store is
// closed.
func (t *Telemetry) Close() error {
	err := t.registration.Unregister()
	if c := t.grants.Load(); c != nil {
		c.task.Close()
	}
	if err != nil {
		return fmt.Errorf("mcpotel: ending the count of grants: %w", err)
	}
	return nil
}
