package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// goModule names a client that is a Go module, as "name version".
func goModule(t *testing.T, name, path string) string {
	t.Helper()
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		t.Fatalf("finding the version of %s: %v", path, err)
	}
	return name + " " + strings.TrimPrefix(strings.TrimSpace(string(version)), "v")
}

// npmPackage names a client that is an npm package, as "name version". Without it
// the test is skipped.
func npmPackage(t *testing.T, name, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("node/node_modules", path, "package.json"))
	if err != nil {
		lacks(t, path+" is not installed: npm ci --prefix e2e/node")
	}
	var installed struct{ Version string }
	if err := json.Unmarshal(data, &installed); err != nil {
		t.Fatalf("reading the version of %s: %v", path, err)
	}
	return name + " " + installed.Version
}

// exercised says on standard output, where ./check looks, what a real client did.
func exercised(t *testing.T, client, did string) {
	if !t.Failed() {
		fmt.Printf("client: %s: %s\n", client, did)
	}
}
