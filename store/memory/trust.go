package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// A cured error knows what to do about it.
type cured struct {
	error
	cure string
}

func (c cured) Unwrap() error { return c.error }

// readTrusted reads a file that nobody else can have written.
func readTrusted(path string) ([]byte, error) {
	if err := trusted(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// trusted returns an error if the file at path is one that somebody else could have
// written: a passkey or a grant may have been put in. It looks before the file is
// opened, because one that sudo made cannot be.
func trusted(path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file: its mode is %v", path, info.Mode())
	}
	return distrust(path, info)
}

// mayTrust is trusted for a file that need not exist.
func mayTrust(path string) error {
	if err := trusted(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
