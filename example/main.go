// The example is a small MCP server that keeps notes, made safe by mcpoauth:
//
//	go run ./example
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done.
func run(ctx context.Context, args []string, out, logs io.Writer) (err error) {
	opts, err := parseOptions(args, out)
	if err != nil {
		return err
	}
	listeners, err := listen(opts.addr)
	if err != nil {
		return err
	}
	defer closeAll(listeners)
	opts.url = cmp.Or(opts.url, localURL(listeners[0]))

	notice := &setupNotice{Handler: slog.NewTextHandler(logs, nil)}
	backend, closeStore, err := openStore(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	router, err := newRouter(opts, backend, slog.New(notice))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Close()) }()
	greet(out, opts.url, notice)
	return serve(ctx, router, listeners)
}

// newRouter is all it takes to protect an MCP server.
func newRouter(opts options, backend store.Backend, logger *slog.Logger) (*mcpoauth.Router, error) {
	if err := os.MkdirAll(opts.data, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	notes, err := OpenNotes(filepath.Join(opts.data, "notes.json"))
	if err != nil {
		return nil, err
	}
	var proxies []string
	if strings.HasPrefix(opts.url, "https://") {
		proxies = []string{"127.0.0.1", "::1"} // this program speaks http: the tunnel in front is on this machine
	}
	cfg := mcpoauth.Config{
		ServerURL:      opts.url,
		AppName:        "Notes",
		Store:          backend,
		SetupToken:     opts.setupToken,
		RateLimits:     opts.limits,
		TrustedProxies: proxies,
		Logger:         logger,
	}
	if backend == nil {
		cfg.PasskeyFile = filepath.Join(opts.data, "passkeys.json")
		cfg.StateFile = filepath.Join(opts.data, "state.json")
	}
	return mcpoauth.BuildOAuthRouter(newMCPHandler(notes), cfg)
}

// serve answers requests until ctx is done, and then lets those under way end.
func serve(ctx context.Context, handler http.Handler, listeners []net.Listener) error {
	server := &http.Server{
		Handler: handler,
		// A client that never finishes its headers must not hold a connection.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // of the 1 MiB that is the default nobody needs more
		// No WriteTimeout and no ReadTimeout: an MCP answer is a stream of events
		// that may last for hours.
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
		// Streams that are still open.
		return server.Close()
	}
	return nil
}
