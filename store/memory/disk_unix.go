//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// asItIs opens a file neither through a link, nor waits for the other end of a pipe.
const asItIs = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // some network file systems cannot, and need not
	}
	return errors.Join(err, d.Close())
}

func openLocked(path string) (*os.File, error) {
	// Not through a link that somebody else laid there: the file is written to.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeld
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// distrust returns an error if somebody other than the user of this process owns a
// file or may write it.
func distrust(path string, info fs.FileInfo) error {
	const writableByOthers = 0o022

	stat, ok := info.Sys().(*syscall.Stat_t)
	if uid := os.Geteuid(); ok && int(stat.Uid) != uid {
		return cured{
			fmt.Errorf("%s belongs to the user with uid %d, and this process runs as uid %d", path, stat.Uid, uid),
			fmt.Sprintf("run it as the user that it ran as before, without sudo if it was without; or, if you trust who had the file, chown %d it and the files beside it", uid),
		}
	}
	if mode := info.Mode().Perm(); mode&writableByOthers != 0 {
		return cured{
			fmt.Errorf("%s can be written by others than its owner: its mode is %04o", path, mode),
			"make sure that nobody has put a passkey or a grant into it, then chmod 600 it",
		}
	}
	return nil
}
