//go:build unix

package perf

import (
	"syscall"
	"time"
)

// Processors returns how much of processors this process has had, in user and system
// together. Zero: the system does not tell.
func Processors() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
