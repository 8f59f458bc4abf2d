// Package bench measures other libraries as internal/perf measures mcpoauth: beside the
// same floor, in the same process, in turns.
//
//	cd bench && go test -run '^$' -bench . .           a table in Markdown, 2 minutes
//	cd bench && go test -run '^$' -bench . -short .    fewer rows and rounds, 10 seconds
//
// A cell says how often as long as the floor it takes, in brackets the same of processor
// time, and then allocations and bytes. Each library is set up as its documentation says,
// with the store in memory that it ships, public clients, PKCE with S256 alone and no logs,
// and must give the right answer to every call. They do not do the same: only mcpoauth and
// fosite bind tokens to a resource, and only mcpoauth limits how often a caller may come,
// as the floor of the bearer check does. mcpoauth is without limits by address and without
// the grace of a refresh, since each client here refreshes at once.
package bench
