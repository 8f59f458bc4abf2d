// Mcpoauth looks at a running MCP server the way its clients do, puts OAuth in front of
// one that has none, and rules what a server keeps: who is connected, who may come in.
//
//	mcpoauth doctor https://mcp.example.com/mcp
//	mcpoauth proxy --upstream http://127.0.0.1:3000/mcp --url https://mcp.example.com
//	mcpoauth connections --store postgres://mcp@db.internal/app
//	mcpoauth recover --data /srv/mcp --url https://mcp.example.com
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
)

// What the command exits with.
const (
	exitGood     = 0
	exitFindings = 1 // it ran, and found something to put right, or not what was asked for
	exitFailed   = 2 // it could not run
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{in: os.Stdin, asked: isTerminal(os.Stdin), out: os.Stdout, err: os.Stderr, env: os.Getenv})
	stop()
	os.Exit(code)
}

// A terminal is what a verb reads and writes beside its flags.
type terminal struct {
	in       io.Reader
	asked    bool // somebody is there who can answer a question
	out, err io.Writer
	env      func(name string) string
}

// A verb is a line of the table in verbs.go. run returns errFindings or a finding, or what
// kept it from running; what it has to say about that fits on a line or two.
type verb struct {
	name, does string
	run        func(ctx context.Context, args []string, t terminal) error
}

var errFindings = errors.New("there are findings")

// A finding is an answer other than the one that was asked for.
type finding string

func (f finding) Error() string { return string(f) }

// run is the command, and returns its exit code.
func run(ctx context.Context, args []string, t terminal) int {
	if len(args) == 0 {
		usage(t.err)
		return exitFailed
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		usage(t.out)
		return exitGood
	}
	for _, v := range verbs {
		if v.name == args[0] {
			return v.exit(ctx, args[1:], t)
		}
	}
	fmt.Fprintf(t.err, "mcpoauth: there is no verb %q\n\n", args[0])
	usage(t.err)
	return exitFailed
}

func (v verb) exit(ctx context.Context, args []string, t terminal) int {
	err := v.run(ctx, args, t)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitGood
	case errors.Is(err, errFindings):
		return exitFindings
	}
	fmt.Fprintf(t.err, "mcpoauth %s: %s\n", v.name, shown(err.Error()))
	if _, ok := errors.AsType[finding](err); ok {
		return exitFindings
	}
	return exitFailed
}

// shown escapes what a terminal would obey: errors repeat arguments and the names of files.
// Lines stay lines, since there can be more than one error.
func shown(s string) string {
	var safe strings.Builder
	for _, c := range s {
		if c == '\n' || strconv.IsPrint(c) {
			safe.WriteRune(c)
		} else {
			safe.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		}
	}
	return safe.String()
}

// standardLogTo sends what Go's own packages log to w. The program is the verb's, so that
// nobody wants it back.
func standardLogTo(w io.Writer) {
	log.SetFlags(0)
	log.SetOutput(w)
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage: mcpoauth VERB [FLAGS]")
	fmt.Fprintln(w)
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-12s %s\n", v.name, v.does)
	}
	fmt.Fprintln(w, "\nmcpoauth VERB -h lists a verb's flags.")
}
