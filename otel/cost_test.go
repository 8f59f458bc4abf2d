package mcpotel_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	mcpotel "github.com/mcpoauth/mcpoauth/otel"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// handlers returns an MCP request and what serves it: measured by nothing, by telemetry
// that goes nowhere, and by telemetry that is collected.
func handlers(t testing.TB) (*http.Request, map[string]http.Handler) {
	t.Helper()
	inMemory := memory.New(memory.Options{})
	t.Cleanup(func() { inMemory.Close() })
	nowhere, err := mcpotel.New(mcpotel.Options{MeterProvider: noop.NewMeterProvider(), TracerProvider: nooptrace.NewTracerProvider()})
	if err != nil {
		t.Fatal(err)
	}
	global, err := mcpotel.New(mcpotel.Options{}) // which nobody has set
	if err != nil {
		t.Fatal(err)
	}
	collected := newProbe(t)
	empty := func(http.ResponseWriter, *http.Request) {}
	c, bare := plain(t, inMemory, empty)
	_, toNowhere := plain(t, nowhere.Store(inMemory), empty)
	_, toGlobal := plain(t, global.Store(inMemory), empty)
	_, toCollector := plain(t, collected.telemetry.Store(inMemory), empty)
	return c.request(nil), map[string]http.Handler{
		"bare": bare, "nowhere": nowhere.Handler(toNowhere), "global": global.Handler(toGlobal), "metrics and spans": collected.telemetry.Handler(toCollector),
	}
}

func TestTelemetryThatGoesNowhereCostsNextToNothing(t *testing.T) {
	r, all := handlers(t)
	allocations := func(h http.Handler) float64 {
		w := httptest.NewRecorder()
		return testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) })
	}
	bare := allocations(all["bare"])
	for _, name := range []string{"nowhere", "global"} {
		if more := allocations(all[name]) - bare; more > 25 {
			t.Errorf("%s: a request costs %v allocations more than %v", name, more, bare)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	r, all := handlers(b)
	for _, name := range []string{"bare", "nowhere", "global", "metrics and spans"} {
		b.Run(name, func(b *testing.B) {
			w := httptest.NewRecorder()
			b.ReportAllocs()
			for b.Loop() {
				all[name].ServeHTTP(w, r)
			}
		})
	}
}
