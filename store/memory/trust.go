package memory

import (
	"bytes"
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
	f, info, err := openTrusted(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data bytes.Buffer
	data.Grow(int(info.Size()) + bytes.MinRead)
	_, err = data.ReadFrom(f)
	return data.Bytes(), err
}

// openTrusted looks at the file that it has opened: since trusted did, somebody may have
// put another one under its name.
func openTrusted(path string) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|asItIs, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = trustedFile(path, info)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

// trusted returns an error if the file at path is one that somebody else could have
// written: a passkey or a grant may have been put in. It looks before the file is
// opened, because one that sudo made cannot be.
func trusted(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	return trustedFile(path, info)
}

func trustedFile(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
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
