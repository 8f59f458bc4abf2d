package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// serve answers requests until ctx is done, and then lets those under way end.
func serve(ctx context.Context, handler http.Handler, listeners []net.Listener, log *slog.Logger) error {
	server := &http.Server{
		Handler: handler,
		// A client that never finishes its headers must not hold a connection.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // of the 1 MiB that is the default nobody needs more
		// No WriteTimeout and no ReadTimeout: an MCP answer is a stream of events
		// that may last for hours.

		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), // a panic among them, which is not to be missed
	}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("serving: %w", err), server.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return server.Close() // streams that are still open
	}
	return nil
}
