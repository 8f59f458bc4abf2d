// Package target is the server that is measured and attacked: the library as a user has
// it, in a process of its own, beside a control listener that tells what it costs.
package target

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// inChild is set in the environment of the process that Start starts.
const inChild = "MCPOAUTH_LOAD_TARGET"

// patience is how long the process has to start or end.
const patience = 30 * time.Second

// Options say how a server is started. Only Grants is needed.
type Options struct {
	Grants int       // that are live from the start
	Procs  int       // its GOMAXPROCS; zero: that of the machine
	Log    io.Writer // what it says; nil: to nobody
}

// A Server is a process that serves.
type Server struct {
	Known

	cmd   *exec.Cmd
	stdin io.Closer // its end is the child's
}

// Known is what the process says of itself once it listens.
type Known struct {
	Addr    string   // host:port to dial
	Host    string   // by which requests name it
	Control string   // URL of the control listener
	Access  []string // tokens, one of each grant
	Refresh []string
	Client  string // ID of the client that has them
}

// Start starts the program that calls it again, as a server: its main function, or
// TestMain, has to call ServeIfChild first. The server ends with this process.
func Start(o Options) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), inChild+"="+strconv.Itoa(o.Grants))
	if o.Procs > 0 {
		cmd.Env = append(cmd.Env, "GOMAXPROCS="+strconv.Itoa(o.Procs))
	}
	cmd.Stderr = o.Log
	cmd.WaitDelay = patience
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	s := &Server{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s.Known)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for the server: %w", err), s.Close())
	}
	return s, nil
}

// Close ends the server and returns how it ended.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })()
	_ = s.stdin.Close() // if that fails it has ended already
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("ending the server: %w", err)
	}
	return nil
}
