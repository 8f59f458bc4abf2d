package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/load/target"
	"github.com/mcpoauth/mcpoauth/load/wire"
)

// common are the headers that every MCP client sends.
var common = []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2025-06-18"}

// undisturbed is which of the rounds tell the CPU time of a request: one that is as good as
// free of what others do to the caches. A target of microseconds, unlike a ratio, moves with it.
const undisturbed = 0.1

// What the guard may cost.
const (
	leastThroughput = 0.95                   // of the bare handler's
	mostAdded       = 1500 * time.Nanosecond // of CPU, for each request
)

const call = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{}}}`

// A handler is what is measured without the guard and behind it, and what of it has a
// target. Of a handler that does nothing 5 % are half a microsecond, less than the check; and
// beside the Go SDK's, a microsecond cannot be seen.
type handler struct {
	name            string
	below           string // the path of the least one
	cpu, throughput bool   // have a target
}

var handlers = []handler{{name: "least", cpu: true}, {name: "Go SDK", below: target.SDK, throughput: true}}

// costs prints a row for each handler and number of connections, and reports whether all
// targets hold.
func costs(ctx context.Context, server *target.Server, p plan, out io.Writer) (hold bool, err error) {
	fmt.Fprintf(out, "The handler bare → guarded, in turns; targets: least added CPU at most %.1f µs a request, Go SDK throughput at least %.0f %%\n\n", micros(mostAdded), 100*leastThroughput)
	fmt.Fprintf(out, "%-7s  %5s  %17s  %19s  %19s  %15s  %9s  %10s\n", "handler", "conns", "requests/s", "p50 µs", "p99 µs", "CPU µs/request", "added CPU", "throughput")
	hold = true
	for _, h := range handlers {
		for _, conns := range []int{1, 16, 256} {
			held, err := atMost(out, func() (string, bool, error) { return h.cost(ctx, server, p, conns) })
			if err != nil {
				return false, fmt.Errorf("%s, %d connections: %w", h.name, conns, err)
			}
			hold = hold && held
		}
	}
	return hold, nil
}

// A side is what was measured of the bare or of the guarded handler.
type side struct {
	crowd      *crowd
	took       []time.Duration
	throughput []float64       // of each round
	cpu        []time.Duration // for a request, of each round
}

func (h handler) cost(ctx context.Context, server *target.Server, p plan, conns int) (row string, holds bool, err error) {
	bare, err := newCrowd(ctx, "", server.Addr, conns, calls(server, target.Bare+h.below), ok)
	if err != nil {
		return "", false, err
	}
	defer bare.close()
	guarded, err := newCrowd(ctx, "", server.Addr, conns, calls(server, target.Guarded+h.below), ok)
	if err != nil {
		return "", false, err
	}
	defer guarded.close()
	sides := [2]*side{{crowd: bare}, {crowd: guarded}}
	for round := range p.rounds + 1 {
		for turn := range sides {
			s := sides[(turn+round)%2] // who comes second finds the caches of the first
			if err := s.turn(ctx, server, p.slice, round > 0); err != nil {
				return "", false, err
			}
		}
	}
	b, g := sides[0], sides[1]
	ratio := paired(g.throughput, b.throughput)
	bareCPU, guardedCPU := perf.Quantile(b.cpu, undisturbed), perf.Quantile(g.cpu, undisturbed)
	added := guardedCPU - bareCPU
	row = fmt.Sprintf("%-7s  %5d  %7.0f → %7.0f  %8.1f → %8.1f  %8.1f → %8.1f  %6.2f → %6.2f  %+6.2f µs  %8.1f %%", h.name, conns,
		perf.Median(b.throughput), perf.Median(g.throughput), micros(perf.Quantile(b.took, 0.5)), micros(perf.Quantile(g.took, 0.5)),
		micros(perf.Quantile(b.took, 0.99)), micros(perf.Quantile(g.took, 0.99)), micros(bareCPU), micros(guardedCPU), micros(added), 100*ratio)
	return row, (added <= mostAdded || !h.cpu) && (ratio >= leastThroughput || !h.throughput), nil
}

// turn measures for a slice; the first is for warming up, and not kept.
func (s *side) turn(ctx context.Context, server *target.Server, slice time.Duration, keep bool) error {
	before, err := server.Usage(ctx, false)
	if err != nil {
		return err
	}
	began := time.Now()
	took, err := s.crowd.drive(began.Add(slice))
	if err != nil {
		return err
	}
	lasted := time.Since(began)
	after, err := server.Usage(ctx, false)
	if err != nil || !keep {
		return err
	}
	s.took = append(s.took, took...)
	s.throughput = append(s.throughput, float64(len(took))/lasted.Seconds())
	s.cpu = append(s.cpu, (after.CPU-before.CPU)/time.Duration(len(took)))
	return nil
}

// calls are requests with each grant's token: the same to both, so that what the server
// takes to read the header is no cost of the guard.
func calls(server *target.Server, path string) (requests [][]byte) {
	for _, token := range server.Access {
		requests = append(requests, wire.Request("POST", path, server.Host, call, append(common, "Authorization", "Bearer "+token)...))
	}
	return requests
}

// paired returns the median over the rounds of a in terms of b.
func paired(a, b []float64) float64 {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, a[i]/b[i])
	}
	return perf.Median(ratios)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
