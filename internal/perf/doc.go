// Package perf measures what the server costs beside the least work that gives the same
// answers, its floor. Absolute times say more about the machine than about the code, so
// both take turns in one process and the ratio counts:
//
//	go test -run '^$' -bench . ./internal/perf                      some minutes
//	go test -run '^$' -bench . -short ./internal/perf               less than one
//	go test -run '^$' -bench . -timeout 1h ./internal/perf -docs    everything, into docs/performance.md
//
// The run fails if a ratio misses its target by more than a tenth three times in a row.
// What it measures with, and the floors, are exported for the nested modules that measure
// other libraries, databases and whole servers in the same way.
package perf
