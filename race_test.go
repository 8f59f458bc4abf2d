//go:build race

package mcpoauth_test

// floodSize is smaller with the race detector, which makes the flood fifteen times slower.
const floodSize = 3_000
