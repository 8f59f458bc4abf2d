package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/load/target"
	"github.com/mcpoauth/mcpoauth/load/wire"
)

const (
	mostMoved  = 2.0 // times the p99 of an honest client, by a flood
	honest     = 16  // connections, at one address
	flooding   = 16  // connections, at another
	floodsFrom = "127.0.0.2"
)

// floods prints a row for each kind of flood, and reports whether all targets hold.
func floods(ctx context.Context, server *target.Server, p plan, out io.Writer) (hold bool, err error) {
	fmt.Fprintf(out, "\nCalls on %d connections, without and with a flood by another address on %d, in turns; target: p99 at most %.0f times\n\n", honest, flooding, mostMoved)
	fmt.Fprintf(out, "%-24s  %8s  %19s  %21s  %23s  %5s\n", "flood", "floods/s", "requests/s", "p50 µs", "p99 µs", "p99")
	p.slice *= 5 // of which one in a hundred has to be many
	p.rounds /= 5
	hold = true
	kinds := floodKinds(server)
	for _, kind := range []string{"unknown tokens", "registrations", "authorize pages", "all of them"} {
		held, err := atMost(out, func() (string, bool, error) { return flood(ctx, server, p, kind, kinds[kind]) })
		if err != nil {
			return false, fmt.Errorf("%s: %w", kind, err)
		}
		hold = hold && held
	}
	return hold, nil
}

func flood(ctx context.Context, server *target.Server, p plan, kind string, requests [][]byte) (row string, holds bool, err error) {
	calling, err := newCrowd(ctx, "", server.Addr, honest, calls(server, target.Guarded), ok)
	if err != nil {
		return "", false, err
	}
	defer calling.close()
	flooders, err := newCrowd(ctx, floodsFrom, server.Addr, flooding, requests, func(status int) bool { return status < 500 })
	if err != nil {
		return "", false, err
	}
	defer flooders.close()
	var ratios []float64
	var took [2][]time.Duration
	var asked int
	for round := range p.rounds + 1 {
		var p99 [2]time.Duration
		for turn := range 2 {
			flooded := (turn+round)%2 == 1
			until := time.Now().Add(p.slice)
			done := make(chan error, 1)
			if flooded {
				go func() {
					sent, err := flooders.drive(until)
					if round > 0 {
						asked += len(sent)
					}
					done <- err
				}()
			} else {
				done <- nil
			}
			answered, err := calling.drive(until)
			if floodErr := <-done; err == nil {
				err = floodErr
			}
			if err != nil {
				return "", false, err
			}
			side := map[bool]int{false: 0, true: 1}[flooded]
			p99[side] = perf.Quantile(answered, 0.99)
			if round > 0 { // the first is for warming up: after it the address is over its limits
				took[side] = append(took[side], answered...)
			}
		}
		if round > 0 {
			ratios = append(ratios, float64(p99[1])/float64(p99[0]))
		}
	}
	seconds := (p.slice * time.Duration(p.rounds)).Seconds()
	ratio := perf.Median(ratios)
	row = fmt.Sprintf("%-24s  %8.0f  %8.0f → %8.0f  %9.1f → %9.1f  %10.1f → %10.1f  %4.2fx", kind, float64(asked)/seconds,
		float64(len(took[0]))/seconds, float64(len(took[1]))/seconds, micros(perf.Quantile(took[0], 0.5)), micros(perf.Quantile(took[1], 0.5)),
		micros(perf.Quantile(took[0], 0.99)), micros(perf.Quantile(took[1], 0.99)), ratio)
	return row, ratio <= mostMoved, nil
}

// floodKinds are what one address can ask for without knowing anybody.
func floodKinds(server *target.Server) map[string][][]byte {
	const each = 64
	kinds := make(map[string][][]byte)
	for i := range each {
		token := server.Access[i][:len(server.Access[i])-6] + "AAAAAA" // of a grant that is there
		kinds["unknown tokens"] = append(kinds["unknown tokens"], wire.Request("POST", target.Guarded, server.Host, call, "Content-Type", "application/json", "Authorization", "Bearer "+token))
		client := fmt.Sprintf(`{"client_name":"flood %d","redirect_uris":["https://evil.example/%d/%s"],"token_endpoint_auth_method":"none"}`, i, i, strings.Repeat("x", 1000))
		kinds["registrations"] = append(kinds["registrations"], wire.Request("POST", "/register", server.Host, client, "Content-Type", "application/json"))
		kinds["authorize pages"] = append(kinds["authorize pages"], wire.Request("GET", target.AuthorizePage, server.Host, "", "Accept", "text/html"))
	}
	for i := range each { // in turns
		kinds["all of them"] = slices.Concat(kinds["all of them"], [][]byte{kinds["unknown tokens"][i], kinds["registrations"][i], kinds["authorize pages"][i]})
	}
	return kinds
}
