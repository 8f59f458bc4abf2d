package memory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// resolve returns the full path of the file behind name, whether or not it
// exists, and makes its directory. It follows links, which a rename would replace.
func resolve(name string) (string, error) {
	const maxLinks = 40 // as Linux
	for range maxLinks {
		path, err := inRealDir(name)
		if err != nil {
			return "", err
		}
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return path, err
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		name = target
		if !filepath.IsAbs(target) {
			name = filepath.Join(filepath.Dir(path), target)
		}
	}
	return "", errors.New("too many levels of symbolic links")
}

// inRealDir returns path with its directory made and free of links, so that two
// ways to one file look the same.
func inRealDir(path string) (string, error) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	dir, err = filepath.EvalSymlinks(dir)
	return filepath.Join(dir, filepath.Base(path)), err
}
