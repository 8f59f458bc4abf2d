package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth"
	"github.com/mcpoauth/mcpoauth/store"
	"github.com/mcpoauth/mcpoauth/store/memory"
)

// Paths of the handlers that are measured, without the guard and behind it. Below each is
// SDK: the official one's handler, in the place of the least that there can be.
const (
	Bare    = "/bare"
	Guarded = "/mcp"
	SDK     = "/sdk"
)

const (
	clientID = "load"
	callback = "https://client.example/callback"
	scope    = "mcp:tools"
	// RFC 7636 appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// AuthorizePage is a request for approval that shows the page. It ends with the state.
const AuthorizePage = "/authorize?response_type=code&client_id=" + clientID + "&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback" +
	"&code_challenge=" + challenge + "&code_challenge_method=S256&scope=mcp%3Atools&state=s"

// ServeIfChild does not return in a process that Start started.
func ServeIfChild() {
	grants, err := strconv.Atoi(os.Getenv(inChild))
	if err != nil {
		return
	}
	if err := serve(grants); err != nil {
		log.Fatalf("target: %v", err)
	}
	os.Exit(0)
}

// serve serves until standard input ends.
func serve(grants int) (err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	host := fmt.Sprintf("localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	backend := memory.New(memory.Options{})
	defer func() { err = errors.Join(err, backend.Close()) }()
	logs := slog.New(slog.NewTextHandler(os.Stderr, nil))
	known := Known{Addr: listener.Addr().String(), Host: host, Control: "http://" + control.Addr().String(), Client: clientID}
	if err := connect(store.New(backend, store.Lifetimes{}), &known, grants); err != nil {
		return err
	}
	// Limits are the default ones: each grant has its own, so that many together may
	// ask more often than any server can answer.
	handlers := newHandlers()
	router, err := mcpoauth.BuildOAuthRouter(handlers, mcpoauth.Config{
		ServerURL: "http://" + host, Store: backend, Logger: logs,
		Clients: []mcpoauth.Client{{ID: clientID, RedirectURIs: []string{callback}}},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, router.Close()) }()

	server := newServer(handlers, router, logs)
	failed := make(chan error, 2)
	go func() { failed <- server.Serve(listener) }()
	go func() { failed <- http.Serve(control, http.HandlerFunc(tell)) }()
	if err := json.NewEncoder(os.Stdout).Encode(known); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case err := <-failed:
		return err
	case <-ended:
		return server.Close()
	}
}

// newServer is an http.Server with the limits that the README asks for.
func newServer(bare, guarded http.Handler, logs *slog.Logger) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, Bare) {
				bare.ServeHTTP(w, r)
				return
			}
			guarded.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logs.Handler(), slog.LevelWarn),
	}
}

// connect makes an owner and grants of one client, as approvals and redemptions do.
func connect(st *store.Store, known *Known, grants int) error {
	ctx := context.Background()
	if err := st.CreateOwner(ctx, store.User{Name: "owner"}); err != nil {
		return fmt.Errorf("making an owner: %w", err)
	}
	for range grants {
		code, err := st.Approve(ctx, store.Approval{
			UserID: store.OwnerID, UserName: "owner", Client: &store.Client{ID: clientID, Preregistered: true},
			RedirectURI: callback, Resource: "http://" + known.Host + Guarded, Scopes: []string{scope}, Challenge: challenge,
		})
		if err != nil {
			return fmt.Errorf("approving: %w", err)
		}
		tokens, err := st.ConsumeCode(ctx, store.Redemption{
			Code: code, ClientID: clientID, Verifier: verifier,
			Refresh: func([]string) bool { return true }, Accept: func(*store.Grant) error { return nil },
		})
		if err != nil {
			return fmt.Errorf("redeeming: %w", err)
		}
		known.Access, known.Refresh = append(known.Access, tokens.Access), append(known.Refresh, tokens.Refresh)
	}
	return nil
}
