// Package model holds the token life-cycle against a small model of it, in random
// histories.
//
// model.go and rules.go are the model: what a grant is, which tokens open, and what each
// request must be answered, written from the documentation of store and from the RFCs. It keeps
// every token in the clear and forgets nothing, so that there is little in it to get wrong. The
// tests draw histories of approvals, exchanges, repeats, thefts, revocations, suspensions, API
// keys, restarts, kills and clocks that jump, play them to the real thing, and compare every
// answer. After each step they present every access token there ever was, and at the end every
// refresh token that should still work.
//
// Several requests at once are played one call of the backend at a time, in an order that is
// drawn too: so a history with a race in it plays the same again and can be shrunk. Their
// answers must be those of some order of the requests, one after the other, in which none
// comes before one that had its answer earlier.
//
// A history that goes wrong is shrunk and printed with all its answers, and with the seed that
// draws it again. Histories are played to store.Store and, over HTTP, to a whole Router; on memory,
// files, encrypted memory, and two replicas on Redis and on PostgreSQL.
//
//	go test .                              some seconds
//	MCPOAUTH_MODEL=20000 go test .         so many histories of each kind
//	MCPOAUTH_MODEL=5m go test -timeout 2h .  each kind for so long
//	go test -run 'Store/files' -rapid.seed=42 -rapid.steps=100 .
//
// Redis and PostgreSQL have to be installed; without them their tests are skipped, or fail if the
// environment variable MCPOAUTH_SERVERS is "required".
//
// # Clocks
//
// Everything is decided by the wall clock, so that is what jumps. Where a bubble of testing/synctest
// can be used, time passes forward in it, and the instants around each deadline are hit to the
// nanosecond. In a bubble that waits for a network no time passes, and none runs backwards in
// any. There a jump by d is made by moving all times in all grants by -d, through the
// backend itself: whether the clock or everything that is compared with it moved, nobody can tell.
// Meanwhile the real clock runs on, so beside a real server no deadline is ever nearer than
// the history may take.
//
// What has expired by the wall clock is refused. It may be forgotten at that moment, or only some
// time later: if the clock is put back meanwhile, it may work again until the clock says
// anew that it has expired. That much is not promised, either way, and the model allows both. What was
// revoked, or ended by a reuse, stays so whatever the clock says.
package model
