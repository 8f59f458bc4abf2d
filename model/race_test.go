//go:build race

package model

// fewer divides the default numbers of histories: the race detector makes all of it slower.
const fewer = 10

// shrinkTime is how long a history may be shrunk that has to be short then.
const shrinkTime = "0s"
