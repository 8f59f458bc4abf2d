//go:build !unix

package perf

import "time"

// Processors returns zero: this system does not tell.
func Processors() time.Duration { return 0 }
