package mcpotel

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/mcpoauth/mcpoauth"
)

// Handler measures each request to router, and traces it as a part of the trace that the
// caller names in its traceparent header (W3C Trace Context): the wrapped handler finds
// that in the context of its request. Baggage is not taken over, since anybody could fill
// it. The ResponseWriter does what the server's own does.
func (t *Telemetry) Handler(router *mcpoauth.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		about := requestLabel{endpoint: cmp.Or(router.Endpoint(r), "none"), method: knownMethod(r.Method)}
		ctx, span := t.tracer.Start(traced(r), about.method+" "+about.endpoint,
			trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(endpointKey.String(about.endpoint), methodKey.String(about.method)))
		var seen response
		// Not by defer span.End(), which would note what a panic says.
		defer func() {
			about.outcome = seen.outcome()
			t.requests.Record(ctx, time.Since(began).Seconds(), t.requestLabels.of(about)...)
			span.SetAttributes(outcomeKey.String(about.outcome))
			if seen.status >= http.StatusInternalServerError || !seen.finished {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}()
		router.ServeHTTP(seen.watch(w), r.WithContext(ctx))
		seen.finished = true
	})
}

// traced returns the context of a request with the trace that it belongs to, which is
// there already if something in front of this has traced it.
func traced(r *http.Request) context.Context {
	if ctx := r.Context(); trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
}

// A requestLabel says which requests are counted together.
type requestLabel struct{ endpoint, method, outcome string }

func (l requestLabel) attributes() []attribute.KeyValue {
	return []attribute.KeyValue{endpointKey.String(l.endpoint), methodKey.String(l.method), outcomeKey.String(l.outcome)}
}
