package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mcpoauth/mcpoauth"
)

// options are the command line.
type options struct {
	addr       string
	url        string // empty: http://localhost and the port
	data       string
	store      string
	setupToken string
	limits     mcpoauth.RateLimits
}

// parseOptions reads the command line. For -h it writes the help and returns
// flag.ErrHelp.
func parseOptions(args []string, help io.Writer) (options, error) {
	var opts options
	flags := flag.NewFlagSet("example", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.addr, "addr", "localhost:8080", "listen on this `host:port`; with port 0, on a free one")
	flags.StringVar(&opts.url, "url", "", "the public `URL` that clients use, if a tunnel or proxy stands before this server (default http://localhost and the port)")
	flags.StringVar(&opts.data, "data", "data", "keep notes and, if -store is files, passkeys and grants in this `directory`")
	flags.StringVar(&opts.store, "store", "files", "keep passkeys and grants in files, or in the database at this `URL`: redis://… or postgres://…; then several servers can share them")
	flags.StringVar(&opts.setupToken, "setup-token", "", "the `token` that allows to register the first passkey (default a random one)")
	flags.Func("limits", "requests per minute and client: `auth,registration,general`; 0: no limit (default the library's)", func(value string) (err error) {
		opts.limits, err = parseLimits(value)
		return err
	})
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(help)
		flags.Usage()
		return options{}, err
	case err != nil:
		return options{}, fmt.Errorf("%w; -h lists the flags", err)
	case flags.NArg() > 0:
		return options{}, fmt.Errorf("unexpected argument %q; -h lists the flags", flags.Arg(0))
	}
	return opts, nil
}

// parseLimits reads "auth,registration,general". For the library zero is its
// default and a negative number no limit; on a command line 0 is the plainer word.
func parseLimits(value string) (mcpoauth.RateLimits, error) {
	fields := strings.Split(value, ",")
	if len(fields) != 3 {
		return mcpoauth.RateLimits{}, errors.New("want three numbers: auth,registration,general")
	}
	var limits [3]int
	for i, field := range fields {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		switch {
		case err != nil || n < 0:
			return mcpoauth.RateLimits{}, fmt.Errorf("%q is not a number of requests", field)
		case n == 0:
			n = -1
		}
		limits[i] = n
	}
	return mcpoauth.RateLimits{Auth: limits[0], Registration: limits[1], General: limits[2]}, nil
}
