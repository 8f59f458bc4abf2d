package mcpotel_test

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/mcpoauth/mcpoauth"
	mcpotel "github.com/mcpoauth/mcpoauth/otel"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
	traceparent  = "00-" + callersTrace + "-" + callersSpan + "-01"
)

func TestTheWrappedHandlerAndTheStoreAreInTheTraceOfTheCaller(t *testing.T) {
	var inHandler trace.SpanContext
	var carried baggage.Baggage
	s := start(t, mcpoauth.Config{}, func(w http.ResponseWriter, r *http.Request) {
		inHandler, carried = trace.SpanContextFromContext(r.Context()), baggage.FromContext(r.Context())
		if _, ok := mcpoauth.IdentityFromContext(r.Context()); !ok {
			t.Error("the handler does not know who is calling")
		}
	})
	access, _ := s.connect("somebody")
	s.spans.Reset()
	s.do("POST", "/mcp", "", "Authorization", "Bearer "+access, "Traceparent", traceparent, "Baggage", "a=b")
	if inHandler.TraceID().String() != callersTrace || carried.Len() != 0 {
		t.Errorf("the handler is in the trace %s, with the baggage %q", inHandler.TraceID(), carried)
	}
	endpoint := s.span(t, "POST /mcp")
	if parent := endpoint.Parent(); parent.SpanID().String() != callersSpan || !parent.IsRemote() || endpoint.SpanContext().SpanID() != inHandler.SpanID() {
		t.Errorf("the span of the endpoint is %v below %v, and the handler in %v", endpoint.SpanContext(), parent, inHandler)
	}
	asked := s.span(t, "store get grant")
	if asked.Parent().SpanID() != endpoint.SpanContext().SpanID() || asked.SpanContext().TraceID().String() != callersTrace {
		t.Errorf("the span of the store is below %v", asked.Parent())
	}
	if endpoint.SpanKind() != trace.SpanKindServer || asked.SpanKind() != trace.SpanKindClient {
		t.Errorf("the spans are %v and %v", endpoint.SpanKind(), asked.SpanKind())
	}
}

// span returns the one span of that name.
func (s *server) span(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var names []string
	for _, span := range s.spans.Ended() {
		if span.Name() == name {
			return span
		}
		names = append(names, span.Name())
	}
	t.Fatalf("there is no span %q, only %q", name, names)
	return nil
}

// What runs for no request would be a trace of its own for each record.
func TestWhatTheServerDoesByItselfIsNoTrace(t *testing.T) {
	s := start(t, mcpoauth.Config{}, func(http.ResponseWriter, *http.Request) {})
	for _, span := range s.spans.Ended() {
		if strings.HasPrefix(span.Name(), "store ") {
			t.Errorf("the start made the span %s", span.Name())
		}
	}
	if s.series(t)["mcpoauth.store.duration get user not_found"] == 0 {
		t.Error("the start did not ask the store, or it is not measured")
	}
}

func TestWithoutTracingTheTraceOfTheCallerStillReachesTheHandler(t *testing.T) {
	telemetry, err := mcpotel.New(mcpotel.Options{TracerProvider: noop.NewTracerProvider()})
	if err != nil {
		t.Fatal(err)
	}
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	s, router := plain(t, inMemory, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trace", trace.SpanContextFromContext(r.Context()).TraceID().String())
	})
	out := s.serve(telemetry.Handler(router), http.Header{"Traceparent": {traceparent}})
	if got := out.Header().Get("Trace"); got != callersTrace {
		t.Errorf("the handler is in the trace %q", got)
	}
}

func TestATraceThatSomethingInFrontBeganGoesOn(t *testing.T) {
	p := newProbe(t)
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	s, router := plain(t, inMemory, func(http.ResponseWriter, *http.Request) {})
	measured := p.telemetry.Handler(router)
	outer := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		measured.ServeHTTP(w, r.WithContext(trace.ContextWithSpanContext(r.Context(), outer)))
	}), http.Header{"Traceparent": {traceparent}})
	if spans := p.spans.Ended(); len(spans) != 1 || spans[0].Parent().SpanID() != outer.SpanID() {
		t.Errorf("the spans are %v", spans)
	}
}
