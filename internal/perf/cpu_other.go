//go:build !unix

package perf

import "time"

func processors() time.Duration { return 0 }
