package mcpotel_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/mcpoauth/mcpoauth"
	mcpotel "github.com/mcpoauth/mcpoauth/otel"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// The metrics of a server that three requests came to. A program of its own has a
// Prometheus or OTLP exporter in the place of the reader, sets the providers with
// otel.SetMeterProvider and otel.SetTracerProvider, and leaves Options empty.
func Example() {
	reader := sdkmetric.NewManualReader()
	telemetry, err := mcpotel.New(mcpotel.Options{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))})
	if err != nil {
		log.Fatal(err)
	}
	// With memory.Options{PasskeyFile: "passkeys.json", StateFile: "state.json"} it keeps
	// the files that a Config without a Store has.
	backend, err := memory.Open(memory.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer backend.Close()
	defer telemetry.Close()

	mcpHandler := http.NotFoundHandler() // yours
	router, err := mcpoauth.BuildOAuthRouter(mcpHandler, mcpoauth.Config{
		ServerURL: "https://mcp.example.com",
		Store:     telemetry.Store(backend),
		OnEvent:   telemetry.OnEvent(nil),
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer router.Close()
	handler := telemetry.Handler(router) // for http.Server.Handler

	for _, target := range []string{"/mcp", "/mcp", "/health"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", target, nil))
	}
	var collected metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &collected); err != nil {
		log.Fatal(err)
	}
	for _, m := range collected.ScopeMetrics[0].Metrics {
		if requests, ok := m.Data.(metricdata.Histogram[float64]); ok && m.Name == "mcpoauth.request.duration" {
			for _, series := range requests.DataPoints {
				fmt.Println(series.Count, series.Attributes.MarshalLog())
			}
		}
	}
	// Unordered output:
	// 2 map[http.request.method:GET mcpoauth.endpoint:/mcp mcpoauth.outcome:unauthorized]
	// 1 map[http.request.method:GET mcpoauth.endpoint:/health mcpoauth.outcome:2xx]
}
