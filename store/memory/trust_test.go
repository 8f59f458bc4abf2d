//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package memory_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpoauth/mcpoauth/store/memory"
)

// nobody is a user with no rights. A process of root's has to become it before a
// directory can be closed to it.
const nobody = 65534

func init() {
	jobs["open as nobody"] = func(dir string) error {
		if os.Geteuid() == 0 {
			if err := syscall.Setuid(nobody); err != nil {
				return err
			}
		}
		b, err := memory.Open(optionsIn(dir))
		if err != nil {
			return err
		}
		return b.Close()
	}
}

// openedByNobody returns what a process says that has no rights beyond those of a
// file's mode.
func openedByNobody(t *testing.T, dir string) string {
	t.Helper()
	for d := dir; strings.HasPrefix(d, os.TempDir()) && d != os.TempDir(); d = filepath.Dir(d) {
		if d != dir {
			chmod(t, d, 0o755)
		}
	}
	said, _ := child(t, "open as nobody", dir).Output()
	return string(said)
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestADirectoryThatCannotBeWrittenIsAStartUpErrorWithItsCure(t *testing.T) {
	dir := t.TempDir()
	chmod(t, dir, 0o555)
	said := openedByNobody(t, dir)
	for _, word := range []string{filepath.Join(dir, "passkeys.json"), "permission denied", "let this process write to its directory"} {
		if !strings.Contains(said, word) {
			t.Errorf("it does not say %q: %s", word, said)
		}
	}
}

func TestFilesOfAnotherUserAreRefusedNamingBoth(t *testing.T) {
	o := optionsIn(t.TempDir())
	dir := filepath.Dir(o.StateFile)
	if os.Geteuid() != 0 {
		// What is root's is another user's.
		symlink(t, "/etc/passwd", o.StateFile)
		refusedNaming(t, o, "/etc/passwd", "uid 0", fmt.Sprint("uid ", os.Geteuid()), "sudo")
		return
	}
	closed(t, opened(t, o))
	chmod(t, dir, 0o777)
	said := openedByNobody(t, dir) // as after a first start with sudo
	for _, word := range []string{o.PasskeyFile, "uid 0", fmt.Sprint("uid ", nobody), "sudo", "chown"} {
		if !strings.Contains(said, word) {
			t.Errorf("it does not say %q: %s", word, said)
		}
	}
	chmod(t, dir, 0o700)
	for _, path := range []string{o.StateFile, o.StateFile + ".lock", strings.TrimSuffix(o.StateFile, ".json") + ".unapproved.json"} {
		if err := os.Chown(path, nobody, -1); err != nil {
			t.Fatal(err)
		}
		refusedNaming(t, o, path, "uid 0", fmt.Sprint("uid ", nobody))
		if err := os.Chown(path, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, opened(t, o))
}

func TestFilesThatOthersCanWriteAreRefused(t *testing.T) {
	o := optionsIn(t.TempDir())
	b := opened(t, o)
	enlarge(t, b)
	create(t, b, grantKey("a"), 0)
	named(t, o.StateFile)
	create(t, b, grantKey("b"), 0)
	for _, mode := range []os.FileMode{0o660, 0o606, 0o620, 0o602, 0o666} {
		killed := copied(t, o)
		for _, path := range []string{killed.PasskeyFile, killed.StateFile, logsOf(t, killed.StateFile)[0]} {
			chmod(t, path, mode)
			refusedNaming(t, killed, path, fmt.Sprintf("%04o", mode), "chmod 600")
			chmod(t, path, 0o600)
		}
		closed(t, opened(t, killed))
	}
}

func TestFilesThatOthersCanReadAreTightened(t *testing.T) {
	o := optionsIn(t.TempDir())
	closed(t, opened(t, o))
	chmod(t, o.StateFile, 0o644)
	opened(t, o)
	hasMode(t, o.StateFile, 0o600)
}

// A pipe without a writer would hold the start for ever.
func TestWhatIsNoFileIsAStartUpError(t *testing.T) {
	o := optionsIn(t.TempDir())
	if err := syscall.Mkfifo(o.StateFile, 0o600); err != nil {
		t.Fatal(err)
	}
	refusedNaming(t, o, o.StateFile, "is not a file")
	if err := os.Remove(o.StateFile); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(o.StateFile+".log1", 0o600); err != nil {
		t.Fatal(err)
	}
	refusedNaming(t, o, o.StateFile+".log1", "is not a file")
}

func TestASecondProcessIsToldWhoIsFirst(t *testing.T) {
	o := optionsIn(t.TempDir())
	first := child(t, "open", filepath.Dir(o.StateFile))
	in, err := first.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if said, err := bufio.NewReader(out).ReadString('\n'); said != "opened\n" {
		t.Fatalf("the first says %q, %v", said, err)
	}
	refusedNaming(t, o, o.PasskeyFile, fmt.Sprintf("in use by %s (pid %d)", filepath.Base(os.Args[0]), first.Process.Pid), "stop that one")
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Fatal(err)
	}
	opened(t, o)
}
