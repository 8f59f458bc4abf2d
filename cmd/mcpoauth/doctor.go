package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/mcpoauth/mcpoauth/cmd/mcpoauth/internal/doctor"
)

// doctorTime bounds the whole visit: a server that lets every request hang is known
// by then.
const doctorTime = 2 * time.Minute

func runDoctor(ctx context.Context, args []string, t terminal) error {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "write one JSON object at the end, for machines")
	if err := parse(flags, "doctor [--json] URL", args, t.out); err != nil {
		return err
	}
	// The flag may stand behind the URL too, where people put it.
	rest := flags.Args()
	if len(rest) == 2 && (rest[1] == "--json" || rest[1] == "-json") {
		*asJSON, rest = true, rest[:1]
	}
	if len(rest) != 1 {
		return errors.New("give it one URL, that of the MCP endpoint: mcpoauth doctor https://mcp.example.com/mcp")
	}
	return examine(ctx, rest[0], *asJSON, t)
}

func examine(ctx context.Context, address string, asJSON bool, t terminal) error {
	standardLogTo(io.Discard) // which would get what a server sends unasked, in the midst of the report
	p := printer{out: t.out, colour: colours(t)}
	each := p.finding
	if asJSON {
		each = func(doctor.Finding) {}
	} else {
		p.begin(address)
	}
	limited, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	report, err := doctor.Examine(limited, address, doctor.Options{}, each)
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case asJSON:
		err = writeJSON(t, report)
	default:
		p.end(report)
		err = p.failed
	}
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	if !report.Sound() {
		return errFindings
	}
	return nil
}
