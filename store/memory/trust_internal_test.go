//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memory

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What readTrusted looked at first can be another file when it is opened.
func TestWhatIsReadIsWhatWasLookedAt(t *testing.T) {
	for name, put := range map[string]func(path string) error{
		"a link":      func(path string) error { return os.Symlink("file", path) },
		"a pipe":      func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a directory": func(path string) error { return os.Mkdir(path, 0o700) },
		"a file that others can write": func(path string) error {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				return err
			}
			return os.Chmod(path, 0o666)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "state.json")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			if f, _, err := openTrusted(path); err == nil {
				f.Close()
				t.Error("it was opened")
			}
		})
	}
}
