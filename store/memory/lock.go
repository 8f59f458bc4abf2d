package memory

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// errHeld: another process, or another Backend of this one, has the lock.
var errHeld = errors.New("the lock is held")

// lock takes the lock file at path, or fails if somebody has it. The kernel lets
// go of it when the process ends, however it ends; the file stays, because
// removing it could take it from under whoever locks it next.
func lock(path string) (unlock func() error, err error) {
	f, err := openLocked(path)
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("it is in use by %s; stop that one, or name another file", holder(path))
	}
	if err != nil {
		return nil, err
	}
	if err := writePID(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder says who has the lock, for an error message.
func holder(path string) string {
	data, err := os.ReadFile(path)
	pid, errPID := strconv.Atoi(strings.TrimSpace(string(data)))
	switch {
	case err != nil || errPID != nil:
		return "another process"
	case pid == os.Getpid():
		return "another router of this process"
	}
	return fmt.Sprintf("another process (pid %d)", pid)
}
