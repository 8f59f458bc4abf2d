package hostile

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcpoauth/mcpoauth/load/target"
	"github.com/mcpoauth/mcpoauth/load/wire"
)

// patience is how long something that will happen may take.
const patience = 3 * time.Minute

const (
	crowds  = 2 // attackers of each kind
	readers = 4 // honest clients that call
)

func TestHostileTrafficStopsNoHonestClientAndLeavesNothingBehind(t *testing.T) {
	log := readComplaints()
	server, err := target.Start(target.Options{Grants: 200, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	seen := &answers{count: make(map[int]int)}
	before := usage(t, server)
	fill(t, server, seen)
	filled := usage(t, server)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var attackers, clients, sitting sync.WaitGroup
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	newAttacker := func(stream uint64) *attacker { return &attacker{rand.New(rand.NewPCG(seed, stream)), server, seen} }
	var stream uint64
	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		for range crowds {
			stream++
			a := newAttacker(stream)
			attackers.Go(func() {
				for pause(ctx, time.Millisecond) {
					attacks[name](a, ctx)
				}
			})
		}
	}
	hold := func(name, bytes string, how func(*attacker, string) (hungUp bool)) {
		stream++
		a := newAttacker(stream)
		sitting.Go(func() {
			for more := true; more; more = pause(ctx, time.Millisecond) {
				if !how(a, bytes) {
					t.Errorf("%s holds a connection for more than %v", name, patience)
					return
				}
			}
		})
	}
	for name, beginning := range sitters(newAttacker(0)) {
		hold("who begins to send "+name+", and waits,", beginning, (*attacker).sit)
	}
	for name, request := range deaf(newAttacker(0)) {
		hold("who asks "+name+", and reads no answer,", request, (*attacker).ignore)
	}
	var served atomic.Int64
	serve := func(what, from string, work func(honest) error) {
		clients.Go(func() {
			if err := work(newHonest(server, from, &served)); err != nil {
				t.Errorf("an honest client (%s): %v", what, err)
			}
		})
	}
	for i := range readers {
		serve("calls", "127.0.0.1", func(h honest) error { return h.calls(ctx, server.Access[i]) })
	}
	serve("refreshes", "127.0.0.2", func(h honest) error { return h.refreshes(ctx, server.Refresh[readers]) })
	serve("connects", "127.0.0.3", func(h honest) error { return h.connects(ctx) })

	// The first fifth is for warming up.
	lasts := length(t)
	end := time.Now().Add(lasts)
	pause(ctx, lasts/5)
	var taken []target.Usage
	for len(taken) < 6 || time.Now().Before(end) {
		pause(ctx, lasts/40)
		taken = append(taken, usage(t, server))
	}
	stop()
	clients.Wait()
	attackers.Wait()
	sitting.Wait()

	for _, problem := range flat(taken) {
		t.Errorf("during the traffic: %s", problem)
	}
	after := quiet(t, server, before)
	for _, problem := range grown(filled, after) {
		t.Errorf("after the traffic: %s", problem)
	}
	seen.check(t)
	t.Logf("honest requests served: %d", served.Load())
	if served.Load() == 0 {
		t.Error("no honest client asked for anything")
	}
	report := func(when string, u target.Usage) {
		t.Logf("%-11s  heap %6.1f MB, resident %6.1f MB, %4d goroutines, %4d files", when, mega(u.Heap), mega(u.Resident), u.Goroutines, u.Files)
	}
	report("before", before)
	report("filled", filled)
	first, last := thirds(taken)
	report("first third", first)
	report("last third", last)
	report("after", after)
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for _, line := range log.all() {
		t.Errorf("the server says: %s", line)
	}
}

// fill makes the server remember as much of strangers as it ever will: what grows from
// then on grows for ever.
func fill(t *testing.T, server *target.Server, seen *answers) {
	t.Helper()
	a := &attacker{rand.New(rand.NewPCG(1, 1)), server, seen}
	for n := range addresses {
		conn, err := wire.Dial(t.Context(), address(n), server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 { // of 10,000 that there is room for
			mustDo(t, conn, seen, wire.Request("POST", "/register", server.Host, metadata(a), "Content-Type", json))
			mustDo(t, conn, seen, wire.Request("POST", "/passkey/auth/start", server.Host, fmt.Sprintf(`{"digest":"%s"}`, someDigest(a)), "Content-Type", json))
		}
		mustDo(t, conn, seen, wire.Request("POST", "/token", server.Host, "grant_type=x", "Content-Type", form))
		mustDo(t, conn, seen, wire.Request("GET", "/health", server.Host, ""))
		conn.Close()
	}
}

func mustDo(t *testing.T, conn *wire.Conn, seen *answers, request []byte) {
	t.Helper()
	status, err := conn.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	seen.note(request, status)
}

// quiet returns what the server uses once it has noticed that everybody has gone.
func quiet(t *testing.T, server *target.Server, before target.Usage) (after target.Usage) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); pause(t.Context(), shortly) {
		if after = usage(t, server); after.Goroutines <= before.Goroutines+10 && after.Files <= before.Files+10 {
			return after
		}
	}
	t.Errorf("when all have gone there are %d goroutines and %d files, and before there were %d and %d", after.Goroutines, after.Files, before.Goroutines, before.Files)
	return after
}

func usage(t *testing.T, server *target.Server) target.Usage {
	t.Helper()
	u, err := server.Usage(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func mega(bytes int64) float64 { return float64(bytes) / (1 << 20) }
