package perf

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"testing"
)

// Calls sends requests to the guarded handler with those tokens in turn, from several
// addresses. An empty token: a request without one.
func Calls(tb testing.TB, h http.Handler, status int, tokens ...string) Op {
	requests := make([]*http.Request, len(tokens))
	for i, token := range tokens {
		requests[i] = Request(http.MethodPost, "/mcp")
		requests[i].RemoteAddr = fmt.Sprintf("192.0.2.%d:1234", i%256)
		if token != "" {
			requests[i].Header.Set("Authorization", "Bearer "+token)
		}
	}
	return Op{Run: Ask(tb, h, status, InTurn(requests), func(w *Writer) bool { return w.Reached == (status == http.StatusOK) })}
}

// ParallelCalls is Calls that get through, from as many goroutines as there are processors,
// each with tokens of its own.
func ParallelCalls(tb testing.TB, h http.Handler, tokens ...string) Op {
	ops := make([]Op, runtime.GOMAXPROCS(0))
	for i := range ops {
		ops[i] = Calls(tb, h, http.StatusOK, tokens[i*len(tokens)/len(ops):(i+1)*len(tokens)/len(ops)]...)
	}
	return Parallel(tb, ops...)
}

// Spread returns 65,536 of the tokens at most, in no order: in that in which they were made
// they lie in memory, and the processor would have the next one ready.
func Spread(tokens []string) []string {
	some := make([]string, min(1<<16, len(tokens)))
	for i, j := range rand.Perm(len(tokens))[:len(some)] {
		some[i] = tokens[j]
	}
	return some
}
