// Package perf measures what the server costs beside the least work that gives the same
// answers, its floor. Absolute times say more about the machine than about the code, so
// both take turns in one process and the ratio counts:
//
//	go test -run '^$' -bench . ./internal/perf
//
// Each benchmark prints the ratio to its floor and fails if that misses its target by
// more than a tenth three times in a row.
package perf
