package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// exampleBinary is the example server, built once for all tests.
var exampleBinary string

func TestMain(m *testing.M) {
	if os.Getenv(refresherEnv) != "" {
		if err := runRefresher(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "refreshing:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mcpoauth-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the example server:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	defer closeChromium()

	exampleBinary = filepath.Join(dir, "example")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", exampleBinary, ".")
	build.Dir = "../example"
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the example server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// lacks skips a test for what the machine does not have. On the machine that gates
// changes nothing may be missing.
func lacks(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("MCPOAUTH_E2E") == "required" {
		t.Fatal(what)
	}
	t.Skip(what)
}
