package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// listen opens the address. "localhost" is both 127.0.0.1 and, where the machine
// has it, ::1: clients differ in which they try first, and another program on the
// other one would receive what was meant for this server.
func listen(addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("--addr: %q is not host:port", addr)
	}
	if host != "localhost" {
		listener, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, explain(addr, err)
		}
		return []net.Listener{listener}, nil
	}
	four, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, explain(addr, err)
	}
	six, err := net.Listen("tcp6", net.JoinHostPort("::1", portOf(four)))
	switch {
	case err == nil:
		return []net.Listener{four, six}, nil
	case errors.Is(err, syscall.EADDRINUSE):
		_ = four.Close()
		return nil, explain(addr, err)
	}
	return []net.Listener{four}, nil // no IPv6 here
}

func explain(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program; choose another port with --addr localhost:8081", addr)
	}
	return fmt.Errorf("listening on %s: %w", addr, err)
}

func portOf(listener net.Listener) string {
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

// localURL names this machine as localhost, never as 127.0.0.1: browsers have no
// passkeys for addresses.
func localURL(listener net.Listener) string { return "http://localhost:" + portOf(listener) }

func closeAll(listeners []net.Listener) {
	for _, listener := range listeners {
		_ = listener.Close()
	}
}
