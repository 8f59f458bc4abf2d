// Package replicas proves that several processes of an MCP server can share a database
// while processes, networks and databases fail.
//
// Its tests run the example as three processes on one real Redis or PostgreSQL, behind a
// proxy that gives each request to the next. Clients sign in, refresh, repeat requests whose
// answers they have thrown away, refresh the same token everywhere at once, and revoke,
// while the test kills, cuts, slows down and fills up what is underneath. A checker knows of
// each grant what was acknowledged and what may have happened besides, and holds every
// single answer against that:
//
//   - a good token is accepted, or the answer is 503 with Retry-After, or there is none;
//   - after a revocation was acknowledged, no replica accepts the token for longer than
//     the backend documents, whatever happens to its connections;
//   - a code gives the tokens of one grant, the same to everybody who repeats in time;
//   - a refresh token gives everybody who presents it the same newest pair;
//   - a server has one owner, whichever replica logged the link.
//
// Tests of the checker show that it finds each violation. Every test that runs servers ends
// with a line of what it counted.
//
//	go test -count=1 .                                         all, with a short soak: five minutes
//	MCPOAUTH_SOAK=5m go test -run Soak -timeout 20m -v .       a long soak
//	MCPOAUTH_SOAK_SEED=42 go test -count=1 -run Soak -v .      with the faults of an earlier one
//
// -count=1 because Go does not see that another example is another test.
//
// Redis and PostgreSQL have to be installed; without them tests are skipped, or fail if the
// environment variable MCPOAUTH_SERVERS is "required".
package replicas
