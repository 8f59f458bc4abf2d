package memory

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// errHeld: another process, or another Backend of this one, has the lock.
var errHeld = errors.New("the lock is held")

// lock takes the lock file at path, or fails if somebody has it. The kernel lets
// go of it when the process ends, however it ends; the file stays, because
// removing it could take it from under whoever locks it next.
func lock(path string) (*os.File, error) {
	f, err := openLocked(path)
	if errors.Is(err, errHeld) {
		return nil, cured{fmt.Errorf("it is in use by %s", holder(path)), "stop that one, or name another file"}
	}
	if err != nil {
		return nil, err
	}
	if err = writeHolder(f); err == nil {
		err = locked(f)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// locked returns an error once the lock file is not the one that was locked: after
// rm *.lock another process gets in, and each would overwrite what the other has
// acknowledged.
func locked(lock *os.File) error {
	if runtime.GOOS == "windows" {
		return nil // nobody can remove it there while it is open
	}
	if err := inPlace(lock); err != nil {
		return cured{
			fmt.Errorf("the lock file was removed or replaced, so that another process may have it open: %w", err),
			"make sure that there is none, restart this one, and leave lock files where they are",
		}
	}
	return nil
}

// writeHolder writes who has the lock now: the program's name and its process ID.
func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%s\n%d\n", filepath.Base(os.Args[0]), os.Getpid()), 0)
	return err
}

// holder says who has the lock, for an error message.
func holder(path string) string {
	data, err := os.ReadFile(path)
	name, number, named := strings.Cut(strings.TrimSpace(string(data)), "\n")
	if !named {
		name, number = "another process", name
	}
	pid, errPID := strconv.Atoi(number)
	switch {
	case err != nil || errPID != nil:
		return "another process"
	case pid == os.Getpid():
		return "another router of this process, or of one in another container"
	}
	return fmt.Sprintf("%s (pid %d)", name, pid)
}
