package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// replaceFile gives path new contents that are all there or not at all, whenever
// the machine stops.
func replaceFile(path string, write func(*os.File) error) error {
	temp := tempName(path)
	if err := writeNew(temp, write); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return syncDir(filepath.Dir(path))
}

// tempName returns where path is written before it is put into place. The name is
// always the same, so that a killed process leaves one such file at most. Only the
// holder of the lock uses it.
func tempName(path string) string { return path + ".tmp" }

func writeNew(path string, write func(*os.File) error) error {
	f, err := createNew(path, write)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// createNew is writeNew that leaves the file open.
func createNew(path string, write func(*os.File) error) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// O_EXCL: never through a link that somebody else laid there.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return f, nil
}

// inPlace returns an error if an open file is not under its name any more.
func inPlace(f *os.File) error {
	there, err := os.Lstat(f.Name())
	if err != nil {
		return err
	}
	ours, err := f.Stat()
	if err == nil && !os.SameFile(there, ours) {
		err = fmt.Errorf("%s is another file now", f.Name())
	}
	return err
}
