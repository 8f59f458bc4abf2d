//go:build !race

package mcpoauth_test

// floodSize is how many strangers register.
const floodSize = 100_000
