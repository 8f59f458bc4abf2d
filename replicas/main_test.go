package replicas

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// exampleBinary is the example server, built once for all tests.
var exampleBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "mcpoauth-replicas-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the example server:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	exampleBinary = filepath.Join(dir, "example")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", exampleBinary, ".")
	build.Dir = "../example"
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the example server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
