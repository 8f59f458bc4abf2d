//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

const asItIs = 0

func syncDir(string) error { return errors.ErrUnsupported }

// openLocked fails: without a lock two processes would overwrite each other's
// grants.
func openLocked(string) (*os.File, error) {
	return nil, fmt.Errorf("no file locks on %s; keep everything in memory, or use another backend: %w", runtime.GOOS, errors.ErrUnsupported)
}

func distrust(string, fs.FileInfo) error { return nil }
