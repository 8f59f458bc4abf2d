// Package hostile holds a server out to everything that strangers can do to it, for as
// long as MCPOAUTH_HOSTILE says, 10 s by default:
//
//	MCPOAUTH_HOSTILE=10m go test -v -timeout 20m ./load/hostile
//
// Honest clients are served meanwhile, and memory, goroutines and descriptors of the
// server do not grow. It needs Linux, where all of 127.0.0.0/8 is this machine.
package hostile

import (
	"fmt"

	"github.com/mcpoauth/mcpoauth/internal/perf"
	"github.com/mcpoauth/mcpoauth/load/target"
)

// What a server may use more in the end than in the beginning, beside a quarter: garbage
// collectors and schedulers are not exact, a leak of a little in each request is more.
const (
	slackHeap       = 8 << 20
	slackGoroutines = 100
	slackFiles      = 100
)

// grown says what grew from one usage to another of the same traffic.
func grown(before, after target.Usage) (problems []string) {
	for _, u := range []struct {
		what                 string
		before, after, slack int64
	}{
		{"heap", before.Heap, after.Heap, slackHeap},
		{"goroutines", int64(before.Goroutines), int64(after.Goroutines), slackGoroutines},
		{"files", int64(before.Files), int64(after.Files), slackFiles},
	} {
		if most := u.before + u.before/4 + u.slack; u.after > most {
			problems = append(problems, fmt.Sprintf("%s: %d, and in the end %d; at most %d would be flat", u.what, u.before, u.after, most))
		}
	}
	return problems
}

// typical returns the median of each thing that is used.
func typical(samples []target.Usage) target.Usage {
	return target.Usage{
		Heap:       middle(samples, func(u target.Usage) int64 { return u.Heap }),
		Resident:   middle(samples, func(u target.Usage) int64 { return u.Resident }),
		Goroutines: int(middle(samples, func(u target.Usage) int64 { return int64(u.Goroutines) })),
		Files:      int(middle(samples, func(u target.Usage) int64 { return int64(u.Files) })),
	}
}

func middle(samples []target.Usage, of func(target.Usage) int64) int64 {
	var values []int64
	for _, u := range samples {
		values = append(values, of(u))
	}
	return perf.Median(values)
}

// thirds are what is typical of the first samples and of the last.
func thirds(samples []target.Usage) (first, last target.Usage) {
	n := len(samples) / 3
	return typical(samples[:n]), typical(samples[len(samples)-n:])
}

// flat says what grew over the samples.
func flat(samples []target.Usage) (problems []string) { return grown(thirds(samples)) }
