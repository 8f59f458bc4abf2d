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

// floods prints two rows for each kind of flood, and reports whether all targets hold. The
// first is the control, and has no target: the same flood at the same handler without the
// guard, which is what sharing one CPU with a flood costs.
func floods(ctx context.Context, server *target.Server, p plan, out io.Writer) (hold bool, err error) {
	fmt.Fprintf(out, "\nCalls on %d connections, without and with a flood by another address on %d, in turns; target: p99 guarded at most %.0f times\n\n", honest, flooding, mostMoved)
	fmt.Fprintf(out, "%-24s  %8s  %19s  %21s  %23s  %5s\n", "flood", "floods/s", "requests/s", "p50 µs", "p99 µs", "p99")
	p.slice *= 5 // of which one in a hundred has to be many
	p.rounds /= 5
	hold = true
	bare, guarded := floodKinds(server, target.Bare), floodKinds(server, "")
	for _, kind := range []string{"unknown tokens", "registrations", "authorize pages", "all of them"} {
		held, err := atMost(out, func() (string, bool, error) { return flood(ctx, server, p, kind, bare[kind], guarded[kind]) })
		if err != nil {
			return false, fmt.Errorf("%s: %w", kind, err)
		}
		hold = hold && held
	}
	return hold, nil
}

func flood(ctx context.Context, server *target.Server, p plan, kind string, bare, guarded [][]byte) (rows string, holds bool, err error) {
	control, err := newSiege(ctx, server, target.Bare, bare)
	if err != nil {
		return "", false, err
	}
	defer control.close()
	ours, err := newSiege(ctx, server, target.Guarded, guarded)
	if err != nil {
		return "", false, err
	}
	defer ours.close()
	for round := range p.rounds + 1 {
		for _, s := range []*siege{control, ours} {
			if err := s.round(round, p.slice); err != nil {
				return "", false, err
			}
		}
	}
	lasted := p.slice * time.Duration(p.rounds)
	return control.row(kind+", bare", lasted) + "\n" + ours.row(kind+", guarded", lasted), perf.Median(ours.ratios) <= mostMoved, nil
}

// floodKinds are what one address can ask for without knowing anybody, below a path.
func floodKinds(server *target.Server, below string) map[string][][]byte {
	const each = 64
	kinds := make(map[string][][]byte)
	for i := range each {
		token := server.Access[i][:len(server.Access[i])-6] + "AAAAAA" // of a grant that is there
		kinds["unknown tokens"] = append(kinds["unknown tokens"], wire.Request("POST", below+target.Guarded, server.Host, call, "Content-Type", "application/json", "Authorization", "Bearer "+token))
		client := fmt.Sprintf(`{"client_name":"flood %d","redirect_uris":["https://evil.example/%d/%s"],"token_endpoint_auth_method":"none"}`, i, i, strings.Repeat("x", 1000))
		kinds["registrations"] = append(kinds["registrations"], wire.Request("POST", below+"/register", server.Host, client, "Content-Type", "application/json"))
		kinds["authorize pages"] = append(kinds["authorize pages"], wire.Request("GET", below+target.AuthorizePage, server.Host, "", "Accept", "text/html"))
	}
	for i := range each { // in turns
		kinds["all of them"] = slices.Concat(kinds["all of them"], [][]byte{kinds["unknown tokens"][i], kinds["registrations"][i], kinds["authorize pages"][i]})
	}
	return kinds
}
