// Load measures what the guard costs a whole server, on loopback:
//
//	go run ./load          # about three minutes
//	go run ./load -short   # as CI runs it
//
// A process of one CPU serves the same small handler without the guard and behind it.
// This one drives both in turns, over connections that stay open, so that a ratio is one
// of neighbours in time and the machine's other work is in both; then it drives each
// while another address floods it. It needs Linux, where all of
// 127.0.0.0/8 is this machine, and two CPUs.
//
// The generator is this package's own: of what there is, fasthttp's client and vegeta
// bring far more than writing bytes and reading a status, and neither drives two targets
// in turns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/mcpoauth/mcpoauth/load/target"
)

func main() {
	target.ServeIfChild()
	short := flag.Bool("short", false, "measure for a few seconds only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *short, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// errMissed is the error of a target that was missed in every try.
var errMissed = errors.New("MISSED: a target, in each try")

const (
	grants = 1000 // live ones, whose tokens take turns
	tries  = 3    // before a miss counts: the machine has other work
)

// A plan says how long is measured.
type plan struct {
	slice  time.Duration // of each turn
	rounds int           // of two turns, for each row
}

func run(ctx context.Context, short bool, out io.Writer) (err error) {
	runtime.GOMAXPROCS(1)  // the other CPU is the server's
	debug.SetGCPercent(-1) // of a few megabytes
	debug.SetMemoryLimit(256 << 20)
	server, err := target.Start(target.Options{Grants: grants, Procs: 1})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()

	fmt.Fprintf(out, "%s, %s, %s/%s; the server has 1 of %d CPUs and %d live grants\n\n",
		time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), grants)
	p := plan{slice: 20 * time.Millisecond, rounds: 250}
	if short {
		p.rounds = 30
	}
	cost, err := costs(ctx, server, p, out)
	if err != nil {
		return err
	}
	flooded, err := floods(ctx, server, p, out)
	if err != nil {
		return err
	}
	if !cost || !flooded {
		return errMissed
	}
	return nil
}

// atMost tries runs measure until it says that the target holds, and prints what it has
// to say of the last try.
func atMost(out io.Writer, measure func() (row string, holds bool, err error)) (holds bool, err error) {
	var row string
	for try := 1; try <= tries && !holds; try++ {
		if row, holds, err = measure(); err != nil {
			return false, err
		}
		if !holds && try < tries {
			fmt.Fprintf(out, "%s  missed, try %d of %d\n", row, try, tries)
		}
	}
	fmt.Fprintf(out, "%s  %s\n", row, map[bool]string{true: "ok", false: "MISSED"}[holds])
	return holds, nil
}
