package model

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestMain(m *testing.M) {
	flag.Parse()
	set("rapid.nofailfile", "true") // the seed says as much
	os.Exit(m.Run())
}

func set(name, value string) {
	if err := flag.Set(name, value); err != nil {
		panic(err)
	}
}

// Where histories are played, and how many by default.
var grounds = []struct {
	name         string
	store, whole int // histories, to a Store and to a Router
	make         func(t *testing.T) stage
}{
	{"memory", 2000, 300, func(*testing.T) stage { return stage{ground: new(inMemory)} }},
	{"files", 800, 100, func(t *testing.T) stage { return stage{ground: &inFiles{parent: quickDir(t)}} }},
	{"encrypted", 800, 100, func(t *testing.T) stage { return stage{ground: &encryptedMemory{key: newKey(t)}} }},
	{"Redis", 150, 40, func(t *testing.T) stage {
		return stage{ground: onRedis(t), real: 3 * time.Second, bound: 5 * time.Second}
	}},
	{"PostgreSQL", 40, 15, func(t *testing.T) stage {
		return stage{ground: onPostgres(t), real: 3 * time.Second, bound: 2 * time.Second}
	}},
}

func TestStoreDoesWhatTheModelSays(t *testing.T) {
	for _, g := range grounds {
		t.Run(g.name, func(t *testing.T) {
			s := g.make(t)
			s.open = openStore
			s.check(t, g.store)
		})
	}
}

func TestRouterDoesWhatTheModelSays(t *testing.T) {
	for _, g := range grounds {
		t.Run(g.name, func(t *testing.T) {
			s := g.make(t)
			s.open = openRouter
			s.check(t, g.whole)
		})
	}
}

// check plays as many histories as the environment says.
func (s stage) check(t *testing.T, histories int) {
	t.Helper()
	histories = max(histories/fewer, 10)
	var until time.Time
	if told := os.Getenv("MCPOAUTH_MODEL"); told != "" {
		n, err := strconv.Atoi(told)
		if d, errDuration := time.ParseDuration(told); err != nil && errDuration == nil {
			until, n, err = time.Now().Add(d), 100, nil
		}
		if err != nil || n < 1 {
			t.Fatalf("MCPOAUTH_MODEL is %q; want a number of histories, or for how long to play them, such as 5m", told)
		}
		histories = n
	}
	set("rapid.checks", strconv.Itoa(histories))
	var run search
	defer func() {
		if run.shortest != nil {
			t.Logf("the shortest history that goes wrong:\n%v", run.shortest.report)
		}
	}()
	began := time.Now()
	for again := true; again; again = time.Now().Before(until) {
		run.check(t, t, s)
	}
	t.Logf("model: %d histories (%d given up), %d calls in %v", run.played, run.long, run.made, time.Since(began).Round(time.Millisecond))
	// On a slow machine a few take too long. If most do, nothing has been tried.
	if run.made == 0 || 2*run.long > run.played {
		t.Errorf("%d of %d histories were given up, and %d calls made", run.long, run.played, run.made)
	}
}

// A search is for a history that goes wrong.
type search struct {
	played, long, made int // histories, those of them that were given up, and calls
	shortest           *failure
}

type failure struct {
	history
	report error
}

// check plays -rapid.checks histories in t, and if one goes wrong it fails tb.
func (run *search) check(t *testing.T, tb rapid.TB, s stage) {
	rapid.Check(tb, func(r *rapid.T) {
		h := rapid.Custom(draw).Draw(r, "history")
		made, err := s.run(t, h)
		run.played, run.made = run.played+1, run.made+made
		if errors.Is(err, errLong) {
			run.long++
			return
		}
		if err != nil {
			run.shortest = &failure{h, err}         // they get shorter
			r.Fatal("an answer is not the model's") // in the same words for all, or shrinking would stop at the first other fault
		}
	})
}

// run plays a history, in a bubble of its own unless its ground has a real clock.
func (s stage) run(t *testing.T, h history) (made int, err error) {
	if s.real > 0 {
		return s.play(t.Context(), h)
	}
	synctest.Test(t, func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, 0) // the order of IDs is part of a history
		made, err = s.play(t.Context(), h)
	})
	return made, err
}

// quickDir returns a directory in memory, if there is one. What a kill leaves in files does not
// depend on what is below them.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "model-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
