package mcpoauth_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/mcpoauth/mcpoauth"

// arrows says which packages of this module a package may import. Endpoints never
// import one another, nothing imports the router, and the leaves import nothing.
var arrows = map[string][]string{
	".":                   {"account", "audit", "authorize", "discovery", "internal/fetch", "internal/oauth", "internal/secret", "passkey", "ratelimit", "register", "store", "store/memory", "templates", "token"},
	"account":             {"internal/oauth", "internal/secret", "store", "templates"},
	"audit":               {"internal/later", "store"},
	"authorize":           {"internal/oauth", "internal/secret", "store", "templates"},
	"discovery":           {"internal/oauth"},
	"internal/fetch":      {},
	"internal/later":      {},
	"internal/oauth":      {},
	"internal/perf":       {"internal/secret", "store", "store/memory"},
	"internal/realserver": {},
	"internal/secret":     {},
	"passkey":             {"internal/oauth", "internal/secret", "store", "templates"},
	"ratelimit":           {"internal/oauth"},
	"register":            {"internal/fetch", "internal/oauth", "internal/secret", "store"},
	"store":               {"internal/secret"},
	"store/encrypted":     {"internal/secret", "store"},
	"store/memory":        {"store"},
	"store/storetest":     {"store"},
	"templates":           {"internal/oauth"},
	"token":               {"internal/fetch", "internal/later", "internal/oauth", "internal/secret", "store"},
}

func TestPackagesImportOnlyAlongTheArrows(t *testing.T) {
	seen := make(map[string]bool)
	eachGoFile(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		allowed, ok := arrows[dir]
		if !ok {
			t.Errorf("the package %s has no row in the table of allowed imports", dir)
			return
		}
		seen[dir] = true
		for _, imported := range importsOf(t, path) {
			own, ok := strings.CutPrefix(imported, module+"/")
			if imported == module || ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, which is against the arrows", path, imported)
			}
		}
	})
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("the table of allowed imports has a row for %s, which does not exist", dir)
		}
	}
}

// Nowhere else, so that how secrets are made and compared is read in one place.
func TestOnlyThePackageSecretImportsCrypto(t *testing.T) {
	for _, name := range []string{"crypto/rand", "crypto/sha256", "math/rand", "math/rand/v2"} {
		eachGoFile(t, func(path string) {
			dir := filepath.ToSlash(filepath.Dir(path))
			forTests := dir == "internal/perf" || dir == "internal/realserver" // nothing else imports them
			if strings.HasSuffix(path, "_test.go") || dir == "internal/secret" || forTests && name == "math/rand/v2" {
				return
			}
			if slices.Contains(importsOf(t, path), name) {
				t.Errorf("%s imports %s", path, name)
			}
		})
	}
}

func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var imports []string
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		imports = append(imports, imported)
	}
	return imports
}

// eachGoFile calls visit with every Go file of the root module.
func eachGoFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if path != "." && (nested == nil || strings.HasPrefix(entry.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			visit(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
